"""TinyAgent: what the page and the command line talk to.

Runs live on one event loop in a thread of its own; every method here may be
called from any thread. What happens comes back as events (``events``), or
folded into what a page shows (``state``). The story of one run is ``loop.Loop``.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Self

from tinyagent.approval.approval import ApprovalBook, Decision
from tinyagent.approval.remembered import Remembered, RememberedApprovals
from tinyagent.backends.base import Backend
from tinyagent.errors import PlanError, TraceError
from tinyagent.events import Event
from tinyagent.opening import open_backend, open_servers, versions_in_use
from tinyagent.planner.base import Planner
from tinyagent.plans.syntax import Plan, read_plan
from tinyagent.plans.validate import problems, validate
from tinyagent.runs.live import LiveRuns
from tinyagent.runs.loop import Loop
from tinyagent.runs.parts import Parts
from tinyagent.runs.planning import check_request
from tinyagent.runs.run import new_run
from tinyagent.runs.state import RunState
from tinyagent.runs.undo import can_undo, undo_run
from tinyagent.settings import Settings, load_settings
from tinyagent.tools.installed import installed_tools
from tinyagent.tools.registry import ToolSet
from tinyagent.tools.sixteen import SIXTEEN
from tinyagent.traces import TraceLog
from tinyagent.versions import PARTS, Part, Versions, with_versions
from tinyagent.writers import Writer

if TYPE_CHECKING:
    from tinyagent.mcp.client import McpServers
    from tinyagent.toolrag.base import Selection, ToolRAG


class TinyAgent:
    """The agent, with all its parts; ``open`` makes it from settings.

    Args:
        settings: task_timeout and replans are read here, the rest by ``open``.
        backend: where tools act.
        tools: those that a plan may call.
        toolrag: picks the tools.
        planner: writes the plans.
        writer: writes texts; None where that is switched off.
        traces: the open trace log; it is closed with the agent.
        clock: the present time, naive and local.
        versions: of the program and the models, for the traces.
        servers: MCP servers that some tools are of; they are closed with the agent.

    Attributes:
        troubles: what of the settings could not be used, a sentence each.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        backend: Backend,
        tools: ToolSet = SIXTEEN,
        toolrag: ToolRAG,
        planner: Planner,
        writer: Writer | None,
        traces: TraceLog,
        clock: Callable[[], datetime],
        versions: dict[str, str] | None = None,
        servers: McpServers | None = None,
    ) -> None:
        self.settings = settings
        self.tools = tools
        self.traces = traces
        self.troubles = list(servers.troubles) if servers else []
        self._servers = servers
        self.clock = clock
        self._parts = Parts(
            settings,
            backend,
            tools,
            toolrag,
            planner,
            writer,
            threading.Lock(),
            ApprovalBook(),
            RememberedApprovals(settings.traces.parent, clock),
            ThreadPoolExecutor(1, "models"),
            ThreadPoolExecutor(16, "tasks"),
            versions or {},
        )
        self._chosen: dict[Part, str] | None = None
        self._runs = LiveRuns()

    @classmethod
    def open(
        cls, settings: Settings | None = None, clock: Callable[[], datetime] = datetime.now
    ) -> TinyAgent:
        """The agent that the settings ask for, ready to plan; None reads the settings file.

        Raises:
            TraceError: the trace log cannot be written.
            ModelError: a model file is missing or damaged.
            SettingsError: the backend cannot be used here.
            ToolDeclarationError: one of the person's own tools is declared wrongly.
        """
        # Loading models takes longer than everything else the command line does.
        from tinyagent.remote import planner_of, writer_of
        from tinyagent.toolrag import load

        settings = settings or load_settings()
        tools = installed_tools(settings.tools, settings.shortcuts, settings.task_timeout)
        with contextlib.ExitStack() as undo:
            traces = TraceLog(settings.traces)
            undo.callback(traces.close)
            chosen = Versions(settings).chosen()
            now = with_versions(settings)
            servers = open_servers(settings)  # they start while the models are loaded
            if servers is not None:
                undo.callback(servers.close)
            backend = open_backend(settings, clock)
            planner = planner_of(now)
            writer = writer_of(settings)
            if servers is not None:
                tools = tools.with_more(servers.tools(tools))
            agent = cls(
                settings,
                backend=backend,
                tools=tools,
                toolrag=load(now, tools),
                planner=planner,
                writer=writer,
                traces=traces,
                clock=clock,
                versions=versions_in_use(settings),
                servers=servers,
            )
            agent._chosen = chosen
            undo.pop_all()
        return agent

    def start(
        self,
        request: str,
        now: datetime | None = None,
        *,
        source: str = "python",
        asks: bool = True,
        remembered: bool = True,
        plan: str = "",
    ) -> str:
        """Begin a run; returns its id at once.

        Args:
            request: the person's words.
            now: what its times count from; the clock's time if left out.
            source: who asks, for the trace.
            asks: a person is there to answer questions; else a look-up that fits
                several or nothing fails.
            remembered: approvals that were remembered count; else it is asked each time.
            plan: one to run as it is, approvals and all; "" has one written.

        Raises:
            PlanError: the plan is none, or does not fit the tools.
        """
        request = _whole(request)
        self._take_versions()
        began = self.clock()
        given = read_plan(plan) if plan else None
        if given is not None:
            validate(given, self.tools, now or began)
        run = new_run(self.clock, self.traces.record)
        self._runs.begin(
            Loop(self._parts, run, request, now or began, source, asks, remembered, given)
        )
        return run.id

    async def events(self, run: str, after: int = 0) -> AsyncGenerator[Event, None]:
        """The events of a run above ``after``, each as it happens, until it is over.

        Raises:
            TraceError: there is no such run.
        """
        loop = self._runs.get(run)
        if loop is None:
            for event in self._past(run)[after:]:
                yield event
            return
        async with contextlib.aclosing(loop.run.follow(after)) as followed:
            async for event in followed:
                yield event

    def state(self, run: str) -> RunState:
        """What a page shows of a run now; TraceError where there is no such run."""
        loop = self._runs.get(run)
        return loop.run.state if loop else RunState.of(self._past(run))

    def wait(self, run: str, timeout: float | None = None) -> RunState:
        """Wait until a run is over or waits for the person; what is known of it then.

        Raises:
            TimeoutError: ``timeout`` seconds have passed, and neither came.
            TraceError: there is no such run.
        """

        async def rest() -> None:
            await asyncio.wait_for(self.rested(run), timeout)

        self._runs.do(rest())
        return self.state(run)

    async def rested(self, run: str) -> RunState:
        """As ``wait``, on the caller's event loop; no thread is held meanwhile.

        Raises:
            TraceError: there is no such run.
        """
        async with contextlib.aclosing(self.events(run)) as following:
            async for _ in following:
                if (state := self.state(run)).rests:
                    return state
        return self.state(run)

    def pending(self) -> list[str]:
        """The runs that wait for the person, oldest first."""
        return [x.run.id for x in self._runs.all() if x.run.state.status in ("asking", "approval")]

    def decide(self, run: str, approval: str, decision: Decision) -> None:
        """Decide on the approval that is pending.

        Raises:
            ApprovalError: it is not that one which is pending; nothing runs.
            PlanError: an edit does not fit; the approval stays pending.
            TraceError: there is no such run, or the log cannot be written.
        """
        self._runs.act(run, lambda loop: loop.decide(approval, decision))

    def answer(self, run: str, question: str, choice: str) -> None:
        """Answer a question with a candidate or other words; "" passes over it.

        Raises:
            ApprovalError: the question is not open.
            TraceError: there is no such run.
        """
        self._runs.act(run, lambda loop: loop.answer(question, _whole(choice)))

    def check_plan(self, run: str, text: str) -> list[PlanError]:
        """All that is wrong with a plan that the person is writing for this run."""
        try:
            plan = read_plan(text)
        except PlanError as error:
            return [error]
        return problems(plan, self.tools, datetime.fromisoformat(self.state(run).now))

    def propose(self, request: str, now: datetime | None = None) -> tuple[Selection, Plan]:
        """Pick the tools and plan, as a run would; nothing runs, and nothing is recorded.

        Raises:
            RequestError: it is empty, or too long to be planned.
            PlanError: no plan was found.
        """
        check_request(request)
        self._take_versions()
        parts = self._parts

        def work() -> tuple[Selection, Plan]:
            selection = parts.toolrag.select(request)
            if not selection.tools:
                return selection, Plan()
            planned = parts.planner.plan(
                request,
                self.tools.only(selection.tools),
                now or self.clock(),
                odds=selection.odds,
            )
            return selection, planned.plan

        return parts.models.submit(work).result()

    def can_undo(self, run: str) -> bool:
        """Did the run change anything that can be taken back? TraceError if there is no such."""
        return can_undo(self.traces.happened(run))

    def undo(self, run: str, source: str = "python") -> str:
        """Take back what a run changed; the id of the run that this is, which says how it went.

        Raises:
            TraceError: there is no such run, it is not over, or acted elsewhere.
        """
        happened = self._past(run)
        loop = self._runs.get(run)
        if loop is not None and not loop.run.state.over:
            raise TraceError(f"run {run} is under way; stop it first")
        undoing = new_run(self.clock, self.traces.record)
        undo_run(undoing, happened, self._parts.backend, self.clock, source)
        return undoing.id

    def remembered(self) -> list[Remembered]:
        """The approvals that are remembered now; ApprovalError where they cannot be read."""
        return self._parts.remembered.all()

    def revoke(self, which: str) -> list[Remembered]:
        """Forget a remembered approval by its id, or "all"; those that were forgotten.

        Raises:
            ApprovalError: there is no such one, or the list cannot be written.
        """
        return self._parts.remembered.revoke(which)

    def names(self) -> dict[str, list[str]]:
        """The names in use where it acts, by what they name: "contacts", "notes" …"""
        return self._parts.backend.names()

    def stop(self, run: str) -> None:
        """Stop a run; what is over already stays as it is."""
        self._runs.stop(run)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stop every run and let go of threads and files."""

        def threads() -> None:
            self._parts.models.shutdown(wait=True, cancel_futures=True)
            self._parts.tasks.shutdown(wait=False, cancel_futures=True)

        self._runs.close(threads)
        if self._servers is not None:
            self._servers.close()
        self.traces.close()

    def _take_versions(self) -> None:
        """Load what was put in use since; runs under way keep what they have."""
        if self._chosen is None:
            return  # made of parts that were given
        chosen = Versions(self.settings).chosen()
        if chosen == self._chosen:
            return
        from tinyagent.remote import planner_of
        from tinyagent.toolrag import load

        now, parts = with_versions(self.settings), self._parts
        changed = {part for part in PARTS if chosen[part] != self._chosen[part]}
        self._parts = replace(
            parts,
            toolrag=load(now, self.tools) if "toolrag" in changed else parts.toolrag,
            planner=planner_of(now) if "planner" in changed else parts.planner,
            versions=versions_in_use(self.settings),
        )
        self._chosen = chosen

    def _past(self, run: str) -> list[Event]:
        happened = self.traces.happened(run)
        if not happened:
            raise TraceError(f"there is no run {run}")
        return happened


def _whole(text: str) -> str:
    """The text without halves of characters, which nothing can write down."""
    return text.encode("utf-8", "replace").decode()
