"""How good are plans? The success rate of the study, and the stricter argument score.

A plan succeeds where its DAG is isomorphic, tools kept, to that of an accepted plan. The
argument score also wants, under that mapping, equal arguments: copied ones after folding case
and spaces, times once resolved, of free text only the results that it carries.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from tinyagent import times
from tinyagent.errors import TimePhraseError
from tinyagent.evaluation.sets import Item
from tinyagent.plans.dag import isomorphic, mappings
from tinyagent.plans.syntax import Call, Plan, Value, references
from tinyagent.plans.validate import problems
from tinyagent.tools.registry import Parameter, ToolSet

LINK_ARGUMENTS = ("location", "notes")
"""Where an event may carry a Zoom link; both score alike (convention 8)."""
HERE = {"", "here", "my location", "current location"}


@dataclass(frozen=True)
class Score:
    """How one plan did."""

    valid: bool
    success: bool
    arguments: bool


def score(plan: Plan, item: Item, tools: ToolSet) -> Score:
    """Compare a plan with the accepted ones."""
    accepted = [p for p in item.plans if isomorphic(plan, p)]
    return Score(
        valid=not problems(plan, tools, item.now),
        success=bool(accepted),
        arguments=any(same_arguments(plan, p, tools, item.now) for p in accepted),
    )


def same_arguments(plan: Plan, gold: Plan, tools: ToolSet, now: datetime) -> bool:
    """Whether, under one mapping of the DAGs, all arguments that count are equal."""
    return any(
        all(
            _same_call(call, gold.calls[mapping[call.number] - 1], mapping, tools, now)
            for call in plan
        )
        for mapping in mappings(plan, gold)
    )


def _same_call(
    call: Call, gold: Call, mapping: dict[int, int], tools: ToolSet, now: datetime
) -> bool:
    tool = tools[call.tool]
    ours, theirs = _by_name(call, tools), _by_name(gold, tools)
    if ours.keys() != theirs.keys():
        return False  # one that is required is missing
    linked = _links(ours, mapping) == _links(theirs, None) and bool(_links(theirs, None))
    return all(
        (linked and parameter.name in LINK_ARGUMENTS and _either_way(parameter, ours, theirs))
        or _same(parameter, ours, theirs, mapping, now)
        for parameter in tool.parameters
    )


def _either_way(parameter: Parameter, ours: dict[str, Value], theirs: dict[str, Value]) -> bool:
    """Whether an argument may hold the link on one side only: a place is not lost by it."""
    values = (ours[parameter.name], theirs[parameter.name])
    if not any(map(references, values)):
        return False
    return parameter.kind.free or all(references(value) or not value for value in values)


def _by_name(call: Call, tools: ToolSet) -> dict[str, Value]:
    """Arguments by name, defaults filled in."""
    parameters = tools[call.tool].parameters
    values: dict[str, Value] = {p.name: p.written_default for p in parameters if not p.required}
    values.update({p.name: v for p, v in zip(parameters, call.arguments, strict=False)})
    return values


def _links(arguments: dict[str, Value], mapping: dict[int, int] | None) -> set[int]:
    """Results that stand in an event's location or notes."""
    found = {k for name in LINK_ARGUMENTS for k in references(arguments.get(name, ""))}
    return {mapping[k] for k in found} if mapping else found


def _same(
    parameter: Parameter,
    ours: dict[str, Value],
    theirs: dict[str, Value],
    mapping: dict[int, int],
    now: datetime,
) -> bool:
    a, b = ours[parameter.name], theirs[parameter.name]
    if parameter.kind.free:
        return {mapping[k] for k in references(a)} == set(references(b))
    if parameter.kind.time:
        return _moment(parameter, ours, now) == _moment(parameter, theirs, now)
    if isinstance(a, tuple) and isinstance(b, tuple):
        return sorted(_folded(x, mapping) for x in a) == sorted(_folded(x, None) for x in b)
    x, y = _folded(a, mapping), _folded(b, None)
    return x == y or (parameter.kind.blank and x in HERE and y in HERE)


def _folded(value: Value, mapping: dict[int, int] | None) -> str:
    """Case and spaces folded; references renamed by the mapping."""
    text = " ".join(str(value).lower().split())
    if mapping:
        for k in sorted(references(text), reverse=True):
            text = text.replace(f"${k}", f"\x00{mapping.get(k, k)}")
    return text.replace("\x00", "$")


def _moment(parameter: Parameter, arguments: dict[str, Value], now: datetime) -> str:
    """A time as it resolves; the words themselves where it does not."""
    phrase = str(arguments[parameter.name])
    try:
        if parameter.kind.time == "start":
            return times.resolve(phrase, now).isoformat() if phrase else ""
        start = next(str(v) for k, v in arguments.items() if k.startswith("start"))
        begun = times.resolve(start, now)
        end = times.resolve_end(phrase or "60 minutes", begun, now)
        return end.at.isoformat(timespec="minutes")
    except TimePhraseError:
        return phrase
