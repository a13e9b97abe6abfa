"""Tools that the classifier was not trained on, scored by what they say of themselves.

A person's own tool, or a server's, has a description and perhaps example
requests. The nearest of them to the request counts, and its cosine becomes a
probability on the scale of the classifier's by a logistic function, fitted as
``benchmarks/further_tools.py`` tells.
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
STEEPNESS, MIDDLE = 14.0, 0.32
"""Of the logistic function; at the cosine ``MIDDLE`` the probability is one half."""


class WithDescribed:
    """Another ToolRAG for the tools that it was trained on, and descriptions for the rest.

    Args:
        tools: all of them.
        trained: those that ``toolrag`` scores.
        threshold: an untrained tool whose probability is at least this is picked.
    """

    def __init__(
        self, toolrag: ToolRAG, tools: ToolSet, trained: ToolSet, encoder: Encoder, threshold: float
    ) -> None:
        self._toolrag = toolrag
        self._names = list(tools)
        self._untrained = [tool for tool in tools.values() if tool.name not in trained]
        self._encoder = encoder
        self._threshold = threshold
        self._vectors = [self._embed(tool) for tool in self._untrained]

    def select(self, request: str) -> Selection:
        """What the other picks, and the likeliest ``MOST`` of the untrained tools."""
        begun = time.perf_counter()
        picked = self._toolrag.select(request)
        vector = self._encoder.embed(request)
        described = {
            tool.name: _probability(float((vectors @ vector).max()))
            for tool, vectors in zip(self._untrained, self._vectors, strict=True)
        }
        likeliest = sorted(described, key=lambda name: -described[name])[:MOST]
        offered = {name for name in likeliest if described[name] >= self._threshold}
        known = picked.probabilities | described
        return Selection(
            {name: known[name] for name in self._names},
            [name for name in self._names if name in offered or name in picked.tools],
            picked.threshold,
            picked.method,
            time.perf_counter() - begun,
        )

    def _embed(self, tool: Tool) -> Matrix:
        """A vector for each text that tells what the tool is for, (texts, 384)."""
        return np.stack([self._encoder.embed(text) for text in (tool.description, *tool.examples)])


def _probability(cosine: float) -> float:
    return 1 / (1 + math.exp(-STEEPNESS * (cosine - MIDDLE)))
