"""The executor: order, what runs at once, and what a failure stops."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from tinyagent import events
from tinyagent.approval.approval import ApprovalBook, ToolRunner
from tinyagent.backends.base import Outcome
from tinyagent.errors import NotFoundError, ToolError
from tinyagent.events import Event
from tinyagent.plans.syntax import Plan, read_plan
from tinyagent.runs.executor import Executor
from tinyagent.runs.run import Run
from tinyagent.tools.context import ToolContext
from tinyagent.tools.sixteen import SIXTEEN

NOW = datetime(2026, 11, 24, 9, 30)
THREE = """1. get_phone_number("A")
2. get_phone_number("B")
3. send_sms(["$1", "$2"], "hi")
4. join()"""


class Phones:
    """A backend of phones; ``look_up`` decides what happens."""

    name = "phones"

    def __init__(self, look_up: Callable[[str], str]) -> None:
        self.look_up = look_up
        self.called: list[str] = []
        self.sent: list[tuple[list[str], str]] = []

    def get_phone_number(self, name: str) -> Outcome:
        self.called.append(name)
        return Outcome(self.look_up(name))

    def send_sms(self, recipients: list[str], message: str) -> Outcome:
        self.sent.append((recipients, message))
        return Outcome("Sent.")


class Rig:
    """An executor with a run of its own."""

    def __init__(self, backend: Phones, limit: float = 20.0, asks: bool = False) -> None:
        self.book = ApprovalBook()
        self.log: list[Event] = []
        self.run = Run("run", lambda: NOW, self.log.append)
        self.run.emit(events.RequestReceived("r", "", "phones", "test", {}))
        self.pool = ThreadPoolExecutor(8)
        self.executor = Executor(
            self.run,
            SIXTEEN,
            ToolRunner(SIXTEEN, self.book),
            ToolContext(backend, None),  # type: ignore[arg-type]
            self.pool,
            now=NOW,
            limit=limit,
            asks=asks,
        )

    def add(self, plan: Plan) -> None:
        for call in plan:
            self.executor.add(call)
        self.executor.finish_plan()

    def approve_all(self) -> None:
        calls = self.executor.proposals()
        self.executor.approve({c.task: (c, self.book.grant("run", c)) for c in calls})

    def kinds(self, task: int) -> list[str]:
        return [type(e).__name__ for e in self.log if getattr(e, "task", None) == task]


def run(test: Callable[[], Awaitable[Any]]) -> Any:
    async def bounded() -> Any:
        return await asyncio.wait_for(test(), 20)  # type: ignore[arg-type]

    return asyncio.run(bounded())


def test_look_ups_run_at_once_and_a_changing_task_waits_for_its_grant() -> None:
    both = threading.Barrier(2)

    def look_up(name: str) -> str:
        both.wait(10)  # passes only while both look-ups run
        return f"+1 {name}"

    backend = Phones(look_up)

    async def test() -> None:
        rig = Rig(backend)
        rig.add(read_plan(THREE))
        await rig.executor.settle()
        assert backend.sent == []
        (call,) = rig.executor.proposals()
        assert call.arguments["recipients"] == ["+1 A", "+1 B"]
        rig.approve_all()
        await rig.executor.settle()
        assert backend.sent == [(["+1 A", "+1 B"], "hi")]
        assert rig.kinds(3) == ["PlanLine", "TaskStarted", "TaskDone"]

    run(test)


def test_a_look_up_starts_before_the_plan_is_complete() -> None:
    backend = Phones(lambda name: "+1")

    async def test() -> None:
        rig = Rig(backend)
        rig.executor.add(read_plan(THREE).calls[0])
        await rig.executor.settle()
        assert backend.called == ["A"]

    run(test)


def test_a_failure_stops_what_depends_on_it_and_nothing_else() -> None:
    def look_up(name: str) -> str:
        if name == "A":
            raise NotFoundError("nobody is called A")
        return "+1"

    backend = Phones(look_up)
    plan = """1. get_phone_number("A")
