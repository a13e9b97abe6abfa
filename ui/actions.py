"""What the cards in the browser call: each action answers at once, with {} or what is wrong."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tinyagent.agent import TinyAgent
from tinyagent.approval.approval import Decision
from tinyagent.errors import PlanError, TimePhraseError, TinyAgentError, TraceError
from ui.cards import read_decision, read_time

Form = dict[str, Any]
"""What the browser sends: always the id of the run, as ``run``."""


def actions(agent: TinyAgent) -> list[Callable[[Form], Any]]:
    """The functions that ``assets/page.js`` calls by name."""

    def decide(form: Form) -> Form:
        """An approval's form was sent."""
        try:
            agent.decide(form["run"], form["approval"], _decision(agent, form))
        except PlanError as error:
            return {"error": error.reason, "task": error.task, "argument": error.argument}
        except TinyAgentError as error:
            return {"error": str(error)}
        return {}

    def answer(form: Form) -> Form:
        """A question was answered; an empty ``choice`` passes over it."""
        try:
            agent.answer(form["run"], form["question"], form["choice"])
        except TinyAgentError as error:
            return {"error": str(error)}
        return {}

    def halt(form: Form) -> Form:
        """The person stops a run."""
        agent.stop(form["run"])
        return {}

    def check_plan(form: Form) -> list[str]:
        """All that is wrong with a plan that is being edited."""
        try:
            return [str(error) for error in agent.check_plan(form["run"], form["plan"])]
        except TraceError as error:
            return [str(error)]

    def check_time(form: Form) -> Form:
        """How a time that is being edited will be understood."""
        try:
            now = datetime.fromisoformat(agent.state(form["run"]).now)
            return {"time": read_time(form["kind"], form["phrase"], form["start"], now)}
        except (TimePhraseError, TraceError) as error:
            return {"error": str(error)}

    return [decide, answer, halt, check_plan, check_time]


def _decision(agent: TinyAgent, form: Form) -> Decision:
    state = agent.state(form["run"])
    asked = state.approval
    if asked is None:
        # Decided elsewhere meanwhile: whatever is sent, the agent refuses it, and says so.
        return Decision("reject")
    return read_decision(form, asked, state.tools, agent.clock())
