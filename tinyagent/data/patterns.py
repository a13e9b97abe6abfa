"""Request patterns: requests written by hand, with typed slots, and their plans.

A file of patterns is text that people can write and read (``patterns/*.txt``)::

    ## spoken
    tell {person} i'm running {duration} late
    1. get_phone_number("{person}")
    2. send_sms(["$1"], "I'm running {duration} late.")

A heading ``## style`` holds until the next one. A pattern is a request on one
line and its plan, without ``join()``; where no tool serves, the plan is ``none``.
A blank line ends it; lines that start with ``# `` are comments.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tinyagent.errors import TinyAgentError

STYLES = ("terse", "everyday", "spoken", "work", "polite", "nonnative")
FOLDER = Path(__file__).parent / "patterns"
SHARE = {"validation": 1 / 40, "test": 1 / 40}
"""Share of the patterns that each smaller split gets; the rest is for training."""
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

    @property
    def file(self) -> str:
        """Name of its file, without the ending."""
        return self.source.partition(":")[0].removesuffix(".txt")

    def slots(self) -> list[str]:
        """Names of the slots in the request, such as ``person2``, in order."""
        return list(dict.fromkeys(a + b for a, b in SLOT.findall(self.request)))

    def tools(self) -> list[str]:
        """The tool of each call of the plan, in order."""
        return re.findall(r"^\d+\. (\w+)\(", self.plan, re.MULTILINE)


def split_of(pattern: Pattern) -> str:
    """The split that a pattern belongs to, for good: by a hash of its request."""
    share = int(hashlib.sha256(pattern.request.encode()).hexdigest()[:8], 16) / 0xFFFFFFFF
    if share < SHARE["test"]:
        return "test"
    return "validation" if share < SHARE["test"] + SHARE["validation"] else "train"


def read_patterns(split: str = "") -> list[Pattern]:
    """The patterns of a split, or all of them, in the order of file names."""
    patterns = (p for path in sorted(FOLDER.glob("*.txt")) for p in read_file(path))
    return [p for p in patterns if not split or split_of(p) == split]


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
