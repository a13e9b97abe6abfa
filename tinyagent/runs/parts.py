"""What the runs of one agent share, each behind the smallest interface that will do."""

from __future__ import annotations

import threading
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tinyagent.approval.approval import ApprovalBook
from tinyagent.approval.remembered import RememberedApprovals
from tinyagent.backends.base import Backend
from tinyagent.planner.base import Planner
from tinyagent.settings import Settings
from tinyagent.tools.registry import ToolSet
from tinyagent.writers import Writer

if TYPE_CHECKING:
    from tinyagent.toolrag.base import ToolRAG


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
