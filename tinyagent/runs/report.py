"""A run in words, for other programs: what it would do, what it asks, how it ended."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from tinyagent.runs.state import RunState


class Call(BaseModel):
    """A call that waits for approval.

    Attributes:
        task: its number in the plan.
        tool: what it calls.
        text: what it does, in words.
        arguments: resolved; what "$k" stands for may come later.
        on: what it acts on, in words, where its arguments leave that open.
        warnings: what to be wary of, a sentence each.
    """

    task: int
    tool: str
    text: str
    arguments: dict[str, Any]
    on: str
    warnings: list[str]


class Question(BaseModel):
    """What a task cannot go on without; any of the candidates, or other words, answer it."""

    question: str
    text: str
    candidates: list[str]


class Report(BaseModel):
    """Where a run stands.

    Attributes:
        run: its id.
        status: "approval" or "asking" where it waits for a person; "answered", "failed" or
            "stopped" where it is over; else what it does now.
        plan: in the plan language; "" before it is complete.
        approval: id to decide with, "" where no approval is asked for.
        calls: those that the approval is asked for.
        questions: those without an answer.
        answer: the end in words; "" where it has none.
        complete: it is over, and everything that was asked for happened.
    """

    run: str
    status: str
    plan: str
    approval: str
    calls: list[Call]
    questions: list[Question]
    answer: str
    complete: bool


def report(state: RunState) -> Report:
    """The report of a run."""
    questions = [
        Question(question=q.question, text=q.text, candidates=q.candidates) for q in state.questions
    ]
    return Report(
        run=state.run,
        status=state.status,
        plan=state.plan.plan if state.plan else "",
        approval=state.approval.approval if state.approval else "",
        calls=waiting(state),
        questions=questions,
        answer=told(state),
        complete=bool(getattr(state.answer, "complete", False)),
    )


def waiting(state: RunState) -> list[Call]:
    """The calls that wait for approval."""
    names = Call.model_fields
    calls = state.approval.calls if state.approval else []
    return [Call(**{name: getattr(call, name) for name in names}) for call in calls]


def told(state: RunState) -> str:
    """The end of a run in words; "" where it has none."""
    answer = state.answer
    if answer is None:
        return ""
    return answer.message if hasattr(answer, "message") else answer.text
