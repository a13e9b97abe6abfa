"""Resolved calls: arguments by name, defaults filled in, times as ISO text.

What a person approves, what is hashed and what runs are one and the same
``ResolvedCall``. Only where a result comes later (a Zoom link that is made on
the way) does ``$k`` still stand in it, as a ``Gap``; filling gaps is all that
may happen between approval and run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from tinyagent import times
from tinyagent.errors import PlanError, TimePhraseError
from tinyagent.events import Json
from tinyagent.plans.syntax import REFERENCE, Call, Plan, Value
from tinyagent.plans.validate import problems
from tinyagent.tools.registry import Parameter, Tool, ToolSet


@dataclass(frozen=True)
class Gap:
    """A ``$k`` that is still open.

    Attributes:
        argument: where it stands.
        item: index in a list; 0 where the argument is none.
        at: index of the ``$`` in the text.
        task: the ``k``.
    """

    argument: str
    item: int
    at: int
    task: int


@dataclass(frozen=True)
class ResolvedCall:
    """One call with nothing left to work out but its gaps.

    ``target`` is the id of what it acts on (``backends.base.Target``), where its
    arguments leave that open.
    """

    task: int
    tool: str
    arguments: dict[str, Json]
    gaps: tuple[Gap, ...] = ()
    target: str = ""

    @property
    def canonical(self) -> str:
        """The call as JSON: keys sorted, no spaces; the task's number is not part of it."""
        data = {
            "tool": self.tool,
            "arguments": self.arguments,
            "gaps": [asdict(gap) for gap in self.gaps],
            "target": self.target,
        }
        return json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @property
    def hash(self) -> str:
        """SHA-256 of the canonical JSON in UTF-8, as hex."""
        return hashlib.sha256(self.canonical.encode()).hexdigest()

    @property
    def open(self) -> dict[str, list[int]]:
        """For each argument with gaps, the tasks that will fill them."""
        found: dict[str, list[int]] = {}
        for gap in self.gaps:
            tasks = found.setdefault(gap.argument, [])
            if gap.task not in tasks:
                tasks.append(gap.task)
        return found

    def filled(self, results: Mapping[int, str]) -> ResolvedCall:
        """The call with every gap filled.

        Raises:
            KeyError: a result is missing.
        """
        arguments = dict(self.arguments)
        # From the last gap to the first, so that the indexes before stay right.
        for gap in sorted(self.gaps, key=lambda g: (g.argument, g.item, -g.at)):
            value = arguments[gap.argument]
            items: list[Any] = list(value) if isinstance(value, list) else [value]
            text = items[gap.item]
            end = gap.at + len(f"${gap.task}")
            items[gap.item] = text[: gap.at] + results[gap.task] + text[end:]
            arguments[gap.argument] = items if isinstance(value, list) else items[0]
        return replace(self, arguments=arguments, gaps=())


def resolve(
    call: Call,
    tool: Tool,
    results: Mapping[int, str],
    now: datetime,
    literal: Mapping[str, Json] | None = None,
) -> ResolvedCall:
    """Resolve a valid call.

    Args:
        results: of the tasks that are done; a ``$k`` of another task becomes a gap.
        literal: values, by argument, that stand in place of the plan's: an answer
            of the person, a writer's text. In them no result is put in.

    Raises:
        PlanError: a time does not resolve.
    """
    awaited = call.references() - results.keys()
    arguments: dict[str, Json] = {}
    gaps: list[Gap] = []
    for index, parameter in enumerate(tool.parameters):
        known = results
        if literal and parameter.name in literal:
            value, known = literal[parameter.name], {}
        elif index < len(call.arguments):
            value = _as_json(call.arguments[index])
        else:
            value = parameter.default
        arguments[parameter.name] = _put_in(parameter, value, known, awaited, gaps)
    _resolve_times(call.number, tool, arguments, tool.parameters, now)
    return ResolvedCall(call.number, tool.name, arguments, tuple(gaps))


def edit(
    proposed: ResolvedCall,
    changes: Mapping[str, Json],
    plan: Plan,
    tools: ToolSet,
    results: Mapping[int, str],
    now: datetime,
) -> tuple[ResolvedCall, Call]:
    """A proposed call with some arguments changed by the person.

    What was not changed stays as it was shown, to the letter: an end time does
    not move with a new start.

    Args:
        changes: typed values by argument; a time may be ISO or words, and a
            ``$k`` that was open may stay.
        plan: the plan that the call belongs to.
        results: of the tasks that are done.

    Returns:
        The changed call, and the same as a call of the plan language, in which
        results that stand alone or in a text are ``$k`` again.

    Raises:
        PlanError: a value does not fit; it names the task and the argument.
    """
    tool = tools[proposed.tool]
    original = plan.calls[proposed.task - 1]
    for name in changes:
        if name not in proposed.arguments:
            known = ", ".join(proposed.arguments)
            raise PlanError(f"there is no argument {name}; there are: {known}", original.number)
    written = _as_written(original, proposed, changes, tool, results)
    _refuse_problems(written, plan, tools, now)
    arguments = dict(proposed.arguments)
    gaps = [gap for gap in proposed.gaps if gap.argument not in changes]
    edited = [tool.parameter(name) for name in changes]
    for parameter in edited:
        awaited = proposed.open.get(parameter.name, [])
        value = _put_in(parameter, changes[parameter.name], {}, awaited, gaps)
        arguments[parameter.name] = value
    _resolve_times(proposed.task, tool, arguments, edited, now)
    stays = tool.aim is None or not changes.keys() & set(tool.aim.by)
    target = proposed.target if stays else ""
    return ResolvedCall(proposed.task, tool.name, arguments, tuple(gaps), target), written


