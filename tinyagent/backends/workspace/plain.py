"""Text without what could break out of its field: control characters, line breaks."""

from __future__ import annotations

import re

_CONTROL = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\ud800-\udfff]")
_BREAK = re.compile("\r\n|[\n\r\x0b\x0c\x85\u2028\u2029]")


def one_line(text: str) -> str:
    """Text for a header, a title or a name: single spaces, nothing at the ends."""
    return " ".join(_CONTROL.sub(" ", _BREAK.sub(" ", text)).split())


def many_lines(text: str) -> str:
    """Text for a body or a description: every kind of line break becomes a newline."""
    return _CONTROL.sub("", _BREAK.sub("\n", text)).strip("\n")
