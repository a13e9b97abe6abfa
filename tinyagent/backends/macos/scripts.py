"""Which script each call runs, and with which arguments.

The methods mirror those of ``Backend`` (without those that run nothing) and
return what would run instead of running it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from tinyagent.backends.base import Change
from tinyagent.backends.workspace.maps import place_url, route_url

APPLICATIONS = ("Contacts", "Calendar", "Reminders", "Mail", "Messages", "Notes")
"""Those that are automated; Maps and the Finder are only told what to open."""

_MADE_IN = {"event": "Calendar", "reminder": "Reminders", "note": "Notes", "draft": "Mail"}
_LATELY = 90
"""Days."""
SCRIPTS = Path(__file__).parent / "scripts"


@dataclass(frozen=True)
class Script:
    """A command, exactly as it runs.

    Attributes:
        app: the application that it acts in.
        path: the AppleScript file, or None for another program (``open``, ``mdfind``).
        source: the file's text, or "".
        argv: the whole command line: program, file, arguments.
    """

    app: str
    path: Path | None
    source: str
    argv: tuple[str, ...]


class Scripts:
    """Makes the command of each call.

    Args:
        osascript: the program that runs AppleScript files.
        send_mail: mail is sent, and not left as a draft.
        home: the folder that files are searched in.
    """

    def __init__(self, osascript: str, send_mail: bool, home: Path) -> None:
        self._osascript = osascript
        self._send_mail = send_mail
        self._home = home

    def get_phone_number(self, name: str) -> Script:
        """Lists all numbers; ``name`` is matched here and not in Contacts."""
        return self._script("Contacts", "list_contacts", "phone")

    def get_email_address(self, name: str) -> Script:
        """Lists all addresses; ``name`` is matched here and not in Contacts."""
        return self._script("Contacts", "list_contacts", "email")

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
    ) -> Script:
        kind = "all-day" if all_day else "timed"
        texts = [title, calendar, location, notes, kind]
        times = [*_numbers(start), *_numbers(end)]
        return self._script("Calendar", "create_event", *texts, *times, *_counted(invitees))

    def create_reminder(
        self,
        name: str,
        due: datetime | date | None,
        notes: str,
        list_name: str,
        priority: int,
    ) -> Script:
        kind = "none" if due is None else "time" if isinstance(due, datetime) else "day"
        texts = [name, notes, list_name, str(priority), kind]
        return self._script("Reminders", "create_reminder", *texts, *_numbers(due))

    def open_file(self, file_name: str) -> Script:
        """Searches for the longest word; which file is meant is decided here."""
        last = Path(file_name).name or file_name
        words = re.findall(r"\w+", last) or [last.lstrip("-")]
        longest = max(words, key=len)
        argv = ("mdfind", "-onlyin", str(self._home), "-name", longest)
        return Script("Finder", None, "", argv)

    def show_file(self, path: Path) -> Script:
        """Opens a document; anything else, which might be a program, is shown in its folder."""
        opened = path.suffix.lower() in DOCUMENTS
        argv = ("open", str(path)) if opened else ("open", "-R", str(path))
        return Script("Finder", None, "", argv)

    def compose_new_email(
        self,
        recipients: list[str],
        cc: list[str],
        subject: str,
        body: str,
        attachments: list[str],
    ) -> Script:
        return self._mail("compose", subject, body, recipients, cc, attachments)

    def message_in_hand(self) -> Script:
        return self._script("Mail", "selected_message")

    def reply_to_email(
        self, cc: list[str], body: str, attachments: list[str], message: str = ""
    ) -> Script:
        return self._mail("reply", "", body, [], cc, attachments, message)

    def forward_email(
        self,
        recipients: list[str],
        cc: list[str],
        body: str,
        attachments: list[str],
        message: str = "",
    ) -> Script:
        return self._mail("forward", "", body, recipients, cc, attachments, message)

    def send_sms(self, recipients: list[str], message: str) -> Script:
        return self._script("Messages", "send_messages", message, *_counted(recipients))

    def create_note(self, name: str, content: str, folder: str) -> Script:
        return self._script("Notes", "create_note", name, content, folder)

    def open_note(self, name: str, folder: str) -> Script:
        return self._script("Notes", "edit_note", "open", name, folder, "", "")

    def note_meant(self, name: str, folder: str) -> Script:
        return self._script("Notes", "edit_note", "find", name, folder, "", "")

    def append_note_content(self, name: str, content: str, folder: str, note: str = "") -> Script:
        return self._script("Notes", "edit_note", "append", name, folder, content, note)

    def read(self, change: Change) -> Script:
        """Gives the title of something that was made."""
        return self._script(_MADE_IN[change.kind], "made_thing", "read", change.kind, change.what)

    def remove(self, change: Change) -> Script:
        """Removes something that was made, and gives its title."""
        return self._script(_MADE_IN[change.kind], "made_thing", "remove", change.kind, change.what)

    def list_notes(self) -> Script:
        """Lists the names of all notes and folders."""
        return self._script("Notes", "list_notes")

    def list_files(self) -> Script:
        """Lists the files that were opened lately: all that there are would be too many."""
        query = f"kMDItemLastUsedDate >= $time.today(-{_LATELY})"
        return Script("Finder", None, "", ("mdfind", "-onlyin", str(self._home), query))

    def probe(self, app: str) -> Script:
        """Asks an application a harmless question."""
        return self._script(app, "probe", app)

    def maps_open_location(self, location: str) -> Script:
        return Script("Maps", None, "", ("open", place_url(location)))

    def maps_show_directions(self, start: str, end: str, transport: str) -> Script:
        return Script("Maps", None, "", ("open", route_url(start, end, transport)))

    def _mail(
        self,
        kind: str,
        subject: str,
        body: str,
        recipients: list[str],
        cc: list[str],
        attachments: list[str],
        message: str = "",
    ) -> Script:
        after = "send" if self._send_mail else "draft"
        lists = [*_counted(recipients), *_counted(cc), *_counted(attachments)]
        return self._script("Mail", "mail", kind, after, subject, body, message, *lists)

    def _script(self, app: str, name: str, *arguments: str) -> Script:
        path = SCRIPTS / f"{name}.applescript"
        source = path.read_text(encoding="ascii")
        return Script(app, path, source, (self._osascript, str(path), *arguments))


DOCUMENTS = frozenset(
    f".{ending}"
    for ending in (
        *("pdf", "txt", "md", "rtf", "csv", "docx", "xlsx", "pptx", "pages", "numbers", "key"),
        *("jpg", "jpeg", "png", "gif", "heic", "tiff", "mp3", "m4a", "mp4", "mov"),
    )
)
"""Endings of files that opening shows, and does not run."""


def _counted(items: list[str]) -> list[str]:
    """A list as arguments: how many, then each."""
    return [str(len(items)), *items]


def _numbers(moment: datetime | date | None) -> list[str]:
    """Year, month, day, hours and minutes; noughts where there is no date or time."""
    if moment is None:
        return ["0"] * 5
    clock = (moment.hour, moment.minute) if isinstance(moment, datetime) else (0, 0)
    return [str(n) for n in (moment.year, moment.month, moment.day, *clock)]
