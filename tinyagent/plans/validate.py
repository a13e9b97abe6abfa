"""What a plan means: does each call fit its tool, and may each ``$k`` stand where it does?"""

from __future__ import annotations

import re
from datetime import datetime

from tinyagent import times
from tinyagent.errors import PlanError, TimePhraseError
from tinyagent.plans.syntax import HALF, Call, Plan, Value, reference, references
from tinyagent.tools.kinds import Kind
from tinyagent.tools.registry import Parameter, Tool, ToolSet

EMAIL = re.compile(r"\w[\w.+%&'\-]*@\w[\w\-]*(?:\.\w[\w\-]*)*\.\w(?:[\w\-]*\w)?")
PHONE = re.compile(r"\+?[\d(][\d\s().\-/]{1,}\d")


def validate(plan: Plan, tools: ToolSet, now: datetime) -> None:
    """Check a plan against its tools; times are resolved against ``now``.

    Raises:
        PlanError: the first problem, with the task and the argument at fault.
    """
    for problem in problems(plan, tools, now):
        raise problem


def problems(plan: Plan, tools: ToolSet, now: datetime) -> list[PlanError]:
    """All that ``validate`` would object to, in order."""
    found: list[PlanError] = []
    for call in plan:
        tool = tools.get(call.tool)
        if tool is None:
            names = ", ".join(tools) or "none"
            found.append(
                PlanError(f"there is no tool {call.tool}; there are: {names}", call.number)
            )
            continue
        found += _check_call(call, tool, plan, tools, now)
    return found


def unused_lookups(plan: Plan, tools: ToolSet) -> list[Call]:
    """Calls whose result nothing uses, though its kind is there to be used.

    A contact's number or address, or a file's path, is found for a later task;
    one that nothing uses is right only if the request asked for just that.
    """
    used = {k for call in plan for k in call.references()}
    return [
        call
        for call in plan
        if call.number not in used
        and call.tool in tools
        and tools[call.tool].result.name in ("email", "phone", "path")
    ]


def _check_call(
    call: Call, tool: Tool, plan: Plan, tools: ToolSet, now: datetime
) -> list[PlanError]:
    parameters = tool.parameters
    if len(call.arguments) > len(parameters):
        reason = f"{len(call.arguments)} arguments, but {tool.name} takes {len(parameters)}"
        return [PlanError(reason, call.number)]
    missing = [p.name for p in parameters[len(call.arguments) :] if p.required]
    found = [PlanError("it is missing", call.number, name) for name in missing]
    start: times.Moment | None = None
    for parameter, value in zip(parameters, call.arguments, strict=False):
        try:
            _check_shape(parameter, value)
            _check_references(parameter, value, call, plan, tools)
            if parameter.kind.time:
                start = _check_time(parameter, str(value), start, now)
        except PlanError as error:
            found.append(PlanError(error.reason, call.number, parameter.name))
    return found


def _check_shape(parameter: Parameter, value: Value) -> None:
    """Is it a list where a list belongs, text where text, and so on?"""
    if parameter.many != isinstance(value, tuple):
        raise PlanError("it must be a list, in [ ]" if parameter.many else "it must not be a list")
    items = value if isinstance(value, tuple) else (value,)
    if parameter.many and parameter.required and not items:
        raise PlanError("the list is empty")
    for item in items:
        _check_item(parameter, item)
    if parameter.many and len(set(items)) < len(items):
        raise PlanError("the list holds the same twice")


def _check_item(parameter: Parameter, item: str | int | float | bool) -> None:
    kind = parameter.kind.name
    if item == "" and parameter.default == "" and not (parameter.required or parameter.many):
        return  # left out
    if parameter.choices:
        if item not in parameter.choices or isinstance(item, bool):
            choices = ", ".join(map(repr, parameter.choices))
            raise PlanError(f"{item!r} is not one of {choices}")
    elif kind == "bool":
        if not isinstance(item, bool):
            raise PlanError(f"{item!r} is neither True nor False")
    elif kind in ("int", "number"):
        _check_number(parameter.kind, item)
    elif not isinstance(item, str):
        raise PlanError(f"{item!r} must be text, in double quotes")
    elif HALF.search(item):
        raise PlanError("it has half of a character, which cannot be written down")
    elif not item.strip() and (parameter.required or parameter.many) and not parameter.kind.blank:
        raise PlanError("it is empty")
    elif reference(item) is None:
        _check_literal(kind, item)


def _check_number(kind: Kind, item: str | int | float | bool) -> None:
    whole = kind.name == "int"
    if isinstance(item, bool) or not isinstance(item, int if whole else int | float):
        raise PlanError(f"{item!r} is no {'whole ' if whole else ''}number")
    if kind.least is not None and item < kind.least:
        raise PlanError(f"{item!r} is no whole number above {kind.least - 1}")


def _check_literal(kind: str, item: str) -> None:
    if kind == "email" and not EMAIL.fullmatch(item):
        raise PlanError(f"{item!r} is no e-mail address; look the person up first and use $k")
    if kind == "phone" and not PHONE.fullmatch(item):
        raise PlanError(f"{item!r} is no phone number; look the person up first and use $k")
    if kind == "path":
        raise PlanError(f"{item!r} is a name; find the file first and use $k")


def _check_references(
    parameter: Parameter, value: Value, call: Call, plan: Plan, tools: ToolSet
) -> None:
    for k in references(value):
        if not 1 <= k < call.number:
            raise PlanError(f"${k} is no earlier task")
        source = tools.get(plan.calls[k - 1].tool)
        result = source.result.name if source else "unknown"
        if result not in parameter.kind.takes:
            raise PlanError(f"${k} is a {result}, which cannot stand here")
    if parameter.kind.name in ("email", "phone", "path"):
        for item in value if isinstance(value, tuple) else (value,):
            if references(item) and reference(item) is None:
                raise PlanError(f"{item!r}: here a $k stands alone")


def _check_time(
    parameter: Parameter, phrase: str, start: times.Moment | None, now: datetime
) -> times.Moment | None:
    """Resolve the phrase; return the start that a later end counts from."""
    if not phrase and not parameter.required:
        return start
    try:
        if parameter.kind.time == "start":
            return times.resolve(phrase, now)
        if start is not None:
            times.resolve_end(phrase, start, now)
    except TimePhraseError as error:
        raise PlanError(str(error)) from error
    return start
