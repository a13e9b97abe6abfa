"""The sentence encoder all-MiniLM-L6-v2 as int8 ONNX: a text in, a unit vector out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

Vector = npt.NDArray[np.float32]
Matrix = npt.NDArray[np.float32]
MAX_TOKENS = 256


def load_tokenizer(path: Path) -> Tokenizer:
    """The encoder's tokenizer, cut at ``MAX_TOKENS``, without padding."""
    tokenizer = Tokenizer.from_file(str(path))
    tokenizer.enable_truncation(MAX_TOKENS)
    tokenizer.no_padding()
    return tokenizer


def open_session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    """An onnxruntime session on the CPU; ``threads`` 0 takes every core."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, ["CPUExecutionProvider"])


class Encoder:
    """Embeds texts as sentence-transformers does: mean of the tokens' vectors, length 1."""

    def __init__(self, model: Path, tokenizer: Path, threads: int = 0) -> None:
        self._session = open_session(model, threads)
        self._tokenizer = load_tokenizer(tokenizer)
        self._inputs = {i.name for i in self._session.get_inputs()}

    def embed(self, text: str) -> Vector:
        """The vector of one text, shape (384,)."""
        ids = np.array([self._tokenizer.encode(text).ids], dtype=np.int64)
        feed = {
            "input_ids": ids,
            "attention_mask": np.ones_like(ids),
            "token_type_ids": np.zeros_like(ids),
        }
        out = self._session.run(None, {k: v for k, v in feed.items() if k in self._inputs})[0]
        vector: Vector = out[0].mean(axis=0) if out.ndim == 3 else out[0]
        return vector / np.linalg.norm(vector)
