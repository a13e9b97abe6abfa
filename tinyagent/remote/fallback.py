"""Planning here where the server gives no plan, if the settings allow it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Unpack

from tinyagent.errors import ServerError
from tinyagent.planner.base import Planned, Planner, PlanOptions
from tinyagent.remote.planner import RemotePlanner
from tinyagent.tools.registry import ToolSet


class FallbackPlanner:
    """A planner on a server, and one here that is loaded when it is first needed."""

    def __init__(self, remote: RemotePlanner, load: Callable[[], Planner]) -> None:
        self._remote = remote
        self._load = load
        self._local: Planner | None = None

    def plan(
        self, request: str, tools: ToolSet, now: datetime, **options: Unpack[PlanOptions]
    ) -> Planned:
        """The server's plan, or else the local planner's, with a note that says why."""
        try:
            return self._remote.plan(request, tools, now, **options)
        except ServerError as error:
            self._local = self._local or self._load()
            planned = self._local.plan(request, tools, now, **options)
            return replace(planned, note=f"Planned on this computer: {error}.")
