"""ToolRAG: which tools a request needs, so that the prompt holds those alone."""

from __future__ import annotations

import math
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
        described: those that no training has seen, scored by their descriptions.
    """

    probabilities: dict[str, float]
    tools: list[str]
    threshold: float | None
    method: str
    seconds: float
    described: frozenset[str] = frozenset()

    @property
    def odds(self) -> dict[str, float]:
        """Log-odds, in nats, that the request needs a tool: of those that were picked by a
        classifier or by their descriptions, of no others."""
        if self.method != "classifier":
            return {}
        return {name: log_odds(self.probabilities[name]) - self._lean(name) for name in self.tools}

    def _lean(self, name: str) -> float:
        return DESCRIBED_LEAN if name in self.described else LEAN


LEAN = 0.75
"""Nats by which the classifier leans towards a tool: its training adds them to each output."""
DESCRIBED_LEAN = math.log(8.0)
"""Nats by which descriptions do: to miss a tool is taken for so many times as bad as to offer one
too many (``benchmarks/further_tools.py``)."""
MOST_CERTAIN = 0.998
"""It is never surer than this."""


def log_odds(probability: float) -> float:
    """Nats, of a probability that is never taken for certainty."""
    p = min(max(probability, 1 - MOST_CERTAIN), MOST_CERTAIN)
    return math.log(p / (1 - p))


class ToolRAG(Protocol):
    """One way to pick tools."""

    def select(self, request: str) -> Selection:
        """Pick the tools for a request."""
