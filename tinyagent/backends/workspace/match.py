"""Finding a thing by the name that a person gave it, forgivingly.

Letter case, accents, punctuation, word order, plurals, missing words and
small misspellings are forgiven, in that order: a better kind of fit always
wins, and several fits of the same kind are never decided by a guess.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import TypeVar

from rapidfuzz import fuzz, process

from tinyagent.errors import AmbiguousError, NotFoundError

T = TypeVar("T")

SPELT, FOLDED, SAME_WORDS, CONTAINED, IN_PATH = 101.0, 99.0, 95.0, 90.0, 89.0
"""Fits, best first; a misspelling scores its similarity, ``MISSPELT`` to 88."""

MISSPELT = 80.0
NEW_NAME = 85.0
"""Below this similarity a list or calendar that the user named is a new one."""
_TIE = 4.0
"""Misspellings whose scores are this close are not told apart."""

_ARTICLES = {
    "a",
    "an",
    "the",
    "my",
    "our",
    "your",
    "this",
    "that",
    "of",
    "for",
    "called",
    "named",
}
_KINDS = {
    "file",
    "files",
    "document",
    "doc",
    "note",
    "notes",
    "list",
    "folder",
    "calendar",
}
_NOISE = frozenset(_ARTICLES | _KINDS)
"""Words that people put around a name; ignored where others are left."""

_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i"}
)
"""Letters that Unicode does not take apart into a base and a mark."""


def find(
    query: str,
    items: Sequence[T],
    names: Callable[[T], Sequence[str]],
    what: str,
) -> T:
    """The one item that ``query`` names.

    Args:
        query: the name, as a person said it.
        items: what it may be.
        names: every name of an item; the last one is unique, and is the candidate.
        what: the word for an item in a message: "note".

    Raises:
        NotFoundError: nothing fits; the message gives the nearest names.
        AmbiguousError: several fit equally well.
    """
    fits = [(max(fit(query, name) for name in names(item)), item) for item in items]
    best = max((score for score, _ in fits), default=0.0)
    if best < MISSPELT:
        near = nearest(query, [names(item)[0] for item in items])
        raise NotFoundError(f"there is no {what} called “{query}”{_did_you_mean(near)}")
    floor = best if best >= IN_PATH else best - _TIE
    found = [item for score, item in fits if score >= floor]
    if len(found) > 1:
        candidates = [names(item)[-1] for item in found]
        raise AmbiguousError(
            f"“{query}” fits {len(found)} {what}s: {', '.join(candidates)}; choose one",
            query,
            candidates,
        )
    return found[0]


def find_or_new(query: str, existing: Sequence[str]) -> str | None:
    """The existing list, folder or calendar that ``query`` names; None if it is a new one.

    Missing words are not forgiven here: "Work" is not "Work travel".
    """
    fits = [(fit(query, name), name) for name in existing]
    fits = [(s, name) for s, name in fits if s >= SAME_WORDS or NEW_NAME <= s < IN_PATH]
    return max(fits)[1] if fits else None


def fit(query: str, name: str) -> float:
    """How well ``query`` names the thing called ``name``: 0 to 101, see ``SPELT``."""
    if unicodedata.normalize("NFC", query.strip()) == unicodedata.normalize("NFC", name):
        return SPELT
    asked, given = fold(query), fold(name)
    if not asked or not given:
        return 0.0
    if asked == given:
        return FOLDED
    asked_words, given_words = _stems(asked), _stems(given)
    if asked_words == given_words:
        return SAME_WORDS
    if asked_words <= given_words:
        return IN_PATH if "/" in name else CONTAINED
    if not {w for w in asked_words if _has_digit(w)} <= given_words:
        return 0.0  # "Q3 budget" is no misspelling of "Q4 budget"
    return min(_similarity(asked_words, given_words), IN_PATH - 1)


def nearest(query: str, names: Sequence[str], limit: int = 3) -> list[str]:
    """The names most like ``query``, best first; none that is far from it."""
    found = process.extract(
        query,
        list(dict.fromkeys(names)),
        processor=fold,
        scorer=fuzz.WRatio,
        limit=limit,
    )
    return [name for name, score, _ in found if score >= 60]


def fold(text: str) -> str:
    """Lower case, no accents, no punctuation, single spaces; letters of all scripts stay."""
    text = unicodedata.normalize("NFKD", text).casefold().translate(_LETTERS)
    text = re.sub(r"[\u0300-\u036f'’`]", "", text)
    return " ".join(re.sub(r"[\W_]+", " ", text).split())


def _did_you_mean(near: list[str]) -> str:
    return f"; the nearest: {', '.join(near)}" if near else ""


def _stems(folded: str) -> set[str]:
    words = folded.split()
    return {_stem(word) for word in words if word not in _NOISE} or set(words)


def _stem(word: str) -> str:
    """The singular, roughly: it only has to be the same on both sides."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith("ss"):
        return word[:-1]
    return word


def _has_digit(word: str) -> bool:
    return any(letter.isdigit() for letter in word)


def _similarity(asked: set[str], given: set[str]) -> float:
    """Of all words together, or of each asked word with its best partner."""
    whole = fuzz.ratio(" ".join(sorted(asked)), " ".join(sorted(given)))
    partners = [max(fuzz.ratio(word, other) for other in given) for word in asked]
    each = sum(partners) / len(partners) if min(partners) >= MISSPELT else 0.0
    return max(whole, each)
