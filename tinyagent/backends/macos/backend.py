"""The tools, in the applications of this Mac."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from datetime import date, datetime
from email.utils import getaddresses
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tinyagent.backends.base import Backend, Change, Outcome, Target
from tinyagent.backends.macos.contacts import MacContacts
from tinyagent.backends.macos.run import run_script
from tinyagent.backends.macos.scripts import Script, Scripts
from tinyagent.backends.pdf import pdf_text
from tinyagent.backends.workspace.match import find
from tinyagent.backends.zoom import ZoomAccount
from tinyagent.errors import AmbiguousError, NotFoundError, SettingsError, ToolError
from tinyagent.tools.sixteen import SIXTEEN

_log = logging.getLogger(__name__)
_RUNS_NOTHING = frozenset({"summarize_pdf", "get_zoom_meeting_link"})


class MacOS(Backend):
    """Contacts, Calendar, Reminders, Mail, Messages, Notes, Maps and files of this Mac.

    Args:
        send_mail: mail is sent; if not, it is left as a draft in Mail.
        zoom_link: the user's personal meeting link, or "".
        zoom: the user's Zoom account, through which meetings are made, or None.
        timeout: seconds that one script may take.
        home: the folder that files are searched in.
        platform: as ``sys.platform``.
        osascript: the program that runs AppleScript files.

    Raises:
        SettingsError: this is no Mac.
    """

    name = "macos"

    def __init__(
        self,
        *,
        send_mail: bool = False,
        zoom_link: str = "",
        zoom: ZoomAccount | None = None,
        timeout: float = 30.0,
        home: Path | None = None,
        platform: str = sys.platform,
        osascript: str = "osascript",
    ) -> None:
        if platform != "darwin":
            raise SettingsError(
                f"the macos backend needs a Mac, and this is {platform}; use --backend workspace"
            )
        self._send_mail = send_mail
        self._zoom_link = zoom_link
        self._zoom = zoom
        self._timeout = timeout
        self._home = home or Path.home()
        self._scripts = Scripts(osascript, send_mail, self._home)

    def command_for(
        self, tool_name: str, arguments: Mapping[str, Any], target: str = ""
    ) -> Script | None:
        """What a call of a tool will run first, to be shown before it does.

        Args:
            tool_name: one of the sixteen.
            arguments: resolved, by parameter name, as the tool's function takes them.
            target: id of what the call is approved for, or "".

        Returns:
            The command, or None for a tool that starts no program.
        """
        if tool_name in _RUNS_NOTHING:
            return None
        # The tool translates its arguments for a backend; given the scripts in the place of
        # one, it returns the command that the same call of the real one runs.
        command: Script = SIXTEEN[tool_name].function(
            SimpleNamespace(backend=self._scripts, target=target), **arguments
        )
        return command

    def get_phone_number(self, name: str) -> Outcome:
        listing = self._scripts.get_phone_number(name)
        contacts = MacContacts(lambda: self._run(listing), phones=True)
        return Outcome(contacts.reach(name, "phone number"))

    def get_email_address(self, name: str) -> Outcome:
        listing = self._scripts.get_email_address(name)
        contacts = MacContacts(lambda: self._run(listing), phones=False)
        return Outcome(contacts.reach(name, "e-mail address"))

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
        used, made = self._make(
            "event",
            self._scripts.create_calendar_event(
                title, start, end, all_day, location, invitees, notes, calendar
            ),
        )
        when = f"{start:%Y-%m-%d}" if all_day else f"{start:%Y-%m-%d %H:%M}"
        text = f"Created the event “{title}” on {when} in the calendar {used}"
        return Outcome(text, changes=made)

    def create_reminder(
        self,
        name: str,
        due: datetime | date | None,
        notes: str,
        list_name: str,
        priority: int,
    ) -> Outcome:
        script = self._scripts.create_reminder(name, due, notes, list_name, priority)
        used, made = self._make("reminder", script)
        return Outcome(f"Added the reminder “{name}” to the list {used}", changes=made)

    def open_file(self, file_name: str) -> Outcome:
        lines = self._run(self._scripts.open_file(file_name)).split("\n")
        paths = sorted(Path(line) for line in lines if line and self._is_the_users(Path(line)))
        path = find(file_name, paths, lambda p: [p.name, p.stem, str(p)], "file")
        self._run(self._scripts.show_file(path))
        return Outcome(str(path), str(path))

    def read_pdf(self, path: str) -> str:
        return pdf_text(Path(path), path)

    def compose_new_email(
        self,
        recipients: list[str],
        cc: list[str],
        subject: str,
        body: str,
        attachments: list[str],
    ) -> Outcome:
        script = self._scripts.compose_new_email(recipients, cc, subject, body, attachments)
        return self._mail(script, attachments)

    def message_in_hand(self) -> Target:
        said = self._run(self._scripts.message_in_hand()).split("\n", 4)
        if len(said) < 5 or not said[0]:
            raise ToolError("Mail: the selected message cannot be told; select it again")
        number, sender, reply_to, sent, subject = said
        subject = subject or "(no subject)"
        return Target(
            number,
            f"the e-mail “{subject}” from {sender}, {sent}",
            tuple(a for _, a in getaddresses([reply_to or sender])[:1] if a),
            f"the e-mail “{subject}” from {sender}",
        )

    def reply_to_email(
        self, cc: list[str], body: str, attachments: list[str], message: str = ""
    ) -> Outcome:
        script = self._scripts.reply_to_email(cc, body, attachments, message)
        return self._mail(script, attachments)

    def forward_email(
        self,
        recipients: list[str],
        cc: list[str],
        body: str,
        attachments: list[str],
        message: str = "",
    ) -> Outcome:
        script = self._scripts.forward_email(recipients, cc, body, attachments, message)
        return self._mail(script, attachments)

    def send_sms(self, recipients: list[str], message: str) -> Outcome:
        how = self._run(self._scripts.send_sms(recipients, message))
        return Outcome(f"Sent the text to {', '.join(recipients)} by {how}")

    def create_note(self, name: str, content: str, folder: str) -> Outcome:
        used, made = self._make("note", self._scripts.create_note(name, content, folder))
        return Outcome(f"Created the note “{name}” in the folder {used}", changes=made)

    def open_note(self, name: str, folder: str) -> Outcome:
        return Outcome(self._note(name, self._scripts.open_note(name, folder)))

    def note_meant(self, name: str, folder: str) -> Target:
        number, home, found = self._note(name, self._scripts.note_meant(name, folder)).split(
            "\n", 2
        )
        return Target(number, f"the note “{found}” in “{home}”")

    def append_note_content(self, name: str, content: str, folder: str, note: str = "") -> Outcome:
        self._note(name, self._scripts.append_note_content(name, content, folder, note))
        return Outcome(f"Added to the note “{name}”")

    def maps_open_location(self, location: str) -> Outcome:
        return self._open(self._scripts.maps_open_location(location))

    def maps_show_directions(self, start: str, end: str, transport: str) -> Outcome:
        return self._open(self._scripts.maps_show_directions(start, end, transport))

    def get_zoom_meeting_link(
        self, topic: str, start: datetime, minutes: int, invitees: list[str]
    ) -> Outcome:
        """A meeting of the user's account; without one, the personal link from the settings."""
        if self._zoom is not None:
            meeting = self._zoom.create(topic, start, minutes, invitees)
            return Outcome(meeting.url, meeting.url, [Change("meeting", meeting.id)])
        self.require_meetings()
        return Outcome(self._zoom_link, self._zoom_link)

    def require_meetings(self) -> None:
        if self._zoom is None and not self._zoom_link:
            raise ToolError(
                "Zoom: there is neither an account nor a meeting link; give the account's "
                "credentials (docs/macos.md says how), or set zoom_link in the settings file to "
                "your personal meeting link (in Zoom: Meetings, Personal Room)"
            )

    def strangers(self, addresses: list[str]) -> list[str]:
        found = []
        for phones in (False, True):
            asked = [a for a in addresses if ("@" not in a) == phones]
            if asked:
                scripts = self._scripts
                listing = scripts.get_phone_number("") if phones else scripts.get_email_address("")
                found += MacContacts(partial(self._run, listing), phones).strangers(asked)
        return found

    def undo(self, change: Change) -> str:
        if change.kind == "meeting":
            if self._zoom is None:
                raise ToolError("Zoom: there is no account any more; remove the meeting in Zoom")
            self._zoom.delete(change.what)
            return "the Zoom meeting is cancelled"
        title = self._run(self._scripts.remove(change))
        return f"the {change.kind} “{title}” is removed"

    def read_back(self, change: Change) -> str:
        """Its title."""
        return self._run(self._scripts.read(change))

    def probe(self, app: str) -> None:
        """Ask an application a harmless question; ToolError, with what to do, if it refuses."""
        self._run(self._scripts.probe(app))

    def _make(self, kind: str, script: Script) -> tuple[str, list[Change]]:
        """Make something: where it is, and what it takes to undo that."""
        place, _, number = self._run(script).partition("\n")
        return place, [Change(kind, number)] if number else []

    def names(self) -> dict[str, list[str]]:
        """The names in Contacts and Notes, and those of the files that were opened lately.

        What macOS does not let us ask has no names here, and the log says why.
        """
        found: dict[str, list[str]] = {}
        for listed in (self._people, self._notes_and_folders, self._files):
            try:
                found |= listed()
            except ToolError as error:
                _log.warning("names are missing: %s", error)
        return found

    def _people(self) -> dict[str, list[str]]:
        listing = self._scripts.get_phone_number("")
        people = MacContacts(lambda: self._run(listing), phones=True).all()
        return {"contacts": sorted({n for p in people for n in (p.name, *p.nicknames) if n})}

    def _notes_and_folders(self) -> dict[str, list[str]]:
        rows = [line.partition("\t") for line in self._run(self._scripts.list_notes()).split("\n")]
        return {
            f"{kind}s": sorted({name for row, _, name in rows if row == kind and name})
            for kind in ("note", "folder")
        }

    def _files(self) -> dict[str, list[str]]:
        lines = self._run(self._scripts.list_files()).split("\n")
        paths = [Path(line) for line in lines if line]
        return {"files": sorted({path.stem for path in paths if self._is_the_users(path)})}

    def _run(self, script: Script) -> str:
        return run_script(script, self._timeout)

    def _open(self, script: Script) -> Outcome:
        """Open a URL, which is also the result."""
        self._run(script)
        url = script.argv[-1]
        return Outcome(url, url)

    def _mail(self, script: Script, attachments: list[str]) -> Outcome:
        for path in attachments:
            if not Path(path).is_file():
                raise NotFoundError(f"the file {path} is not there any more; find it again")
        subject, _, left_behind = self._run(script).rpartition("\n")
        done = "Sent" if self._send_mail else "Made a draft of"
        note = ""
        if left_behind != "0":
            note = f"; {left_behind} attachments of the original are not in it, add them in Mail"
        made = [] if self._send_mail else [Change("draft", subject)]
        return Outcome(f"{done} the message “{subject}”{note}", changes=made)

    def _note(self, name: str, script: Script) -> str:
        """The text of the one note that fits the name."""
        first, _, rest = self._run(script).partition("\n")
        if first == "one":
            return rest
        candidates = rest.split("\n")
        if len(set(candidates)) == 1:
            raise ToolError(
                f"Notes: {len(candidates)} notes are called “{candidates[0]}”; rename one, "
                "or say which folder"
            )
        raise AmbiguousError(
            f"“{name}” fits {len(candidates)} notes: {', '.join(candidates)}; choose one",
            name,
            candidates,
        )

    def _is_the_users(self, path: Path) -> bool:
        """Whether a path that was found is a file of the user's own, not of a program."""
        if not path.is_relative_to(self._home):
            return False
        inside = path.relative_to(self._home).parts
        hidden = any(part.startswith(".") for part in inside)
        return not hidden and inside[0] != "Library" and path.is_file()
