"""What a time phrase says, item by item, before it is placed in the calendar."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from tinyagent.errors import TimePhraseError
from tinyagent.times.durations import Span


@dataclass(frozen=True)
class Clock:
    """A clock time.

    Attributes:
        minutes: after midnight; past 1440 where it follows the midnight that
            ends the day. Below 720 where ``certain`` is False, and twelve
            counts as 0.
        certain: False where am or pm is left open.
        text: the words, for messages.
    """

    minutes: int
    certain: bool
    text: str


@dataclass(frozen=True)
class Part:
    """A part of the day.

    Attributes:
        name: the word for it.
        minutes: when it is, after midnight, where no clock time stands beside it.
        half: which hours a clock time beside it may mean.
    """

    name: str
    minutes: int
    half: Literal["morning", "afternoon", "night", "day"]


@dataclass
class Day:
    """What a phrase says of the day; every item given must hold.

    Attributes:
        relative: days after today.
        weekday: 0 is Monday.
        week: calendar weeks after this one.
        month_ahead: months after this one.
        month: 1 to 12.
        number: the day of the month.
        year: in full.
        year_ahead: years after this one.
    """

    relative: int | None = None
    weekday: int | None = None
    week: int | None = None
    month_ahead: int | None = None
    month: int | None = None
    number: int | None = None
    year: int | None = None
    year_ahead: int | None = None


@dataclass
class Reading:
    """Everything that a phrase says.

    Attributes:
        day: the day that it names, if any.
        clock: the clock time, if any.
        part: the part of the day, if any.
        offset: a length of time from now ("in two hours"), if any.
        shift: lengths counted from the day or time named ("a week from Friday").
    """

    day: Day = field(default_factory=Day)
    clock: Clock | None = None
    part: Part | None = None
    offset: Span | None = None
    shift: Span = field(default_factory=Span)

    @property
    def names_day(self) -> bool:
        """The phrase names a day, or counts days from now."""
        return self.day != Day() or self.offset is not None

    def say_day(self, text: str, **items: int) -> None:
        """Add items of ``Day``; TimePhraseError where one was said otherwise before."""
        for name, value in items.items():
            if getattr(self.day, name) not in (None, value):
                raise TimePhraseError(f"“{text}” does not go with the other day in it")
            setattr(self.day, name, value)

    def say_clock(self, clock: Clock) -> None:
        """Set the clock time, once."""
        if self.clock is not None:
            raise TimePhraseError(f"“{self.clock.text}” and “{clock.text}” are two clock times")
        self.clock = clock

    def say_part(self, part: Part) -> None:
        """Set the part of the day; a second one must mean the same time."""
        if self.part is not None and self.part.minutes != part.minutes:
            raise TimePhraseError(f"“{self.part.name}” and “{part.name}” are two parts of the day")
        self.part = part

    def say_offset(self, text: str, span: Span) -> None:
        """Set the length of time from now, once."""
        if self.offset is not None:
            raise TimePhraseError(f"“{text}” is a second length of time")
        self.offset = span
