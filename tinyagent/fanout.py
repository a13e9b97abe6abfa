"""Work spread over places that may go away: servers of models, workers of a Ray cluster.

All of them take from one queue, so that whichever is free does the next job. A place that is gone
is told once and left out, and what it had not finished goes to the others. A job that failed at
one place is tried at another; a place where ``MISSES`` jobs in a row failed is left out as well:
a server that hangs would otherwise hold up each of them.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from tinyagent.errors import ServerError, UnusableAnswerError

Job = TypeVar("Job")
Result = TypeVar("Result")
_Job = TypeVar("_Job", contravariant=True)
_Result = TypeVar("_Result", covariant=True)

MISSES = 5
"""Jobs that may fail in a row at one place."""


class Place(Protocol[_Job, _Result]):
    """Where jobs are done, several at a time."""

    @property
    def name(self) -> str:
        """What it is called in messages and counts."""

    async def work(self, job: _Job) -> _Result:
        """Do one job.

        Raises:
            UnusableAnswerError: this job failed; elsewhere it may not.
            ServerError: the place is gone.
        """


async def fan_out(
    jobs: Iterable[Job],
    places: Sequence[Place[Job, Result]],
    at_once: int,
    done: Callable[[Job, str, Result | UnusableAnswerError], None],
    tell: Callable[[str], None],
) -> None:
    """Have all ``jobs`` done.

    Args:
        jobs: taken one by one, each when a place is free for it.
        places: where they are done; at least one.
        at_once: jobs at a time at each place.
        done: gets each job, the name of the place that ended it, and what came of it: the
            result, or the last error where no place that is left can do it.
        tell: gets a sentence for each place that is left out.

    Raises:
        ServerError: no place is left.
    """
    run = _Run(jobs, places, done, tell)
    tasks = [asyncio.create_task(run.serve(place)) for place in places for _ in range(at_once)]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    if run.fault:
        raise run.fault


@dataclass
class _Ticket(Generic[Job]):
    """A job on its way, and what became of it where it was tried."""

    job: Job
    failed: dict[str, UnusableAnswerError] = field(default_factory=dict)


class _Run(Generic[Job, Result]):
    def __init__(
        self,
        jobs: Iterable[Job],
        places: Sequence[Place[Job, Result]],
        done: Callable[[Job, str, Result | UnusableAnswerError], None],
        tell: Callable[[str], None],
    ) -> None:
        self.fault: ServerError | None = None
        self._jobs = iter(jobs)
        self._places = len(places)
        self._left = {place.name for place in places}
        self._done = done
        self._tell = tell
        self._returned: deque[_Ticket[Job]] = deque()
        self._misses: Counter[str] = Counter()
        self._under_way = 0
        self._changed = asyncio.Condition()

    async def serve(self, place: Place[Job, Result]) -> None:
        """Do jobs at one place, one after the other, as long as it is there and there are any."""
        while (ticket := await self._next(place.name)) is not None:
            try:
                result = await place.work(ticket.job)
            except UnusableAnswerError as error:
                ticket.failed[place.name] = error
                self._returned.append(ticket)
                self._misses[place.name] += 1
                if self._misses[place.name] >= MISSES:
                    self._leave_out(place.name, error)
            except ServerError as error:
                self._returned.append(ticket)
                self._leave_out(place.name, error)
            else:
                self._misses[place.name] = 0
                self._done(ticket.job, place.name, result)
            self._under_way -= 1
            self._settle()
            async with self._changed:
                self._changed.notify_all()

    async def _next(self, name: str) -> _Ticket[Job] | None:
        """The next job for a place; None where it is left out, or no job can come any more."""
        async with self._changed:
            while name in self._left:
                if ticket := self._waiting(name):
                    self._under_way += 1
                    return ticket
                if not self._under_way:
                    return None
                await self._changed.wait()
        return None

    def _waiting(self, name: str) -> _Ticket[Job] | None:
        for ticket in self._returned:
            if name not in ticket.failed:
                self._returned.remove(ticket)
                return ticket
        for job in self._jobs:
            return _Ticket(job)
        return None

    def _leave_out(self, name: str, error: ServerError) -> None:
        if name not in self._left:
            return
        self._left.remove(name)
        if self._left:
            self._tell(f"{name} is left out: {error}")
        elif self._places == 1:
            self.fault = error
        else:
            self.fault = ServerError(f"none of the {self._places} is left; the last one: {error}")

    def _settle(self) -> None:
        """Give up jobs that failed wherever they could be tried."""
        for ticket in [t for t in self._returned if t.failed and self._left <= t.failed.keys()]:
            if self._left:
                self._returned.remove(ticket)
                name, error = list(ticket.failed.items())[-1]
                self._done(ticket.job, name, error)
