"""Clock times and parts of the day, as people say and type them.

``RULES`` read them into a ``Reading``; ``minutes_on_named_day``,
``next_from`` and ``first_after`` then decide what an hour without am or pm means.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from tinyagent.errors import TimePhraseError
from tinyagent.times.reading import Clock, Part, Reading
from tinyagent.times.vocabulary import MONTHS, UNITS

NOON, DAY = 720, 1440
FIRST_HOUR, LAST_MINUTE = 7 * 60, 23 * 60 - 1
"""The hours that a bare clock time may fall on where no day is named."""


def minutes_on_named_day(reading: Reading) -> int:
    """Minutes after the midnight that begins the named day; 09:00 where none are said."""
    fixed = _fixed_minutes(reading)
    if fixed is not None:
        return fixed
    return 9 * 60 if reading.clock is None else _daytime(reading.clock.minutes)


def next_from(reading: Reading, now: datetime) -> datetime:
    """The next such time from ``now`` on, where no day is named."""
    today = now.replace(hour=0, minute=0)
    fixed = _fixed_minutes(reading)
    if fixed is not None:
        candidates = [fixed - DAY if fixed > DAY else fixed]
    else:
        minutes = reading.clock.minutes if reading.clock else 0
        both = (minutes, minutes + NOON)
        candidates = [m for m in both if FIRST_HOUR <= m <= LAST_MINUTE]
    times = [today + timedelta(days=day, minutes=m) for day in (0, 1) for m in candidates]
    return next(time for time in times if time >= now)


def first_after(reading: Reading, start: datetime) -> datetime:
    """The first such time after ``start``, on its day; TimePhraseError where there is none."""
    day = start.replace(hour=0, minute=0)
    fixed = _fixed_minutes(reading)
    minutes = reading.clock.minutes if reading.clock else 0
    candidates = [minutes, minutes + NOON] if fixed is None else [fixed]
    if candidates[0] == 0:
        candidates.append(DAY)  # midnight as an end is the one after the start
    for candidate in candidates:
        if (time := day + timedelta(minutes=candidate)) > start:
            return time
    raise TimePhraseError(
        f"it is not after the start ({start:%Y-%m-%d %H:%M}) on that day; "
        "name the day, or say how long it lasts"
    )


def _fixed_minutes(reading: Reading) -> int | None:
    """The time of day where the words decide it, None where am or pm stays open."""
    clock, part = reading.clock, reading.part
    if part is None:
        return clock.minutes if clock and clock.certain else None
    if clock is None:
        return part.minutes
    minutes = _beside(clock, part)
    if minutes is None:
        raise TimePhraseError(f"“{clock.text}” does not go with “{part.name}”; say am or pm alone")
    return minutes


def _beside(clock: Clock, part: Part) -> int | None:
    """The clock time that a part of the day decides; None where they disagree."""
    minutes = clock.minutes
    if part.half == "night" and minutes < 60:
        return minutes + DAY  # twelve at night, and "12am tonight", end the day
    if clock.certain:
        fits = {"morning": minutes < NOON, "day": True}
        return minutes if fits.get(part.half, minutes >= NOON) else None
    if part.half == "morning":
        return minutes
    if part.half == "day":
        return _daytime(minutes)
    if part.half == "night":
        # Night is pm; but "tonight at 2" is neither in the afternoon nor clearly today's.
        return None if part.name == "tonight" and minutes < 5 * 60 else minutes + NOON
    return None if part.name == "evening" and minutes < 60 else minutes + NOON


def _daytime(minutes: int) -> int:
    """Seven to eleven are am, twelve to six are pm: judged by the hour that it makes."""
    return minutes if minutes >= FIRST_HOUR else minutes + NOON


_END = r"(?= |$)"
_HALF_OF_DAY = r"(?: (?P<half>am|pm))?"
# Not the number of a length or date; but "2 30 march 5" is half past two.
_NO_QUANTITY = (
    rf"(?! (?:{'|'.join(UNITS)})\b(?! (?:after|before) ))"
    rf"(?! (?:{'|'.join(MONTHS)})\b(?! (?:the )?\d{{1,2}}(?:th)?(?: |$)))"
)
_NOT_COUNTED = r"(?! (?:time )?(?:from|after|before|hence))"
_HOUR = r"(?P<hour>\d{1,2})"
_TO_HOUR = r"(?P<hour>\d{1,2}|noon|midnight)(?: oclock)?" + _HALF_OF_DAY

_PARTS = {
    "morning": Part("morning", 9 * 60, "morning"),
    "noon": Part("noon", 12 * 60, "day"),
    "lunch": Part("lunch", 12 * 60, "day"),
    "afternoon": Part("afternoon", 15 * 60, "afternoon"),
    "eod": Part("end of day", 17 * 60, "afternoon"),
    "evening": Part("evening", 18 * 60, "afternoon"),
    "tonight": Part("tonight", 20 * 60, "night"),
    "night": Part("night", 20 * 60, "night"),
}


def clock_time(found: re.Match[str], reading: Reading) -> None:
    """ "2:30 pm", "14h30", "2 30", "1430 hour", "5 oclock"."""
    groups = found.groupdict()
    hour = groups["hour"]
    minute = int(groups.get("minute") or 0)
    reading.say_clock(
        _clock(found[0], hour, minute, groups.get("half"), bool(groups.get("military")))
    )


def _to_or_past(found: re.Match[str], reading: Reading) -> None:
    """ "10 past 9", "quarter to midnight", "half past 2 pm", "half 7"."""
    groups = found.groupdict()
    minute = {"quarter": 15, "half": 30}.get(groups["minute"]) or int(groups["minute"])
    if minute > 59:
        raise TimePhraseError(f"there is no “{found[0]}” on the clock")
    if groups.get("to"):
        minute = -minute
    if groups["hour"] in ("noon", "midnight"):
        base = NOON if groups["hour"] == "noon" else DAY
        reading.say_clock(Clock(base + minute, True, found[0]))
        return
    hour = _clock(found[0], groups["hour"], 0, None, False)
    if hour.certain:
        reading.say_clock(Clock((hour.minutes + minute) % DAY, True, found[0]))
        return
    minutes = (hour.minutes + minute) % NOON
    half = groups.get("half")
    if half == "pm":
        minutes += NOON
    reading.say_clock(Clock(minutes, half is not None, found[0]))


def _midnight(found: re.Match[str], reading: Reading) -> None:
    """The 00:00 that ends the day."""
    reading.say_clock(Clock(DAY, True, found[0]))


def _part(found: re.Match[str], reading: Reading) -> None:
    """A part of the day; "this" and "tonight" name today beside it."""
    name = found["part"]
    if name == "tonight" or found["this"]:
        reading.say_day(found[0], relative=0)
    if name.startswith("1th thing"):  # "first", as the ordinal that it is elsewhere
        name = "morning"
    elif name.startswith(("end of", "close of")):
        name = "eod"
    reading.say_part(_PARTS[name.removesuffix(" time")])


def _clock(text: str, hour: str, minute: int, half: str | None, military: bool) -> Clock:
    """A clock time from its figures; TimePhraseError where no clock shows it."""
    number = int(hour)
    latest = 12 if half else 24 if text.startswith("24:00") else 23
    if minute > 59 or number > latest or (half == "pm" and number == 0):
        raise TimePhraseError(f"there is no “{text}” on the clock")
    minutes = number * 60 + minute
    if half:
        return Clock(minutes % NOON + (NOON if half == "pm" else 0), True, text)
    # A leading zero ("07:30") is how the 24-hour clock is written.
    if military or number > 12 or hour.startswith("0"):
        return Clock(minutes, True, text)
    return Clock(minutes % NOON, False, text)


EARLY_RULES = [
    (re.compile(pattern + _END + _NO_QUANTITY), action)
    for pattern, action in (
        (
            (
                rf"(?:an? )?(?P<minute>quarter|\d{{1,2}}(?= minute)|5|10|15|20|25)(?: minute)? "
                rf"(?P<to>to|till|of) {_TO_HOUR}"
            ),
            _to_or_past,
        ),
        (
            rf"(?:an? )?(?P<minute>half|quarter|\d{{1,2}})(?: minute)? (?:past|after) {_TO_HOUR}",
            _to_or_past,
        ),
        (rf"(?P<minute>half) (?P<hour>[1-9]|1[0-2]){_HALF_OF_DAY}", _to_or_past),
        (rf"{_HOUR}:(?P<minute>\d\d)(?::[0-5]\d)? (?P<military>hour)", clock_time),
        (rf"{_HOUR}(?P<minute>\d\d) (?P<military>hour){_NOT_COUNTED}", clock_time),
        (rf"{_HOUR}h(?P<minute>\d\d){_NOT_COUNTED}", clock_time),
        (rf"(?P<hour>1[3-9]|2[0-3])h{_NOT_COUNTED}", clock_time),
    )
]
"""Rules that come before those of lengths: "10 minutes after 5" is a clock time."""

RULES = [
    (re.compile(pattern + _END), action)
    for pattern, action in (
        (r"(?:12(?:[:.]00| oclock)? )?midnight", _midnight),
        (
            rf"{_HOUR}[:.](?P<minute>\d\d)(?::[0-5]\d)?(?: oclock)?{_HALF_OF_DAY}(?! hour)",
            clock_time,
        ),
        (rf"(?P<hour>\d{{1,2}})(?P<minute>\d\d){_HALF_OF_DAY}{_NO_QUANTITY}", clock_time),
        (
            rf"{_HOUR} (?P<minute>0\d|[1-5]\d)(?: oclock)?{_HALF_OF_DAY}{_NO_QUANTITY}",
            clock_time,
        ),
        (rf"{_HOUR} oclock{_HALF_OF_DAY}", clock_time),
        (rf"{_HOUR} (?P<half>am|pm)", clock_time),
        (
            rf"(?:at|by) (?P<hour>1[3-9]|2\d)(?! (?:\d\d|past|after|to|till|of)\b){_NO_QUANTITY}",
            clock_time,
        ),
        (rf"(?P<hour>0?[1-9]|1[0-2]){_NO_QUANTITY}", clock_time),
        (
            (
                r"(?P<this>this |)(?:in (?:the )?)?(?:the )?"
                r"(?P<part>1th thing(?: in (?:the )?morning)?"
                r"|end of (?:the )?(?:(?:business|work|working) )?day"
                r"|(?:close|end) of (?:the )?business"
                r"|morning|noon|lunch(?: time)?|afternoon|eod|evening|tonight|night)(?: of)?"
            ),
            _part,
        ),
    )
]
"""What reads a clock time or a part of the day, the longest first."""
