"""Planning here where the server gives no plan, if the settings allow it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime

from tinyagent.errors import ServerError
from tinyagent.planner.planner import NO_ODDS, Planned
from tinyagent.plans.syntax import Value
from tinyagent.remote.planner import RemotePlanner
from tinyagent.runs.parts import Planner
from tinyagent.tools.registry import ToolSet


class FallbackPlanner:
    """A planner on a server, and one here that is loaded when it is first needed."""

    def __init__(self, remote: RemotePlanner, load: Callable[[], Planner]) -> None:
        self._remote = remote
        self._load = load
        self._local: Planner | None = None

    def plan(
        self,
        request: str,
        tools: ToolSet,
        now: datetime,
        *,
        odds: Mapping[str, float] = NO_ODDS,
        on_text: Callable[[str], None] = lambda text: None,
        on_restart: Callable[[], None] = lambda: None,
        avoid: Collection[tuple[str, tuple[Value, ...]]] = (),
        stop: Callable[[], bool] = lambda: False,
    ) -> Planned:
        """The server's plan, or else the local planner's, with a note that says why."""

        def ask(planner: Planner) -> Planned:
            planned = planner.plan(
                request,
                tools,
                now,
                odds=odds,
                on_text=on_text,
                on_restart=on_restart,
                avoid=avoid,
                stop=stop,
            )
            assert isinstance(planned, Planned)
            return planned

        try:
            return ask(self._remote)
        except ServerError as error:
            self._local = self._local or self._load()
            return replace(ask(self._local), note=f"Planned on this computer: {error}.")
