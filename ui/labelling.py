"""The form that labels a run: good or bad and why, the right plan, a note; all of it by keys."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from html import escape
from typing import Any

from tinyagent.errors import PlanError
from tinyagent.plans.syntax import Plan, read_plan
from tinyagent.plans.validate import problems
from tinyagent.runs.state import RunState, TaskState
from tinyagent.tools.registry import ToolSet
from tinyagent.traces.declared import known_tools
from tinyagent.traces.labels import REASONS, Label, current, final_plan, proposed_plan
from tinyagent.traces.rows import Trace
from ui.graph import graph

KEYS = {
    "G": "good",
    "B": "bad",
    "1 to 8": "why it is bad",
    "P": "the right plan",
    "N": "a note",
    "S or Ctrl+Enter": "save, and go to the next one",
    "U": "take the label back",
    "J, K": "the next run of the queue, the one before",
    "Esc": "leave a field",
}
"""What a key does, while nothing is being typed."""


def label_form(trace: Trace) -> str:
    """The form, filled in with the label that counts now, and with the run's plan."""
    said = current(trace) or {"verdict": "", "reasons": [], "plan": "", "note": ""}
    plan = said["plan"] or final_plan(trace)
    reasons = "".join(
        f'<li><label><input type="checkbox" name="reason" value="{name}"'
        f"{' checked' if name in said['reasons'] else ''}><kbd>{number}</kbd>{escape(text)}"
        "</label></li>"
        for number, (name, text) in enumerate(REASONS.items(), 1)
    )
    keys = "".join(f"<dt><kbd>{key}</kbd></dt><dd>{what}</dd>" for key, what in KEYS.items())
    return (
        f'<form class="labelling" data-label="{escape(trace["id"])}" aria-label="Label this run">'
        '<div class="verdicts" role="radiogroup" aria-label="How was the plan that was proposed?">'
        f"{_verdict('good', 'Good', 'G', said)}{_verdict('bad', 'Bad', 'B', said)}</div>"
        f'<ol class="reasons" aria-label="Why">{reasons}</ol>'
        '<div class="right-plan"><label>The right plan <kbd>P</kbd>'
        '<textarea name="plan" rows="6" spellcheck="false" wrap="off">\n'
        f"{escape(plan)}</textarea></label>"
        '<div class="drawn"><div class="graph"></div></div>'
        '<ul class="problems" role="status" aria-live="polite"></ul></div>'
        '<label class="note">Note <kbd>N</kbd><input type="text" name="note" autocomplete="off" '
        f'value="{escape(said["note"])}"></label>'
        '<p class="unsaved" role="status" hidden>This is not saved yet.</p>'
        '<p class="error" role="alert" hidden></p><div class="buttons">'
        '<button type="submit" class="primary">Save<kbd>S</kbd></button>'
        '<button type="button" data-take-back>Take back<kbd>U</kbd></button>'
        f'<details class="keys"><summary>Keys</summary><dl>{keys}</dl></details></div></form>'
    )


def read_label(form: Mapping[str, Any], trace: Trace) -> Label:
    """The label that a form sends.

    The plan field always holds one: a good run's own is not repeated in its
    label, and a bad run's as it was proposed is not the right one.
    """
    verdict, plan = form["verdict"], str(form["plan"]).strip()
    own = final_plan(trace) if verdict == "good" else proposed_plan(trace)
    right = "" if not verdict or _same(plan, own) else plan
    reasons = tuple(form["reasons"]) if verdict == "bad" else ()
    return Label(trace["id"], verdict, reasons, right, str(form["note"]).strip())


def check(text: str, trace: Trace, installed: ToolSet) -> dict[str, Any]:
    """All that is wrong with a run's right plan as it is typed; its DAG, if it can be drawn."""
    tools, now = known_tools(trace, installed), datetime.fromisoformat(trace["now"])
    try:
        plan = read_plan(text)
    except PlanError as error:
        return {"problems": [str(error)] if text.strip() else [], "graph": ""}
    return {
        "problems": [str(error) for error in problems(plan, tools, now)],
        "graph": plan_graph(plan, tools),
    }


def plan_graph(plan: Plan, tools: ToolSet) -> str:
    """A plan of which nothing ran, as ``graph`` draws one; "" where it names what there is not."""
    if any(call.tool not in tools for call in plan):
        return ""
    tasks = [
        TaskState(call.number, call.tool, str(call), tuple(sorted(call.references())))
        for call in plan
    ]
    fits = all(0 < used < task.number for task in tasks for used in task.uses)
    return graph(RunState(run="plan", tools=tools, tasks=tuple(tasks))) if fits else ""


def _verdict(value: str, word: str, key: str, said: Mapping[str, Any]) -> str:
    checked = " checked" if said["verdict"] == value else ""
    return (
        f'<label class="{value}"><input type="radio" name="verdict" value="{value}"{checked}>'
        f"{word}<kbd>{key}</kbd></label>"
    )


def _same(text: str, other: str) -> bool:
    try:
        return read_plan(text) == read_plan(other)
    except PlanError:
        return text == other.strip()
