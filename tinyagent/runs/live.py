"""Runs that are under way, and the last that were: one event loop, in a thread of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from typing import Any

from tinyagent.errors import TraceError
from tinyagent.runs.loop import Loop

KEPT = 100
"""Runs kept in memory once they are over; older ones are read from the trace log."""


class LiveRuns:
    """The runs of one agent. Every method may be called from any thread but the loop's own."""

    def __init__(self) -> None:
        self._loops: dict[str, Loop] = {}
        self._jobs: dict[str, asyncio.Task[None]] = {}
        self._events = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._events.run_forever, name="agent", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        return len(self._loops)

    def begin(self, loop: Loop) -> None:
        """Let a run live; the oldest that are over are forgotten."""

        async def begin() -> None:
            over = [run for run, known in self._loops.items() if known.run.state.over]
            for run in over[:-KEPT]:
                del self._loops[run], self._jobs[run]
            self._loops[loop.run.id] = loop
            self._jobs[loop.run.id] = asyncio.create_task(loop.live(), name=loop.run.id)

        self.do(begin())

    def get(self, run: str) -> Loop | None:
        """A run that is in memory."""
        return self._loops.get(run)

    def all(self) -> list[Loop]:
        """Every run that is in memory, oldest first."""
        return list(self._loops.values())

    def act(self, run: str, action: Callable[[Loop], None]) -> None:
        """Do something with a run, on the event loop, and wait until it is done.

        Raises:
            TraceError: there is no such run in memory.
            Exception: whatever ``action`` raises.
        """

        async def act() -> None:
            if run not in self._loops:
                raise TraceError(f"run {run} is not under way; ask again")
            action(self._loops[run])

        self.do(act())

    def stop(self, run: str) -> None:
        """Stop a run; what is over already stays as it is."""

        async def stop() -> None:
            if run in self._jobs:
                self._jobs[run].cancel()

        self.do(stop())

    def close(self, let_go: Callable[[], None]) -> None:
        """Stop every run, ``let_go`` of what they used, and end the thread."""

        async def end() -> None:
            for job in self._jobs.values():
                job.cancel()
            await asyncio.gather(*self._jobs.values(), return_exceptions=True)

        self.do(end())
        let_go()
        self._events.call_soon_threadsafe(self._events.stop)
        self._thread.join()

    def do(self, work: Coroutine[Any, Any, None]) -> None:
        """Do something on the event loop, and wait for it."""
        asyncio.run_coroutine_threadsafe(work, self._events).result()
