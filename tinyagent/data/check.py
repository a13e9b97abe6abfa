"""Checks of patterns, before any data is made from them: ``tinyagent data check [FILE …]``.

For each pattern, filled a few times: the plan parses and validates, every
copied argument is a span of the request, every look-up is used once, and no
other pattern says nearly the same. Prints what is wrong, and a count.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from random import Random

from rapidfuzz import fuzz, process

from tinyagent.data.patterns import SLOT, Pattern, PatternError, read_file
from tinyagent.data.slots import Filling, draw
from tinyagent.errors import PlanError
from tinyagent.plans.syntax import Plan, Value, read_plan, reference
from tinyagent.plans.validate import problems, unused_lookups
from tinyagent.tools.registry import Parameter, ToolSet
from tinyagent.tools.sixteen import SIXTEEN

NOW = datetime(2026, 11, 24, 9, 30)
TOO_ALIKE = 93.0
"""Similarity (percent) from which a request says nearly what another says."""
ASKED = {
    "phone": r"\b(number|phone|mobile)\b",
    "email": r"\b(address|what|find|look)\b|['’]s e-?mail\b",
    "path": r"\b(open|show|pull|find|look|bring)\b",
}
"""What a request says that asks for such a look-up for its own sake."""


def fill(pattern: Pattern, fillings: dict[str, Filling]) -> tuple[str, Plan]:
    """The request and the plan with the slots filled.

    Raises:
        PatternError: the plan has a slot that the request has not.
        PlanSyntaxError: the plan does not parse.
    """
    if missing := {a + b for a, b in SLOT.findall(pattern.plan)} - set(fillings):
        raise PatternError(f"{pattern.source}: the request has no {missing}, but the plan has")
    said = SLOT.sub(lambda m: fillings[m[1] + m[2]].said, pattern.request)

    def copied(match: re.Match[str]) -> str:
        value = fillings[match[1] + match[2]].copied
        return value.replace("\\", "\\\\").replace('"', '\\"')

    lines = SLOT.sub(copied, pattern.plan).splitlines()
    return said, read_plan("\n".join([*lines, f"{len(lines) + 1}. join()"]))


def plan_problems(request: str, plan: Plan, tools: ToolSet, now: datetime) -> list[str]:
    """Everything that makes a plan unfit for training, as sentences."""
    found = [str(p) for p in problems(plan, tools, now)]
    if found:
        return found
    for call in plan:
        for parameter, value in zip(tools[call.tool].parameters, call.arguments, strict=False):
            found += [f"task {call.number}: {p}" for p in _not_copied(parameter, value, request)]
    if len({(c.tool, c.arguments) for c in plan}) < len(plan):
        found.append("the same call twice")
    unused = unused_lookups(plan, tools)
    wants = {p.kind.name for c in plan for p in tools[c.tool].parameters}
    for call in unused:
        kind = tools[call.tool].result.name
        if kind in wants and len(plan) > 1 and not re.search(ASKED[kind], request.lower()):
            found.append(f"task {call.number}: its result is not used")
    return found


def _not_copied(parameter: Parameter, value: Value, request: str) -> list[str]:
    """Copied arguments that do not stand in the request."""
    if not parameter.kind.copied:
        return []
    items = value if isinstance(value, tuple) else (value,)
    return [
        f"{parameter.name} {item!r} does not stand in the request"
        for item in items
        if isinstance(item, str)
        and reference(item) is None
        and not is_copied(item, request, in_parts=bool(parameter.kind.time))
    ]


def is_copied(text: str, request: str, *, in_parts: bool) -> bool:
    """Whether ``text`` is a span of whole words of the request, or several (``in_parts``)."""
    if "$" in text:
        return True
    if _is_span(text, request):
        return True
    return in_parts and all(_is_span(word, request) for word in text.split())


def _is_span(text: str, request: str) -> bool:
    before = r"(?<!\w)" if text[:1].isalnum() else ""
    after = r"(?!\w)" if text[-1:].isalnum() else ""
    return re.search(before + re.escape(text) + after, request) is not None


def check_files(paths: Sequence[Path], others: Sequence[Path] = ()) -> list[str]:
    """What is wrong with the patterns of ``paths``, a line each.

    Args:
        paths: files to check.
        others: files whose patterns they must not repeat; they are not checked themselves.
    """
    random = Random(0)
    wrong: list[str] = []
    patterns: list[Pattern] = []
    for path in paths:
        try:
            patterns += read_file(path)
        except PatternError as error:
            wrong.append(str(error))
    for pattern in patterns:
        wrong += _check_pattern(pattern, random)
    return wrong + _too_alike(patterns, [p for path in others for p in read_file(path)])


def _check_pattern(pattern: Pattern, random: Random) -> list[str]:
    try:
        for _ in range(3):
            request, plan = fill(pattern, draw(pattern.slots(), random))
            if found := plan_problems(request, plan, SIXTEEN, NOW):
                return [f"{pattern.source}: {p}   <- {request}" for p in found]
    except (PatternError, PlanError) as error:
        text = str(error)
        return [text if pattern.source in text else f"{pattern.source}: {text}"]
    return []


def _too_alike(patterns: list[Pattern], others: list[Pattern]) -> list[str]:
    """Patterns that say nearly what an earlier one, or one of the others, says."""
    every = [*others, *patterns]
    texts = [re.sub(r"\{([a-z]+)\d*\}", r"\1", p.request.lower()) for p in every]
    found = []
    for i in range(len(others), len(every)):
        best = process.extractOne(texts[i], texts[:i], scorer=fuzz.ratio, score_cutoff=TOO_ALIKE)
        if best:
            found.append(f"{every[i].source}: nearly the same as {every[best[2]].source}")
    return found
