"""Planning: the tools are picked, the plan is written, and its look-ups start as its lines come.

Models work on threads; what they tell comes back to the agent's event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from datetime import datetime
from functools import partial

from tinyagent import events
from tinyagent.errors import PlanError, RequestError
from tinyagent.planner.base import Avoided
from tinyagent.plans.syntax import Call, Plan, PlanReader
from tinyagent.plans.validate import problems, validate
from tinyagent.runs.executor import Executor
from tinyagent.runs.parts import Parts
from tinyagent.runs.run import Run
from tinyagent.tools.declaration import declarations

LONGEST_REQUEST = 2000
"""Characters: some 500 tokens, which is what fits beside the tools in the planner's prompt."""
GIVEN = "given"
"""The method of picking the tools of a plan that a person gave."""


class Planning:
    """The plans of one run.

    Args:
        parts: shared by all runs.
        run: told of all that happens.
        request: the person's words.
        now: what its times count from.
        executor: given each call of a plan.
        stop: set when the run is over; nothing is heard after.

    Attributes:
        ready: the event of the last plan that was written.
    """

    ready: events.PlanReady

    def __init__(
        self,
        parts: Parts,
        run: Run,
        request: str,
        now: datetime,
        executor: Executor,
        stop: threading.Event,
    ) -> None:
        self._parts = parts
        self._run = run
        self._request = request
        self._now = now
        self._tools = parts.tools
        self._executor = executor
        self._stop = stop
        self._reader = PlanReader()
        self._odds: dict[str, float] = {}

    async def select(self) -> events.ToolsSelected:
        """Have ToolRAG pick the tools that the request may need."""
        loop = asyncio.get_running_loop()
        toolrag = self._parts.toolrag
        s = await loop.run_in_executor(self._parts.models, toolrag.select, self._request)
        self._odds = s.odds
        selected = events.ToolsSelected(
            s.probabilities,
            list(s.tools),
            s.threshold,
            s.method,
            s.seconds,
            declarations(self._tools.only(s.tools).values()),
        )
        self._run.emit(selected)
        return selected

    async def write(self, tools: list[str], avoid: Avoided = ()) -> Plan:
        """Have a plan written; look-ups start as their lines come.

        Raises:
            PlanError: there is none, or it does not fit the tools.
        """
        loop = asyncio.get_running_loop()
        self._begin_plan()

        def on_text(text: str) -> None:
            loop.call_soon_threadsafe(self._hear, text)

        def on_restart() -> None:
            loop.call_soon_threadsafe(self._restart)

        planned = await loop.run_in_executor(
            self._parts.models,
            partial(
                self._parts.planner.plan,
                self._request,
                self._tools.only(tools),
                self._now,
                odds=self._odds,
                on_text=on_text,
                on_restart=on_restart,
                avoid=avoid,
                stop=self._stop.is_set,
            ),
        )
        validate(planned.plan, self._tools, self._now)
        self.ready = events.PlanReady(
            str(planned.plan),
            planned.prompt,
            planned.prompt_tokens,
            planned.plan_tokens,
            planned.decode_steps,
            planned.seconds,
            planned.confidence,
            planned.model,
            planned.note,
        )
        self._take(planned.plan, self.ready)
        return planned.plan

    def take_again(self, plan: Plan, ready: events.PlanReady) -> None:
        """Go back to an earlier plan."""
        self._restart()
        self._take(plan, ready)

    def take_given(self, plan: Plan) -> None:
        """Run a person's plan: no model is asked, and none replaces it where a task fails."""
        called = self._tools.only({call.tool for call in plan})
        declared = declarations(called.values())
        self._run.emit(events.ToolsSelected({}, list(called), None, GIVEN, 0.0, declared))
        self._begin_plan()
        self._take(plan, events.PlanReady(str(plan), "", 0, 0, 0, {}, 1.0))

    def _take(self, plan: Plan, ready: events.PlanReady) -> None:
        """The plan is complete: add what was not heard of it, and let it run."""
        known = self._executor.plan.calls
        if known != plan.calls[: len(known)]:
            self._restart()
            known = ()
        for call in plan.calls[len(known) :]:
            self._executor.add(call)
        self._run.emit(ready)
        self._executor.finish_plan()

    def _begin_plan(self) -> None:
        self._executor.reset()
        self._reader = PlanReader()

    def _restart(self) -> None:
        if not self._stop.is_set():
            self._begin_plan()
            self._run.emit(events.PlanRestarted())

    def _hear(self, text: str) -> None:
        """Take in a piece of the plan; start what its complete lines allow."""
        if self._stop.is_set():
            return
        self._run.emit(events.PlanText(text))
        # The whole plan is validated at its end, with an error if need be.
        with contextlib.suppress(PlanError):
            self._start_early(self._reader.feed(text))

    def _start_early(self, heard: list[Call]) -> None:
        for call in heard:
            calls = (*self._executor.plan.calls, call)
            if call.number == len(calls) and not problems(Plan(calls), self._tools, self._now):
                self._executor.add(call)


def check_request(request: str) -> None:
    """Raise a RequestError where a request is empty, or too long to be planned."""
    if not request.strip():
        raise RequestError("The request is empty.")
    if len(request) > LONGEST_REQUEST:
        raise RequestError(
            f"The request has {len(request):,} characters; "
            f"at most {LONGEST_REQUEST:,} can be planned."
        )
