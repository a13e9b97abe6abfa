"""llama.cpp in process: one model, one sequence, and what it has read so far.

Built on llama.cpp's C interface, which is stable; the high-level ``Llama``
class keeps logits and samplers that constrained decoding has no use for.
"""

from __future__ import annotations

import ctypes
import os
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import llama_cpp
import numpy as np
import numpy.typing as npt

from tinyagent.errors import ModelError, Stopped

Logits = npt.NDArray[np.float32]
BATCH = 512


class Engine:
    """A GGUF model with its context.

    Attributes:
        read: the tokens that the context holds, in order.
        limit: how many it can hold.
    """

    def __init__(self, path: Path, *, limit: int = 2048, threads: int = 0) -> None:
        """Load ``path``; ``threads`` 0 takes every core.

        Raises:
            ModelError: llama.cpp cannot load the file.
        """
        quiet()
        llama_cpp.llama_backend_init()
        options = llama_cpp.llama_model_default_params()
        self._model = llama_cpp.llama_model_load_from_file(str(path).encode(), options)
        if not self._model:
            raise ModelError(f"{path} cannot be loaded: it is no GGUF file, or it is damaged")
        context = llama_cpp.llama_context_default_params()
        context.n_ctx = limit
        context.n_batch = context.n_ubatch = BATCH
        context.n_threads = context.n_threads_batch = threads or os.cpu_count() or 1
        self._context = llama_cpp.llama_init_from_model(self._model, context)
        self._memory = llama_cpp.llama_get_memory(self._context)
        weakref.finalize(self, _free, self._context, self._model).atexit = False
        self.vocab: Any = llama_cpp.llama_model_get_vocab(self._model)
        self.vocab_size: int = llama_cpp.llama_vocab_n_tokens(self.vocab)
        self.limit = limit
        self.read: list[int] = []

    def tokenize(self, text: str, *, special: bool = True) -> list[int]:
        """Token ids of a text, with no beginning-of-text token."""
        raw = text.encode()
        room = len(raw) + 8
        buffer = (llama_cpp.llama_token * room)()
        count = llama_cpp.llama_tokenize(self.vocab, raw, len(raw), buffer, room, False, special)
        return list(buffer[:count])

    def chat(self, messages: Sequence[tuple[str, str]]) -> str:
        """A conversation, as role and text in turn, in the model's own format, up to where its
        answer begins.

        Raises:
            ModelError: the file says no format, or one that llama.cpp does not know.
        """
        form = llama_cpp.llama_model_chat_template(self._model, None)
        turns = (llama_cpp.llama_chat_message * len(messages))(
            *((role.encode(), text.encode()) for role, text in messages)
        )
        room = 4096 + 2 * sum(len(text.encode()) for _, text in messages)
        buffer = ctypes.create_string_buffer(room)
        count = form and llama_cpp.llama_chat_apply_template(
            form, turns, len(messages), True, buffer, room
        )
        if not form or not 0 < count <= room:
            raise ModelError("the model's file says no chat format that llama.cpp knows")
        return buffer.raw[:count].decode()

    def piece(self, token: int) -> bytes:
        """The bytes that a token stands for; they may be part of a character."""
        buffer = ctypes.create_string_buffer(64)
        count = llama_cpp.llama_token_to_piece(self.vocab, token, buffer, 64, 0, False)
        return buffer.raw[: max(0, count)]

    def ends(self, token: int) -> bool:
        """Whether a token ends the model's turn."""
        return bool(llama_cpp.llama_vocab_is_eog(self.vocab, token))

    def start(self, tokens: Sequence[int], stop: Callable[[], bool] = lambda: False) -> Logits:
        """Read a prompt; what it shares with what was read before is not read again.

        Returns the logits after the last token, valid until the next call.
        """
        shared = 0
        while shared < min(len(tokens) - 1, len(self.read)) and tokens[shared] == self.read[shared]:
            shared += 1
        self.rewind(shared)
        return self.feed(tokens[shared:], stop)

    def feed(self, tokens: Sequence[int], stop: Callable[[], bool] = lambda: False) -> Logits:
        """Read more tokens; returns the logits after the last one, valid until the next call.

        Raises:
            ModelError: the context is full, or llama.cpp failed.
            Stopped: ``stop`` was true before a part of them.
        """
        if len(self.read) + len(tokens) > self.limit:
            raise ModelError(f"the text is longer than the model's {self.limit} tokens")
        for at in range(0, len(tokens), BATCH):
            if stop():
                raise Stopped("Planning was stopped.")
            part = tokens[at : at + BATCH]
            buffer = (llama_cpp.llama_token * len(part))(*part)
            batch = llama_cpp.llama_batch_get_one(buffer, len(part))
            if status := llama_cpp.llama_decode(self._context, batch):
                raise ModelError(f"llama.cpp could not decode (status {status})")
            self.read += part
        pointer = llama_cpp.llama_get_logits_ith(self._context, -1)
        return np.ctypeslib.as_array(pointer, shape=(self.vocab_size,))

    def rewind(self, count: int) -> None:
        """Forget all but the first ``count`` tokens."""
        if count < len(self.read):
            llama_cpp.llama_memory_seq_rm(self._memory, 0, count, -1)
            del self.read[count:]

    def weigh(self, tokens: Sequence[int], first: Logits) -> tuple[list[float], Logits]:
        """Read more tokens, as ``feed``, and find out how likely each was.

        Args:
            tokens: at least one.
            first: the logits after what was read before.

        Returns:
            The log probability of each token, and the logits after the last one, valid until
            the next call.

        Raises:
            ModelError: the context is full, or llama.cpp failed.
        """
        if len(self.read) + len(tokens) > self.limit:
            raise ModelError(f"the text is longer than the model's {self.limit} tokens")
        found = [log_softmax(first, tokens[0])]
        logits = first
        batch = llama_cpp.llama_batch_init(min(len(tokens), BATCH), 0, 1)
        try:
            for start in range(0, len(tokens), BATCH):
                part = tokens[start : start + BATCH]
                for i, token in enumerate(part):
                    batch.token[i], batch.pos[i] = token, len(self.read) + i
                    batch.n_seq_id[i], batch.seq_id[i][0], batch.logits[i] = 1, 0, 1
                batch.n_tokens = len(part)
                if status := llama_cpp.llama_decode(self._context, batch):
                    raise ModelError(f"llama.cpp could not decode (status {status})")
                self.read += part
                for i in range(len(part)):
                    pointer = llama_cpp.llama_get_logits_ith(self._context, i)
                    logits = np.ctypeslib.as_array(pointer, shape=(self.vocab_size,))
                    if start + i + 1 < len(tokens):
                        found.append(log_softmax(logits, tokens[start + i + 1]))
        finally:
            llama_cpp.llama_batch_free(batch)
            # A batch that failed may have been read in part.
            llama_cpp.llama_memory_seq_rm(self._memory, 0, len(self.read), -1)
        return found, logits

    def log_probabilities(self, tokens: Sequence[int], first: Logits) -> list[float]:
        """Log probability of each of ``tokens``, as ``weigh``; they are forgotten again."""
        before = len(self.read)
        found, _ = self.weigh(tokens, first)
        self.rewind(before)
        return found


def log_softmax(logits: Logits, token: int) -> float:
    """Log probability of one token."""
    top = float(logits.max())
    return float(logits[token]) - top - float(np.log(np.exp(logits - top).sum()))


@llama_cpp.llama_log_callback  # type: ignore[untyped-decorator]
def _drop(level: int, text: bytes, data: Any) -> None:
    """llama.cpp's own log lines: what matters of them is raised as an error."""


def _free(context: Any, model: Any) -> None:
    """Give the memory of a model back: another version may have taken its place."""
    llama_cpp.llama_free(context)
    llama_cpp.llama_model_free(model)


def quiet() -> None:
    """Silence llama.cpp."""
    llama_cpp.llama_log_set(_drop, ctypes.c_void_p(0))
