"""ToolRAG as the paper has it: a fine-tuned encoder and one linear layer, a sigmoid a tool.

The graph (int8 ONNX) begins after the word embeddings, which fine-tuning left
as they are: those rows come from the installed encoder, which halves what has
to be shipped.
"""

from __future__ import annotations

import json
import time
from pathlib import Path

import numpy as np
from safetensors import safe_open

from tinyagent.errors import ModelError
from tinyagent.toolrag.base import Selection
from tinyagent.toolrag.encoder import load_tokenizer, open_session
from tinyagent.tools.registry import ToolSet

WORDS = "embeddings.word_embeddings.weight"
WORDS_FILE, TOKENIZER = "words.safetensors", "tokenizer.json"
"""Beside the graph, where it was trained from another encoder than the installed one."""


def read_labels(path: Path) -> list[str]:
    """The tools that a classifier was trained on, in the order of its logits."""
    labels: list[str] = json.loads(path.read_text("utf-8"))["labels"]
    return labels


def read_lean(path: Path) -> float:
    """Nats that a classifier's training has added to each of its logits."""
    card = json.loads(path.read_text("utf-8"))
    return float(card.get("recipe", {}).get("lean", 0.0))


class Classifier:
    """The fine-tuned classifier.

    Args:
        graph: ONNX; ``words`` (1, tokens, width) to ``logits`` (1, labels).
        labels: the card of its training, JSON: "labels", the tools' names in the order of the
            logits, and the "recipe".
        encoder: the safetensors file of the encoder, for its word embeddings.
        tokenizer: the encoder's ``tokenizer.json``.
    """

    def __init__(
        self,
        tools: ToolSet,
        graph: Path,
        labels: Path,
        encoder: Path,
        tokenizer: Path,
        threshold: float = 0.5,
        threads: int = 0,
    ) -> None:
        self._labels = read_labels(labels)
        self._lean = read_lean(labels)
        if missing := set(tools) - set(self._labels):
            raise ModelError(f"{graph} was not trained on {', '.join(sorted(missing))}")
        self._names = list(tools)
        self._threshold = threshold
        self._session = open_session(graph, threads)
        self._tokenizer = load_tokenizer(tokenizer)
        with safe_open(encoder, framework="numpy") as file:
            self._words = file.get_tensor(WORDS)

    def select(self, request: str) -> Selection:
        """The tools whose probability is at least the threshold."""
        begun = time.perf_counter()
        words = self._words[self._tokenizer.encode(request).ids][None]
        logits = self._session.run(None, {"words": words})[0][0]
        by_label = dict(
            zip(self._labels, 1 / (1 + np.exp(-logits.astype(np.float64))), strict=True)
        )
        probabilities = {name: float(by_label[name]) for name in self._names}
        picked = [name for name, p in probabilities.items() if p >= self._threshold]
        seconds = time.perf_counter() - begun
        return Selection(
            probabilities, picked, self._threshold, "classifier", seconds, lean=self._lean
        )
