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
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

from tinyagent import events
from tinyagent.approval.approval import Decision, Grant, ToolRunner
from tinyagent.approval.caution import Assessed, assess
from tinyagent.errors import (
    ApprovalError,
    PlanError,
    RequestError,
    ServerError,
    TinyAgentError,
    ToolError,
    TraceError,
)
from tinyagent.events import Json
from tinyagent.plans.edit import without
from tinyagent.plans.syntax import Call, Plan, PlanReader, Value, read_plan, reference
from tinyagent.plans.validate import problems, validate
from tinyagent.runs.answer import answer, cannot, so_far
from tinyagent.runs.executor import Executor, Task
from tinyagent.runs.parts import Parts
from tinyagent.runs.resolve import ResolvedCall, edit
from tinyagent.runs.run import Run
from tinyagent.tools.context import ToolContext
from tinyagent.tools.declaration import declarations
from tinyagent.tools.registry import ToolSet
from tinyagent.writers import Writers

_log = logging.getLogger(__name__)

LONGEST_REQUEST = 2000
"""Characters: some 500 tokens, which is what fits beside the tools in the planner's prompt."""
GIVEN = "given"
"""The method of picking the tools of a plan that a person gave."""
_MAIL = ("compose_new_email", "reply_to_email", "forward_email")
_SAY_OTHERWISE = "Say it in other words, or in smaller steps."
_NOTHING_DONE = "Nothing was changed. Then ask again."


