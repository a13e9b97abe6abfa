"""Approving: calls are looked at, shown, decided on, and what is approved is granted.

What a person sees is resolved beforehand; what runs is what they saw.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

from tinyagent import events
from tinyagent.approval.approval import Decision, Grant
from tinyagent.approval.caution import Assessed, assess
from tinyagent.errors import ApprovalError, ToolError
from tinyagent.events import Json
from tinyagent.plans.edit import without
from tinyagent.plans.syntax import Call, Plan, read_plan
from tinyagent.plans.validate import validate
from tinyagent.runs.executor import Executor, Task
from tinyagent.runs.parts import Parts
from tinyagent.runs.resolve import ResolvedCall, edit
from tinyagent.runs.run import Run
from tinyagent.runs.texts import Texts
from tinyagent.tools.declaration import declarations

_log = logging.getLogger(__name__)


class Approving:
    """The approvals of one run.

    Args:
        parts: shared by all runs.
        run: told of all that happens.
        now: what the times of an edit count from.
        executor: has the calls, and runs those that are approved.
        texts: writes what a call still lacks, before it is shown.
        remembered: approvals that were remembered count.

    Attributes:
        rewritten: the person has put a plan of their own in the place of the model's.
    """

    def __init__(
        self,
        parts: Parts,
        run: Run,
        now: datetime,
        executor: Executor,
        texts: Texts,
        remembered: bool,
    ) -> None:
        self.rewritten = False
        self._parts = parts
        self._run = run
        self._now = now
        self._tools = parts.tools
        self._executor = executor
        self._texts = texts
        self._remembered = remembered
        self._approvals = 0
        self._shown: dict[int, ResolvedCall] = {}
        self._assessed: dict[int, Assessed] = {}
        self._revised = ""
        self._edited: dict[int, Call] = {}
        self._lost: set[int] = set()
        self._decided: asyncio.Future[Decision] | None = None

    async def run_approved(self, changes: bool = True) -> None:
        """Ask for approval and run what is approved, until no call waits for it.

        ``changes=False`` stops before those that change something.
        """
        while calls := self._executor.proposals(changes):
            await self._texts.write(calls)
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

    def decide(self, approval: str, decision: Decision) -> None:
        """Take the person's decision.

        Raises:
            ApprovalError: another approval is pending, or none; nothing runs.
            PlanError: an edit does not fit; the approval stays pending.
        """
        asked = self._run.state.approval
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

    async def _assess(self, calls: list[ResolvedCall]) -> list[Assessed]:
        """Look at calls before they are proposed; one that cannot work is refused now."""
        loop = asyncio.get_running_loop()
        plan = self._executor.plan
        texts = {task.number: task.text for task in self._run.state.tasks if task.text}
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
        self._run.emit(
            events.ApprovalAsked(
                approval,
                [self._executor.proposed(a.call, a.on, a.warnings) for a in assessed],
                str(self._executor.plan),
            )
        )
        decision = await self._decided
        if decision.kind == "revise":
            self._revised, self.rewritten = approval, True
            self._revise(read_plan(decision.plan))

    def _next_approval(self) -> str:
        self._approvals += 1
        return f"{self._run.id}-a{self._approvals}"

    def _revise(self, plan: Plan) -> None:
        self._executor.reset()
        self._edited, self._lost = {}, set()
        used = self._tools.only(call.tool for call in plan)
        self._run.emit(events.PlanRevised(str(plan), declarations(used.values())))
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
            number: (call, self._parts.book.grant(self._run.id, call))
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
        self._run.emit(
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


def _holds_nothing_new(calls: list[ResolvedCall], shown: Counter[str]) -> bool:
    """Was each of these calls shown before, as often as it is there?

    With gaps it cannot be said: the ``$k`` of another plan is another task.
    """
    return Counter(c.hash for c in calls) <= shown and not any(c.gaps for c in calls)


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
