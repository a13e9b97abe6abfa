"""Vectors of texts that come again at every start, kept on disk.

Forty descriptions take a third of a second to embed, and the encoder takes as
long to load; neither is done before a request needs it.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Sequence
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from tinyagent.toolrag.encoder import Encoder, Matrix, Vector


class Vectors:
    """An encoder that is loaded when it is first needed, and remembers what it embedded.

    Args:
        load: makes the encoder.
        file: where vectors are kept, a safetensors file by hash of the text; of one encoder alone.
            Where it cannot be read or written, they are computed each time.
    """

    def __init__(self, load: Callable[[], Encoder], file: Path) -> None:
        self._load = load
        self._file = file

    def embed(self, text: str) -> Vector:
        """The vector of a text that need not be remembered, shape (384,)."""
        return self._encoder.embed(text)

    def remembered(self, texts: Sequence[str]) -> Matrix:
        """The vectors of texts that come again, shape (texts, 384)."""
        names = [sha256(text.encode()).hexdigest() for text in texts]
        kept = self._read()
        new = {
            name: self._encoder.embed(text)
            for name, text in zip(names, texts, strict=True)
            if name not in kept
        }
        if new:
            self._write(kept | new)
        return np.stack([(kept | new)[name] for name in names])

    @cached_property
    def _encoder(self) -> Encoder:
        return self._load()

    def _read(self) -> dict[str, Vector]:
        try:
            return dict(load_file(self._file))
        except (OSError, SafetensorError):
            return {}

    def _write(self, vectors: dict[str, Vector]) -> None:
        """Replace the file in one step, so that no other process reads half of it."""
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._file.parent, delete=False) as part:
                part.write(save(vectors))
            Path(part.name).replace(self._file)
