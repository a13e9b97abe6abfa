"""Tools that the classifier was not trained on, scored by what they say of themselves.

A person's own tool, or a server's, has a description and perhaps example
requests; the nearest of them to the request counts. What tells is less how
near that is than how much nearer than any other tool's, and whether the
classifier knows a tool for the request. A logistic function of the three,
fitted by ``benchmarks/further_tools.py``, gives a probability on the scale of
the classifier's.
"""

from __future__ import annotations

import math
import time

import numpy as np

from tinyagent.toolrag.base import Selection, ToolRAG
from tinyagent.toolrag.encoder import Encoder, Matrix
from tinyagent.tools.registry import Tool, ToolSet

MOST = 3
"""Untrained tools that are offered at once: each that is not needed costs the planner points."""
NEARNESS, MARGIN, TRAINED, BIAS = 3.21, 22.23, -3.57, 0.36
"""Weights of the cosine, of its margin over the next tool's, of the classifier's best, and 1."""


class WithDescribed:
    """Another ToolRAG for the tools that it was trained on, and descriptions for the rest.

    Args:
        toolrag: scores ``trained``.
        tools: all of them.
        trained: those that need no description.
        threshold: an untrained tool whose probability is at least this is picked.
    """

    def __init__(
        self, toolrag: ToolRAG, tools: ToolSet, trained: ToolSet, encoder: Encoder, threshold: float
    ) -> None:
        self._toolrag = toolrag
        self._names = list(tools)
        self._untrained = [i for i, name in enumerate(tools) if name not in trained]
        self._encoder = encoder
        self._threshold = threshold
        self._texts = [self._embed(tool) for tool in tools.values()]

    def select(self, request: str) -> Selection:
        """What the other picks, and the likeliest ``MOST`` of the untrained tools."""
        begun = time.perf_counter()
        picked = self._toolrag.select(request)
        vector = self._encoder.embed(request)
        cosines = np.array([float((texts @ vector).max()) for texts in self._texts])
        best = max(picked.probabilities.values(), default=0.0)
        described = {self._names[i]: _probability(cosines, i, best) for i in self._untrained}
        likeliest = sorted(described, key=lambda name: -described[name])[:MOST]
        offered = {name for name in likeliest if described[name] >= self._threshold}
        known = picked.probabilities | described
        return Selection(
            {name: known[name] for name in self._names},
            [name for name in self._names if name in offered or name in picked.tools],
            picked.threshold,
            picked.method,
            time.perf_counter() - begun,
            frozenset(described),
        )

    def _embed(self, tool: Tool) -> Matrix:
        """A vector for each text that tells what the tool is for, (texts, 384)."""
        return np.stack([self._encoder.embed(text) for text in (tool.description, *tool.examples)])


def _probability(cosines: Matrix, tool: int, trained: float) -> float:
    """That the tool of this index is needed, where a trained one is with ``trained``."""
    margin = cosines[tool] - np.delete(cosines, tool).max()
    logit = NEARNESS * cosines[tool] + MARGIN * margin + TRAINED * trained + BIAS
    return 1 / (1 + math.exp(-float(logit)))
