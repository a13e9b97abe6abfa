"""Text messages: an outbox, one JSON file a message.

One file each, not one growing file, because a new file is written whole or
not at all, no message can damage another, and whatever sends them can take
them out one by one.
"""

from __future__ import annotations

import json
import re
from datetime import datetime

from tinyagent.backends.base import Outcome
from tinyagent.backends.workspace.folder import SafeFolder
from tinyagent.errors import ToolError


class Messages:
    """``messages/*.json``: to, text, at (ISO), status."""

    def __init__(self, folder: SafeFolder) -> None:
        self._folder = folder

    def send(self, recipients: list[str], message: str, now: datetime) -> Outcome:
        """Put one message to each number in the outbox; nothing leaves the computer.

        Raises:
            ToolError: no recipient, a recipient that is no number, or no text.
        """
        numbers = list(dict.fromkeys(map(phone_number, recipients)))
        if not numbers:
            raise ToolError("the text message has no recipient; name at least one")
        if not message.strip():
            raise ToolError("the text message is empty; say what it should tell")
        links = []
        with self._folder.writing():
            for number in numbers:
                stem = f"{now:%Y-%m-%d %H.%M.%S} {number}"
                path = self._folder.unused(self._folder.root / "messages", stem, ".json")
                record = {
                    "to": number,
                    "text": message,
                    "at": now.isoformat(timespec="seconds"),
                    "status": "queued",
                }
                data = json.dumps(record, ensure_ascii=False, indent=2) + "\n"
                links.append(self._folder.write(path, data.encode(errors="replace")))
        link = links[0] if len(links) == 1 else "messages"
        return Outcome(f"Text message to {', '.join(numbers)} is in the outbox", link)


def phone_number(text: str) -> str:
    """A number as people write it, spaces tidied; ToolError if it is none."""
    number = " ".join(text.split())
    if not is_phone_number(number):
        raise ToolError(f"“{text}” is no phone number; give digits, such as +1 416 555 0101")
    return number


def is_phone_number(text: str) -> bool:
    """Whether it is digits, with what people write between them; "+" only in front."""
    digits = sum(letter.isdigit() for letter in text)
    return 3 <= digits <= 17 and re.fullmatch(r"\+?[0-9 ().\-/]+", text.strip()) is not None
