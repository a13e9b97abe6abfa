"""Places a time phrase in the calendar, by the rules of the plan language."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from tinyagent.errors import TimePhraseError
from tinyagent.times.clock import first_after, minutes_on_named_day, next_from
from tinyagent.times.days import find_day
from tinyagent.times.durations import Span, read_span
from tinyagent.times.grammar import read
from tinyagent.times.moment import Moment
from tinyagent.times.reading import Reading
from tinyagent.times.words import Words, normalise


def resolve(phrase: str, now: datetime) -> Moment:
    """The time that a phrase, or ISO text, means at ``now`` (naive, local).

    Raises TimePhraseError for words that make no time, a date that does not
    exist, and a time that is past (ISO text may be past).
    """
    with _naming(phrase):
        if iso := _iso(phrase):
            return iso
        now = now.replace(second=0, microsecond=0)
        moment = _place(read(normalise(phrase)), now)
        past = moment.at < now if moment.has_time else moment.at.date() < now.date()
        if past:
            raise TimePhraseError(
                f"{_show(moment)} is already past; it is {now:%Y-%m-%d %H:%M} now"
            )
        return moment


def resolve_end(phrase: str, start: Moment, now: datetime) -> Moment:
    """When something that begins at ``start`` ends: a time, or how long it lasts.

    A clock time falls on the start's day, after the start; a weekday or date
    is the first from the start's day on; a length counts from the start.
    Raises TimePhraseError for words that say neither, or an end before the start.
    """
    with _naming(phrase):
        end = _iso(phrase) or _end(normalise(phrase), start, now.replace(second=0, microsecond=0))
        all_day = not start.has_time and not end.has_time
        if end.at < start.at or (end.at == start.at and not all_day):
            raise TimePhraseError(f"{_show(end)} is not after the start, {_show(start)}")
        return end


def _end(words: Words, start: Moment, now: datetime) -> Moment:
    span = None if _CLOCK_WITH_H.fullmatch(words.text) else read_span(words)
    if span is not None:
        return Moment(span.after(start.at), start.has_time or bool(span.minutes))
    led = _UNTIL.match(words.text)
    if led:
        skipped = led[0].count(" ")
        words = Words(words.text[led.end() :], words.sources[skipped:])
    return _place(read(words), now, start.at)


def _place(reading: Reading, now: datetime, start: datetime | None = None) -> Moment:
    """The moment that a reading means, as an end where there is a ``start``."""
    said_time = reading.clock is not None or reading.part is not None
    if reading.offset is not None and (reading.offset.minutes or reading.offset == Span()):
        if reading != Reading(offset=reading.offset):
            raise TimePhraseError("a length of time from now needs no other day or time")
        return Moment(reading.offset.after(now))
    if not reading.names_day:
        if not said_time:
            raise TimePhraseError("it does not say from when to count")
        at = next_from(reading, now) if start is None else first_after(reading, start)
    else:
        at = _on_day(reading, now, start)
    if reading.shift.minutes and not said_time:
        raise TimePhraseError("hours and minutes can only be counted from a time of day")
    return Moment(reading.shift.after(at), said_time)


def _on_day(reading: Reading, now: datetime, start: datetime | None) -> datetime:
    """The time on the day that a reading names."""
    today = now.date()
    if reading.offset is not None:
        counted = reading.offset.after(now).date()
        reading.say_day("a length of time from now", relative=(counted - today).days)
    day = find_day(reading.day, today, start.date() if start else None)
    midnight = datetime(day.year, day.month, day.day)
    if start and day == start.date() and reading.clock and reading.part is None:
        return first_after(reading, start)
    return midnight + timedelta(minutes=minutes_on_named_day(reading))


def _iso(phrase: str) -> Moment | None:
    """ISO text as it stands, None where the phrase is not ISO text."""
    found = _ISO.fullmatch(phrase) if isinstance(phrase, str) else None
    if found is None:
        return None
    year, month, day, hour, minute = (int(part) if part else 0 for part in found.groups())
    try:
        at = datetime(year, month, day, hour, minute)
    except ValueError:
        raise TimePhraseError("there is no such date or time") from None
    return Moment(at) if found["hour"] else Moment(at.replace(hour=9), has_time=False)


@contextmanager
def _naming(phrase: str) -> Iterator[None]:
    """Put the phrase before the reason of an error."""
    try:
        yield
    except TimePhraseError as error:
        shown = phrase[:80] if isinstance(phrase, str) else repr(phrase)[:80]
        raise TimePhraseError(f"“{shown}” cannot be used as a time: {error}") from None
    except OverflowError:
        raise TimePhraseError(f"“{phrase[:80]}” lies outside the calendar") from None


def _show(moment: Moment) -> str:
    return moment.isoformat().replace("T", " ")


_ISO = re.compile(
    r"\s*(\d{4})-(\d\d)-(\d\d)(?:[Tt ]\s*(?P<hour>\d\d):(\d\d)(?::[0-5]\d(?:\.\d+)?)?)?\s*",
    re.ASCII,
)
# "14h30" is a clock time, though "1h30" and "24h" are lengths.
_CLOCK_WITH_H = re.compile(r"(?:1[3-9]|2[0-3])h(?:\d\d)?")
_UNTIL = re.compile(r"(?:(?:up )?(?:till|to|through|ending|finishing)(?: at)? )")
