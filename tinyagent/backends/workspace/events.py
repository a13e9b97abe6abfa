"""Events and reminders as iCalendar components."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from icalendar import Alarm, Event, Todo, vCalAddress, vText

from tinyagent.backends.workspace.ical import moment
from tinyagent.backends.workspace.mail import address_of
from tinyagent.backends.workspace.plain import many_lines, one_line
from tinyagent.backends.workspace.vcards import Contact
from tinyagent.errors import ToolError


def make_event(
    uid: str,
    stamp: datetime,
    title: str,
    start: datetime,
    end: datetime,
    all_day: bool,
    location: str,
    invitees: list[str],
    notes: str,
    organiser: Contact,
) -> Event:
    """A VEVENT; invitees become attendees, and the owner the organiser.

    An event that lasts all day covers every day from ``start`` to ``end``.

    Raises:
        ToolError: it ends before it starts, or an invitee is no e-mail address.
    """
    if end <= start and not all_day:
        raise ToolError(f"the event would end at {end:%H:%M}, not after its start {start:%H:%M}")
    event = Event()
    event.add("uid", uid)
    event.add("dtstamp", stamp.astimezone(UTC))
    event.add("summary", _Text(one_line(title) or "Event"), encode=False)
    if all_day:
        event.add("dtstart", start.date())
        event.add("dtend", max(start.date(), end.date()) + timedelta(days=1))
    else:
        event.add("dtstart", moment(start))
        event.add("dtend", moment(end))
    if location.strip():
        event.add("location", _Text(one_line(location)), encode=False)
    if notes.strip():
        event.add("description", _Text(many_lines(notes)), encode=False)
    if invitees:
        event.add("organizer", _attendee(organiser.emails[0], organiser.name))
    for invitee in dict.fromkeys(invitees):
        attendee = _attendee(address_of(invitee).addr_spec, "")
        attendee.params["PARTSTAT"] = vText("NEEDS-ACTION")
        attendee.params["RSVP"] = vText("TRUE")
        event.add("attendee", attendee, encode=False)
    return event


def make_reminder(
    uid: str,
    stamp: datetime,
    name: str,
    due: datetime | date | None,
    notes: str,
    priority: int,
) -> Todo:
    """A VTODO; one that is due at a time has an alarm for it."""
    todo = Todo()
    todo.add("uid", uid)
    todo.add("dtstamp", stamp.astimezone(UTC))
    todo.add("summary", _Text(one_line(name) or "Reminder"), encode=False)
    todo.add("status", "NEEDS-ACTION")
    if due is not None:
        todo.add("due", moment(due))
    if notes.strip():
        todo.add("description", _Text(many_lines(notes)), encode=False)
    if priority:
        todo.add("priority", priority)
    if isinstance(due, datetime):
        alarm = Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", _Text(one_line(name) or "Reminder"), encode=False)
        alarm.add("trigger", timedelta(0), parameters={"RELATED": "END"})
        todo.add_component(alarm)
    return todo


class _Text(vText):  # type: ignore[misc]
    """Text as RFC 5545 escapes it; icalendar would make a line break of a literal ``\\N``."""

    def to_ical(self) -> bytes:
        text = str(self)
        for plain, escaped in (("\\", "\\\\"), (";", "\\;"), (",", "\\,"), ("\n", "\\n")):
            text = text.replace(plain, escaped)
        return text.encode()


def _attendee(address: str, name: str) -> vCalAddress:
    attendee = vCalAddress(f"mailto:{address}")
    if name:
        attendee.params["CN"] = vText(name)
    return attendee
