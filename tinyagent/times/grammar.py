"""Reads the canonical words of a time phrase, item by item, into a ``Reading``."""

from __future__ import annotations

import re

from tinyagent.errors import TimePhraseError
from tinyagent.times import clock, days
from tinyagent.times.durations import Span, match_span
from tinyagent.times.reading import Reading
from tinyagent.times.vocabulary import MONTHS, WEEKDAYS
from tinyagent.times.words import Words


def read(words: Words) -> Reading:
    """Read a phrase; TimePhraseError names the first words that no rule reads.

    Items may come in any order, each once; words that only join them are skipped.
    """
    text = words.text
    reading = Reading()
    position = 0
    while position < len(text):
        end = _read_item(words, position, reading)
        if end is None:
            raise TimePhraseError(f"“{words.source(position)}” makes no time here")
        position = end + 1
    if reading == Reading():
        raise TimePhraseError("it says neither a day nor a time")
    return reading


def _read_item(words: Words, position: int, reading: Reading) -> int | None:
    """Read one item into ``reading`` and return its end, None where no rule fits."""
    text = words.text
    if position == 0 and (found := _OPENING.match(text)):
        return found.end()
    if found := _RANGE.match(text, position):
        raise TimePhraseError(f"“{found[0]}” is two times; give the start alone")
    if (end := _read_hour_before_date(words, position, reading)) is not None:
        return end
    for pattern, action in clock.EARLY_RULES:
        if found := pattern.match(text, position):
            action(found, reading)
            return found.end()
    if (end := _read_span(words, position, reading)) is not None:
        return end
    for pattern, action in (*days.RULES, *clock.RULES):
        if found := pattern.match(text, position):
            action(found, reading)
            return found.end()
    found = _FILLER.match(text, position)
    return found.end() if found else None


def _read_hour_before_date(words: Words, position: int, reading: Reading) -> int | None:
    """The "two" of "two March 5", None where the words go on otherwise.

    "2 March 5" may be either order: what stands beside the numbers, their
    size, and figures against words ("11 March seven": the date is in
    figures) tell them apart; TimePhraseError where nothing does.
    """
    text = words.text
    found = _HOUR_BEFORE_DATE.match(text, position)
    if found is None or text[:position].endswith("on "):
        return None
    number = found.start("number")
    longest = max(
        (hit.end() for rule, _ in _CLOCK_RULES if (hit := rule.match(text, number))), default=0
    )
    if longest > found.end("number"):
        return None
    if not (found["at"] or found["th"] or int(found["number"]) > 12):
        spelled = [words.source(found.start(name)).isalpha() for name in ("hour", "number")]
        if spelled[0] == spelled[1]:
            raise TimePhraseError(
                f"“{words.between(position, found.end('number') - 1)}” may be two dates; "
                "say “at” before the hour"
            )
        if not spelled[0]:
            return None
    clock.clock_time(found, reading)
    return found.end("hour")


def _read_span(words: Words, position: int, reading: Reading) -> int | None:
    """ "now", "in two hours", "an hour from now", "a week from Friday", "a week on Tuesday"."""
    text = words.text
    if found := _NOW.match(text, position):
        reading.say_offset(found[0], Span())
        return found.end()
    hour = _HOUR_BEFORE_DAY.match(text, position)
    if hour and words.source(hour.end() + 1) == "day":  # "days" would be a length
        clock.clock_time(hour, reading)
        return hour.end()
    led = _IN.match(text, position)
    measured = match_span(text, led.end() if led else position)
    if measured is None:
        return None
    span, end = measured
    if found := _FROM_NOW.match(text, end):
        reading.say_offset(text[position : found.end()], span)
        return found.end()
    if led:
        following = _IN_TIME.match(text, end)
        end = following.end() if following else end
        reading.say_offset(text[position:end], span)
        return end
    found = _FROM.match(text, end)
    if found is None and span.days > 0 and span == Span(days=span.days // 7 * 7):
        found = _ON.match(text, end)
    if found:
        reading.shift += -span if found[0].endswith("before") else span
        return found.end()
    if text.startswith(" ago", end):
        raise TimePhraseError(f"“{words.between(position, end + 1)}” is already past")
    raise TimePhraseError(
        f"“{words.between(position, end - 1)}” is a length of time; say from when"
    )


_END = r"(?= |$)"
_DAYS = "|".join(WEEKDAYS)
_OPENING = re.compile(rf"(?:due |starting )?(?:before|no later than|not later than){_END}")
_FILLER = re.compile(
    rf"(?:at the latest|on the dot|or so|or thereabouts|at|on|by|the|for|from|starting|start|due"
    rf"|say|prompt){_END}"
)
_RANGE = re.compile(r"(?:from|between) \d{1,2}(?:[:.]\d\d)?(?: [ap]m)? (?:to|and|till) \d{1,2}")
_HOUR_BEFORE_DATE = re.compile(
    rf"(?P<at>at )?(?P<hour>[1-9]|1[0-2])"
    rf"(?= (?:{'|'.join(MONTHS)}) (?:the )?(?P<number>\d{{1,2}})(?P<th>th)?{_END})"
)
_HOUR_BEFORE_DAY = re.compile(r"(?P<hour>[2-9]|1[0-2])(?= day (?:after|before) )")
_CLOCK_RULES = (*clock.EARLY_RULES, *clock.RULES)
_NOW = re.compile(rf"(?:right )?now{_END}")
_IN = re.compile(r"(?:with)?in ")
_IN_TIME = re.compile(rf" time{_END}")
_FROM_NOW = re.compile(rf"(?: time)? (?:from (?:right )?now|hence){_END}")
_FROM = re.compile(r"(?: time)? (?:from|after|before)(?= )")
# "A week on Tuesday", "two weeks tomorrow": weeks alone are counted so.
_ON = re.compile(rf" on(?= )|(?= (?:{_DAYS}|today|tomorrow|next)\b)")
