"""Lengths of time: "90 minutes", "an hour and a half", "two weeks"."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from tinyagent.errors import TimePhraseError
from tinyagent.times.vocabulary import UNITS
from tinyagent.times.words import Words, normalise


@dataclass(frozen=True)
class Span:
    """A length of time; months have no fixed length, and so stand apart."""

    months: int = 0
    days: int = 0
    minutes: int = 0

    def __add__(self, other: Span) -> Span:
        return Span(
            self.months + other.months, self.days + other.days, self.minutes + other.minutes
        )

    def __neg__(self) -> Span:
        return Span(-self.months, -self.days, -self.minutes)

    def after(self, start: datetime) -> datetime:
        """``start`` moved by this; a month keeps the day, or takes the month's last."""
        try:
            day = add_months(start.date(), self.months)
            moved = datetime.combine(day, start.time())
            return moved + timedelta(days=self.days, minutes=self.minutes)
        except (OverflowError, ValueError):
            raise TimePhraseError("it lies outside the calendar") from None


def parse_duration(phrase: str) -> timedelta:
    """Read a length of time in the user's words.

    Raises TimePhraseError where the words are no length, or one without a
    fixed number of days ("two months").
    """
    span = read_span(normalise(phrase))
    if span is None:
        raise TimePhraseError(f"“{phrase[:80]}” is no length of time; say for example “90 minutes”")
    if span.months:
        raise TimePhraseError(f"“{phrase[:80]}” has no fixed length; count it in days or weeks")
    return timedelta(days=span.days, minutes=span.minutes)


def read_span(words: Words) -> Span | None:
    """The length of time that all the words together give, or None."""
    text = _AROUND.sub("", words.text)
    found = match_span(text, 0)
    return found[0] if found and found[1] == len(text) else None


def match_span(text: str, position: int) -> tuple[Span, int] | None:
    """Read a length of time at a position of canonical text: (span, its end) or None."""
    total, end, smallest = Span(), position, len(UNITS)
    while atom := _match_atom(text, end):
        span, unit, following = atom
        if unit >= smallest:
            return None
        total, end, smallest = total + span, following, unit
        gap = _AND.match(text, end)
        if gap is None or _match_atom(text, gap.end()) is None:
            break
        end = gap.end()
    return (total, end) if total != Span() else None


def add_months(day: date, months: int) -> date:
    """The same day some months later, or the last of that month; ValueError past 9999."""
    years, month = divmod(day.month - 1 + months, 12)
    first = date(day.year + years, month + 1, 1)
    return first.replace(day=min(day.day, days_in_month(first)))


def days_in_month(day: date) -> int:
    """How many days the month of a day has."""
    following = day.replace(day=28) + timedelta(days=4)
    return (following - timedelta(days=following.day)).day


_UNIT = "|".join(UNITS)
_END = r"(?= |$)"
_FRACTION = r"(?:(?:an? |1 )?(?:half|quarter|1/[24])|3 quarter)"
_AROUND = re.compile(
    r"^(?:(?:for|lasting|by|of|the|another) )+"
    r"|(?: (?:long|later|after|afterwards|after that|in total|total|or so|altogether))+$"
)
_AND = re.compile(r" (?:and )?")
_HOURS = re.compile(rf"(\d{{1,4}})h(\d\d)?{_END}")
_PART_OF_ONE = re.compile(
    rf"(?:(?:an? |1 )?(?P<half>half) (?:an? )?|(?:an? |(?P<count>\d) )?quarter (?:of )?(?:an? )?)"
    rf"(?P<unit>hour|day|year){_END}"
)
_AMOUNT = re.compile(
    rf"(?:(?:(?:an? )?(?P<number>\d{{1,6}}(?:\.\d{{1,4}})?)|(?P<couple>(?:a )?couple(?: of)?)|an?)"
    rf" (?:and (?P<before>{_FRACTION}) )?)?"
    rf"(?P<unit>{_UNIT}){_END}"
    rf"(?: and (?P<after>{_FRACTION})(?= |$)(?! (?:of |an? |hour|day)))?"
    rf"(?:(?: and)? (?P<minutes>[0-5]\d|5)(?= (?:from|after|before|later|long)\b|$))?"
)


def _match_atom(text: str, position: int) -> tuple[Span, int, int] | None:
    """One amount of one unit: (span, index of the unit, its end) or None."""
    if found := _HOURS.match(text, position):
        return Span(minutes=60 * int(found[1]) + int(found[2] or 0)), _hour_rank(), found.end()
    if found := _PART_OF_ONE.match(text, position):
        share = 0.5 if found["half"] else int(found["count"] or 1) / 4
        return _span(share, found["unit"]), UNITS.index(found["unit"]), found.end()
    found = _AMOUNT.match(text, position)
    if found is None or (found["minutes"] and found["unit"] != "hour"):
        return None
    bare = found.start("unit") == position
    if bare and not found["after"] and not text.startswith(" from ", found.end()):
        return None
    number = 2.0 if found["couple"] else float(found["number"] or 1)
    number += _share(found["before"]) + _share(found["after"])
    span = _span(number, found["unit"]) + Span(minutes=int(found["minutes"] or 0))
    return span, UNITS.index(found["unit"]), found.end()


def _hour_rank() -> int:
    return UNITS.index("hour")


def _share(words: str | None) -> float:
    """A fraction in words: "a half" is 0.5, and none is 0."""
    if not words:
        return 0.0
    if words.startswith("3"):
        return 0.75
    return 0.5 if words.endswith(("half", "2")) else 0.25


def _span(number: float, unit: str) -> Span:
    """So many of a unit; TimePhraseError for a fraction of a month."""
    if unit in ("month", "year"):
        months = number * (12 if unit == "year" else 1)
        if months != int(months):
            raise TimePhraseError("part of a month has no fixed length")
        return Span(months=int(months))
    if unit in ("minute", "hour"):
        return Span(minutes=round(number * (60 if unit == "hour" else 1)))
    days = number * {"day": 1, "week": 7, "fortnight": 14}[unit]
    return Span(days=int(days), minutes=round((days - int(days)) * 1440))
