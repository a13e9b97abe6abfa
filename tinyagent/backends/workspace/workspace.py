"""The workspace: a folder in which every application of the sixteen tools is real.

It works the same on every computer, needs no other program and no account,
and holds everything in the format of its field, so that other programs can
read what was made.
"""

from __future__ import annotations

import contextlib
import functools
import uuid
from base64 import b64decode
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Concatenate, ParamSpec

from tinyagent.backends.base import Change, Outcome, Target
from tinyagent.backends.workspace.events import make_event, make_reminder
from tinyagent.backends.workspace.files import Files
from tinyagent.backends.workspace.folder import SafeFolder
from tinyagent.backends.workspace.ical import CalendarFiles
from tinyagent.backends.workspace.mail import Mail, address_of
from tinyagent.backends.workspace.maps import place_url, route_url
from tinyagent.backends.workspace.messages import Messages
from tinyagent.backends.workspace.notes import Notes
from tinyagent.backends.workspace.people import People
from tinyagent.backends.workspace.zoom import Zoom
from tinyagent.errors import NotFoundError, ToolError

P = ParamSpec("P")


def _undoable(
    method: Callable[Concatenate[Workspace, P], Outcome],
) -> Callable[Concatenate[Workspace, P], Outcome]:
    """The outcome tells what was changed; where the call fails half-way, that is undone."""

    @functools.wraps(method)
    def recorded(self: Workspace, /, *args: P.args, **kwargs: P.kwargs) -> Outcome:
        with self._folder.recording() as changes:
            try:
                outcome = method(self, *args, **kwargs)
            except ToolError:
                for made in reversed(changes):
                    with contextlib.suppress(ToolError):
                        self.undo(made)
                raise
        return Outcome(outcome, outcome.link, changes)

    return recorded


def new_id() -> str:
    """An identifier that nothing else has."""
    return str(uuid.uuid4())


