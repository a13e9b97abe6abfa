"""Following a run: nothing that happened is missed, however slowly it is read."""

from __future__ import annotations

import asyncio
from datetime import datetime

from tinyagent import events
from tinyagent.runs.run import Run


def make_run() -> Run:
    return Run("r", lambda: datetime(2026, 11, 24, 9, 30), lambda event: None)


def test_events_that_come_while_others_are_read_are_not_lost() -> None:
    run = make_run()

    async def read() -> list[int]:
        seen = []
        async for event in run.follow():
            seen.append(event.seq)
            if event.seq == 1:  # both come before this reader asks for more
                run.emit(events.PlanText(text="1. "))
                run.emit(events.Stopped(text="Stopped."))
        return seen

    run.emit(events.PlanText(text="x"))
    assert asyncio.run(asyncio.wait_for(read(), 10)) == [1, 2, 3]


def test_a_run_that_is_over_ends_at_once_for_who_has_seen_all() -> None:
    run = make_run()
    run.emit(events.Stopped(text="Stopped."))

    async def read() -> list[int]:
        return [event.seq async for event in run.follow(after=1)]

    assert asyncio.run(asyncio.wait_for(read(), 10)) == []
