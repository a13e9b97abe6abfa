"""Tools that the classifier was not trained on, scored by what they say of themselves.

A person's own tool, or a server's, has a name, a description, a line of help for
each parameter, and perhaps example requests; the nearest of these texts to the
request counts. What tells is less how near that is than how much nearer than
any other tool's, whether the request has the words of the tool's name, and
whether the classifier knows a tool for it. A logistic function of the four,
fitted by ``benchmarks/further_tools.py``, gives a probability.

The classifier learned in a world without such tools: "my total expenses" can
only be a document there. Where one of them explains the request, the classifier
is believed less, by the same evidence.
"""

from __future__ import annotations

import math
import re
import time
from functools import cached_property

import numpy as np
import numpy.typing as npt

from tinyagent.toolrag.base import Selection, ToolRAG, log_odds
from tinyagent.toolrag.encoder import Matrix, Vector
from tinyagent.toolrag.vectors import Vectors
from tinyagent.tools.registry import Tool, ToolSet

MOST = 3
"""Untrained tools that are offered at once: each that is not needed costs the planner points."""
WEIGHTS = (1.22, 13.42, 1.75, -1.37)
"""Of the features, in the order of ``features``; ``BIAS`` of 1."""
BIAS = -0.92
SURE = 2.25
"""Log-odds from which the classifier knows a request: of those that need one of the sixteen, 19
in 20 lie above."""
STEM = 5
"""Letters by which two words are the same: "expenses" has those of "expense"."""

Features = npt.NDArray[np.float64]


class WithDescribed:
    """Another ToolRAG for the tools that it was trained on, and descriptions for the rest.

    Args:
        toolrag: scores ``trained``.
        tools: all of them.
        trained: those that need no description.
        vectors: of descriptions and requests; nothing is embedded before the first request.
        threshold: an untrained tool whose probability is at least this is picked.
    """

    def __init__(
        self, toolrag: ToolRAG, tools: ToolSet, trained: ToolSet, vectors: Vectors, threshold: float
    ) -> None:
        self._toolrag = toolrag
        self._tools = tools
        self._names = list(tools)
        self._untrained = [i for i, name in enumerate(tools) if name not in trained]
        self._vectors = vectors
        self._threshold = threshold

    def select(self, request: str) -> Selection:
        """What the other picks, and the likeliest ``MOST`` of the untrained tools."""
        begun = time.perf_counter()
        picked = self._toolrag.select(request)
        cosines = self._nearness(self._vectors.embed(request))
        logits = {
            self._names[i]: _logit(features(request, self._tools, cosines, i, picked))
            for i in self._untrained
        }
        likeliest = sorted(logits, key=lambda name: -logits[name])[:MOST]
        described = {name: _probability(logit) for name, logit in logits.items()}
        offered = {name for name in likeliest if described[name] >= self._threshold}
        trained = picked.probabilities
        if offered:
            trained = {name: _explained(p, logits[likeliest[0]]) for name, p in trained.items()}
            offered |= {name for name in picked.tools if trained[name] >= self._threshold}
        known = trained | described
        return Selection(
            {name: known[name] for name in self._names},
            [name for name in self._names if name in (offered or picked.tools)],
            picked.threshold,
            picked.method,
            time.perf_counter() - begun,
            frozenset(described),
            picked.lean,
        )

    def _nearness(self, request: Vector) -> Features:
        """Of each tool, the cosine of the request to its nearest text."""
        matrix, starts = self._texts
        return np.maximum.reduceat(matrix @ request, starts)

    @cached_property
    def _texts(self) -> tuple[Matrix, list[int]]:
        """Vectors of all tools' texts, (texts, 384), and where each tool's begin."""
        told = [texts_of(tool) for tool in self._tools.values()]
        starts = np.cumsum([0, *map(len, told)])[:-1].tolist()
        return self._vectors.remembered([text for texts in told for text in texts]), starts


def texts_of(tool: Tool) -> list[str]:
    """What tells what a tool is for: its description with its parameters' help, its examples."""
    helps = "; ".join(p.help for p in tool.parameters)
    return [f"{tool.description} {helps}".strip(), *tool.examples]


def features(
    request: str, tools: ToolSet, cosines: Features, tool: int, picked: Selection
) -> Features:
    """What speaks for the tool of this index, shape (4,).

    Its nearness to the request; how much nearer it is than any other tool; the share of its
    name's words that stand in the request; and, against it, how sure the classifier is of the
    tool that it finds likeliest (log-odds above ``SURE``).
    """
    margin = cosines[tool] - np.delete(cosines, tool).max(initial=0.0)
    name = _stems(list(tools)[tool].replace("_", " "))
    named = len(name & _stems(request)) / len(name)
    best = max(picked.probabilities.values(), default=0.0)
    return np.array([cosines[tool], margin, named, max(0.0, log_odds(best, picked.lean) - SURE)])


def _stems(text: str) -> set[str]:
    return {word[:STEM] for word in re.findall(r"[a-z0-9]+", text.lower())}


def _logit(found: Features) -> float:
    return float(found @ np.array(WEIGHTS)) + BIAS


def _probability(logit: float) -> float:
    return 1 / (1 + math.exp(-logit))


def _explained(probability: float, logit: float) -> float:
    """The classifier's probability where a described tool explains the request with this logit:
    its odds, times the other's probability of not being meant."""
    odds = probability / max(1 - probability, 1e-9)
    less = odds * (1 - _probability(logit))
    return less / (1 + less)
