"""iCalendar files (RFC 5545): a component is added at the end, all else stays as it is."""

from __future__ import annotations

import re
from datetime import date, datetime
from pathlib import Path

from icalendar import Calendar, Component

from tinyagent.backends.workspace.folder import SafeFolder, safe_name
from tinyagent.backends.workspace.match import find_or_new
from tinyagent.errors import ToolError

_PRODUCT = "-//TinyAgent//Workspace//EN"
_END = re.compile(rb"(?im)^END:VCALENDAR")


class CalendarFiles:
    """The ``.ics`` files of one subfolder: calendars, or lists of reminders."""

    def __init__(self, folder: SafeFolder, under: str, default: str) -> None:
        self._folder = folder
        self._under = under
        self._default = default

    def names(self) -> list[str]:
        """The calendars or lists that there are."""
        return sorted(path.stem for path in self._paths())

    def add(self, wanted: str, component: Component) -> tuple[str, bool, str]:
        """Add a component to the file that ``wanted`` ("" is the default) names, roughly.

        Returns:
            The file's name, whether the user's words made it a new one, and its link.

        Raises:
            ToolError: the file is broken; it is left as it is.
        """
        with self._folder.writing():
            name = wanted.strip() or self._default
            known = find_or_new(name, self.names())
            path = self._folder.root / self._under / f"{known or safe_name(name)}.ics"
            if known is None:
                self._folder.write(path, _empty(path.stem))
            link = self._folder.write(path, self._with(path, component.to_ical()))
        return path.stem, known is None and bool(wanted.strip()), link

    def check(self) -> None:
        """Read every file, and report the broken ones to the folder."""
        for path in self._paths():
            try:
                data = self._folder.read(path)
            except ToolError as error:
                self._folder.report(path, str(error))
            else:
                self._folder.report(path, _unreadable(data) or _broken_lines(data))

    def _paths(self) -> list[Path]:
        top = self._folder.root / self._under
        return [path for path in self._folder.files(self._under, ".ics") if path.parent == top]

    def _with(self, path: Path, component: bytes) -> bytes:
        """Cut in as text: to parse and write back would lose what icalendar does not know."""
        old = self._folder.read(path)
        fault = _unreadable(old)
        ends = list(_END.finditer(old))
        if fault or not ends:
            fault = fault or "has no END:VCALENDAR; mend or move it"
            self._folder.report(path, fault)
            raise ToolError(f"{self._folder.relative(path)} {fault}; nothing was added")
        cut = ends[-1].start()
        return old[:cut] + component + old[cut:]


def moment(value: datetime | date) -> datetime | date:
    """A time without its zone, seconds cut: iCalendar's local ("floating") time."""
    if isinstance(value, datetime):
        return value.replace(second=0, microsecond=0, tzinfo=None)
    return value


def _empty(name: str) -> bytes:
    calendar = Calendar()
    calendar.add("prodid", _PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("x-wr-calname", name)
    return bytes(calendar.to_ical())


def _unreadable(data: bytes) -> str:
    """Why the bytes are no calendar; "" if they are one."""
    try:
        name = Calendar.from_ical(data).name
    except Exception as error:
        return f"is no iCalendar file ({error}); mend or move it"
    return "" if name == "VCALENDAR" else f"holds a bare {name}; put it into a VCALENDAR"


def _broken_lines(data: bytes) -> str:
    """The lines of a calendar that mean nothing; "" if there are none."""
    parts = Calendar.from_ical(data).walk()
    broken = [f"{name}: {why}" for part in parts for name, why in part.errors]
    return f"has broken lines ({'; '.join(broken)}); mend or remove them" if broken else ""
