"""The base model, as it comes: it writes what a plan's call should say."""

from __future__ import annotations

import codecs
from collections.abc import Callable

import numpy as np

from tinyagent.errors import Stopped
from tinyagent.planner.engine import Engine
from tinyagent.planner.prompt import END, clean

REPETITION = 1.15
"""Divides the logits of what was written already: the small base model repeats itself."""


class Writer:
    """Chat completion with one engine; not thread-safe."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def write(
        self,
        task: str,
        material: str,
        *,
        max_tokens: int = 200,
        on_text: Callable[[str], None] = lambda text: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> str:
        """Do ``task`` (the system's part) with ``material`` (the user's part); greedy.

        Raises:
            ModelError: the material is longer than the model can read.
            Stopped: ``stop`` was true.
        """
        prompt = (
            f"<|im_start|>system\n{task}{END}\n<|im_start|>user\n"
            f"{material.replace('<|', '< |')}{END}\n<|im_start|>assistant\n"
        )
        logits = self._engine.start(self._engine.tokenize(prompt), stop)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        written: list[int] = []
        text = ""
        for _ in range(max_tokens):
            if stop():
                raise Stopped("Writing was stopped.")
            scores = logits.copy()
            seen = np.array(sorted(set(written)), dtype=np.int64)
            if len(seen):
                before = scores[seen]
                scores[seen] = np.where(before > 0, before / REPETITION, before * REPETITION)
            token = int(scores.argmax())
            if self._engine.ends(token):
                break
            written.append(token)
            piece = decoder.decode(self._engine.piece(token))
            text += piece
            on_text(piece)
            logits = self._engine.feed([token])
        return text.strip()

    def fits(self, text: str, room: int) -> bool:
        """Whether a text has at most ``room`` tokens."""
        return len(self._engine.tokenize(clean(text), special=False)) <= room
