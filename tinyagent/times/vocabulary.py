"""The words that time phrases are made of, and their short forms."""

from __future__ import annotations

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)

UNITS = ("minute", "hour", "day", "week", "fortnight", "month", "year")
"""Units of length, from the shortest."""

NUMBERS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen"),
    *("eighteen", "nineteen"),
)
"""The words for 0 to 19, in order."""

TENS = {"twenty": 20, "thirty": 30, "forty": 40, "fourty": 40, "fifty": 50}
TENS |= {"sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90}

ORDINALS = (
    *("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"),
    *("tenth", "eleventh", "twelfth", "thirteenth", "fourteenth", "fifteenth", "sixteenth"),
    *("seventeenth", "eighteenth", "nineteenth", "twentieth"),
)
"""The words for 1st to 20th, in order."""

NOISE = frozenset(
    (
        *("ish", "um", "uh", "erm", "er", "hmm", "like", "please", "pls", "plz", "thanks"),
        *("sharp", "exactly", "precisely", "promptly", "roughly", "approximately", "approx"),
        *("circa", "ca", "around", "about", "~"),
    )
)
"""Words that change nothing wherever they stand."""

JOINING = frozenset(
    (
        *("a", "an", "and", "at", "for", "from", "in", "next", "of", "on", "or", "the"),
        *("this", "to"),
    )
)
"""Words that only join others: an error names the word after them too."""

AFTER_A_NUMBER = {"m": "minute", "h": "hour", "d": "day", "w": "week"}

_VARIANTS = {
    "tuesday": "tues",
    "wednesday": "weds wensday wednsday wendesday",
    "thursday": "thur thurs thrusday",
    "saturday": "saterday",
    "february": "febuary",
    "september": "sept",
    "tomorrow": ("tmrw tmr tmw tmrrw tmro tomoro tomorow tommorow tommorrow tomorro tomrw tomrow"),
    "tonight": "tonite",
    "night": "nite",
    "midnight": "midnite",
    "noon": "midday",
    "morning": "morn",
    "evening": "eve",
    "lunch": "lunchtime",
    "next": "nxt",
    "coming": "upcoming",
    "till": "until til",
    "through": "thru",
    "minute": "min mins minutes",
    "hour": "hr hrs hours",
    "day": "days",
    "week": "wk wks weeks",
    "weekend": "wkend",
    "fortnight": "fortnights",
    "month": "mth mths months",
    "year": "yr yrs years",
    "quarter": "quarters",
    "eod": "cob eob",
    "starting": "starts begins beginning",
    "lasting": "lasts",
    "ending": "ends",
}

SHORT_FORMS = {name[:3]: name for name in WEEKDAYS + MONTHS} | {
    variant: word for word, variants in _VARIANTS.items() for variant in variants.split()
}
"""The usual short forms, plurals and misspellings, each with its word."""

WITH_ISH = frozenset((*WEEKDAYS, *NUMBERS, *TENS, *SHORT_FORMS, *SHORT_FORMS.values()))
"""Words that may end in "ish"."""
WITH_ISH |= {"afternoon"}
