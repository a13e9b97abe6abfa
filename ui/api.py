"""The page's API for other programs, over HTTP: ``docs/http.md``.

A program hands in a request and is told what would be done. Nothing that
changes something runs before an approval, by its id: on the page, or through
``approve``, by a program whose person said yes. What that person had
remembered on the page does not count here, as another program asks.
"""

# Gradio reads the types of the functions themselves: no postponed annotations here.

import asyncio
from collections.abc import Callable
from typing import Any

import gradio as gr

from tinyagent.agent import TinyAgent
from tinyagent.approval.approval import Decision
from tinyagent.errors import TinyAgentError
from tinyagent.runs.report import report

Reported = dict[str, Any]
"""The fields of ``runs.report.Report``."""


def add_api(agent: TinyAgent) -> None:
    """Add the functions to the ``gr.Blocks`` that is being made; no others are shown to clients."""

    async def plan(request: str) -> Reported:
        """Begin a run. Comes back once it waits for an approval or an answer, or is over."""
        run = await _told(agent.start, request, source="http", remembered=False)
        return await _rested(run)

    async def status(run: str) -> Reported:
        """Where a run stands now."""
        return report(await _told(agent.state, run)).model_dump()

    async def approve(run: str, approval: str, tasks: list[int] | None = None) -> Reported:
        """Do what was proposed, or only these tasks of it and what they need."""
        chosen = None if tasks is None else frozenset(tasks)
        await _told(agent.decide, run, approval, Decision("approve", chosen))
        return await _rested(run)

    async def reject(run: str, approval: str) -> Reported:
        """Do nothing of what was proposed."""
        await _told(agent.decide, run, approval, Decision("reject"))
        return await _rested(run)

    async def answer(run: str, question: str, choice: str) -> Reported:
        """Answer a question; an empty choice passes over it."""
        await _told(agent.answer, run, question, choice)
        return await _rested(run)

    async def stop(run: str) -> Reported:
        """End a run; what was done stays done."""
        await _told(agent.stop, run)
        return await _rested(run)

    async def _rested(run: str) -> Reported:
        return report(await agent.rested(run)).model_dump()

    for function in (plan, status, approve, reject, answer, stop):
        gr.api(function)


async def _told(work: Callable[..., Any], *given: Any, **options: Any) -> Any:
    """Do it in a thread of its own; what goes wrong is told to the client in its words."""
    try:
        return await asyncio.to_thread(work, *given, **options)
    except TinyAgentError as error:
        raise gr.Error(str(error), print_exception=False) from error
