"""What happens in a run, as data.

The agent tells its listeners everything through these events; the page, the
command line and the trace log are three listeners to the same ones. Events of
one run are numbered from 1, without gaps. ``tinyagent.runs.state`` folds them into
what a page shows.

Task numbers are those of the newest plan: after ``PlanRestarted``,
``PlanRevised`` or ``Replanning`` the tasks begin anew, and a result that is
kept comes again as ``TaskDone(kept=True)``.
"""

from __future__ import annotations

import dataclasses
import json
import types
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

from tinyagent.backends.base import Change
from tinyagent.tools.declaration import Declaration

if TYPE_CHECKING:
    from tinyagent.plans.syntax import Call

Json = str | int | float | bool | list[str] | list[int] | list[float]
"""An argument once it is resolved: times are ISO text."""

FailureKind = Literal[
    "not_found", "ambiguous", "refused", "timeout", "error", "approval", "stopped"
]
"""Why a task failed; ``refused`` is a question that the person passed over."""


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that happened.

    Attributes:
        run: id of the run, which is that of its trace.
        seq: its number in the run, from 1.
        at: when, ISO local time with milliseconds.
    """

    run: str = ""
    seq: int = 0
    at: str = ""


@dataclass(frozen=True)
class RequestReceived(Event):
    """A person asked for something.

    Attributes:
        request: the words as they came.
        now: ISO time that the request's times count from.
        backend: name of the backend it acts on.
        source: who listens: "page", "cli", "test" …
        versions: of the program and the models.
    """

    request: str
    now: str
    backend: str
    source: str
    versions: dict[str, str]


@dataclass(frozen=True)
class ToolsSelected(Event):
    """ToolRAG picked the tools.

    Attributes:
        probabilities: of every tool, by name.
        tools: those picked, in the order of their declaration.
        threshold: from which probability on; None where the method has none.
        method: "classifier", "basic" or "all".
        seconds: it took.
        declared: those picked that are none of the sixteen.
    """

    probabilities: dict[str, float]
    tools: list[str]
    threshold: float | None
    method: str
    seconds: float
    declared: list[Declaration] = field(default_factory=list)


@dataclass(frozen=True)
class PlanText(Event):
    """A piece of the plan, as it is decoded."""

    text: str


@dataclass(frozen=True)
class PlanRestarted(Event):
    """The text so far is thrown away; decoding begins again."""


@dataclass(frozen=True)
class PlanLine(Event):
    """A line of the plan is complete.

    Attributes:
        task: its number.
        tool: what it calls.
        line: the call in the plan language.
        uses: numbers of the tasks whose results it uses.
        changes: it changes something, and so needs approval.
    """

    task: int
    tool: str
    line: str
    uses: list[int]
    changes: bool

    @classmethod
    def of(cls, call: Call, changes: bool) -> PlanLine:
        """The line of a call."""
        return cls(call.number, call.tool, str(call), sorted(call.references()), changes)


@dataclass(frozen=True)
class PlanReady(Event):
    """The plan is complete and valid.

    Attributes:
        plan: all of it, ``join()`` included.
        prompt: what the planner was given.
        prompt_tokens: length of the prompt.
        plan_tokens: length of the plan.
        decode_steps: evaluations of the model that it took.
        seconds: by stage: prefill, decode, total.
        confidence: mean probability of a token.
        model: the model and server that wrote it; "" for the planner here.
        note: what the person is to know of how it came to be, or "".
    """

    plan: str
    prompt: str
    prompt_tokens: int
    plan_tokens: int
    decode_steps: int
    seconds: dict[str, float]
    confidence: float
    model: str = ""
    note: str = ""


@dataclass(frozen=True)
class PlanRevised(Event):
    """The person wrote another plan; PlanLine events for each of its lines follow.

    Attributes:
        plan: all of it, ``join()`` included.
        declared: its tools that are none of the sixteen.
    """

    plan: str
    declared: list[Declaration] = field(default_factory=list)


@dataclass(frozen=True)
class TaskStarted(Event):
    """A task runs.

    Attributes:
        task: its number.
        arguments: resolved, by name, every ``$k`` in its place.
        text: what it does, in words.
    """

    task: int
    arguments: dict[str, Json]
    text: str


@dataclass(frozen=True)
class TaskProgress(Event):
    """A task is at ``share`` of 1, doing ``doing``."""

    task: int
    share: float
    doing: str


@dataclass(frozen=True)
class TaskDone(Event):
    """A task gave its result.

    Attributes:
        task: its number.
        result: what ``$k`` stands for, or what was done.
        link: what was made or found: a URL, or a path in the workspace; may be "".
        seconds: it took; 0 for a kept result.
        kept: the result is that of the same call in an earlier plan of this run.
        changes: what it changed, as far as that can be undone.
    """

    task: int
    result: str
    link: str
    seconds: float
    kept: bool = False
    changes: list[Change] = field(default_factory=list)


@dataclass(frozen=True)
class TaskFailed(Event):
    """A task could not do its work; ``error`` is for the user."""

    task: int
    error: str
    kind: FailureKind
    seconds: float


@dataclass(frozen=True)
class TaskSkipped(Event):
    """A task will not run.

    Attributes:
        task: its number.
        because: tasks that it needed and that gave no result; empty where the
            person left it out.
        reason: the same in words.
    """

    task: int
    because: list[int]
    reason: str


@dataclass(frozen=True)
class TextWriting(Event):
    """A writer begins the text of one argument of a task."""

    task: int
    argument: str


@dataclass(frozen=True)
class TextWritten(Event):
    """The text of an argument is written.

    Attributes:
        task: its number.
        argument: which one.
        text: what will stand there, unless the person edits it.
        fallback: what the writer wrote could not be used, so the plan's own
            words stand.
        seconds: it took.
    """

    task: int
    argument: str
    text: str
    fallback: bool
    seconds: float


@dataclass(frozen=True)
class QuestionAsked(Event):
    """A task cannot go on without a word from the person.

    Attributes:
        question: id to answer with.
        task: its number.
        argument: the argument that the answer will replace.
        text: the question.
        candidates: each can be the answer; any other words may be, too.
    """

    question: str
    task: int
    argument: str
    text: str
    candidates: list[str]


@dataclass(frozen=True)
class QuestionAnswered(Event):
    """The person answered; ``choice`` is "" where the person passed over it."""

    question: str
    task: int
    choice: str


@dataclass(frozen=True)
class ProposedCall:
    """A changing call, as a person is shown it.

    Attributes:
        task: its number.
        tool: its name.
        text: what will happen, in words.
        arguments: resolved, by name, in the tool's order.
        open: for each argument with results that come later, the tasks they come
            from; there "$k" still stands in ``arguments``.
        written: arguments that a writer wrote.
        hash: SHA-256 of the canonical resolved arguments.
        on: what it acts on, in words, where its arguments leave that open.
        warnings: why it is asked about whatever was approved before, each a sentence.
    """

    task: int
    tool: str
    text: str
    arguments: dict[str, Json]
    open: dict[str, list[int]]
    written: list[str]
    hash: str
    on: str = ""
    warnings: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ApprovalAsked(Event):
    """Nothing changes until the person has decided on these calls.

    Attributes:
        approval: id to decide with.
        calls: what would run, in the order of the plan.
        plan: the plan they belong to.
        problem: why it is asked again, or "".
    """

    approval: str
    calls: list[ProposedCall]
    plan: str
    problem: str = ""


@dataclass(frozen=True)
class ApprovalDecided(Event):
    """The person decided.

    Attributes:
        approval: the id it was asked with.
        decision: "approved"; "rejected"; "revised" where another plan was written.
        calls: as approved, edits in place.
        left_out: tasks that the person unticked, and those that need them.
        edited: for each task, the arguments that the person changed.
        plan: the plan as approved, in the plan language.
        by: ids of the remembered approvals that decided it; then nobody was asked, and no
            ``ApprovalAsked`` came before.
        until: ISO time until which it is remembered, or "".
    """

    approval: str
    decision: Literal["approved", "rejected", "revised"]
    calls: list[ProposedCall]
    left_out: list[int]
    edited: dict[str, list[str]]
    plan: str
    by: list[str] = field(default_factory=list)
    until: str = ""


@dataclass(frozen=True)
class Replanning(Event):
    """A task failed for a reason that a new plan can mend."""

    why: str
    attempt: int


@dataclass(frozen=True)
class Result:
    """Something that a person asked for or that was made: shown with its link."""

    task: int
    tool: str
    text: str
    link: str


@dataclass(frozen=True)
class Answered(Event):
    """The run ended, and this is what to tell.

    Attributes:
        text: in sentences.
        results: what was found or made.
        complete: everything that was asked for happened.
    """

    text: str
    results: list[Result] = field(default_factory=list)
    complete: bool = True


@dataclass(frozen=True)
class Failed(Event):
    """The run ended without a plan that could run.

    Attributes:
        message: why.
        cure: what to do.
        invalid: the request itself could not be taken: empty, or too long.
    """

    message: str
    cure: str
    invalid: bool = False


@dataclass(frozen=True)
class Stopped(Event):
    """The person stopped the run; ``text`` says what had happened by then."""

    text: str


FINAL = (Answered, Failed, Stopped)
"""After one of these, a run has no more events."""


def to_json(event: Event) -> str:
    """One line of JSON, with the event's class as ``type``."""
    data = {"type": type(event).__name__} | dataclasses.asdict(event)
    return json.dumps(data, ensure_ascii=False)


def from_json(text: str) -> Event:
    """The event that ``to_json`` wrote.

    Raises:
        ValueError: it is no event, or one of another version.
    """
    data = json.loads(text)
    try:
        kind = _EVENTS[data.pop("type")]
        event = _build(kind, data)
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"no event of this version: {text[:80]}") from error
    assert isinstance(event, Event)
    return event


def _build(hint: Any, value: Any) -> Any:
    """``value``, read from JSON, as the type ``hint`` says."""
    if dataclasses.is_dataclass(hint):
        assert isinstance(hint, type)
        hints = get_type_hints(hint)
        return hint(**{name: _build(hints[name], item) for name, item in value.items()})
    origin = get_origin(hint)
    if origin is list:
        return [_build(get_args(hint)[0], item) for item in value]
    if origin is dict:
        return {key: _build(get_args(hint)[1], item) for key, item in value.items()}
    if origin in (Union, types.UnionType, Literal):
        return value
    return hint(value)


_EVENTS: dict[str, type[Event]] = {kind.__name__: kind for kind in Event.__subclasses__()}
