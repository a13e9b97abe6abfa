"""What a request says that an argument may copy: its numbers, and its times."""

from __future__ import annotations

import re
from datetime import datetime

from tinyagent import times
from tinyagent.errors import TimePhraseError
from tinyagent.times.numbers import fold_numbers

LONGEST_TIME = 8
"""Words of a time phrase: "the Friday after next at half past four" has as many."""

_FIGURES = re.compile(r"(?<![\w.,])[-−]?\d+(?:[.,]\d+)*")
_BARE = re.compile(r"[\d.,]*")
_NUMBER = re.compile(r"\d+(\.\d+)?")
_TIMES = {"once": "1", "twice": "2", "both": "2", "half": "0.5"}


def quantities(request: str) -> list[int | float]:
    """The numbers of a request, in its order, each once; whole ones as ``int``.

    "1,200" is twelve hundred and "42,80" forty-two and eight tenths: three
    figures after each comma make it a separator of thousands.
    """
    words = re.findall(r"[^\W\d_]+|\S", _FIGURES.sub(" # ", request).lower())
    spoken = [word for word, _ in fold_numbers([(_TIMES.get(w, w), w) for w in words])]
    figures = [*_FIGURES.findall(request), *filter(_NUMBER.fullmatch, spoken)]
    found = map(_value, figures)
    return list(dict.fromkeys(found))


def time_phrases(request: str, now: datetime) -> list[str]:
    """The spans of whole words that resolve as a time, the longest first; no bare numbers."""
    words = request.split()
    spans = [
        " ".join(words[start : start + length]).strip(",;:!?.")
        for length in range(min(LONGEST_TIME, len(words)), 0, -1)
        for start in range(len(words) - length + 1)
    ]
    said = [span for span in dict.fromkeys(spans) if not _BARE.fullmatch(span)]
    return [span for span in said if is_time(span, now)]


def is_time(phrase: str, now: datetime) -> bool:
    """Whether a phrase, as a whole, resolves as a time."""
    try:
        times.resolve(phrase, now)
    except TimePhraseError:
        return False
    return True


def _value(figures: str) -> int | float:
    text = figures.replace("−", "-")
    if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", text):
        text = text.replace(",", "")
    text = text.replace(",", ".")
    if text.count(".") > 1:  # a version or a date: its first part alone is a number
        text = text.partition(".")[0]
    return float(text) if "." in text else int(text)
