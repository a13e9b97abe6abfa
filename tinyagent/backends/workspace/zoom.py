"""Zoom meetings: a local stand-in, made without Zoom.

The link has the shape of a real one, so that everything that carries it can
be tried. Nobody can join it: it says ``local-stand-in``, and its number starts
with 0, as no number that Zoom gives out does.
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime

from tinyagent.backends.base import Outcome
from tinyagent.backends.workspace.folder import SafeFolder
from tinyagent.backends.workspace.plain import one_line
from tinyagent.errors import ToolError


class Zoom:
    """``zoom/*.json``: id, topic, start (ISO), minutes, invitees, join_url."""

    def __init__(self, folder: SafeFolder) -> None:
        self._folder = folder

    def create(
        self, topic: str, start: datetime, minutes: int, invitees: list[str], seed: str
    ) -> Outcome:
        """Make a meeting; the value is its (stand-in) URL, which ``seed`` makes unique.

        Raises:
            ToolError: a duration that is not between one minute and a day.
        """
        if not 1 <= minutes <= 24 * 60:
            raise ToolError(f"a meeting of {minutes} minutes cannot be made; give 1 to 1440")
        topic = one_line(topic) or "Meeting"
        digest = hashlib.sha256(f"{seed}\n{topic}\n{start.isoformat()}".encode()).hexdigest()
        number = f"0{int(digest[:16], 16) % 10**10:010}"
        url = f"https://zoom.us/j/{number}?pwd=local-stand-in-{digest[16:24]}"
        record = {
            "id": number,
            "topic": topic,
            "start": start.isoformat(timespec="minutes"),
            "minutes": minutes,
            "invitees": invitees,
            "join_url": url,
        }
        with self._folder.writing():
            path = self._folder.unused(self._folder.root / "zoom", topic, ".json")
            data = json.dumps(record, ensure_ascii=False, indent=2) + "\n"
            return Outcome(url, self._folder.write(path, data.encode(errors="replace")))
