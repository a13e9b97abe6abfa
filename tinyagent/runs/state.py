"""What a page shows of a run: a pure fold over its events.

Reloading a page folds again, so the page holds no state of its own, and the
command line and the trace log read the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Literal

from tinyagent import events
from tinyagent.events import Event, Json
from tinyagent.tools.declaration import declared_tools
from tinyagent.tools.registry import ToolSet
from tinyagent.tools.sixteen import SIXTEEN

TaskStatus = Literal["waiting", "running", "asking", "done", "failed", "skipped"]
RunStatus = Literal[
    "selecting",
    "planning",
    "running",
    "asking",
    "approval",
    "answered",
    "failed",
    "stopped",
]


@dataclass(frozen=True)
class TaskState:
    """One task of the newest plan.

    Attributes:
        number: its number.
        tool: what it calls.
        line: the call in the plan language.
        uses: numbers of the tasks whose results it uses.
        changes: it changes something, and so needs approval.
        status: where it stands.
        text: what it does, in words; "" until that is known.
        arguments: resolved, as far as they are known.
        share: of 1, how far it has come; ``doing`` says with what.
        result: what it gave.
        link: what was made or found.
        error: why it failed or was skipped.
        seconds: it took.
        writing: the argument that a writer writes now, or "".
        undoable: what it changed can be taken back.
    """

    number: int
    tool: str
    line: str
    uses: tuple[int, ...] = ()
    changes: bool = False
    status: TaskStatus = "waiting"
    text: str = ""
    arguments: dict[str, Json] = field(default_factory=dict)
    share: float = 0.0
    doing: str = ""
    result: str = ""
    link: str = ""
    error: str = ""
    seconds: float = 0.0
    writing: str = ""
    undoable: bool = False


@dataclass(frozen=True)
class RunState:
    """A run, as far as its events tell.

    Attributes:
        run: its id, "" before the first event.
        seq: number of the last event.
        request: the words.
        now: ISO time that they count from.
        backend: name of the backend.
        status: where it stands; "asking" and "approval" wait for the person.
        selection: the tools and their probabilities, once picked.
        tools: those that the plan may name.
        plan_text: the plan as far as it is written.
        plan: the plan once complete and valid, else None.
        tasks: those of the newest plan, in order.
        questions: those without an answer.
        approval: the one that waits for a decision, or None.
        decided: the last decision, or None.
        replans: how often it was planned again.
        answer: the end, or None.
    """

    run: str = ""
    seq: int = 0
    request: str = ""
    now: str = ""
    backend: str = ""
    status: RunStatus = "selecting"
    selection: events.ToolsSelected | None = None
    tools: ToolSet = SIXTEEN
    plan_text: str = ""
    plan: events.PlanReady | None = None
    tasks: tuple[TaskState, ...] = ()
    questions: tuple[events.QuestionAsked, ...] = ()
    approval: events.ApprovalAsked | None = None
    decided: events.ApprovalDecided | None = None
    replans: int = 0
    answer: events.Answered | events.Failed | events.Stopped | None = None

    @classmethod
    def of(cls, happened: Iterable[Event]) -> RunState:
        """The state after these events."""
        return reduce(lambda state, event: state.after(event), happened, cls())

    @property
    def over(self) -> bool:
        """No more events come."""
        return self.answer is not None

    @property
    def rests(self) -> bool:
        """Nothing more happens before the person does something."""
        works = any(task.status == "running" for task in self.tasks)
        return self.over or self.approval is not None or (bool(self.questions) and not works)

    def task(self, number: int) -> TaskState:
        """The task of that number; IndexError where there is none."""
        return self.tasks[number - 1]

    def after(self, event: Event) -> RunState:
        """The state after one more event."""
        state = replace(self._next(event), run=event.run, seq=event.seq)
        return state if state.over else replace(state, status=_status(state))

    def _next(self, event: Event) -> RunState:
        match event:
            case events.RequestReceived():
                return replace(self, request=event.request, now=event.now, backend=event.backend)
            case events.ToolsSelected():
                return replace(self, selection=event, tools=declared_tools(event.declared))
            case events.PlanText():
                return replace(self, plan_text=self.plan_text + event.text)
            case events.PlanRestarted():
                return self._without_plan()
            case events.Replanning():
                return replace(self._without_plan(), replans=event.attempt)
            case events.PlanRevised():
                known = self.tools.with_more(
                    one.tool() for one in event.declared if one.name not in self.tools
                )
                revised = replace(self._without_plan(), plan=self.plan, plan_text=event.plan)
                return replace(revised, tools=known)
            case events.PlanReady():
                return replace(self, plan=event, plan_text=event.plan)
            case events.PlanLine():
                task = TaskState(
                    event.task, event.tool, event.line, tuple(event.uses), event.changes
                )
                return replace(self, tasks=(*self.tasks, task))
            case events.QuestionAsked():
                asking = self._with(event.task, status="asking")
                return replace(asking, questions=(*self.questions, event))
            case events.QuestionAnswered():
                rest = tuple(q for q in self.questions if q.question != event.question)
                return replace(self._with(event.task, status="waiting"), questions=rest)
            case events.ApprovalAsked():
                return replace(self._proposed(event.calls), approval=event)
            case events.ApprovalDecided():
                return replace(self._proposed(event.calls), approval=None, decided=event)
            case events.Answered():
                return replace(self, answer=event, status="answered")
            case events.Failed():
                return replace(self, answer=event, status="failed")
            case events.Stopped():
                stopped = replace(self, answer=event, status="stopped")
                return replace(stopped, questions=(), approval=None)
            case _:
                return self._task_event(event)

    def _task_event(self, event: Event) -> RunState:
        match event:
            case events.TaskStarted():
                return self._with(
                    event.task,
                    status="running",
                    arguments=event.arguments,
                    text=event.text,
                )
            case events.TaskProgress():
                return self._with(event.task, share=event.share, doing=event.doing)
            case events.TaskDone():
                return self._with(
                    event.task,
                    status="done",
                    result=event.result,
                    link=event.link,
                    seconds=event.seconds,
                    share=1.0,
                    doing="",
                    undoable=bool(event.changes),
                )
            case events.TaskFailed():
                return self._with(
                    event.task,
                    status="failed",
                    error=event.error,
                    seconds=event.seconds,
                    doing="",
                )
            case events.TaskSkipped():
                return self._with(event.task, status="skipped", error=event.reason)
            case events.TextWriting():
                return self._with(event.task, writing=event.argument)
            case events.TextWritten():
                return self._with(event.task, writing="")
            case _:
                return self

    def _with(self, number: int, **changes: object) -> RunState:
        tasks = list(self.tasks)
        tasks[number - 1] = replace(tasks[number - 1], **changes)  # type: ignore[arg-type]
        return replace(self, tasks=tuple(tasks))

    def _proposed(self, calls: list[events.ProposedCall]) -> RunState:
        state = self
        for call in calls:
            state = state._with(call.task, arguments=call.arguments, text=call.text)
        return state

    def _without_plan(self) -> RunState:
        return replace(
            self,
            plan=None,
            plan_text="",
            tasks=(),
            questions=(),
            approval=None,
            decided=None,
        )


def _status(state: RunState) -> RunStatus:
    """Where a run stands that is not over."""
    if state.approval is not None:
        return "approval"
    if state.questions:
        return "asking"
    if state.selection is None:
        return "selecting"
    return "running" if state.plan is not None else "planning"
