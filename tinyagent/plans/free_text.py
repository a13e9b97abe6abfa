"""Where in a plan's line its free text stands: what is told, not copied or chosen.

Of a subject, a message or a note there are many right wordings; of a tool, a name or a ``$k``
mostly one.
"""

from __future__ import annotations

from collections.abc import Sequence

from tinyagent.plans.syntax import REFERENCE, Call, Plan, write_value
from tinyagent.tools.registry import ToolSet


def free_spans(call: Call, tools: ToolSet, line: str) -> list[tuple[int, int]]:
    """Character ranges of the free text in ``line``, the call as a plan writes it.

    Quotes and references are no part of it.
    """
    spans: list[tuple[int, int]] = []
    at = 0
    for parameter, value in zip(tools[call.tool].parameters, call.arguments, strict=False):
        text = write_value(value)
        at = max(at, line.find(text, at))
        if parameter.kind.free and isinstance(value, str):
            begin, end = at + 1, at + len(text) - 1
            for found in REFERENCE.finditer(line, begin, end):
                spans.append((begin, found.start()))
                begin = found.end()
            spans.append((begin, end))
        at += len(text)
    return [(a, b) for a, b in spans if a < b]


def free_spans_of(plan: Plan, tools: ToolSet) -> list[tuple[int, int]]:
    """The same of a whole plan, in its text ``str(plan)``."""
    spans, at = [], 0
    for call in plan:
        line = str(call)
        spans += [(at + a, at + b) for a, b in free_spans(call, tools, line)]
        at += len(line) + 1
    return spans


def pieces_within(pieces: Sequence[bytes], spans: Sequence[tuple[int, int]]) -> list[bool]:
    """Of pieces that a text is cut into, which lie within one of its ranges of characters.

    A piece may be a part of a character.
    """
    text = b"".join(pieces).decode()
    ranges = [(len(text[:a].encode()), len(text[:b].encode())) for a, b in spans]
    within, at = [], 0
    for piece in pieces:
        end = at + len(piece)
        within.append(any(a <= at and end <= b for a, b in ranges))
        at = end
    return within
