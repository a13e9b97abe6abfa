"""Time phrases: the user's words, resolved against a clock that is given.

``../shared/plan-language.md``, section Times, is the specification. A phrase
is first put into a few canonical words (``words``), then read item by item
into what it says of the day and of the clock (``grammar``, with the rules of
``days``, ``clock`` and ``durations``), and last placed in the calendar
(``resolve``). What no rule reads is an error that names it, never a guess.
"""

from __future__ import annotations

from tinyagent.times.durations import parse_duration
from tinyagent.times.moment import Moment
from tinyagent.times.resolve import resolve, resolve_end

__all__ = ["Moment", "parse_duration", "resolve", "resolve_end"]
