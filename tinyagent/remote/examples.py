"""Solved requests for the prompt of a model that is not ours: the nearest to the request.

They are drawn from the patterns that training data are made of (``data/patterns``),
a few of each set of tools, and their vectors kept in the models' cache.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import threading
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from tinyagent.atomic import write_whole
from tinyagent.data.check import fill
from tinyagent.data.patterns import read_patterns
from tinyagent.data.slots import draw
from tinyagent.errors import PlanError
from tinyagent.toolrag.encoder import Encoder, Matrix

OF_EACH = 3
"""Examples of one set of tools."""
MOST = 240


@dataclass(frozen=True)
class Solved:
    """A request, its plan, and the tools that the plan calls."""

    request: str
    plan: str
    tools: frozenset[str]


class Examples:
    """The examples, to be searched. Several threads may do so at a time.

    Args:
        encoder: embeds requests.
        cache: folder in which their vectors are kept.
    """

    def __init__(self, encoder: Encoder, cache: Path) -> None:
        self._encoder = encoder
        self._cache = cache
        self._loading = threading.Lock()
        self._solved: list[Solved] = []
        self._vectors: Matrix = np.zeros((0, 0), dtype=np.float32)

    def nearest(self, request: str, tools: Collection[str], count: int) -> list[Solved]:
        """The nearest examples that need no other tools than these, the nearest last."""
        with self._loading:
            if not self._solved:
                self._solved = draw_examples()
                self._vectors = self._embedded()
        fitting = [i for i, one in enumerate(self._solved) if one.tools <= set(tools)]
        cosines = self._vectors[fitting] @ self._encoder.embed(request)
        return [self._solved[fitting[i]] for i in np.argsort(cosines)[-count:]] if fitting else []

    def _embedded(self) -> Matrix:
        text = json.dumps([one.request for one in self._solved])
        name = f"examples-{hashlib.sha256(text.encode()).hexdigest()[:12]}.safetensors"
        path = self._cache / name
        # Not as .npy: NumPy reads its head with ``ast``, which threads cannot share
        # (see ``plans.syntax``).
        with contextlib.suppress(FileNotFoundError, SafetensorError):
            kept: Matrix = load_file(path)["vectors"]
            return kept
        vectors = np.stack([self._encoder.embed(one.request) for one in self._solved])
        write_whole(path, save({"vectors": vectors}))
        return vectors


def draw_examples() -> list[Solved]:
    """At most ``OF_EACH`` examples of each set of tools, ``MOST`` in all; always the same ones."""
    random = Random(0)
    patterns = read_patterns("train")
    random.shuffle(patterns)
    drawn: list[Solved] = []
    seen: Counter[frozenset[str]] = Counter()
    for pattern in patterns:
        try:
            request, plan = fill(pattern, draw(pattern.slots(), random))
        except (PlanError, ValueError):
            continue
        tools = frozenset(call.tool for call in plan)
        if seen[tools] < OF_EACH and len(drawn) < MOST:
            seen[tools] += 1
            drawn.append(Solved(request, str(plan), tools))
    return drawn
