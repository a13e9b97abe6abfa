"""What a tool is handed beside its arguments."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from tinyagent.backends.base import Backend


class Summarizer(Protocol):
    """Whatever can put a long text into a few sentences."""

    def summarize(self, text: str, progress: Callable[[float, str], None]) -> str:
        """Return the summary; report progress as (share done, what is done now)."""


def _silent(share: float, doing: str) -> None:
    """Progress that nobody watches."""


@dataclass(frozen=True)
class ToolContext:
    """Where a call acts, who writes for it, and whom it tells of its progress.

    ``target`` is the id of what it was approved for (see ``registry.Aim``), or "".
    """

    backend: Backend
    summarizer: Summarizer
    progress: Callable[[float, str], None] = field(default=_silent)
    target: str = ""
