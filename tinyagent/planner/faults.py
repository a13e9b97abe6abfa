"""What is wrong with a line of a plan that no grammar can see."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import datetime

from tinyagent.planner.grammar import repeats
from tinyagent.planner.spans import LONGEST_TIME, cuts, is_time, literals, names_file, places
from tinyagent.plans.syntax import JOIN, Call, Plan, reference
from tinyagent.plans.validate import problems
from tinyagent.tools.registry import Tool, ToolSet

_ANNOUNCES = re.compile(r"(?i)(?:^|\s)(?:[^\w\s]+|at|by|for|from|in|of|on|the|until|till|and|or)$")
"""Of 73,572 times in right plans none ends so."""
_LED = re.compile(r"(?i)(?:at|by|for|from|in|on|the)\s+")


def fault(call: Call, before: Plan, request: str, tools: ToolSet, now: datetime) -> str | None:
    """The argument at fault, "" for the call as a whole, None where it is right."""
    if call.tool == JOIN:
        return None
    if repeats(call, before):
        return ""
    plan = Plan((*before.calls, call))
    wrong = [p for p in problems(plan, tools, now) if p.task == call.number]
    if wrong:
        return wrong[0].argument or ""
    tool = tools[call.tool]
    if tool.app == "Contacts":
        known = [str(c.arguments[0]) for c in before if tools[c.tool].result == tool.result]
        if no_person(str(call.arguments[0]), known, now):
            return tool.parameters[0].name
    twice = _said_twice(call, tool) or _copied_twice(call, tool, request)
    return twice or _cut(call, tool, request) or _unfinished(call, tool)


def no_person(name: str, known: Collection[str], now: datetime) -> bool:
    """Whether what is to be looked up is surely no one person or group: it is an address, a
    number, a file or a time, ends in a time, or is a name that is known already with more around
    it."""
    if "@" in name or literals(name, "phone"):
        return True
    if any(names_file(word.strip(",.;:")) for word in name.split()):
        return True
    if (re.search(r"\d", name) and is_time(name, now)) or _ends_in_time(name, now):
        return True
    return any(k != name and re.search(rf"\b{re.escape(k)}(?!\w)", name) for k in known)


def _ends_in_time(name: str, now: datetime) -> bool:
    """Whether a name runs on into a time of several words: "Oanh thursday afternoon". Of 108,163
    that right plans look up none does; some end in a word of time ("Mr. Sunday", "sister on six").
    """
    words = name.split()
    first = max(1, len(words) - LONGEST_TIME)
    tails = (" ".join(words[start:]) for start in range(first, len(words) - 1))
    return any(len(_LED.sub("", tail).split()) > 1 and is_time(tail, now) for tail in tails)


def _cut(call: Call, tool: Tool, request: str) -> str | None:
    """A copied argument that is a piece of an address, a file name, a number or a time."""
    for parameter, value in zip(tool.parameters, call.arguments, strict=False):
        if parameter.kind.copied and isinstance(value, str) and cuts(value, request):
            return parameter.name
    return None


def _unfinished(call: Call, tool: Tool) -> str | None:
    """A time that ends before what its last word announces ("Friday at"), or in a lone sign. That
    resolves, but is half of what the request says."""
    for parameter, value in zip(tool.parameters, call.arguments, strict=False):
        if parameter.kind.time and isinstance(value, str) and _ANNOUNCES.search(value):
            return parameter.name
    return None


def _said_twice(call: Call, tool: Tool) -> str | None:
    """A list that holds what an earlier list of the call holds: nobody is cc'd twice."""
    seen: set[str | int | float] = set()
    for parameter, value in zip(tool.parameters, call.arguments, strict=False):
        if isinstance(value, tuple):
            if seen & set(value):
                return parameter.name
            seen |= set(value)
    return None


def _copied_twice(call: Call, tool: Tool, request: str) -> str | None:
    """A copied argument with words that an earlier one of the call has, and that stand in the
    request once: no place is the calendar, too. Times may share their day."""
    before: list[str] = []
    for parameter, value in zip(tool.parameters, call.arguments, strict=False):
        if not isinstance(value, str) or not value or not parameter.kind.copied:
            continue
        if parameter.kind.time or reference(value) is not None:
            continue
        for earlier in before:
            short, long = sorted((value, earlier), key=len)
            if places(short, long) and len(places(short, request)) < 2:
                return parameter.name
        before.append(value)
    return None
