"""Undoing what a run changed, from its trace.

The trace of a run holds what each of its calls changed (``backends.base.Change``).
They are taken back, the last one first; what was changed again since stays as it
is, and is told. That somebody undid a run is a run of its own in the trace log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from tinyagent import events
from tinyagent.backends.base import Backend, Change
from tinyagent.errors import ToolError, TraceError
from tinyagent.events import Event
from tinyagent.runs.run import Run


@dataclass(frozen=True)
class Done:
    """A call that changed something.

    Attributes:
        text: what it did, in its own words.
        changes: what it takes to undo that; none where it cannot be.
        certain: it is known to have happened; else it was cut off while it ran.
    """

    text: str
    changes: tuple[Change, ...] = ()
    certain: bool = True


def done_by(happened: Iterable[Event]) -> list[Done]:
    """What a run changed, or may have changed, in order."""
    found: list[Done] = []
    changing: dict[int, bool] = {}
    running: dict[int, str] = {}
    for event in happened:
        match event:
            case events.PlanLine():
                changing[event.task] = event.changes
            case events.TaskStarted() if changing.get(event.task):
                running[event.task] = event.text
            case events.TaskDone() if changing.get(event.task):
                running.pop(event.task, None)
                found.append(Done(event.result, tuple(event.changes)))
            case events.TaskFailed(kind="stopped" | "timeout") if changing.get(event.task):
                found.append(Done(running.pop(event.task, ""), certain=False))
            case events.TaskFailed():
                running.pop(event.task, None)
            case _:
                pass
    return [*found, *(Done(text, certain=False) for text in running.values())]


def can_undo(happened: Iterable[Event]) -> bool:
    """Is there anything that ``undo`` could take back?"""
    return any(one.changes for one in done_by(happened))


def undo(happened: list[Event], backend: Backend) -> events.Answered:
    """Take back what a run changed; the answer says of each thing what became of it.

    Raises:
        TraceError: the run is not over, acted elsewhere, or changed nothing.
    """
    asked = happened[0]
    assert isinstance(asked, events.RequestReceived)
    if asked.backend != backend.name:
        raise TraceError(
            f"run {asked.run} acted in {asked.backend}, and this is {backend.name}; "
            f"choose it with --backend {asked.backend}"
        )
    done = done_by(happened)
    if not done:
        raise TraceError(f"run {asked.run} changed nothing; there is nothing to undo")
    lines = [_undone(one, backend) for one in reversed(done)]
    return events.Answered(
        "\n".join(text for _, text in lines), complete=all(ok for ok, _ in lines)
    )


def undo_run(
    run: Run, happened: list[Event], backend: Backend, clock: Callable[[], datetime], source: str
) -> events.Answered:
    """As ``undo``; what became of it is recorded as ``run``, which is new."""
    asked = happened[0]
    assert isinstance(asked, events.RequestReceived)
    now = clock().isoformat(timespec="minutes")
    request = f"Undo: {asked.request.strip()} (run {asked.run})"
    run.emit(events.RequestReceived(request, now, backend.name, source, {}))
    try:
        answer = undo(happened, backend)
    except TraceError as error:
        run.emit(events.Failed(str(error), "Nothing was touched."))
        raise
    run.emit(answer)
    return answer


def _undone(one: Done, backend: Backend) -> tuple[bool, str]:
    """Whether it was undone, and a line that says so."""
    text = one.text.rstrip(".")
    if not one.certain:
        return False, f"Not undone: {text}. It may have happened; see there."
    if not one.changes:
        return False, f"Not undone: {text}. This cannot be taken back."
    said = []
    for change in reversed(one.changes):
        try:
            said.append(backend.undo(change))
        except ToolError as error:
            return False, f"Not undone: {text}, because {error}."
    return True, f"Undone: {text} ({'; '.join(said)})."
