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
        lean: nats that the classifier's training has added to the log-odds of each other tool.
    """

    probabilities: dict[str, float]
    tools: list[str]
    threshold: float | None
    method: str
    seconds: float
    described: frozenset[str] = frozenset()
    lean: float = 0.0

    @property
    def odds(self) -> dict[str, float]:
        """Log-odds, in nats, that the request needs a tool: of those that were picked by a
        classifier or by their descriptions, of no others."""
        if self.method != "classifier":
            return {}
        return {
            name: log_odds(
                self.probabilities[name], DESCRIBED_LEAN if name in self.described else self.lean
            )
            for name in self.tools
        }


LEAN = math.log(46.0)
"""Nats by which a training makes the classifier lean towards each tool: to miss one is taken for so
many times as bad as to offer one too many. With these it offers, on the validation split, just
under three tools."""
DESCRIBED_LEAN = math.log(8.0)
"""Nats by which descriptions do (``benchmarks/further_tools.py``)."""
MOST_CERTAIN = 0.996
"""Neither is taken to be surer than this."""
_TINY = 1e-9


def log_odds(probability: float, lean: float = 0.0) -> float:
    """Nats, of a probability that is never taken for certainty; without the ``lean`` in it."""
    p = min(max(probability, _TINY), 1 - _TINY)
    most = math.log(MOST_CERTAIN / (1 - MOST_CERTAIN))
    return min(max(math.log(p / (1 - p)) - lean, -most), most)


class ToolRAG(Protocol):
    """One way to pick tools."""

    def select(self, request: str) -> Selection:
        """Pick the tools for a request."""
