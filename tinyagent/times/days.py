"""Days: "tomorrow", "next Friday", "the 5th of next month", "Monday the 30th".

``RULES`` read them into a ``Reading``; ``find_day`` finds the date they mean.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta

from tinyagent.errors import TimePhraseError
from tinyagent.times.durations import Span, add_months, days_in_month
from tinyagent.times.reading import Day, Reading
from tinyagent.times.vocabulary import MONTHS, WEEKDAYS

LEAP_YEARS_APART = 8
"""The most years between one 29 February and the next."""


def find_day(day: Day, today: date, first: date | None = None) -> date:
    """The date that a day's items mean together.

    today: what "tomorrow" and "next week" count from
    first: the earliest date that a weekday or a date without a year may
        mean; None is today for dates, and tomorrow for weekdays alone
    Raises TimePhraseError where no date fits, or items disagree.
    """
    found = _find(day, today, first)
    says = (
        (day.weekday, found.weekday()),
        (day.number, found.day),
        (day.month, found.month),
        (day.year, found.year),
        (day.week, (found - _monday(today)).days // 7),
    )
    if any(said not in (None, true) for said, true in says):
        raise TimePhraseError(f"its days disagree: {found:%A, %d %B %Y} is not all of them")
    return found


def _find(day: Day, today: date, first: date | None) -> date:
    """The date that the most telling item gives; the others are checked after."""
    if day.relative is not None:
        return today + timedelta(days=day.relative)
    if (day.week == 0 and day.weekday is None) or (day.month_ahead == 0 and day.number is None):
        raise TimePhraseError("which day of the week or month is not said")
    if day.week is not None:
        return _monday(today) + timedelta(days=7 * day.week + (day.weekday or 0))
    if day.month_ahead is not None:
        return _in_month(day, add_months(today.replace(day=1), day.month_ahead))
    year = day.year if day.year_ahead is None else today.year + day.year_ahead
    if year is not None:
        if day.month is None or day.number is None:
            raise TimePhraseError("a year alone is no day")
        return _exactly(year, day.month, day.number)
    if day.number is not None:
        return _next_date(day, first or today)
    if day.month is not None:
        raise TimePhraseError(f"{MONTHS[day.month - 1].title()} alone is no day")
    if day.weekday is None:
        raise TimePhraseError("it names no day")
    earliest = first or today + timedelta(days=1)
    return earliest + timedelta(days=(day.weekday - earliest.weekday()) % 7)


def _in_month(day: Day, month: date) -> date:
    """A numbered day of a month, or its 1st where only the month is said."""
    if day.number is None and (day.weekday is not None or day.month is not None):
        raise TimePhraseError("which day of the month is not said")
    return _exactly(month.year, month.month, day.number or 1)


def _next_date(day: Day, first: date) -> date:
    """The next such date from ``first`` on, within twelve months if it has a weekday."""
    limit = add_months(first, 12 if day.weekday is not None else 12 * LEAP_YEARS_APART)
    for found in _dates(day, first):
        if found > limit:
            break
        if day.weekday in (None, found.weekday()):
            return found
    if day.weekday is not None and next(_dates(day, first), None):
        weekday = WEEKDAYS[day.weekday].title()
        raise TimePhraseError(f"no {weekday} in the next twelve months has that date")
    month = f" of {MONTHS[day.month - 1].title()}" if day.month else ""
    raise TimePhraseError(f"there is no day {day.number}{month}")


def _dates(day: Day, first: date) -> Iterator[date]:
    """Every date with that number, and month if there is one, from ``first`` on."""
    month, number = first.replace(day=1), day.number or 0
    for ahead in range(12 * LEAP_YEARS_APART + 1):
        current = add_months(month, ahead)
        fits = day.month in (None, current.month) and 1 <= number <= days_in_month(current)
        if fits and (found := current.replace(day=number)) >= first:
            yield found


def _exactly(year: int, month: int, number: int) -> date:
    try:
        return date(year, month, number)
    except ValueError:
        name = MONTHS[month - 1].title() if 1 <= month <= 12 else f"a month {month}"
        raise TimePhraseError(f"there is no day {number} in {name} {year}") from None


def _monday(today: date) -> date:
    return today - timedelta(days=today.weekday())


_END = r"(?= |$)"
_WEEKDAY = f"(?P<weekday>{'|'.join(WEEKDAYS)})"
_MONTH = f"(?P<month>{'|'.join(MONTHS)})"
_ANY_MONTH = f"(?:{'|'.join(MONTHS)})"
_NUMBER = r"(?P<number>\d{1,2})"
# A spoken year comes as two numbers; "20 30" may be a clock time, "20 27" hardly.
_YEAR = r"(?:(?: of)? (?P<year>20\d\d|20 2\d)(?! hour|\d))?"
_AHEAD = {"this": 0, "next": 1}


def _calendar_date(found: re.Match[str], reading: Reading) -> None:
    """ "march 5th 2027", "5 of march", "2027-03-05", "3/5/27"."""
    month = found["month"]
    number = int(month) if month.isdecimal() else MONTHS.index(month) + 1
    if not 1 <= number <= 12:
        raise TimePhraseError(f"there is no month {number}; figures are month/day")
    reading.say_day(found[0], month=number, number=int(found["number"]))
    if year := (found["year"] or "").replace(" ", ""):
        reading.say_day(found[0], year=int(year) if len(year) == 4 else 2000 + int(year))


def _day_of_month(found: re.Match[str], reading: Reading) -> None:
    reading.say_day(found[0], number=int(found["number"]))


def _weekday(found: re.Match[str], reading: Reading) -> None:
    """ "friday", "next friday", "friday week"."""
    reading.say_day(found[0], weekday=WEEKDAYS.index(found["weekday"]))
    groups = found.groupdict()
    if groups.get("next"):
        reading.say_day(found[0], week=1)
    if later := groups.get("later"):
        reading.shift += Span(days=14 if later == "fortnight" else 7)


def _weekend(found: re.Match[str], reading: Reading) -> None:
    reading.say_day(found[0], weekday=5)
    if found["next"]:
        reading.say_day(found[0], week=1)


def _relative(found: re.Match[str], reading: Reading) -> None:
    """ "today", "tomorrow", "tomorrow week"."""
    reading.say_day(found[0], relative=int(found["day"] == "tomorrow"))
    if found["week"]:
        reading.shift += Span(days=7)


def _neighbour(found: re.Match[str], reading: Reading) -> None:
    """ "the day after …", "the day before …"."""
    reading.shift += Span(days=1 if found["side"] == "after" else -1)


def _period(found: re.Match[str], reading: Reading) -> None:
    """ "next week", "of next month", "the week after next", "next year"."""
    groups = found.groupdict()
    ahead = _AHEAD[groups["which"]] if groups.get("which") else 2
    name = {"week": "week", "month": "month_ahead", "year": "year_ahead"}[found["period"]]
    reading.say_day(found[0], **{name: ahead})


def _past(found: re.Match[str], reading: Reading) -> None:
    raise TimePhraseError(f"“{found[0]}” is already past")


def _unclear_number(found: re.Match[str], reading: Reading) -> None:
    number = found["number"]
    raise TimePhraseError(
        f"“{found[0]}” may be a day or an hour; say the date in full, or “{number} o'clock”"
    )


RULES = [
    (re.compile(pattern + _END), action)
    for pattern, action in (
        (r"(?P<year>\d{4})[-/](?P<month>\d{1,2})[-/](?P<number>\d{1,2})", _calendar_date),
        (r"(?P<month>\d{1,2})/(?P<number>\d{1,2})(?:/(?P<year>\d{4}|\d\d))?", _calendar_date),
        (r"(?P<month>\d{1,2})-(?P<number>\d{1,2})-(?P<year>\d{4})", _calendar_date),
        (rf"{_MONTH} (?:the )?{_NUMBER}(?:th)?{_YEAR}", _calendar_date),
        (rf"(?:the )?{_NUMBER}(?:th)? (?:of )?{_MONTH}{_YEAR}", _calendar_date),
        (
            rf"(?:the )?{_NUMBER}th(?: of the month)?(?! (?:{'|'.join(WEEKDAYS)}|thing))",
            _day_of_month,
        ),
        (rf"the {_NUMBER}(?! (?:oclock|am|pm|hour|minute|\d\d))", _unclear_number),
        (rf"(?:the |this |coming |this coming |the coming ){_WEEKDAY}", _weekday),
        (rf"{_WEEKDAY} (?P<later>week|fortnight)", _weekday),
        (rf"{_WEEKDAY} coming", _weekday),
        (rf"(?:the )?(?P<next>next) {_WEEKDAY}", _weekday),
        (rf"{_WEEKDAY} (?P<next>next)(?! week| month| year)", _weekday),
        (_WEEKDAY, _weekday),
        (
            r"(?:(?:over|during) )?(?:(?P<next>next )|this |the |this coming |coming )?weekend",
            _weekend,
        ),
        (r"(?P<day>today|tomorrow)(?P<week> week|)", _relative),
        (r"(?:of |in |on )?(?:the )?(?P<period>week|month) after next", _period),
        (r"(?:the )?day (?P<side>after|before)", _neighbour),
        (r"(?:of |in )?(?P<which>this|next) (?P<period>week|month|year)", _period),
        (rf"yesterday|last (?:week|night|month|year|weekend|{'|'.join(WEEKDAYS)})", _past),
    )
]
"""What reads a day, the longest first."""
