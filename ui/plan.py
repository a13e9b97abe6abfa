"""The plan, line by line, each with its state; its arguments and result unfold."""

from __future__ import annotations

import re
from html import escape

from tinyagent.approval.describe import readable
from tinyagent.runs.state import RunState, TaskState
from tinyagent.tools.registry import ToolSet
from ui.icons import icon

WORDS = {
    "waiting": "waiting",
    "running": "running",
    "asking": "asks you",
    "done": "done",
    "failed": "failed",
    "skipped": "skipped",
}


def plan(state: RunState) -> str:
    """The newest plan as markup, as far as it is written."""
    if not state.tasks and not state.plan_text:
        waits = state.status == "planning" and bool(state.run)
        text = "Writing the plan…" if waits else "The calls that the request needs, line by line."
        return f'<p class="empty">{text}</p>'
    lines = "".join(_line(task, state.tools) for task in state.tasks)
    again = f" · planned again {state.replans}×" if state.replans else ""
    return f'<ol class="plan">{lines}{_unfinished(state)}</ol>{_caption(state, again)}'


def unfolded(task: TaskState, tools: ToolSet) -> dict[str, str]:
    """What there is to tell of a task: its arguments by name, then its result or error."""
    tool = tools[task.tool]
    told = {
        parameter.name: readable(parameter, task.arguments[parameter.name])
        for parameter in tool.parameters
        if parameter.name in task.arguments
    }
    told = {name: value for name, value in told.items() if value}
    if task.result:
        told["result"] = task.result
    if task.error:
        told["error"] = task.error
    return told


def _line(task: TaskState, tools: ToolSet) -> str:
    rows = "".join(
        f"<dt>{escape(name.replace('_', ' '))}</dt><dd>{escape(value)}</dd>"
        for name, value in unfolded(task, tools).items()
    )
    word = WORDS[task.status]
    changes = (
        f'<span class="badge" title="It changes something: it runs once you approve it">'
        f"{icon('changes')}changes</span>"
        if task.changes
        else ""
    )
    took = f'<span class="took">{task.seconds:.1f} s</span>' if task.seconds >= 0.05 else ""
    return (
        f'<li class="task {task.status}" data-task="{task.number}" data-status="{task.status}">'
        f'<details><summary title="{word}">{icon(task.status)}<code>{_code(task.line)}</code>'
        f'<span class="state">{word}</span>{changes}{took}</summary>'
        f"<dl>{rows or '<dt>arguments</dt><dd>not known yet</dd>'}</dl></details>"
        f"{_progress(task)}</li>"
    )


def _progress(task: TaskState) -> str:
    if task.writing:
        return f'<p class="doing">writing the {escape(task.writing)}…</p>'
    if task.status != "running" or not task.doing:
        return ""
    return (
        f'<p class="doing">{escape(task.doing)}</p>'
        f'<progress max="1" value="{task.share:.3f}" aria-label="{escape(task.doing)}"></progress>'
    )


def _unfinished(state: RunState) -> str:
    """What is written after the last complete line: a line on its way, or ``join()``."""
    rest = state.plan_text.split("\n")[len(state.tasks) :]
    written = "\n".join(rest).strip()
    if not written:
        return ""
    cursor = '<span class="cursor"></span>' if state.status == "planning" else ""
    return f'<li class="rest"><code>{_code(written)}</code>{cursor}</li>'


def _caption(state: RunState, again: str) -> str:
    if state.plan is None:
        return ""
    made = state.plan
    sure = f"{made.plan_tokens} tokens, mean probability {made.confidence:.2f}"
    if made.model:
        sure = f"{made.plan_tokens} tokens, by {made.model}"
    note = f'<p class="caption">{escape(made.note)}</p>' if made.note else ""
    return f'{note}<p class="caption">{escape(sure + again)}</p>'


def _code(line: str) -> str:
    return re.sub(r"\$\d+", r'<b class="ref">\g<0></b>', escape(line))
