"""Number words as digits: "twenty third", "oh eight", "fourteen hundred"."""

from __future__ import annotations

from tinyagent.times.vocabulary import NUMBERS, ORDINALS, TENS, UNITS

Token = tuple[str, str]
"""A canonical word, and the words of the phrase that it stands for."""


def fold_numbers(tokens: list[Token]) -> list[Token]:
    """Replace number words by digits."""
    words = [word for word, _ in tokens]
    folded: list[Token] = []
    position = 0
    while position < len(words):
        numbers, used = _number(words, position)
        source = " ".join(source for _, source in tokens[position : position + used])
        folded += [(number, source) for number in numbers]
        position += used
    return folded


_SMALL = {word: value for value, word in enumerate(NUMBERS)}
_ORDINALS = {word: value for value, word in enumerate(ORDINALS, start=1)} | {"thirtieth": 30}


def _number(words: list[str], start: int) -> tuple[list[str], int]:
    """Canonical words for what begins at ``start``, and how many words it took."""
    word, following = words[start], _at(words, start + 1)
    if word in _ORDINALS:
        return [f"{_ORDINALS[word]}th"], 1
    if word in TENS and _ORDINALS.get(following, 10) < 10:
        return [f"{TENS[word] + _ORDINALS[following]}th"], 2
    digit = following if len(following) == 1 else str(_SMALL.get(following, ""))
    if word in ("oh", "o", "zero", "0") and len(digit) == 1 and digit.isdecimal():
        if _at(words, start + 2) == "hundred":
            return _hundred(words, start + 2, int(digit), start)
        return [f"0{digit}"], 2
    value, used = _below_hundred(words, start)
    if used == 0 and following == "hundred" and (word in ("a", "an") or _short(word)):
        value, used = (int(word) if _short(word) else 1), 1
    if used == 0:
        return [word], 1
    scale = _at(words, start + used)
    if scale == "hundred":
        return _hundred(words, start + used, value, start)
    if scale == "thousand":
        rest, taken = _tail(words, start + used + 1)
        return [str(value * 1000 + rest)], used + 1 + taken
    return [str(value)], used


def _hundred(words: list[str], at: int, value: int, start: int) -> tuple[list[str], int]:
    """ "fourteen hundred" is a clock time, "a hundred and twenty minutes" a number."""
    rest, taken = _tail(words, at + 1)
    end = at + 1 + taken
    if taken == 0 and words[start] not in ("a", "an") and value <= 24:
        if _at(words, end) not in UNITS:
            return [f"{value:02d}:00", "hour"], end - start
        if _at(words, end) == "hour":
            return [f"{value:02d}:00", "hour"], end + 1 - start
    return [str(value * 100 + rest)], end - start


def _tail(words: list[str], start: int) -> tuple[int, int]:
    """The "and twenty" of a hundred or thousand, and how many words it took."""
    joined = _at(words, start) == "and"
    value, used = _below_hundred(words, start + joined)
    return (value, used + joined) if used else (0, 0)


def _below_hundred(words: list[str], start: int) -> tuple[int, int]:
    """A number in words below a hundred, and how many words it took (0: none)."""
    word, following = _at(words, start), _at(words, start + 1)
    if word in TENS:
        if 1 <= _SMALL.get(following, 0) <= 9 and not _ends_clock(words, start):
            return TENS[word] + _SMALL[following], 2
        return TENS[word], 1
    return (_SMALL[word], 1) if word in _SMALL else (0, 0)


def _ends_clock(words: list[str], start: int) -> bool:
    """The "thirty" of "two thirty two weeks from today", where "two" is the next number."""
    before = words[start - 1] if start else ""
    return 1 <= _SMALL.get(before, 0) <= 12 and _at(words, start + 2) in UNITS


def _short(word: str) -> bool:
    """A number of one or two figures."""
    return word.isdecimal() and len(word) <= 2


def _at(words: list[str], position: int) -> str:
    return words[position] if position < len(words) else ""