class Workspace:
    """The backend that acts in a folder; links are paths relative to it.

    Attributes:
        name: "workspace".
        mail: the mailbox, for choosing the message that a reply answers.
    """

    name: str = "workspace"

    def __init__(
        self,
        root: Path,
        clock: Callable[[], datetime],
        send_mail: bool = False,
        identify: Callable[[], str] = new_id,
    ) -> None:
        """Open the workspace in ``root``, which is made if it is missing.

        Args:
            root: the folder.
            clock: the present time, local (with or without a zone).
            send_mail: mail goes to the outbox instead of the drafts.
            identify: a new identifier at each call, for events and messages.
        """
        self._clock = clock
        self._identify = identify
        self._folder = SafeFolder(root)
        self._people = People(self._folder)
        self._files = Files(self._folder)
        self._calendars = CalendarFiles(self._folder, "calendars", "Home")
        self._lists = CalendarFiles(self._folder, "reminders", "Reminders")
        self._messages = Messages(self._folder)
        self._notes = Notes(self._folder)
        self._zoom = Zoom(self._folder)
        self.mail = Mail(self._folder, self._files, send_mail)

    def get_phone_number(self, name: str) -> Outcome:
        return Outcome(self._people.reach(name, "phone number"))

    def get_email_address(self, name: str) -> Outcome:
        return Outcome(self._people.reach(name, "e-mail address"))

    @_undoable
    def create_calendar_event(
        self,
        title: str,
        start: datetime,
        end: datetime,
        all_day: bool,
        location: str,
        invitees: list[str],
        notes: str,
        calendar: str,
    ) -> Outcome:
        event = make_event(
            self._identify(),
            self._clock(),
            title,
            start,
            end,
            all_day,
            location,
            invitees,
            notes,
            self._people.owner(),
        )
        name, new, link = self._calendars.add(calendar, event)
        when = f"{start:%a %d %b %Y}" if all_day else f"{start:%a %d %b %Y, %H:%M}"
        return Outcome(
            f"Event “{event['summary']}” on {when} is in the {'new ' * new}calendar “{name}”",
            link,
        )

    @_undoable
    def create_reminder(
        self,
        name: str,
        due: datetime | date | None,
        notes: str,
        list_name: str,
        priority: int,
    ) -> Outcome:
        todo = make_reminder(self._identify(), self._clock(), name, due, notes, priority)
        found, new, link = self._lists.add(list_name, todo)
        when = ""
        if due is not None:
            clock_time = f", {due:%H:%M}" if isinstance(due, datetime) else ""
            when = f" for {due:%a %d %b %Y}{clock_time}"
        return Outcome(
            f"Reminder “{todo['summary']}”{when} is in the {'new ' * new}list “{found}”",
            link,
        )

    def open_file(self, file_name: str) -> Outcome:
        return self._files.open(file_name)

    def read_pdf(self, path: str) -> str:
        return self._files.read_pdf(path)

    @_undoable
    def compose_new_email(
        self,
        recipients: list[str],
        cc: list[str],
        subject: str,
        body: str,
        attachments: list[str],
    ) -> Outcome:
        sender, stamp, uid = self._people.owner(), self._clock(), self._identify()
        return self.mail.compose(sender, recipients, cc, subject, body, attachments, stamp, uid)

    def message_in_hand(self) -> Target:
        return self.mail.in_hand()

    @_undoable
    def reply_to_email(
        self, cc: list[str], body: str, attachments: list[str], message: str = ""
    ) -> Outcome:
        sender, stamp, uid = self._people.owner(), self._clock(), self._identify()
        return self.mail.reply(sender, cc, body, attachments, stamp, uid, message)

    @_undoable
    def forward_email(
        self,
        recipients: list[str],
        cc: list[str],
        body: str,
        attachments: list[str],
        message: str = "",
    ) -> Outcome:
        sender, stamp, uid = self._people.owner(), self._clock(), self._identify()
        return self.mail.forward(sender, recipients, cc, body, attachments, stamp, uid, message)

    @_undoable
    def send_sms(self, recipients: list[str], message: str) -> Outcome:
        return self._messages.send(recipients, message, self._clock())

    @_undoable
    def create_note(self, name: str, content: str, folder: str) -> Outcome:
        return self._notes.create(name, content, folder)

    def open_note(self, name: str, folder: str) -> Outcome:
        return self._notes.open(name, folder)

    def note_meant(self, name: str, folder: str) -> Target:
        return self._notes.meant(name, folder)

    @_undoable
    def append_note_content(self, name: str, content: str, folder: str, note: str = "") -> Outcome:
        return self._notes.append(name, content, folder, note)

    def maps_open_location(self, location: str) -> Outcome:
        url = place_url(self._people.place(location))
        return Outcome(url, url)

    def maps_show_directions(self, start: str, end: str, transport: str) -> Outcome:
        url = route_url(self._people.place(start), self._people.place(end), transport)
        return Outcome(url, url)

    @_undoable
    def get_zoom_meeting_link(
        self, topic: str, start: datetime, minutes: int, invitees: list[str]
    ) -> Outcome:
        addresses = [address_of(invitee).addr_spec for invitee in invitees]
        return self._zoom.create(topic, start, minutes, addresses, self._identify())

    def require_meetings(self) -> None:
        """The stand-in for Zoom is always there."""

    def strangers(self, addresses: list[str]) -> list[str]:
        return self._people.strangers(addresses)

    def read_back(self, change: Change) -> str:
        path = self._folder.root / change.what
        if not path.is_file():
            raise NotFoundError(f"{change.what} is not there any more")
        now = self._folder.read(path)
        if change.kind == "edited" and b64decode(change.added) not in now:
            raise NotFoundError(f"what was added is not in {change.what} any more")
        return now.decode(errors="replace")

    def undo(self, change: Change) -> str:
        return self._folder.undo(change)

    def problems(self) -> list[str]:
        """What is broken in the folder and therefore not used, as "path: what is wrong"."""
        self._people.all()
        self._calendars.check()
        self._lists.check()
        return self._folder.problems()

    def names(self) -> dict[str, list[str]]:
        """The names in use, by what they name; a speech recogniser can listen for them."""
        people = self._people.all()
        return {
            "contacts": sorted({n for c in people for n in (c.name, *c.nicknames)}),
            "notes": sorted({path.stem for path in self._notes.all()}),
            "folders": self._notes.folders(),
            "files": sorted({path.stem for path in self._files.all()}),
            "calendars": self._calendars.names(),
            "lists": self._lists.names(),
        }
