"""The prompt for a model that was not trained to plan: rules, tools in full, solved examples."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from tinyagent.errors import PlanError
from tinyagent.planner.prompt import clean
from tinyagent.plans.syntax import Value, write_value
from tinyagent.remote.chat import Message
from tinyagent.remote.examples import Solved
from tinyagent.tools.registry import Parameter, Tool, ToolSet

RULES = """\
You plan for an assistant that acts on a person's computer. Answer a request with a plan, and with \
nothing else: no prose, no code fence.

A plan is numbered calls of the tools below, one a line. The last line is join().
- Arguments are positional Python literals in the tool's order: "text", ["a", "b"], 60, True. \
Text stands in double quotes. Trailing arguments that hold their default are left out.
- $k, alone or inside text, stands for the result of the earlier call k. It is the only way to use \
a result.
- An e-mail address, a phone number or a path is $k of a look-up, or stands in the request; it is \
never a name. Each person is looked up once; a file is found before it is attached or summarised.
- Names, places, files, numbers and times are copied from the request, word for word. Times are \
not computed: "tomorrow at 2pm" stays as it is.
- No call that the request does not need. Where no tool serves the request, the plan is 1. join()

Tools:
"""


def messages(
    request: str, tools: ToolSet, now: datetime, examples: Sequence[Solved]
) -> list[Message]:
    """What a request's plan is asked for with; each example is a turn of its own."""
    listed = "\n".join(map(describe_tool, tools.values()))
    turns = [Message(role="system", content=f"{RULES}{listed}\n\nIt is {now:%A, %Y-%m-%d %H:%M}.")]
    for one in examples:
        turns.append(Message(role="user", content=one.request))
        turns.append(Message(role="assistant", content=one.plan))
    return [*turns, Message(role="user", content=clean(request))]


def repair(
    asked: Sequence[Message],
    answer: str,
    wrong: Sequence[PlanError],
    avoid: Collection[tuple[str, tuple[Value, ...]]],
) -> list[Message]:
    """The same, with what is wrong with the answer."""
    faults = [str(error) for error in wrong]
    faults += [f"{_call(*call)} found nothing; do without it" for call in avoid]
    told = "\n".join(f"- {fault}" for fault in faults)
    again = f"That plan cannot be used:\n{told}\nWrite the whole plan again, and nothing else."
    return [
        *asked,
        Message(role="assistant", content=answer),
        Message(role="user", content=again),
    ]


def describe_tool(tool: Tool) -> str:
    """The signature, what it is for, and a line a parameter."""
    lines = [f"- {tool.signature}: {tool.description}"]
    lines += [f"    {p.name}: {p.help}{_default(p)}" for p in tool.parameters]
    return "\n".join(lines)


def _default(parameter: Parameter) -> str:
    if parameter.required:
        return ""
    return f" (default {write_value(parameter.written_default)})"


def _call(tool: str, arguments: tuple[Value, ...]) -> str:
    return f"{tool}({', '.join(map(write_value, arguments))})"
