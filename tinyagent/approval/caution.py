"""Why a person must see a call, whatever was approved before.

A call that reaches somebody who is not in the contacts, or many people, or that
carries what a document, a note or a message says, is asked about each time, and
the approval says why. What was read is data: it can fill arguments, and never
add a call.

What this does not promise: that what was read is harmless, or that the person
reads the warning.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from tinyagent.approval.visible import hidden
from tinyagent.backends.base import Backend, Target
from tinyagent.errors import AmbiguousError, NotFoundError, ToolError
from tinyagent.events import Json
from tinyagent.plans.syntax import Plan
from tinyagent.runs.resolve import ResolvedCall, values
from tinyagent.tools.context import ToolContext
from tinyagent.tools.registry import Tool, ToolSet

MOST_PEOPLE = 5
"""More than these are asked about each time."""


@dataclass(frozen=True)
class Assessed:
    """A changing call, and what a person should know of it.

    Attributes:
        call: with its target, where it has one.
        people: every address and number that it reaches.
        on: what it acts on, in words, where its arguments leave that open.
        warnings: why it must be asked about, each a sentence.
    """

    call: ResolvedCall
    people: frozenset[str]
    on: str = ""
    warnings: tuple[str, ...] = ()


def assess(
    call: ResolvedCall, tools: ToolSet, plan: Plan, texts: Mapping[int, str], backend: Backend
) -> Assessed:
    """Look at a call before it is proposed.

    Args:
        call: resolved as far as can be.
        plan: the plan it belongs to.
        texts: the tasks of the plan in words, as far as they are known.
        backend: where it will act; it is only read.

    Raises:
        ToolError: the call cannot work (no message is selected, no Zoom account).
    """
    tool = tools[call.tool]
    target = _target(call, tool, backend)
    people = _people(call, tool, target)
    warnings = [
        *_unknown(people, backend),
        *_many(people),
        *_carried(call, tool, tools, plan, texts, target),
        *_unseen(call),
    ]
    if target is not None:
        call = replace(call, target=target.id)
    return Assessed(call, people, target.text if target else "", tuple(warnings))


def reads_writing(tool: Tool) -> bool:
    """Is its result text that somebody may have written: a note, a summary of a document?"""
    return tool.result.name == "text" and not tool.result.made


def _target(call: ResolvedCall, tool: Tool, backend: Backend) -> Target | None:
    if tool.aim is None:
        return None
    if call.open.keys() & set(tool.aim.by):
        return None
    context = ToolContext(backend, summarizer=None)  # type: ignore[arg-type]  # finds, writes nothing
    known = {name: value for name, value in call.arguments.items() if name not in call.open}
    arguments = known | values(tool, call.arguments)
    try:
        return tool.aim.find(context, **arguments)
    except (NotFoundError, AmbiguousError):
        if tool.aim.by:
            return None  # the person is asked which one is meant once the call runs
        raise


def _people(call: ResolvedCall, tool: Tool, target: Target | None) -> frozenset[str]:
    """Whom it reaches; the owner of a note or a calendar is not among them."""
    found = set(target.people) if target else set()
    for parameter in tool.parameters:
        if parameter.kind.name in ("email", "phone"):
            value = call.arguments[parameter.name]
            found |= set(_texts(value))
    return frozenset(person.strip() for person in found if person.strip())


def _unknown(people: frozenset[str], backend: Backend) -> list[str]:
    if not people:
        return []
    try:
        strangers = backend.strangers(sorted(people))
    except ToolError as error:
        return [f"Whether {_and(sorted(people))} is in your contacts could not be seen: {error}."]
    if not strangers:
        return []
    verb = "is" if len(strangers) == 1 else "are"
    return [f"{_and(strangers)} {verb} not in your contacts."]


def _many(people: frozenset[str]) -> list[str]:
    return [f"It goes to {len(people)} people."] if len(people) > MOST_PEOPLE else []


def _carried(
    call: ResolvedCall,
    tool: Tool,
    tools: ToolSet,
    plan: Plan,
    texts: Mapping[int, str],
    target: Target | None,
) -> list[str]:
    """What of other people's writing goes along, file by file, text by text."""
    carried = [f"It {target.carries}."] if target and target.carries else []
    for parameter in tool.parameters:
        value = call.arguments[parameter.name]
        if parameter.kind.name == "path" and parameter.many:
            assert isinstance(value, list)
            carried += [f"It hands on the file {str(path).rpartition('/')[2]}." for path in value]
    for number in sorted(_read_for(call.task, tools, plan)):
        words = texts.get(number) or str(plan.calls[number - 1])
        carried.append(f"It holds text that was read: {words} (task {number}).")
    return carried


def _read_for(task: int, tools: ToolSet, plan: Plan) -> set[int]:
    """The tasks whose writing flows into this one, perhaps by way of others."""
    found: set[int] = set()
    for k in plan.calls[task - 1].references():
        if reads_writing(tools[plan.calls[k - 1].tool]):
            found.add(k)
        found |= _read_for(k, tools, plan)
    return found


def _unseen(call: ResolvedCall) -> list[str]:
    """Characters that make a text read as something else than it is."""
    found: dict[str, set[str]] = {}
    for name, value in call.arguments.items():
        for text in _texts(value):
            for letter in hidden(text):
                found.setdefault(name, set()).add(_named(letter))
    return [
        f"Its {name.replace('_', ' ')} has characters that are not seen: "
        f"{', '.join(sorted(which))}."
        for name, which in found.items()
    ]


def _texts(value: Json) -> Iterable[str]:
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, str)]


def _named(letter: str) -> str:
    return f"U+{ord(letter):04X} {unicodedata.name(letter, '').lower()}".strip()


def _and(names: list[str]) -> str:
    shown = names[:3] + ([f"{len(names) - 3} more"] if len(names) > 3 else [])
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
