"""A run: one request, and the growing list of what happened to it."""

from __future__ import annotations

import asyncio
import secrets
import threading
from collections.abc import AsyncGenerator, Callable
from dataclasses import replace
from datetime import datetime

from tinyagent.events import FINAL, Event
from tinyagent.runs.state import RunState

Listener = Callable[[Event], None]


class Run:
    """An append-only list of events, which any thread may read or follow.

    Args:
        run: its id.
        clock: gives the time of an event.
        log: told of each event before anybody else, in order; if it raises, the
            event did not happen.
    """

    def __init__(self, run: str, clock: Callable[[], datetime], log: Listener) -> None:
        self.id = run
        self._clock = clock
        self._log = log
        self._events: list[Event] = []
        self._state = RunState()
        self._wakers: set[Callable[[], None]] = set()
        self._lock = threading.Lock()

    @property
    def state(self) -> RunState:
        """What the events so far fold into."""
        with self._lock:
            return self._state

    def happened(self, after: int = 0) -> list[Event]:
        """The events with a number above ``after``."""
        with self._lock:
            return self._events[after:]

    def emit(self, event: Event, *, logged: bool = True) -> Event:
        """Record that something happened; returns it with run, number and time filled in.

        ``logged=False`` is for the end of a run whose log cannot be written.
        """
        with self._lock:
            at = self._clock().isoformat(timespec="milliseconds")
            event = replace(event, run=self.id, seq=len(self._events) + 1, at=at)
            if logged:
                self._log(event)
            self._events.append(event)
            self._state = self._state.after(event)
            wakers = list(self._wakers)
        for wake in wakers:
            wake()
        return event

    async def follow(self, after: int = 0) -> AsyncGenerator[Event, None]:
        """Each event with a number above ``after`` as it happens, until the run is over.

        Any event loop will do; it need not be the agent's.
        """
        loop = asyncio.get_running_loop()
        news = asyncio.Event()

        def wake() -> None:
            # A loop that has closed meanwhile follows no more.
            if not loop.is_closed():
                loop.call_soon_threadsafe(news.set)

        with self._lock:
            self._wakers.add(wake)
        try:
            while True:
                news.clear()
                for event in self.happened(after):
                    after = event.seq
                    yield event
                    if isinstance(event, FINAL):
                        return
                over = self.state.over
                if self.happened(after):
                    continue  # they came while those before them were being read
                if over:
                    return
                await news.wait()
        finally:
            with self._lock:
                self._wakers.discard(wake)


def new_run(clock: Callable[[], datetime], log: Listener) -> Run:
    """A run with an id that no other has."""
    return Run(f"{clock():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}", clock, log)
