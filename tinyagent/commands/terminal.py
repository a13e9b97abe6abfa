"""One run on a terminal: what happens goes to stderr, the answer to stdout."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Literal

import typer

from tinyagent import events
from tinyagent.agent import TinyAgent
from tinyagent.approval.approval import Decision
from tinyagent.approval.describe import proposed
from tinyagent.approval.visible import visible
from tinyagent.errors import TraceError
from tinyagent.events import Event

Approve = Literal["all", "ask", "none"]
DONE, FAILED, BAD_INPUT = 0, 1, 2
"""Exit statuses."""


def converse(
    agent: TinyAgent,
    run: str,
    approve: Approve,
    as_json: bool,
    confirm: Callable[[str], bool],
    until: datetime | None = None,
) -> int:
    """Follow a run to its end, deciding as ``approve`` says; the exit status.

    Args:
        approve: "all" approves what is proposed; "ask" asks the person; "none"
            only shows it.
        as_json: print the trace in the end, not the answer.
        confirm: asks the person a yes-or-no question.
        until: remember until then what the person approves.
    """
    status = FAILED
    event: Event | None = None
    while not isinstance(event, events.FINAL):
        # Prompts stand outside asyncio, which would take Ctrl-C away from them.
        event = asyncio.run(_next_to_act_on(agent, run, event.seq if event else 0))
        match event:
            case events.QuestionAsked():
                agent.answer(run, event.question, _choose(event))
            case events.ApprovalAsked() if approve == "none":
                status = DONE
                if not as_json:
                    lines = [line for call in event.calls for line in proposed(call)]
                    typer.echo(visible("\n".join(lines)))
                agent.stop(run)
            case events.ApprovalAsked():
                shown = [line for call in event.calls for line in proposed(call)]
                _say("To be approved:", *(f"  {line}" for line in shown))
                yes = approve == "all" or confirm("Do this?")
                decision = Decision("approve", until=until) if yes else Decision("reject")
                agent.decide(run, event.approval, decision)
            case events.Answered():
                status = DONE if event.complete else FAILED
                if not as_json:
                    typer.echo(visible(event.text))
            case events.Failed():
                status = BAD_INPUT if event.invalid else FAILED
                _say(f"error: {event.message} {event.cure}")
    if as_json:
        typer.echo(json.dumps(agent.traces.read(run), ensure_ascii=False, indent=2))
    return status


async def _next_to_act_on(agent: TinyAgent, run: str, after: int) -> Event:
    """Tell what happens, up to an event that needs the person or ends the run."""
    async with contextlib.aclosing(agent.events(run, after)) as following:
        async for event in following:
            _tell(event)
            if isinstance(event, (events.QuestionAsked, events.ApprovalAsked, *events.FINAL)):
                return event
    raise TraceError(f"run {run} ended without an answer; look at its trace")


def confirmed(question: str) -> bool:
    """Ask on the terminal; an end of input means no."""
    try:
        return typer.confirm(question, err=True)
    except typer.Abort:
        return False


def interactive() -> bool:
    """Is a person there to answer?"""
    return sys.stdin.isatty()


def _tell(event: Event) -> None:
    match event:
        case events.ToolsSelected():
            shown = [f"{tool} {event.probabilities[tool]:.2f}" for tool in event.tools]
            _say(f"Tools: {', '.join(shown) or 'none'}")
        case events.PlanLine():
            _say(f"  {event.line}")
        case events.PlanReady() if event.note:
            _say(event.note)
        case events.PlanRestarted():
            _say("  (the plan is written anew)")
        case events.Replanning():
            _say(f"Planning again: {event.why}")
        case events.ApprovalDecided() if event.by:
            shown = [line for call in event.calls for line in proposed(call)]
            _say("Approved before:", *(f"  {line}" for line in shown))
        case events.ApprovalDecided() if event.until:
            _say(f"Remembered until {event.until.replace('T', ' ')}")
        case events.TaskProgress():
            _say(f"  task {event.task}: {event.doing}")
        case events.TaskDone():
            _say(f"  task {event.task} done: {event.result}")
        case events.TaskFailed():
            _say(f"  task {event.task} failed: {event.error}")
        case _:
            pass


def _choose(question: events.QuestionAsked) -> str:
    """The answer of the person: a candidate by its number, other words, or "" for none."""
    _say(question.text, *(f"  {n}) {c}" for n, c in enumerate(question.candidates, 1)))
    try:
        typed = typer.prompt("Which one (empty to skip)", default="", show_default=False, err=True)
    except typer.Abort:
        return ""
    if typed.isdigit() and 1 <= int(typed) <= len(question.candidates):
        return question.candidates[int(typed) - 1]
    return str(typed)


def _say(*lines: str) -> None:
    for line in lines:
        typer.echo(visible(line), err=True)
