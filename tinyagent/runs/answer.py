"""The answer: what was done, what was found, what did not happen and why.

Sentences made from the tasks' results, by rule: no model words it, so it says
nothing that did not happen.
"""

from __future__ import annotations

from collections.abc import Mapping

from tinyagent.events import Answered, Result
from tinyagent.runs.state import RunState, TaskState
from tinyagent.tools.registry import ToolSet

FOUND = {
    "get_phone_number": "The phone number of {name} is {result}.",
    "get_email_address": "The e-mail address of {name} is {result}.",
    "open_and_get_file_path": "Opened {result}.",
    "summarize_pdf": "Summary of {pdf_path}:\n{result}",
    "open_note": "The note “{name}” says:\n{result}",
    "maps_open_location": "{location} in Maps: {result}",
    "maps_show_directions": "The way to {end_location}: {result}",
    "get_zoom_meeting_link": "The Zoom meeting “{topic}” is made: {result}",
}
"""How a result is told. A tool whose result is a status says it itself."""


def answer(state: RunState, tools: ToolSet) -> Answered:
    """The end of a run whose tasks are all done, failed or skipped."""
    used = {k for task in state.tasks for k in task.uses if task.status == "done"}
    sentences: list[str] = []
    results: list[Result] = []
    for task in state.tasks:
        if task.status != "done":
            continue
        told = _told(task, tools)
        if task.changes or task.number not in used:
            sentences.append(told)
        if task.changes or task.link or task.number not in used:
            results.append(Result(task.number, task.tool, told, task.link))
    troubles = [_trouble(t) for t in state.tasks if t.status == "failed"]
    left_out = [t for t in state.tasks if t.status == "skipped" and t.changes]
    not_done = [*troubles, *(f"Not done: {_named(t)} ({t.error})." for t in left_out)]
    if not sentences and not not_done:
        sentences.append("There was nothing to do.")
    return Answered("\n".join([*sentences, *not_done]), results, complete=not not_done)


def cannot(tools: ToolSet, probabilities: Mapping[str, float]) -> Answered:
    """The answer to a request that no tool serves: what can be asked for, and what was closest."""
    apps = ", ".join(dict.fromkeys(tool.app for tool in tools.values()))
    closest = sorted(probabilities, key=lambda name: -probabilities[name])[:3]
    near = ", ".join(f"{name.replace('_', ' ')} ({probabilities[name]:.0%})" for name in closest)
    text = f"None of my tools serves this request. I can act in {apps}."
    return Answered(f"{text} Closest: {near}." if near else text, [], complete=False)


def so_far(state: RunState, tools: ToolSet) -> str:
    """For a run that was stopped: what had been changed by then."""
    done = [_told(task, tools) for task in state.tasks if task.status == "done" and task.changes]
    doubtful = [_trouble(t) for t in state.tasks if t.status == "failed" and t.changes]
    return "\n".join([*done, *doubtful]) or "Stopped; nothing was changed."


def _told(task: TaskState, tools: ToolSet) -> str:
    form = FOUND.get(task.tool)
    if form is None:
        return task.result or f"Done: {task.text}."
    return form.format(result=task.result, **task.arguments)


def _trouble(task: TaskState) -> str:
    return f"Not done: {_named(task)}, because {task.error.rstrip('.')}."


def _named(task: TaskState) -> str:
    """The task in words, or its line where it never came to be resolved."""
    return task.text.rstrip(".") if task.text else task.line
