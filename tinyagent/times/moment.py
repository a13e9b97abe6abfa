"""What a time phrase resolves to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Moment:
    """A resolved time, to the minute, in local time.

    Attributes:
        at: the time; 09:00 where the phrase gave a day only.
        has_time: the phrase gave a clock time, a part of a day, or an offset
            in hours or minutes.
    """

    at: datetime
    has_time: bool = True

    def isoformat(self) -> str:
        """Canonical text: ``2026-11-25T14:00``, or ``2026-11-25`` with no time."""
        return self.at.strftime("%Y-%m-%dT%H:%M" if self.has_time else "%Y-%m-%d")
