"""Labels: what a person says of a run. Nothing is overwritten; the newest one counts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal

from sqlite_utils.db import Database

from tinyagent.errors import PlanError, SettingsError
from tinyagent.plans.syntax import Call, Plan, read_plan
from tinyagent.plans.validate import validate
from tinyagent.tools.declaration import Declaration
from tinyagent.tools.registry import ToolSet
from tinyagent.traces.declared import tools_of
from tinyagent.traces.rows import Trace

Verdict = Literal["good", "bad", ""]
"""Empty takes the label back."""

REASONS = {
    "tools": "wrong tools were offered",
    "missing": "a call is missing",
    "extra": "a call is too many",
    "argument": "an argument is wrong",
    "time": "a time is wrong",
    "refuse": "it should have refused",
    "speech": "it heard something else",
    "other": "something else",
}
"""Why a run is bad: the word that is stored, and what it means."""


@dataclass(frozen=True)
class Label:
    """What is said of a run.

    Attributes:
        trace: id of the run.
        verdict: of the plan as it was proposed.
        reasons: keys of ``REASONS``.
        plan: the right plan, in the plan language; "" where it is the run's own, or not known.
        note: in free words.
        source: who says it: "person", "approval" (edited or rejected there), "import".
    """

    trace: str
    verdict: Verdict
    reasons: Sequence[str] = ()
    plan: str = ""
    note: str = ""
    source: str = "person"


def checked(label: Label, now: datetime, tools: ToolSet) -> Label:
    """The label, its plan as the plan language writes it.

    Args:
        now: of the run; the plan's times count from it.
        tools: those that the plan may name.

    Raises:
        SettingsError: a verdict or a reason that there is not, or reasons that contradict.
        PlanError: the plan is none, or does not fit the tools.
    """
    if label.verdict not in ("good", "bad", ""):
        raise SettingsError(f"verdict {label.verdict!r}: it is good, bad, or empty to take it back")
    if unknown := [reason for reason in label.reasons if reason not in REASONS]:
        known = ", ".join(f"{name} ({text})" for name, text in REASONS.items())
        raise SettingsError(f"reason {unknown[0]!r}: there is no such; known are {known}")
    if label.verdict != "bad" and label.reasons:
        raise SettingsError("only a bad run has reasons; leave them out, or call it bad")
    if not label.plan.strip():
        return label
    if not label.verdict:
        raise SettingsError("a right plan needs a verdict; say good or bad")
    plan = read_plan(label.plan)
    validate(plan, tools, now)
    return Label(
        label.trace, label.verdict, tuple(label.reasons), str(plan), label.note, label.source
    )


def add_label(db: Database, label: Label, at: str, declared: Sequence[Declaration] = ()) -> None:
    """Write a label beside the earlier ones.

    Args:
        at: ISO local time.
        declared: tools that its plan calls, and that its run does not declare.
    """
    db.table("labels").insert(
        {
            "trace": label.trace,
            "verdict": label.verdict,
            "reasons": json.dumps(list(label.reasons)),
            "plan": label.plan,
            "note": label.note,
            "source": label.source,
            "at": at,
            "declared": json.dumps([asdict(one) for one in declared], ensure_ascii=False),
        }
    )


def right_plan(trace: Trace) -> Plan | None:
    """The plan that the run's label says is right; None where it does not say.

    A bad run's is the one that was written instead, or no call at all where it should
    have refused; a good run's is the one that was approved, or else the last one
    proposed. Trailing arguments that hold their default are left out, as in the training data.
    """
    label = current(trace)
    if label is None:
        return None
    if label["verdict"] == "bad" and not label["plan"]:
        return Plan() if "refuse" in label["reasons"] else None
    text = label["plan"] or final_plan(trace)
    try:
        tools = tools_of(trace)
        return Plan(tuple(_shortened(c, tools) for c in read_plan(text))) if text else Plan()
    except PlanError:
        return None  # written by a version with another plan language


def current(trace: Trace) -> dict[str, Any] | None:
    """The label that counts; None where there is none, or it was taken back."""
    newest: dict[str, Any] | None = max(trace["labels"], key=lambda x: x["id"], default=None)
    return newest if newest and newest["verdict"] else None


def final_plan(trace: Trace) -> str:
    """The plan as approved, or else as last proposed; "" where there was none."""
    rank = {"proposed": 0, "revised": 1, "approved": 2}
    plans = sorted(trace["plans"], key=lambda p: (p["number"], rank[p["kind"]]))
    return str(plans[-1]["plan"]) if plans else ""


def proposed_plan(trace: Trace) -> str:
    """The plan as the planner last proposed it; "" where there was none."""
    proposed = [plan for plan in trace["plans"] if plan["kind"] == "proposed"]
    return str(max(proposed, key=lambda p: p["number"])["plan"]) if proposed else ""


def _shortened(call: Call, tools: ToolSet) -> Call:
    """The call as it is said in the fewest arguments."""
    if call.tool not in tools:
        return call
    arguments = list(call.arguments)
    for parameter in reversed(tools[call.tool].parameters[: len(arguments)]):
        value = list(last) if isinstance(last := arguments[-1], tuple) else last
        if parameter.required or value != parameter.default:
            break
        del arguments[-1]
    return Call(call.number, call.tool, tuple(arguments))
