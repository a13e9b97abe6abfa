"""The executor: every task of a plan whose inputs are there runs at once.

Tasks that only read start by themselves, perhaps while the plan is still being
written; a changing task starts once it holds a grant (and where the settings ask
always, so does each). A failed task stops what
depends on it, and nothing else.

All of it happens on one event loop, except the tools: they run on threads. A
thread cannot be killed, so a tool that went over its time limit, or was
stopped, may still come to its end; its result is dropped.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor as Pool
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from tinyagent import events
from tinyagent.approval.approval import Grant, ToolRunner
from tinyagent.approval.describe import describe
from tinyagent.backends.base import Outcome
from tinyagent.errors import (
    AmbiguousError,
    ApprovalError,
    NotFoundError,
    TinyAgentError,
    ToolError,
)
from tinyagent.events import FailureKind, Json, ProposedCall
from tinyagent.plans.syntax import Call, Plan
from tinyagent.runs.resolve import ResolvedCall, resolve
from tinyagent.runs.run import Run
from tinyagent.tools.context import ToolContext
from tinyagent.tools.registry import Tool, ToolSet

_log = logging.getLogger(__name__)
_Progress = Callable[[float, str], None]


@dataclass
class Task:
    """One call of the plan, and where it stands.

    Attributes:
        call: as the planner wrote it.
        tool: what it calls.
        status: as in ``state.TaskState``.
        literal: values that stand in place of the plan's: answers, a writer's text.
        written: arguments that a writer wrote.
        approved: the call as approved and its grant, for a task that needs one.
        outcome: what it gave, once done.
        kind: why it failed.
        job: the coroutine that runs it.
    """

    call: Call
    tool: Tool
    status: Literal["waiting", "running", "asking", "done", "failed", "skipped"] = "waiting"
    literal: dict[str, Json] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    approved: tuple[ResolvedCall, Grant] | None = None
    outcome: Outcome | None = None
    kind: FailureKind | None = None
    error: str = ""
    job: asyncio.Task[None] | None = None


class Reads:
    """Results of the calls that only read, kept for the whole run.

    The same call in a plan that was written anew, or twice in one plan, is one call.
    """

    def __init__(self) -> None:
        self._jobs: dict[str, asyncio.Task[Outcome]] = {}
        self._watchers: dict[str, list[_Progress]] = {}

    def known(self, call: ResolvedCall) -> Outcome | None:
        """The result, if it is there already."""
        job = self._jobs.get(call.canonical)
        if job is None or not job.done() or job.cancelled() or job.exception():
            return None
        return job.result()

    async def result(
        self,
        call: ResolvedCall,
        work: Callable[[_Progress], asyncio.Task[Outcome]],
        watcher: _Progress,
    ) -> Outcome:
        """Wait for the call's result; ``work`` starts it, if nobody did before."""
        key = call.canonical
        watchers = self._watchers.setdefault(key, [])
        watchers.append(watcher)
        try:
            if key not in self._jobs or self._failed(key):
                self._jobs[key] = work(lambda share, doing: self._tell(key, share, doing))
            # Shielded: the plan may be written anew, and the same call come again.
            return await asyncio.shield(self._jobs[key])
        finally:
            watchers.remove(watcher)

    def cancel(self) -> None:
        """Wait for nothing any more: the run is over."""
        for job in self._jobs.values():
            job.cancel()

    def _failed(self, key: str) -> bool:
        job = self._jobs[key]
        return job.done() and (job.cancelled() or job.exception() is not None)

    def _tell(self, key: str, share: float, doing: str) -> None:
        for watcher in list(self._watchers[key]):
            watcher(share, doing)