2. get_phone_number("B")
3. send_sms(["$1"], "hi")
4. send_sms(["$2"], "ho")
5. join()"""

    async def test() -> None:
        rig = Rig(backend)
        rig.add(read_plan(plan))
        await rig.executor.settle()
        rig.approve_all()
        await rig.executor.settle()
        assert [t.status for t in rig.executor.tasks] == ["failed", "done", "skipped", "done"]
        (skipped,) = [e for e in rig.log if isinstance(e, events.TaskSkipped)]
        assert (skipped.task, skipped.because) == (3, [1])
        assert backend.sent == [(["+1"], "ho")]

    run(test)


def test_the_same_call_in_a_new_plan_is_not_made_again() -> None:
    backend = Phones(lambda name: f"+1 {name}")

    async def test() -> None:
        rig = Rig(backend)
        rig.executor.add(read_plan(THREE).calls[0])
        await rig.executor.settle()
        rig.executor.reset()
        rig.run.emit(events.PlanRestarted())
        rig.add(read_plan('1. get_phone_number("B")\n2. get_phone_number("A")\n3. join()'))
        await rig.executor.settle()
        assert backend.called == ["A", "B"]
        kept = [e for e in rig.log if isinstance(e, events.TaskDone) and e.kept]
        assert [(e.task, e.result) for e in kept] == [(2, "+1 A")]

    run(test)


def test_a_running_look_up_is_taken_over_by_the_new_plan() -> None:
    go = threading.Event()

    def look_up(name: str) -> str:
        go.wait(10)
        return "+1"

    backend = Phones(look_up)

    async def test() -> None:
        rig = Rig(backend)
        rig.executor.add(read_plan(THREE).calls[0])
        await asyncio.sleep(0)
        rig.executor.reset()
        rig.run.emit(events.PlanRestarted())
        rig.add(read_plan(THREE))
        go.set()
        await rig.executor.settle()
        assert sorted(backend.called) == ["A", "B"]
        assert rig.run.state.task(1).status == "done"

    run(test)


def test_a_task_over_its_limit_fails() -> None:
    go = threading.Event()
    backend = Phones(lambda name: str(go.wait(10)))

    async def test() -> None:
        rig = Rig(backend, limit=0.05)
        rig.executor.add(read_plan(THREE).calls[0])
        await rig.executor.settle()
        assert rig.executor.tasks[0].kind == "timeout"
        go.set()

    run(test)


def test_a_bug_in_a_tool_is_one_failed_task() -> None:
    def look_up(name: str) -> str:
        raise RuntimeError("boom")

    async def test() -> None:
        rig = Rig(Phones(look_up))
        rig.executor.add(read_plan(THREE).calls[0])
        await rig.executor.settle()
        assert rig.executor.tasks[0].kind == "error"
        assert "boom" in rig.executor.tasks[0].error

    run(test)


def test_a_task_that_asked_goes_on_with_the_answer_while_others_ran() -> None:
    def look_up(name: str) -> str:
        if name == "A":
            raise NotFoundError("nobody is called A")
        return f"+1 {name}"

    backend = Phones(look_up)

    async def test() -> None:
        rig = Rig(backend, asks=True)
        rig.add(read_plan(THREE))
        while not rig.run.state.questions:
            await asyncio.sleep(0.01)
        (question,) = rig.run.state.questions
        rig.executor.answer(question.question, "Anna")
        await rig.executor.settle()
        assert rig.executor.results == {1: "+1 Anna", 2: "+1 B"}

    run(test)


def test_stopping_says_of_a_changing_task_that_it_may_have_happened() -> None:
    go = threading.Event()
    backend = Phones(lambda name: "+1")
    backend.send_sms = lambda recipients, message: Outcome(str(go.wait(10)))  # type: ignore

    async def test() -> None:
        rig = Rig(backend)
        rig.add(read_plan('1. send_sms(["+1 555 0100"], "hi")\n2. join()'))
        rig.approve_all()
        while rig.executor.tasks[0].status != "running":
            await asyncio.sleep(0.01)
        await rig.executor.stop()
        assert rig.executor.tasks[0].kind == "stopped"
        assert "may have happened" in rig.executor.tasks[0].error
        go.set()

    run(test)


def test_an_error_of_the_backend_is_told_in_its_words() -> None:
    def look_up(name: str) -> str:
        raise ToolError("Contacts is locked; unlock it")

    async def test() -> None:
        rig = Rig(Phones(look_up))
        rig.executor.add(read_plan(THREE).calls[0])
        await rig.executor.settle()
        (failed,) = [e for e in rig.log if isinstance(e, events.TaskFailed)]
        assert failed.error == "Contacts is locked; unlock it"

    run(test)