Avoided = frozenset[tuple[str, tuple[Value, ...]]]
"""Calls, as (tool, arguments), that must not come again."""


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
        self._writers = Writers(parts.writer, parts.writer_lock, self._stop.is_set)
        self._tools = parts.tools
        self._executor = Executor(
            run,
            parts.tools,
            ToolRunner(parts.tools, parts.book, parts.settings.approval == "always"),
            ToolContext(parts.backend, self._writers),
            parts.tasks,
            now=now,
            limit=parts.settings.task_timeout,
            asks=asks,
        )
        self._reader = PlanReader()
        self._approvals = 0
        self._remembered = remembered
        self._shown: dict[int, ResolvedCall] = {}
        self._assessed: dict[int, Assessed] = {}
        self._revised = ""
        self._rewritten = False
        self._edited: dict[int, Call] = {}
        self._lost: set[int] = set()
        self._decided: asyncio.Future[Decision] | None = None

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
        """Take the person's decision.

        Raises:
            ApprovalError: another approval is pending, or none; nothing runs.
            PlanError: an edit does not fit; the approval stays pending.
        """
        asked = self.run.state.approval
        waits = self._decided is not None and not self._decided.done()
        if not waits or asked is None or asked.approval != approval:
            raise ApprovalError(f"approval {approval} is not pending; look at the run again")
        if decision.kind == "revise":
            if any(task.approved and task.tool.changes for task in self._executor.tasks):
                raise ApprovalError("part of this plan has run; edit or untick what is left of it")
            plan = read_plan(decision.plan)
            validate(plan, self._tools, self._now)
            self._record(approval, "revised", plan=str(plan))
        elif decision.kind == "reject":
            self._record(approval, "rejected", left_out=list(self._shown))
            for number in self._shown:
                self._executor.leave_out(number, "you rejected it")
        else:
            self._approve(approval, decision)
        assert self._decided is not None
        self._decided.set_result(decision)

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
            self._take_given(self._given)
            await self._executor.settle()
            await self._approve_calls(changes=False)
        else:
            selection = await self._select()
            plan = await self._plan(selection.tools) if selection.tools else Plan()
            if not plan.calls:
                self.run.emit(cannot(self._tools, selection.probabilities))
                return
            await self._executor.settle()
            await self._approve_calls(changes=False)
            await self._mend(plan, selection.tools)
        await self._approve_calls()
        self.run.emit(answer(self.run.state, self._tools))

    def _take_given(self, plan: Plan) -> None:
        """Run a person's plan: no model is asked, and none replaces it where a task fails."""
        called = self._tools.only({call.tool for call in plan})
        declared = declarations(called.values())
        self.run.emit(events.ToolsSelected({}, list(called), None, GIVEN, 0.0, declared))
        self._begin_plan()
        self._take(plan, events.PlanReady(str(plan), "", 0, 0, 0, {}, 1.0))

    async def _select(self) -> events.ToolsSelected:
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
        self.run.emit(selected)
        return selected

    async def _plan(self, tools: list[str], avoid: Avoided = frozenset()) -> Plan:
        """Have a plan written; look-ups start as their lines come."""
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
        self._ready = events.PlanReady(
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
        self._take(planned.plan, self._ready)
        return planned.plan

    def _begin_plan(self) -> None:
        self._executor.reset()
        self._reader = PlanReader()

    def _restart(self) -> None:
        if not self._stop.is_set():
            self._begin_plan()
            self.run.emit(events.PlanRestarted())

    def _hear(self, text: str) -> None:
        """Take in a piece of the plan; start what its complete lines allow."""
        if self._stop.is_set():
            return
        self.run.emit(events.PlanText(text))
        # The whole plan is validated at its end, with an error if need be.
        with contextlib.suppress(PlanError):
            self._start_early(self._reader.feed(text))

    def _start_early(self, heard: list[Call]) -> None:
        for call in heard:
            calls = (*self._executor.plan.calls, call)
            if call.number == len(calls) and not problems(Plan(calls), self._tools, self._now):
                self._executor.add(call)

    def _take(self, plan: Plan, ready: events.PlanReady) -> None:
        """The plan is complete: add what was not heard of it, and let it run."""
        known = self._executor.plan.calls
        if known != plan.calls[: len(known)]:
            self._restart()
            known = ()
        for call in plan.calls[len(known) :]:
            self._executor.add(call)
        self.run.emit(ready)
        self._executor.finish_plan()

    async def _mend(self, plan: Plan, tools: list[str]) -> None:
        """Plan again where a look-up found nothing, as LLMCompiler's joiner does.

        A new plan may find things another way; it may not do other things, so
        its changing calls must be of the same tools. Otherwise the first plan
        goes on without what failed.
        """
        avoid: Avoided = frozenset()
        first = self._ready
        for attempt in range(1, self._parts.settings.replans + 1):
            failed = [t for t in self._executor.tasks if t.kind == "not_found"]
            if not failed or self._rewritten:
                return
            avoid |= {(task.call.tool, task.call.arguments) for task in failed}
            self.run.emit(events.Replanning("; ".join(t.error for t in failed), attempt))
            try:
                new = await self._plan(tools, avoid)
            except PlanError:
                new = Plan()
            if not new.calls or _changing(new, self._tools) != _changing(plan, self._tools):
                self._restart()
                self._take(plan, first)
                await self._executor.settle()
                await self._approve_calls(changes=False)
                return
            await self._executor.settle()
            await self._approve_calls(changes=False)

    async def _approve_calls(self, changes: bool = True) -> None:
        """Ask for approval and run what is approved, until no call waits for it.

        ``changes=False`` stops before those that change something.
        """
        while calls := self._executor.proposals(changes):
            await self._write_texts(calls)
            assessed = await self._assess(self._executor.proposals(changes))
            if not assessed:
                continue
            shown = Counter(call.hash for call in self._shown.values())
            self._assessed = {a.call.task: a for a in assessed}
            self._shown = {a.call.task: a.call for a in assessed}
            revised, self._revised = self._revised, ""
            if revised and _holds_nothing_new(list(self._shown.values()), shown):
                self._approve(revised, Decision("approve"))
            elif by := self._approved_before(assessed):
                self._approve(self._next_approval(), Decision("approve"), by)
            else:
                await self._ask_approval(assessed)
            await self._executor.settle()

    async def _assess(self, calls: list[ResolvedCall]) -> list[Assessed]:
        """Look at calls before they are proposed; one that cannot work is refused now."""
        loop = asyncio.get_running_loop()
        plan = self._executor.plan
        texts = {task.number: task.text for task in self.run.state.tasks if task.text}
        found = []
        for call in calls:
            if not self._tools[call.tool].changes:
                found.append(Assessed(call, frozenset()))
                continue
            look = partial(assess, call, self._tools, plan, texts, self._parts.backend)
            try:
                found.append(await loop.run_in_executor(self._parts.tasks, look))
            except ToolError as error:
                self._executor.refuse(call.task, error)
        # What needs the result of a refused call is gone with it.
        waiting = {call.task for call in self._executor.proposals()}
        return [a for a in found if a.call.task in waiting]

    def _approved_before(self, assessed: list[Assessed]) -> list[str]:
        """The remembered approvals that stand for all of these calls; none, if one is missing."""
        by: list[str] = []
        for a in assessed:
            if not self._may_remember(a):
                return []
            try:
                one = self._parts.remembered.covering(a.call.tool, a.people, self._parts.place)
            except ApprovalError as error:
                _log.warning("%s", error)  # then the person is asked
                return []
            if one is None:
                return []
            by.append(one.id)
        return list(dict.fromkeys(by))

    def _may_remember(self, assessed: Assessed) -> bool:
        changes = self._tools[assessed.call.tool].changes
        return self._remembered and changes and not assessed.warnings

    async def _ask_approval(self, assessed: list[Assessed]) -> None:
        """Ask, and wait for the decision."""
        approval = self._next_approval()
        self._decided = asyncio.get_running_loop().create_future()
        self.run.emit(
            events.ApprovalAsked(
                approval,
                [self._executor.proposed(a.call, a.on, a.warnings) for a in assessed],
                str(self._executor.plan),
            )
        )
        decision = await self._decided
        if decision.kind == "revise":
            self._revised, self._rewritten = approval, True
            self._revise(read_plan(decision.plan))

    def _next_approval(self) -> str:
        self._approvals += 1
        return f"{self.run.id}-a{self._approvals}"

    def _revise(self, plan: Plan) -> None:
        self._executor.reset()
        self._edited, self._lost = {}, set()
        used = self._tools.only(call.tool for call in plan)
        self.run.emit(events.PlanRevised(str(plan), declarations(used.values())))
        for call in plan:
            self._executor.add(call)
        self._executor.finish_plan()

    def _approve(self, approval: str, decision: Decision, by: Sequence[str] = ()) -> None:
        """Grant what the person approved, with their edits; ``by`` remembered approvals, perhaps.

        Raises:
            PlanError, ApprovalError: as ``decide``; then nothing is granted.
        """
        named = (decision.tasks or frozenset()) | decision.arguments.keys()
        if strange := sorted(named - self._shown.keys()):
            raise ApprovalError(f"task {strange[0]} was not asked about; nothing was approved")
        plan = self._executor.plan
        calls = dict(self._shown)
        written = {call.number: call for call in plan} | self._edited
        edited: dict[str, list[str]] = {}
        for number, changes in decision.arguments.items():
            changed = _changed(calls[number], changes)
            if changed:
                results = self._executor.results
                calls[number], written[number] = edit(
                    calls[number], changed, plan, self._tools, results, self._now
                )
                edited[str(number)] = list(changed)
        lost = _lost(self._executor.tasks, calls, decision.tasks) | self._lost
        left_out = [number for number in calls if number in lost]
        kept = {number: call for number, call in calls.items() if number not in lost}
        until = self._remember(decision.until, kept.keys() - decision.arguments.keys())
        granted: dict[int, tuple[ResolvedCall, Grant]] = {
            number: (call, self._parts.book.grant(self.run.id, call))
            for number, call in kept.items()
        }
        approved_plan = without(Plan(tuple(written.values())), lost)
        self._record(
            approval,
            "approved",
            list(kept.values()),
            left_out,
            edited,
            str(approved_plan),
            by,
            until,
        )
        # A question may lead to another approval of the same plan.
        self._edited |= {int(number): written[int(number)] for number in edited}
        self._lost = lost
        for number in left_out:
            self._executor.leave_out(number, "you left it out")
        self._executor.approve(granted)

    def _remember(self, until: datetime | None, tasks: Iterable[int]) -> str:
        """Remember what was approved as it was shown; until when, as ISO text, or ""."""
        if until is None:
            return ""
        kept = [self._assessed[task] for task in sorted(tasks)]
        kept = [a for a in kept if self._may_remember(a)]
        for a in kept:
            self._parts.remembered.remember(a.call.tool, a.people, self._parts.place, until)
        return until.isoformat(timespec="minutes") if kept else ""

    def _record(
        self,
        approval: str,
        decision: str,
        calls: list[ResolvedCall] | None = None,
        left_out: list[int] | None = None,
        edited: dict[str, list[str]] | None = None,
        plan: str = "",
        by: Sequence[str] = (),
        until: str = "",
    ) -> None:
        shown = [self._as_decided(call) for call in calls or []]
        self.run.emit(
            events.ApprovalDecided(
                approval,
                decision,  # type: ignore[arg-type]
                shown,
                left_out or [],
                edited or {},
                plan,
                list(by),
                until,
            )
        )

    def _as_decided(self, call: ResolvedCall) -> events.ProposedCall:
        """The call as it was approved; an edit may have let go of what it was to act on."""
        about = self._assessed[call.task]
        on = about.on if call.target == about.call.target else ""
        return self._executor.proposed(call, on, about.warnings)

    async def _write_texts(self, calls: list[ResolvedCall]) -> None:
        """Let a writer put the bodies of e-mails into words."""
        loop = asyncio.get_running_loop()
        for call in calls:
            task = self._executor.tasks[call.task - 1]
            context = str(call.arguments.get("context", ""))
            if call.tool not in _MAIL or "context" in task.literal:
                continue
            if "context" in call.open or not self._writers.can_write(context):
                continue
            self.run.emit(events.TextWriting(call.task, "context"))
            began = time.perf_counter()
            names = _names_of(task, self._executor.plan)
            body = await loop.run_in_executor(
                self._parts.tasks, self._writers.email_body, context, names, self._request
            )
            task.literal["context"] = body.text
            if not body.fallback:
                task.written.append("context")
            seconds = time.perf_counter() - began
            self.run.emit(
                events.TextWritten(call.task, "context", body.text, body.fallback, seconds)
            )


def check_request(request: str) -> None:
    """Raise a RequestError where a request is empty, or too long to be planned."""
    if not request.strip():
        raise RequestError("The request is empty.")
    if len(request) > LONGEST_REQUEST:
        raise RequestError(
            f"The request has {len(request):,} characters; "
            f"at most {LONGEST_REQUEST:,} can be planned."
        )


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _holds_nothing_new(calls: list[ResolvedCall], shown: Counter[str]) -> bool:
    """Was each of these calls shown before, as often as it is there?

    With gaps it cannot be said: the ``$k`` of another plan is another task.
    """
    return Counter(c.hash for c in calls) <= shown and not any(c.gaps for c in calls)


def _changing(plan: Plan, tools: ToolSet) -> Counter[str]:
    return Counter(call.tool for call in plan if tools[call.tool].changes)


def _changed(shown: ResolvedCall, values: Mapping[str, Json]) -> dict[str, Json]:
    """The values that are not those shown; 1 and True are not the same."""
    return {
        name: value
        for name, value in values.items()
        if name not in shown.arguments
        or (type(value), value) != (type(shown.arguments[name]), shown.arguments[name])
    }


def _lost(
    tasks: list[Task], calls: Mapping[int, ResolvedCall], ticked: frozenset[int] | None
) -> set[int]:
    """The unticked tasks, and those that need the result of one."""
    lost: set[int] = set()
    for task in tasks:
        number = task.call.number
        if number in calls:
            needs = {gap.task for gap in calls[number].gaps}
            unticked = ticked is not None and number not in ticked
        else:
            needs, unticked = task.call.references(), False
        if unticked or (task.status == "waiting" and needs & lost):
            lost.add(number)
    return lost


def _names_of(task: Task, plan: Plan) -> list[str]:
    """The people whom an e-mail goes to, as the request names them; [] if one has no name."""
    if task.tool.parameters[0].name != "recipients":
        return []
    recipients = task.call.arguments[0]
    assert isinstance(recipients, tuple)
    names = []
    for recipient in recipients:
        k = reference(recipient)
        looked_up: Call | None = plan.calls[k - 1] if k else None
        if looked_up is None or looked_up.tool != "get_email_address":
            return []
        names.append(str(looked_up.arguments[0]))
    return names
