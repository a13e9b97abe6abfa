"""ToolRAG: which tools a request needs, so that the prompt holds those alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Selection:
    """What was picked for a request.

    Attributes:
        probabilities: of every tool, in the order of its declaration; 0 to 1.
        tools: names of those that were picked, in the same order.
        threshold: the least probability that is picked; None where that is not how.
        method: "classifier", "basic" or "all".
        seconds: what it took.
    """

    probabilities: dict[str, float]
    tools: list[str]
    threshold: float | None
    method: str
    seconds: float


class ToolRAG(Protocol):
    """One way to pick tools."""

    def select(self, request: str) -> Selection:
        """Pick the tools for a request."""
