"""The loop that ties everything: one run, from the request to the answer.

    select tools -> plan -> read -> (ask, plan again) -> write texts
        -> ask for approval -> change -> answer

What happens is told through the run's events, and nothing else: the page, the
command line and the trace log listen. Everything here happens on the agent's
event loop; models and tools work on threads.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import Counter
from datetime import datetime

from tinyagent import events
from tinyagent.approval.approval import Decision, ToolRunner
from tinyagent.errors import PlanError, RequestError, ServerError, TinyAgentError, TraceError
from tinyagent.plans.syntax import Plan, Value
from tinyagent.runs.answer import answer, cannot, so_far
from tinyagent.runs.approving import Approving
from tinyagent.runs.executor import Executor
from tinyagent.runs.parts import Parts
from tinyagent.runs.planning import Planning, check_request
from tinyagent.runs.run import Run
from tinyagent.runs.texts import Texts
from tinyagent.tools.context import ToolContext
from tinyagent.tools.registry import ToolSet
from tinyagent.writers import Writers

_log = logging.getLogger(__name__)

_SAY_OTHERWISE = "Say it in other words, or in smaller steps."
_NOTHING_DONE = "Nothing was changed. Then ask again."


class Loop:
    """One run.

    Args:
        parts: shared by all runs.
        run: told of all that happens.
        request: the person's words.
        now: what its times count from.
        source: who started it, for the trace.
        asks: a person is there to answer questions.
        remembered: approvals that were remembered count.
        given: a plan to run as it is; None has one written.
    """

    def __init__(
        self,
        parts: Parts,
        run: Run,
        request: str,
        now: datetime,
        source: str,
        asks: bool,
        remembered: bool = True,
        given: Plan | None = None,
    ) -> None:
        self._parts = parts
        self.run = run
        self._request = request
        self._now = now
        self._source = source
        self._given = given
        self._stop = threading.Event()
        self._tools = parts.tools
        writers = Writers(parts.writer, parts.writer_lock, self._stop.is_set)
        self._executor = Executor(
            run,
            parts.tools,
            ToolRunner(parts.tools, parts.book, parts.settings.approval == "always"),
            ToolContext(parts.backend, writers),
            parts.tasks,
            now=now,
            limit=parts.settings.task_timeout,
            asks=asks,
        )
        self._planning = Planning(parts, run, request, now, self._executor, self._stop)
        texts = Texts(run, request, self._executor, writers, parts.tasks)
        self._approving = Approving(parts, run, now, self._executor, texts, remembered)

    async def live(self) -> None:
        """The whole run. It always ends with one of ``events.FINAL``."""
        try:
            await self._live()
        except asyncio.CancelledError:
            self._stop.set()
            with contextlib.suppress(TraceError):
                await self._executor.stop()
            self._end(events.Stopped(so_far(self.run.state, self._tools)))
        except RequestError as error:
            cure = "Say what is to be done in a sentence or two."
            self._end(events.Failed(str(error), cure, invalid=True))
        except ServerError as error:
            self._end(events.Failed(f"{_sentence(str(error))}", _NOTHING_DONE))
        except TinyAgentError as error:
            self._end(events.Failed(str(error), _SAY_OTHERWISE))
        except Exception as error:
            _log.exception("run %s", self.run.id)
            message = f"TinyAgent broke down: {type(error).__name__}: {error}"
            self._end(events.Failed(message, "Please report this, with the trace of the run."))
        finally:
            self._stop.set()
            self._executor.close()
            self._parts.book.revoke(self.run.id)

    def decide(self, approval: str, decision: Decision) -> None:
        """Take the person's decision; see ``Approving.decide``."""
        self._approving.decide(approval, decision)

    def answer(self, question: str, choice: str) -> None:
        """Take the person's answer to a question; see ``Executor.answer``."""
        self._executor.answer(question, choice)

    def _end(self, event: events.Failed | events.Stopped) -> None:
        """Tell the end, in the log if it can be written; the person is told all the same."""
        try:
            self.run.emit(event)
        except TraceError as error:
            failed = isinstance(event, events.Failed)
            told = event if failed else events.Failed(str(error), "Then ask again.")
            self.run.emit(told, logged=False)

    async def _live(self) -> None:
        self.run.emit(
            events.RequestReceived(
                self._request,
                self._now.isoformat(timespec="minutes"),
                self._parts.backend.name,
                self._source,
                self._parts.versions,
            )
        )
        check_request(self._request)
        if self._given is not None:
            self._planning.take_given(self._given)
            await self._look_up()
        else:
            selection = await self._planning.select()
            plan = await self._planning.write(selection.tools) if selection.tools else Plan()
            if not plan.calls:
                self.run.emit(cannot(self._tools, selection.probabilities))
                return
            await self._look_up()
            await self._mend(plan, selection.tools)
        await self._approving.run_approved()
        self.run.emit(answer(self.run.state, self._tools))

    async def _look_up(self) -> None:
        """Let everything run that changes nothing."""
        await self._executor.settle()
        await self._approving.run_approved(changes=False)

    async def _mend(self, plan: Plan, tools: list[str]) -> None:
        """Plan again where a look-up found nothing, as LLMCompiler's joiner does.

        A new plan may find things another way; it may not do other things, so
        its changing calls must be of the same tools. Otherwise the first plan
        goes on without what failed.
        """
        avoid: list[tuple[str, tuple[Value, ...]]] = []
        first = self._planning.ready
        for attempt in range(1, self._parts.settings.replans + 1):
            failed = [t for t in self._executor.tasks if t.kind == "not_found"]
            if not failed or self._approving.rewritten:
                return
            avoid += [(task.call.tool, task.call.arguments) for task in failed]
            self.run.emit(events.Replanning("; ".join(t.error for t in failed), attempt))
            try:
                new = await self._planning.write(tools, avoid)
            except PlanError:
                new = Plan()
            if not new.calls or _changing(new, self._tools) != _changing(plan, self._tools):
                self._planning.take_again(plan, first)
                await self._look_up()
                return
            await self._look_up()


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _changing(plan: Plan, tools: ToolSet) -> Counter[str]:
    return Counter(call.tool for call in plan if tools[call.tool].changes)
