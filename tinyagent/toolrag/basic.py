"""The two baselines of the paper's Table 1: every tool, and basic RAG."""

from __future__ import annotations

import time

import numpy as np

from tinyagent.toolrag.base import Selection
from tinyagent.toolrag.encoder import Encoder
from tinyagent.tools.registry import ToolSet

TOP = 6
"""Tools that basic RAG picks; the paper compares 3 and 6."""


class AllTools:
    """No retrieval: every tool, whatever the request."""

    def __init__(self, tools: ToolSet) -> None:
        self._tools = tools

    def select(self, request: str) -> Selection:
        """All tools, each with probability 1."""
        return Selection(dict.fromkeys(self._tools, 1.0), list(self._tools), None, "all", 0.0)


class BasicRAG:
    """The tools whose descriptions lie nearest to the request, the nearest ``top``."""

    def __init__(self, tools: ToolSet, encoder: Encoder, top: int = TOP) -> None:
        self._names = list(tools)
        self._encoder = encoder
        self._top = top
        self._vectors = np.stack([encoder.embed(t.description) for t in tools.values()])

    def select(self, request: str) -> Selection:
        """The ``top`` tools; the probabilities are cosines, cut at 0."""
        begun = time.perf_counter()
        cosines = self._vectors @ self._encoder.embed(request)
        nearest = set(np.argsort(-cosines)[: self._top].tolist())
        return Selection(
            {n: max(0.0, float(c)) for n, c in zip(self._names, cosines, strict=True)},
            [n for i, n in enumerate(self._names) if i in nearest],
            None,
            "basic",
            time.perf_counter() - begun,
        )
