"""The cards that a person answers: an approval, a question. And what their forms mean.

A form sends text; ``read_decision`` gives each value the type that its
parameter has, so that a number stays a number and a list a list.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from html import escape
from typing import Any

from tinyagent import times
from tinyagent.approval.approval import Decision
from tinyagent.approval.describe import readable
from tinyagent.approval.visible import visible
from tinyagent.errors import PlanError
from tinyagent.events import ApprovalAsked, Json, ProposedCall, QuestionAsked
from tinyagent.runs.state import RunState
from tinyagent.tools.registry import Parameter, ToolSet
from ui.icons import icon

_REMEMBER = {
    0: "ask me again",
    1: "do not ask for a day",
    7: "do not ask for a week",
    30: "do not ask for 30 days",
}


def approval_card(state: RunState, asked: ApprovalAsked) -> str:
    """What will happen, a line a task, each to untick or to edit."""
    rows = "".join(_row(state, call) for call in asked.calls)
    count = len(asked.calls)
    title = "Shall I do this?" if count == 1 else f"Shall I do these {count} things?"
    problem = f'<p class="again">{escape(asked.problem)}</p>' if asked.problem else ""
    card = (
        f'<form class="card approval" data-approval="{escape(asked.approval)}" aria-label="{title}"'
        f'><h3>{title}</h3>{problem}<ol class="calls">{rows}</ol>{_next_time(asked, state.tools)}'
        f"{_plan_editor(asked)}"
        '<p class="error" role="alert" hidden></p><div class="buttons">'
        '<button type="submit" class="primary"><span class="label">Approve</span>'
        "<kbd>Ctrl+Enter</kbd></button>"
        '<button type="button" data-reject>Reject<kbd>Esc</kbd></button></div></form>'
    )
    return _once(asked.approval, card)


def question_card(state: RunState, question: QuestionAsked) -> str:
    """A question, its candidates as buttons, and room for other words."""
    choices = "".join(
        f'<li><button type="button" data-choice="{escape(c)}">{escape(c)}</button></li>'
        for c in question.candidates
    )
    line = state.task(question.task).line
    field = f"answer-{question.question}"
    card = (
        f'<form class="card question" data-question="{escape(question.question)}" '
        f'aria-label="A question"><h3>{escape(question.text)}</h3>'
        f'<p class="hint">For <code>{escape(line)}</code></p><ul class="choices">{choices}</ul>'
        f'<label for="{escape(field)}">In other words</label>'
        f'<div class="line"><input type="text" id="{escape(field)}" name="words" '
        'autocomplete="off"><button type="submit">Use this</button></div>'
        '<p class="error" role="alert" hidden></p><div class="buttons">'
        '<button type="button" class="quiet" data-choice="">Leave it out</button></div></form>'
    )
    return _once(question.question, card)


def read_decision(
    payload: Mapping[str, Any], asked: ApprovalAsked, tools: ToolSet, now: datetime
) -> Decision:
    """The decision that an approval's form sends.

    Args:
        payload: ``kind``; ``tasks`` ticked; ``arguments`` changed, as the fields
            hold them, by task and name; ``remember``, days; ``plan``, for the kind "revise".
        asked: the approval that the form was made for.
        tools: those that its calls name.
        now: the present time.

    Raises:
        PlanError: a value has not the type of its argument.
    """
    kind = payload["kind"]
    if kind == "reject":
        return Decision("reject")
    if kind == "revise":
        return Decision("revise", plan=str(payload["plan"]))
    calls = {call.task: call for call in asked.calls}
    arguments = {
        int(task): {
            name: _typed(_parameter(calls, int(task), name, tools), value, int(task))
            for name, value in changed.items()
        }
        for task, changed in payload["arguments"].items()
    }
    days = int(payload.get("remember", 0))
    until = now + timedelta(days=days) if days else None
    return Decision("approve", frozenset(map(int, payload["tasks"])), arguments, until=until)


def read_time(kind: str, phrase: str, start: str, now: datetime) -> str:
    """How a time field will be understood, in words; "" for an empty one.

    Args:
        kind: "start" or "end", as ``Kind.time``.
        phrase: what the field holds.
        start: what the field of the start holds, for an end.
        now: what it counts from.

    Raises:
        TimePhraseError: the words make no time.
    """
    if not phrase.strip():
        return ""
    if kind == "end":
        moment = times.resolve_end(phrase, times.resolve(start, now), now)
    else:
        moment = times.resolve(phrase, now)
    return moment.at.strftime("%a %-d %b %Y" + (", %H:%M" if moment.has_time else ""))


def _once(name: str, card: str) -> str:
    """Wrap a card in an element of its own name.

    The page updates elements in place where their names agree, and what was
    typed into a field would then stay in it: an edit meant for one approval
    must never stand in the next one.
    """
    tag = "card-" + re.sub(r"[^a-z0-9-]", "-", name.lower())
    return f"<{tag}>{card}</{tag}>"


def _row(state: RunState, call: ProposedCall) -> str:
    tool = state.tools[call.tool]
    prefix = f"{state.approval.approval if state.approval else ''}-{call.task}"
    fields = "".join(_field(p, call, f"{prefix}-{p.name}") for p in tool.parameters)
    unfold = " open" if call.written else ""
    return (
        f'<li data-task="{call.task}"><label class="tick"><input type="checkbox" checked '
        f'aria-describedby="{escape(prefix)}-text"><span class="what" id="{escape(prefix)}-text">'
        f'{escape(call.text)}</span></label>{_to_know(call)}<details class="edit"{unfold}>'
        f"<summary>{icon('edit')}Edit<span class='edited' hidden>edited</span></summary>"
        f'<div class="fields">{fields}</div></details></li>'
    )


def _to_know(call: ProposedCall) -> str:
    """What the call acts on, and what to be wary of."""
    on = f'<p class="acts-on">On {escape(visible(call.on))}</p>' if call.on else ""
    items = "".join(f"<li>{icon('warning')}{escape(visible(text))}</li>" for text in call.warnings)
    return on + (f'<ul class="warnings">{items}</ul>' if items else "")


def _next_time(asked: ApprovalAsked, tools: ToolSet) -> str:
    """The choice not to be asked again, where there is one."""
    free = [c for c in asked.calls if not c.warnings and tools[c.tool].changes]
    if not free:
        return ""
    field = f"{escape(asked.approval)}-remember"
    options = "".join(
        f'<option value="{days}">{escape(text)}</option>' for days, text in _REMEMBER.items()
    )
    some = "" if len(free) == len(asked.calls) else " (not for what is warned of)"
    return (
        f'<p class="next-time"><label for="{field}">Next time, for the same tools and '
        f'people{some}</label><select id="{field}" data-remember>{options}</select></p>'
    )


def _field(parameter: Parameter, call: ProposedCall, field: str) -> str:
    value = call.arguments[parameter.name]
    name = escape(parameter.name)
    common = f'id="{escape(field)}" data-argument="{name}"'
    label = parameter.name.replace("_", " ")
    hint = parameter.help
    if parameter.kind.name == "bool":
        control = f'<input type="checkbox" {common}{" checked" if value else ""}>'
    elif parameter.choices:
        control = f"<select {common}>{_options(parameter, value)}</select>"
    elif parameter.kind.name in ("int", "number"):
        least = parameter.kind.least
        limits = "" if least is None else f' min="{least}"'
        step = "1" if parameter.kind.name == "int" else "any"
        control = f'<input type="number"{limits} step="{step}" {common} value="{value}">'
    elif parameter.many:
        items = value if isinstance(value, list) else []
        rows = max(1, len(items))
        control = _area(common, "\n".join(map(str, items)), rows)
        hint += "; one a line"
    elif parameter.kind.time:
        shown = str(value).replace("T", " ")
        which = parameter.kind.time
        control = f'<input type="text" data-time="{which}" {common} value="{escape(shown)}">'
        hint = readable(parameter, value) if value else hint
    elif parameter.kind.name == "text":
        rows = min(10, max(2, str(value).count("\n") + len(str(value)) // 60 + 1))
        control = _area(common, str(value), rows)
    else:
        control = f'<input type="text" {common} value="{escape(str(value))}">'
    return (
        f'<div class="field"><label for="{escape(field)}">{escape(label)}</label>{control}'
        f'<p class="hint">{escape(hint + _to_come(parameter.name, call))}</p>'
        '<p class="problem" role="alert" hidden></p></div>'
    )


def _area(common: str, text: str, rows: int) -> str:
    # A line break right after the tag is not part of the text.
    return f'<textarea rows="{rows}" {common}>\n{escape(text)}</textarea>'


def _options(parameter: Parameter, value: Json) -> str:
    return "".join(
        f'<option value="{escape(str(c))}"{" selected" if c == value else ""}>'
        f"{escape(readable(parameter, c))}</option>"
        for c in parameter.choices
    )


def _to_come(argument: str, call: ProposedCall) -> str:
    tasks = call.open.get(argument, [])
    return "".join(f"; ${k} becomes the result of task {k}" for k in tasks)


def _plan_editor(asked: ApprovalAsked) -> str:
    field = f"{escape(asked.approval)}-plan"
    rows = asked.plan.count("\n") + 1
    return (
        f'<details class="edit-plan"><summary>{icon("edit")}Edit the plan</summary>'
        f'<label class="hidden-label" for="{field}">The plan</label>'
        f'<textarea id="{field}" data-plan rows="{rows}" spellcheck="false" wrap="off">\n'
        f"{escape(asked.plan)}</textarea>"
        '<ul class="problems" role="status" aria-live="polite"></ul></details>'
    )


def _parameter(
    calls: Mapping[int, ProposedCall], task: int, name: str, tools: ToolSet
) -> Parameter:
    if task not in calls:
        raise PlanError("it was not asked about", task)
    try:
        return tools[calls[task].tool].parameter(name)
    except KeyError:
        raise PlanError("there is no such argument", task, name) from None


def _typed(parameter: Parameter, value: Any, task: int) -> Json:
    """What a field holds, as the type of its argument."""
    if parameter.kind.name == "bool":
        return bool(value)
    text = str(value).replace("\r\n", "\n")
    if not text and not parameter.many and not parameter.required and parameter.default == "":
        return ""
    if parameter.choices:
        for choice in parameter.choices:
            if str(choice) == text:
                return choice
        raise PlanError(f"{text!r} is none of the choices", task, parameter.name)
    if parameter.many:
        # A path may hold a comma; an address or a number does not.
        between = r"[\n,;]" if parameter.kind.name in ("email", "phone", "int") else r"\n"
        items = [item.strip() for item in re.split(between, text) if item.strip()]
        return [_number(parameter, item, task) for item in items]  # type: ignore[return-value]
    if parameter.kind.name in ("int", "number"):
        return _number(parameter, text, task)
    return text.strip() if parameter.kind.time else text


def _number(parameter: Parameter, text: str, task: int) -> str | int | float:
    """The text as a number, where the argument holds numbers."""
    kind = parameter.kind.name
    if kind not in ("int", "number"):
        return text
    try:
        return int(text) if kind == "int" else float(text)
    except ValueError:
        whole = "whole " if kind == "int" else ""
        raise PlanError(f"{text!r} is no {whole}number", task, parameter.name) from None