def values(tool: Tool, arguments: Mapping[str, Json]) -> dict[str, Any]:
    """The arguments as the tool's function takes them: times as ``Moment``, or None."""
    return {p.name: _moment(p, arguments[p.name]) for p in tool.parameters}


def moment(text: str) -> times.Moment:
    """The moment whose canonical text this is."""
    return times.Moment(datetime.fromisoformat(text), has_time="T" in text)


def _put_in(
    parameter: Parameter,
    value: Json,
    results: Mapping[int, str],
    awaited: Collection[int],
    gaps: list[Gap],
) -> Json:
    """``value`` with results in the place of their ``$k``; open ones are added to ``gaps``."""
    if isinstance(value, list):
        return [
            _fill(item, parameter.name, i, results, awaited, gaps)
            if isinstance(item, str)
            else item
            for i, item in enumerate(value)
        ]  # type: ignore[return-value]  # a list of one type gives a list of one type
    if isinstance(value, str):
        return _fill(value, parameter.name, 0, results, awaited, gaps)
    return value


def _fill(
    text: str,
    argument: str,
    item: int,
    results: Mapping[int, str],
    awaited: Collection[int],
    gaps: list[Gap],
) -> str:
    made, at = "", 0
    for match in REFERENCE.finditer(text):
        task = int(match[1])
        made += text[at : match.start()]
        if task in results:
            made += results[task]
        else:
            if task in awaited:
                gaps.append(Gap(argument, item, len(made), task))
            made += match[0]
        at = match.end()
    return made + text[at:]


def _resolve_times(
    task: int,
    tool: Tool,
    arguments: dict[str, Json],
    to_resolve: Collection[Parameter],
    now: datetime,
) -> None:
    """Put canonical text in the place of each time phrase, and see that no end precedes its start.

    Args:
        to_resolve: parameters whose values are still phrases.
    """
    start: times.Moment | None = None
    for parameter in tool.parameters:
        phrase = arguments[parameter.name]
        if not parameter.kind.time or not isinstance(phrase, str) or not phrase:
            continue
        try:
            if parameter not in to_resolve:
                resolved = moment(phrase)
            elif parameter.kind.time == "end" and start is not None:
                resolved = times.resolve_end(phrase, start, now)
            else:
                resolved = times.resolve(phrase, now)
        except TimePhraseError as error:
            raise PlanError(str(error), task, parameter.name) from error
        if parameter.kind.time == "start":
            start = resolved
        elif start is not None and resolved.at < start.at:
            raise PlanError("it ends before it starts", task, parameter.name)
        arguments[parameter.name] = resolved.isoformat()


def _as_written(
    original: Call,
    proposed: ResolvedCall,
    changes: Mapping[str, Json],
    tool: Tool,
    results: Mapping[int, str],
) -> Call:
    """The plan's call with the changes in it, results written as ``$k`` again."""
    arguments: list[Value] = []
    starts = {p.name for p in tool.parameters if p.kind.time == "start"}
    for index, parameter in enumerate(tool.parameters):
        moved = parameter.kind.time == "end" and changes.keys() & starts
        if parameter.name in changes:
            used = {k: results[k] for k in original.references() if k in results}
            awaited = proposed.open.get(parameter.name, [])
            arguments.append(_unresolve(changes[parameter.name], used, awaited))
        elif moved and proposed.arguments[parameter.name]:
            # As it was shown: with a new start, the plan's words might mean another end.
            arguments.append(_as_value(proposed.arguments[parameter.name]))
        elif index < len(original.arguments):
            arguments.append(original.arguments[index])
        else:
            arguments.append(_as_value(parameter.default))
    return Call(original.number, original.tool, tuple(arguments))


def _unresolve(value: Json, used: Mapping[int, str], awaited: Collection[int]) -> Value:
    if isinstance(value, list):
        return tuple(
            _unresolve_text(item, used, awaited) if isinstance(item, str) else item
            for item in value
        )
    return _unresolve_text(value, used, awaited) if isinstance(value, str) else value


def _unresolve_text(text: str, used: Mapping[int, str], awaited: Collection[int]) -> str:
    for task, result in used.items():
        if text == result:
            return f"${task}"
    # The plan language has no escape: "$20" is money here, unless task 20 is awaited.
    text = REFERENCE.sub(
        lambda m: m[0] if int(m[1]) in awaited else f"\N{FULLWIDTH DOLLAR SIGN}{m[1]}", text
    )
    for task, result in used.items():
        text = text.replace(result, f"${task}") if result else text
    return text


def _refuse_problems(written: Call, plan: Plan, tools: ToolSet, now: datetime) -> None:
    calls = list(plan.calls)
    calls[written.number - 1] = written
    for problem in problems(Plan(tuple(calls)), tools, now):
        if problem.task == written.number:
            raise problem


def _moment(parameter: Parameter, value: Json) -> Any:
    if not parameter.kind.time:
        return value
    return moment(str(value)) if value else None


def _as_json(value: Value) -> Json:
    return list(value) if isinstance(value, tuple) else value  # type: ignore[return-value]


def _as_value(value: Any) -> Value:
    return tuple(value) if isinstance(value, list) else value
