"""What the runs of one agent share, each behind the smallest interface that will do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from tinyagent.approval.approval import ApprovalBook
from tinyagent.approval.remembered import RememberedApprovals
from tinyagent.backends.base import Backend
from tinyagent.plans.syntax import Plan, Value
from tinyagent.settings import Settings
from tinyagent.tools.registry import ToolSet
from tinyagent.writers import Writer

if TYPE_CHECKING:
    from tinyagent.toolrag.base import ToolRAG


class Planned(Protocol):
    """A plan, and what it cost; the fields are those of ``events.PlanReady``."""

    @property
    def plan(self) -> Plan:
        """The plan."""

    @property
    def prompt(self) -> str:
        """What the model was given."""

    @property
    def prompt_tokens(self) -> int:
        """Length of the prompt."""

    @property
    def plan_tokens(self) -> int:
        """Length of the plan."""

    @property
    def decode_steps(self) -> int:
        """Evaluations of the model."""

    @property
    def seconds(self) -> dict[str, float]:
        """By stage: prefill, decode, total."""

    @property
    def confidence(self) -> float:
        """Mean probability of a token."""

    @property
    def model(self) -> str:
        """The model and server that wrote it; "" for the planner here."""

    @property
    def note(self) -> str:
        """What the person is to know of how it came to be, or ""."""


class Planner(Protocol):
    """Whatever writes plans."""

    def plan(
        self,
        request: str,
        tools: ToolSet,
        now: datetime,
        *,
        odds: Mapping[str, float],
        on_text: Callable[[str], None],
        on_restart: Callable[[], None],
        avoid: Collection[tuple[str, tuple[Value, ...]]],
        stop: Callable[[], bool],
    ) -> Planned:
        """Write a plan; ``on_text`` gets it in pieces, ``stop`` says when to give up.

        ``odds`` are ToolRAG's log-odds that a tool is needed, of some tools.
        ``on_restart`` is told when the pieces so far are void. Calls in
        ``avoid``, as (tool, arguments), do not come.
        """


@dataclass(frozen=True)
class Parts:
    """All of an agent but its runs.

    Attributes:
        settings: as read at start.
        backend: where tools act.
        tools: those that a plan may call.
        toolrag: picks the tools.
        planner: writes the plan.
        writer: the model that writes texts; None where that is switched off.
        writer_lock: held while it writes.
        book: the grants.
        remembered: the approvals that a person had remembered.
        models: the one thread on which ToolRAG and the planner work.
        tasks: the threads on which tools work.
        versions: of the program and the models, for the trace.
    """

    settings: Settings
    backend: Backend
    tools: ToolSet
    toolrag: ToolRAG
    planner: Planner
    writer: Writer | None
    writer_lock: threading.Lock
    book: ApprovalBook
    remembered: RememberedApprovals
    models: Executor
    tasks: Executor
    versions: dict[str, str]

    @property
    def place(self) -> str:
        """Where calls act, as far as a remembered approval minds: a draft is not a sent mail."""
        sends = ", mail is sent" if self.settings.send_mail else ""
        return f"{self.backend.name}{sends}"
