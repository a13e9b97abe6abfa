"""What a request says that an argument may copy: its addresses, its numbers, its times."""

from __future__ import annotations

import mimetypes
import re
from datetime import datetime

from tinyagent import times
from tinyagent.errors import TimePhraseError
from tinyagent.plans.validate import EMAIL, PHONE
from tinyagent.times.numbers import fold_numbers

LONGEST_TIME = 8
"""Words of a time phrase: "the Friday after next at half past four" has as many."""

_FIGURED = re.compile(r"\d+(?:[.:]\d+)+")
_DOTTED = re.compile(r"\w[\w\-]*(?:\.[\w\-]+)*\.\w+")
_DIGITS = r"(?:\(\d{1,5}\)|\d)"
_RUN = re.compile(rf"(?<![\w+])\+?{_DIGITS}(?:(?:[\s.\-/]|\s[\-/]\s?)?{_DIGITS})*(?<=\d)")
FEWEST_DIGITS, MOST_DIGITS = 5, 15
"""Of a phone number; the most by E.164."""
SURE_DIGITS = 7
"""Digits from which figures that stand alone are surely a phone number."""
SHORT_GROUP = 2
"""Digits of a group beside a phone number that may be a count of something."""

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


def literals(request: str, kind: str) -> list[str]:
    """E-mail addresses (``kind`` "email") or phone numbers that stand in the request.

    Where figures beside a phone number may be a count, or another number, all readings are given,
    the longest first: of "+1 212 555 0187 2 tickets" two.
    """
    if kind == "email":
        return list(dict.fromkeys(EMAIL.findall(request)))
    found: dict[str, int] = {}
    for run in _runs(request):
        found |= _readings(run.split())
    return sorted(filter(PHONE.fullmatch, found), key=lambda number: -found[number])


def sure_literals(request: str, kind: str) -> list[str]:
    """Those of which it is clear what they are, and where they end."""
    if kind == "email":
        return literals(request, kind)
    whole = [run for run in _runs(request) if SURE_DIGITS <= _digits(run) <= MOST_DIGITS]
    return [run for run in whole if not re.search(r"\s[-/]", run)]  # behind which a count may stand


def cuts(value: str, request: str) -> bool:
    """Whether a word of ``value`` stands in the request only within something whole: an e-mail
    address, the name of a file, a number or a clock time."""
    wholes = _wholes(request)
    for word in filter(None, (word.strip(",;!?") for word in value.split())):
        found = places(word, request)
        inside = [any(a <= x and y <= b and (a, b) != (x, y) for a, b in wholes) for x, y in found]
        if inside and all(inside):
            return True
    return False


def places(words: str, text: str) -> list[tuple[int, int]]:
    """Where whole words stand in a text, in whatever case."""
    found = re.finditer(rf"(?i)(?<!\w){re.escape(words)}(?!\w)", text)
    return [place.span() for place in found]


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


def names_file(word: str) -> bool:
    """Whether a word ends as files of a known type do; a single letter may be a name's ("J.P")."""
    return word[-2:-1] != "." and mimetypes.guess_type(word)[0] is not None


def _runs(request: str) -> list[str]:
    return list(dict.fromkeys(_RUN.findall(EMAIL.sub(" ", request))))


def _digits(text: str) -> int:
    return sum(map(str.isdigit, text))


def _readings(groups: list[str]) -> dict[str, int]:
    """What a run of figures may be as a phone number, and how many digits it has."""
    digits = [_digits(group) for group in groups]
    several = sum(digits) > MOST_DIGITS
    found = {}
    for a in range(len(groups)):
        for b in range(len(groups), a, -1):
            if not (digits[a] and digits[b - 1]):
                continue  # a dash
            left_out = list(filter(_digits, groups[:a] + groups[b:]))
            count = left_out == [] or (
                len(left_out) == 1
                and (only := left_out[0].lstrip("-/")).isdigit()
                and len(only) <= SHORT_GROUP
            )
            if (count or several) and FEWEST_DIGITS <= (number := sum(digits[a:b])) <= MOST_DIGITS:
                found[" ".join(groups[a:b])] = number
    return found


def _wholes(request: str) -> list[tuple[int, int]]:
    """Where e-mail addresses, numbers, clock times and names of files stand."""
    found = [*EMAIL.finditer(request), *_FIGURED.finditer(request)]
    found += [f for f in _DOTTED.finditer(request) if names_file(f.group())]
    return [whole.span() for whole in found]


def _value(figures: str) -> int | float:
    text = figures.replace("−", "-")
    if re.fullmatch(r"-?\d{1,3}(,\d{3})+(\.\d+)?", text):
        text = text.replace(",", "")
    text = text.replace(",", ".")
    if text.count(".") > 1:  # a version or a date: its first part alone is a number
        text = text.partition(".")[0]
    return float(text) if "." in text else int(text)
