"""A call in plain words, every argument in it: what a person approves or sees run."""

from __future__ import annotations

import string

from tinyagent.approval.visible import visible
from tinyagent.events import Json, ProposedCall
from tinyagent.plans.syntax import Plan
from tinyagent.runs.resolve import ResolvedCall, moment
from tinyagent.tools.registry import Parameter, ToolSet


def describe(call: ResolvedCall, tools: ToolSet, plan: Plan) -> str:
    """The tool's sentence, then each argument that it does not name and that is no default.

    A result that comes later is named by where it comes from: "[from Zoom, task 2]".
    Characters that nobody would see stand there as "[U+202E]".
    """
    tool = tools[call.tool]
    names = {
        gap.task: f"[from {tools[plan.calls[gap.task - 1].tool].app}, task {gap.task}]"
        for gap in call.gaps
    }
    shown = {
        p.name: readable(p, value)
        for p, value in zip(tool.parameters, call.filled(names).arguments.values(), strict=True)
    }
    named = {field for _, field, _, _ in string.Formatter().parse(tool.sentence) if field}
    text = tool.sentence.format_map(shown)
    for parameter in tool.parameters:
        value = call.arguments[parameter.name]
        left_out = not parameter.required and value == parameter.default
        if parameter.name not in named and not left_out and value != "":
            text += f"; {parameter.name.replace('_', ' ')}: {shown[parameter.name]}"
    return visible(text)


def proposed(call: ProposedCall) -> list[str]:
    """What will happen, in lines: the call, what it acts on, and what to be wary of."""
    on = [f"   on {call.on}"] if call.on else []
    return [f"{call.task}. {call.text}", *on, *(f"   ! {text}" for text in call.warnings)]


def readable(parameter: Parameter, value: Json) -> str:
    """A value as people write it: "Wed 25 Nov 2026, 14:00", "yes", "a, b", "25 minutes"."""
    if parameter.kind.time and value:
        when = moment(str(value))
        return when.at.strftime("%a %-d %b %Y" + (", %H:%M" if when.has_time else ""))
    if isinstance(value, list):
        return ", ".join(map(str, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if parameter.kind.words and value in parameter.choices:
        return parameter.kind.words[parameter.choices.index(value)]
    unit = f" {parameter.kind.unit}" if parameter.kind.unit and value != "" else ""
    return f"{value}{unit}"