class Executor:
    """Runs the tasks of one plan after another, for one run.

    Args:
        run: told of all that happens.
        tools: those that plans may name.
        runner: calls them.
        context: what they are handed; its progress is replaced for each task.
        pool: the threads they run on.
        now: what times count from.
        limit: seconds a task may take, counted from its last sign of progress.
        asks: a person is there to answer questions.
    """

    def __init__(
        self,
        run: Run,
        tools: ToolSet,
        runner: ToolRunner,
        context: ToolContext,
        pool: Pool,
        *,
        now: datetime,
        limit: float,
        asks: bool,
    ) -> None:
        self._run = run
        self._tools = tools
        self._runner = runner
        self._context = context
        self._pool = pool
        self._now = now
        self._limit = limit
        self._asks = asks
        self._reads = Reads()
        self._final = asyncio.Event()
        self._questions: dict[str, asyncio.Future[str]] = {}
        self._asked = 0
        self.tasks: list[Task] = []

    @property
    def plan(self) -> Plan:
        """The calls so far."""
        return Plan(tuple(task.call for task in self.tasks))

    @property
    def results(self) -> dict[int, str]:
        """What the tasks that are done gave."""
        return {t.call.number: str(t.outcome) for t in self.tasks if t.outcome is not None}

    def add(self, call: Call) -> None:
        """Take in the next call of the plan, and start it if it can run."""
        tool = self._tools[call.tool]
        self.tasks.append(Task(call, tool))
        self._run.emit(events.PlanLine.of(call, tool.changes))
        self._start()

    def finish_plan(self) -> None:
        """The plan is complete: from now on a person may be asked about it."""
        self._final.set()

    def reset(self) -> None:
        """Forget the plan; results of calls that only read are kept."""
        for task in self.tasks:
            if task.job is not None:
                task.job.cancel()
        self.tasks = []
        self._questions.clear()
        self._final.clear()

    async def settle(self) -> None:
        """Wait until nothing runs and nothing can start."""
        while jobs := [t.job for t in self.tasks if t.job is not None and not t.job.done()]:
            await asyncio.wait(jobs)

    async def stop(self) -> None:
        """End what runs; say so of each task."""
        running = [task for task in self.tasks if task.status in ("running", "asking")]
        for task in running:
            if task.job is not None:
                task.job.cancel()
        await asyncio.gather(*(t.job for t in running if t.job), return_exceptions=True)
        for task in running:
            doubt = "; it may have happened all the same" if task.tool.changes else ""
            self._fail(task, f"stopped while it ran{doubt}", "stopped", 0.0)

    def close(self) -> None:
        """Wait for nothing any more: the run is over."""
        for task in self.tasks:
            if task.job is not None:
                task.job.cancel()
        self._reads.cancel()

    def proposals(self, changes: bool = True) -> list[ResolvedCall]:
        """The calls that wait for approval, resolved as far as can be.

        Those that only read come first, by themselves: what the others need is
        then known when they are asked about. ``changes=False`` gives only them.

        Raises:
            PlanError: one does not resolve.
        """
        waiting = [task for task in self.tasks if self._is_open(task)]
        reading = [task for task in waiting if not task.tool.changes]
        if not changes or reading:
            waiting = reading
        return [self.resolve(task) for task in waiting]

    def proposed(
        self, call: ResolvedCall, on: str = "", warnings: Sequence[str] = ()
    ) -> ProposedCall:
        """The call as a person is shown it; ``on`` and ``warnings`` are as there."""
        return ProposedCall(
            call.task,
            call.tool,
            describe(call, self._tools, self.plan),
            call.arguments,
            call.open,
            list(self.tasks[call.task - 1].written),
            call.hash,
            on,
            list(warnings),
        )

    def resolve(self, task: Task) -> ResolvedCall:
        """The task's call, with the results that are there."""
        return resolve(task.call, task.tool, self.results, self._now, task.literal)

    def approve(self, granted: Mapping[int, tuple[ResolvedCall, Grant]]) -> None:
        """Start these changing tasks, each as soon as its inputs are there."""
        for number, approved in granted.items():
            self.tasks[number - 1].approved = approved
        self._start()

    def leave_out(self, number: int, reason: str) -> None:
        """The person wants this task not to run, and so nothing that needs it."""
        task = self.tasks[number - 1]
        task.status = "skipped"
        self._run.emit(events.TaskSkipped(number, [], reason))
        self._start()

    def refuse(self, number: int, error: ToolError) -> None:
        """This task cannot work, which was seen before anybody was asked about it."""
        kind: FailureKind = "not_found" if isinstance(error, NotFoundError) else "error"
        self._fail(self.tasks[number - 1], str(error), kind, 0.0)
        self._start()

    def answer(self, question: str, choice: str) -> None:
        """Give the person's answer ("" passes over) to the task that waits for it.

        Raises:
            ApprovalError: nobody waits for an answer to this question.
        """
        waiting = self._questions.get(question)
        if waiting is None or waiting.done():
            raise ApprovalError(f"question {question} is not open; it was answered, or is obsolete")
        waiting.set_result(choice.strip())

    def _is_open(self, task: Task) -> bool:
        asks_first = self._runner.asks_first(task.tool)
        return asks_first and task.status == "waiting" and task.approved is None

    def _start(self) -> None:
        """Start what can run, and skip what never can."""
        for task in self.tasks:
            if task.status != "waiting":
                continue
            needs = [self.tasks[k - 1] for k in sorted(_needs(task))]
            lost = [n.call.number for n in needs if n.status in ("failed", "skipped")]
            if lost:
                task.status = "skipped"
                numbers = " and ".join(map(str, lost))
                reason = f"it needs the result of task {numbers}"
                self._run.emit(events.TaskSkipped(task.call.number, lost, reason))
            elif self._may_run(task) and all(n.status == "done" for n in needs):
                task.status = "running"
                task.job = asyncio.get_running_loop().create_task(self._perform(task))

    def _may_run(self, task: Task) -> bool:
        return task.approved is not None or not self._runner.asks_first(task.tool)

    async def _perform(self, task: Task) -> None:
        """Run one task to its end, questions to the person included."""
        began = time.perf_counter()
        try:
            while not await self._attempt(task):
                pass
        except ApprovalError as error:
            self._fail(task, str(error), "approval", began)
        except TimeoutError:
            doubt = "; it may still happen" if task.tool.changes else ""
            reason = f"no answer within {self._limit:g} seconds{doubt}"
            self._fail(task, reason, "timeout", began)
        except AmbiguousError as error:
            self._fail(task, str(error), "ambiguous", began)
        except NotFoundError as error:
            self._fail(task, str(error), "not_found", began)
        except _PassedOverError as error:
            self._fail(task, str(error), "refused", began)
        except TinyAgentError as error:
            self._fail(task, str(error), "error", began)
        except Exception as error:
            _log.exception("task %s, %s", task.call.number, task.tool.name)
            self._fail(task, f"{task.tool.app} broke down: {error}", "error", began)
        self._start()

    async def _attempt(self, task: Task) -> bool:
        """Run the task once; False where it is to run again with the person's answer."""
        call = task.approved[0] if task.approved else self.resolve(task)
        try:
            act = self._change if task.tool.changes else self._read
            await act(task, call)
        except (AmbiguousError, NotFoundError) as error:
            argument = _argument_at_fault(task.tool, call, error)
            if not self._asks or argument is None:
                raise
            task.literal[argument] = await self._ask(task, argument, error)
            if not self._runner.asks_first(task.tool):
                return False
            # The call is another one now, so the person must approve it anew.
            task.approved = None
            task.status = "waiting"
        return True

    async def _change(self, task: Task, call: ResolvedCall) -> None:
        assert task.approved is not None
        began = time.perf_counter()
        self._started(task, call.filled(self.results))
        outcome = await self._in_thread(call, self._watcher(task), task.approved[1])
        self._done(task, outcome, time.perf_counter() - began)

    async def _read(self, task: Task, call: ResolvedCall) -> None:
        began = time.perf_counter()
        # The same call is the one with the same values, wherever they came from.
        filled = call.filled(self.results)
        grant = task.approved[1] if task.approved else None
        self._started(task, filled)
        known = self._reads.known(filled)
        if known is not None:
            self._done(task, known, 0.0, kept=True)
            return

        def work(progress: _Progress) -> asyncio.Task[Outcome]:
            work = self._in_thread(call, progress, grant)
            made = asyncio.get_running_loop().create_task(work)
            made.add_done_callback(lambda job: job.cancelled() or job.exception())
            return made

        outcome = await self._reads.result(filled, work, self._watcher(task))
        self._done(task, outcome, time.perf_counter() - began)

    async def _in_thread(
        self, call: ResolvedCall, progress: _Progress, grant: Grant | None = None
    ) -> Outcome:
        """Call the tool on a thread, within the time limit."""
        loop = asyncio.get_running_loop()
        results = self.results
        async with asyncio.timeout(self._limit) as deadline:

            def step(share: float, doing: str) -> None:
                if not work.done() and not deadline.expired():
                    deadline.reschedule(loop.time() + self._limit)
                    progress(share, doing)

            def told(share: float, doing: str) -> None:
                loop.call_soon_threadsafe(step, share, doing)

            context = replace(self._context, progress=told)
            work = loop.run_in_executor(
                self._pool, self._runner.run, self._run.id, call, results, context, grant
            )
            return await work

    def _watcher(self, task: Task) -> _Progress:
        number = task.call.number
        return lambda share, doing: _drop(self._run.emit(events.TaskProgress(number, share, doing)))

    async def _ask(self, task: Task, argument: str, error: ToolError) -> str:
        """Ask the person; the answer.

        Raises:
            _PassedOverError: the person did not want to answer.
        """
        await self._final.wait()
        self._asked += 1
        question = f"{self._run.id}-q{self._asked}"
        candidates = error.candidates if isinstance(error, AmbiguousError) else []
        waiting = asyncio.get_running_loop().create_future()
        self._questions[question] = waiting
        task.status = "asking"
        number = task.call.number
        self._run.emit(events.QuestionAsked(question, number, argument, str(error), candidates))
        choice = await waiting
        task.status = "running"
        self._run.emit(events.QuestionAnswered(question, number, choice))
        if not choice:
            raise _PassedOverError(f"you passed over the question: {error}")
        return str(choice)

    def _started(self, task: Task, call: ResolvedCall) -> None:
        text = describe(call, self._tools, self.plan)
        self._run.emit(events.TaskStarted(task.call.number, call.arguments, text))

    def _done(self, task: Task, outcome: Outcome, seconds: float, kept: bool = False) -> None:
        task.status = "done"
        task.outcome = outcome
        changes = list(outcome.changes)
        self._run.emit(
            events.TaskDone(task.call.number, str(outcome), outcome.link, seconds, kept, changes)
        )

    def _fail(self, task: Task, error: str, kind: FailureKind, began: float) -> None:
        task.status = "failed"
        task.kind = kind
        task.error = error
        seconds = time.perf_counter() - began if began else 0.0
        self._run.emit(events.TaskFailed(task.call.number, error, kind, seconds))


class _PassedOverError(ToolError):
    """The person gave no answer to a question."""


def _needs(task: Task) -> set[int]:
    """The tasks whose results it needs; an edit may have taken some out."""
    if task.approved is not None:
        return {gap.task for gap in task.approved[0].gaps}
    return task.call.references()


def _argument_at_fault(tool: Tool, call: ResolvedCall, error: ToolError) -> str | None:
    """The argument whose value was not found; None where that is not one text."""
    if isinstance(error, AmbiguousError):
        for argument, value in call.arguments.items():
            if value == error.name:
                return argument
    for parameter in tool.parameters:
        if parameter.required and parameter.kind.copied and parameter.kind.name == "":
            return parameter.name
    return None


def _drop(_: object) -> None:
    """For a callback that returns nothing."""
