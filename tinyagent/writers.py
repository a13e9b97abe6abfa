"""Writers: TinyAgent's sub-agents, which put a body or a summary into words.

They are a small general model, and weak: what one writes stands only if it
keeps every number, address and link that it was given, and brings in no name
or number of its own. Otherwise the words that it was given stand, and the
event says so. Its text is always shown at approval, and can be edited there.
"""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from tinyagent.errors import ServerError

_log = logging.getLogger(__name__)

MAX_PIECES = 12
PIECE = 4800
"""Characters of a piece of a long text: some 1,300 tokens, of the 1,500 that fit."""
LONGEST_CONTEXT = 600
"""Characters; a longer context is text already (a summary, a note), and stays as it is."""
_EXTRACT = 500

_FACT = re.compile(r"https?://\S+|[^\s<>,;]+@[^\s<>,;]+\w|\$\d+|\+?\d[\d:.,/\-]*\d|\d")
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][\w’'-]+")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")
_PLACEHOLDER = re.compile(r"\[[^\]]*\]|<[^>]*>|\{[^}]*\}")


class Writer(Protocol):
    """A model that writes."""

    def write(
        self,
        task: str,
        material: str,
        *,
        max_tokens: int,
        on_text: Callable[[str], None],
        stop: Callable[[], bool],
    ) -> str:
        """Do ``task`` with ``material``; ``on_text`` gets the text as it is written."""


@dataclass(frozen=True)
class Written:
    """A text, and whether it is the given words because the model's could not stand."""

    text: str
    fallback: bool


class Writers:
    """The writers of one run.

    Args:
        writer: the model; None where writers are switched off.
        lock: held while the model writes, as it can do one thing at a time.
        stop: True once the run is to end.
    """

    def __init__(
        self, writer: Writer | None, lock: threading.Lock, stop: Callable[[], bool]
    ) -> None:
        self._writer = writer
        self._lock = lock
        self._stop = stop

    def can_write(self, context: str) -> bool:
        """Is there a model, and anything in ``context`` to put into words?"""
        words = re.findall(r"[^\W\d_]{2,}", _FACT.sub("", context))
        return self._writer is not None and len(context) <= LONGEST_CONTEXT and len(words) >= 3

    def email_body(self, context: str, recipients: list[str], request: str) -> Written:
        """The body of an e-mail that says ``context``.

        Args:
            recipients: names to greet, as the request gives them.
            request: the person's words; names and numbers in it may be used.
        """
        said = self._write(
            "Write the text of a short, friendly e-mail in the first person that says the "
            "following. Keep every fact, name and number. Add nothing. No subject, no signature.",
            context,
            # What is much longer than its context could not stand; see ``stands``.
            max_tokens=30 + len(context) // 2,
        )
        body = _strip_frame(said)
        if not stands(body, context, request):
            return Written(context, True)
        greeting = f"Hi {_and(recipients)},\n\n" if recipients else ""
        return Written(greeting + body, False)

    def summarize(self, text: str, progress: Callable[[float, str], None]) -> str:
        """A few sentences on a text of any length.

        A long text is taken in pieces, at most ``MAX_PIECES`` of them, evenly
        chosen; the result says where some were left out.
        """
        text = text.strip()
        if self._writer is None:
            return _extract(text)
        pieces = _pieces(text)
        chosen = _evenly(pieces, MAX_PIECES)
        steps = len(chosen) + (len(chosen) > 1)
        parts: list[str] = []
        for number, piece in enumerate(chosen, 1):
            progress((number - 1) / steps, f"part {number} of {len(chosen)}")
            part = self._summary_of(piece)
            if part and part not in parts:
                parts.append(part)
        if not parts:
            return _extract(text)
        summary = parts[0]
        if len(chosen) > 1:
            progress(len(chosen) / steps, "putting the parts together")
            joined = " ".join(parts)
            summary = self._summary_of(joined[:PIECE]) or joined
        if len(chosen) < len(pieces):
            summary += f" (From {len(chosen)} of {len(pieces)} parts, evenly chosen.)"
        return summary

    def _summary_of(self, text: str) -> str:
        """The model's summary; "" where it repeats itself or brings in numbers."""
        task = "Summarize the following text in two or three sentences."
        said = _strip_frame(self._write(task, text, max_tokens=120))
        if _repeats(said) or not _facts(said) <= _facts(text):
            return ""
        return said

    def _write(self, task: str, material: str, max_tokens: int) -> str:
        """The model's text; "" where a server gave none, so that what is known stands."""
        assert self._writer is not None
        with self._lock:
            try:
                return self._writer.write(
                    task, material, max_tokens=max_tokens, on_text=_unheard, stop=self._stop
                )
            except ServerError as error:
                _log.warning("no text was written: %s", error)
                return ""


def stands(body: str, context: str, request: str) -> bool:
    """May the model's ``body`` take the place of ``context``?

    It must keep every number, address, link and ``$k``, bring in none of its
    own, name nobody new, be of a sensible length, and not repeat itself.
    """
    given = f"{context} {request}"
    names = set(_NAME.findall(body))
    return (
        len(context) / 2 <= len(body) <= 3 * len(context) + 200
        and _facts(context) <= _facts(body) <= _facts(given)
        and all(name.casefold() in given.casefold() for name in names)
        and not _PLACEHOLDER.search(body)
        and not _repeats(body)
    )


def _facts(text: str) -> set[str]:
    return {fact.rstrip(".,;:") for fact in _FACT.findall(text)}


def _repeats(text: str) -> bool:
    """Is it empty, or is a sentence in it twice?"""
    sentences = [s.strip().casefold() for s in _SENTENCE.split(text) if s.strip()]
    return not sentences or len(set(sentences)) < len(sentences)


def _strip_frame(text: str) -> str:
    """Without a subject line, a greeting and a signature that the model wrote all the same."""
    lines = text.strip().strip('"').splitlines()
    while lines and re.match(r"\s*$|subject:|(dear|hi|hello)\b.{0,40}[,!]?$", lines[0], re.I):
        del lines[0]
    ending = (
        r"\s*$|(best|kind|warm)?\s*(regards|wishes)\b|sincerely|cheers|thanks,|best,|\[your name"
    )
    while lines and re.match(ending, lines[-1], re.I):
        del lines[-1]
    return "\n".join(lines).strip()


def _extract(text: str) -> str:
    """The first sentences, said to be just that."""
    sentences = _SENTENCE.split(" ".join(text.split()))
    taken = sentences[0][:_EXTRACT]
    for sentence in sentences[1:]:
        if len(taken) + len(sentence) >= _EXTRACT:
            break
        taken += f" {sentence}"
    return f"It begins: {taken}"


def _pieces(text: str) -> list[str]:
    """The text in pieces of at most ``PIECE`` characters, cut between sentences if it can be."""
    pieces = [""]
    for sentence in _SENTENCE.split(text):
        for start in range(0, len(sentence), PIECE):
            bit = sentence[start : start + PIECE]
            if pieces[-1] and len(pieces[-1]) + len(bit) >= PIECE:
                pieces.append("")
            pieces[-1] += f" {bit}" if pieces[-1] else bit
    return pieces


def _evenly(pieces: list[str], most: int) -> list[str]:
    """At most ``most`` of them, the first and the last included."""
    if len(pieces) <= most:
        return pieces
    return [pieces[round(i * (len(pieces) - 1) / (most - 1))] for i in range(most)]


def _and(names: Iterable[str]) -> str:
    shown = [name[:1].upper() + name[1:] for name in names]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _unheard(text: str) -> None:
    """For text that nobody watches being written."""
