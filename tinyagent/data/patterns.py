"""Request patterns: requests written by hand, with typed slots, and their plans.

A file of patterns is text that people can write and read (``patterns/*.txt``)::

    ## spoken
    tell {person} i'm running {duration} late
    1. get_phone_number("{person}")
    2. send_sms(["$1"], "I'm running {duration} late.")

A heading ``## style`` holds until the next one. A pattern is a request on one
line and its plan, without ``join()``; where no tool serves, the plan is ``none``.
A blank line ends it; lines that start with ``# `` are comments.

``patterns/next`` holds those that no shipped model has seen; they move up beside the others
together with the first models that were trained on them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tinyagent.errors import TinyAgentError

STYLES = ("terse", "everyday", "spoken", "work", "polite", "nonnative")
FOLDER = Path(__file__).parent / "patterns"
SLOT = re.compile(r"\{([a-z]+)(\d*)\}")


class PatternError(TinyAgentError):
    """A pattern that cannot be read or filled; the message names file and line."""


@dataclass(frozen=True)
class Pattern:
    """One request pattern.

    Attributes:
        request: with slots such as ``{person}`` and ``{person2}``.
        plan: the calls, a line each, with the same slots; "" where no tool serves.
        style: one of ``STYLES``.
        source: ``file:line``.
    """

    request: str
    plan: str
    style: str
    source: str

    def slots(self) -> list[str]:
        """Names of the slots in the request, such as ``person2``, in order."""
        return list(dict.fromkeys(a + b for a, b in SLOT.findall(self.request)))

    def tools(self) -> list[str]:
        """The tool of each call of the plan, in order."""
        return re.findall(r"^\d+\. (\w+)\(", self.plan, re.MULTILINE)


def read_patterns(folder: Path = FOLDER) -> list[Pattern]:
    """All patterns of a folder, in the order of file names."""
    return [p for path in sorted(folder.glob("*.txt")) for p in read_file(path)]


def read_file(path: Path) -> Iterator[Pattern]:
    """The patterns of one file.

    Raises:
        PatternError: a block that is no pattern.
    """
    style = "everyday"
    block: list[tuple[int, str]] = []
    for number, line in enumerate([*path.read_text("utf-8").splitlines(), ""], 1):
        text = line.strip()
        if text.startswith("## "):
            style = text[3:].strip()
            if style not in STYLES:
                raise PatternError(f"{path.name}:{number}: style {style!r} is none of {STYLES}")
        elif text.startswith("# "):
            continue
        elif text:
            block.append((number, text))
        elif block:
            yield _read_block(path.name, style, block)
            block = []


def _read_block(name: str, style: str, block: list[tuple[int, str]]) -> Pattern:
    (number, request), *plan = block
    source = f"{name}:{number}"
    if not plan:
        raise PatternError(f"{source}: a request without a plan: {request!r}")
    lines = [text for _, text in plan]
    if lines == ["none"]:
        return Pattern(request, "", style, source)
    for at, text in plan:
        if not re.match(r"\d+\. \w+\(", text):
            raise PatternError(f"{name}:{at}: {text!r} is no call; is a blank line missing?")
    return Pattern(request, "\n".join(lines), style, source)
