"""Following runs of an agent, from a test."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from pathlib import Path
from typing import Any

from tinyagent import events
from tinyagent.agent import TinyAgent
from tinyagent.approval.approval import Decision
from tinyagent.events import Event
from tinyagent.runs.state import RunState


def follow(agent: TinyAgent, run: str, *until: type[Event], skip: int = 0) -> list[Event]:
    """The events after number ``skip``, up to the first of these kinds, or to the end."""

    async def collect() -> list[Event]:
        found = []
        async for event in agent.events(run, skip):
            found.append(event)
            if isinstance(event, until):
                break
        return found

    return asyncio.run(asyncio.wait_for(collect(), 60))


def asked(agent: TinyAgent, run: str, skip: int = 0) -> events.ApprovalAsked:
    """The next approval that is asked for."""
    event = follow(agent, run, events.ApprovalAsked, *events.FINAL, skip=skip)[-1]
    assert isinstance(event, events.ApprovalAsked), event
    return event


def finish(agent: TinyAgent, run: str) -> RunState:
    """The state of a run once it is over."""
    follow(agent, run)
    return agent.state(run)


def approve(agent: TinyAgent, request: str, **how: object) -> RunState:
    """Ask, approve what is proposed, and wait for the end."""
    run = agent.start(request)
    agent.decide(run, asked(agent, run).approval, Decision("approve", **how))  # type: ignore[arg-type]
    return finish(agent, run)


def contents(folder: Path) -> dict[str, str]:
    """Every file below, and the hash of its bytes."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def slow_places(agent: TinyAgent) -> threading.Event:
    """From now on a place with "slow" in its name is shown once the event is set, no sooner."""
    go = threading.Event()
    backend: Any = agent._parts.backend
    real = backend.maps_open_location

    def slow(location: str) -> Any:
        if "slow" in location:
            go.wait(3600)
        return real(location)

    backend.maps_open_location = slow
    return go
