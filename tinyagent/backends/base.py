"""Where tools act: one small interface, whatever the computer.

A backend gets values that are final: times are ``datetime``, addresses are
addresses. It raises ``ToolError`` (or one of its children) with a message that
a user can act on, and nothing else on purpose.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol


@dataclass(frozen=True)
class Change:
    """One thing that a call changed, and what it takes to undo that.

    Attributes:
        kind: "made" or "edited" for a file of the workspace; "event", "reminder",
            "note" or "draft" for something made in an application of the Mac.
        what: the file's path in the workspace, or the application's id of the thing.
        at: of an edit, the byte where it begins; of a file that was made, how many of the
            folders around it were made for it.
        removed, added: of an edit, the bytes that went and that came (base64).
        digest: SHA-256 of the whole file afterwards, as hex; "" on the Mac.
    """

    kind: str
    what: str
    at: int = 0
    removed: str = ""
    added: str = ""
    digest: str = ""


class Outcome(str):
    """What a call gave: the result that ``$k`` stands for, or what was done.

    Attributes:
        link: what was made or found: a URL, or a path relative to the
            workspace; "" where there is nothing to open.
        changes: what it changed, in order, as far as that can be undone.
    """

    link: str
    changes: tuple[Change, ...]

    def __new__(cls, value: str, link: str = "", changes: Iterable[Change] = ()) -> Outcome:
        outcome = super().__new__(cls, value)
        outcome.link = link
        outcome.changes = tuple(changes)
        return outcome


@dataclass(frozen=True)
class Target:
    """What a call acts on, where its arguments leave that open: the message in hand, a note.

    Attributes:
        id: given back to the call that was approved, so that it acts on nothing else.
        text: it in words, for the approval.
        people: addresses that an answer to it reaches.
        carries: what of somebody else's writing would go along, in words; "" for nothing.
    """

    id: str
    text: str
    people: tuple[str, ...] = ()
    carries: str = ""


class Backend(Protocol):
    """The applications of one computer, as far as the sixteen tools need them.

    Every method may take seconds, and is called from a worker thread.
    """

    name: str

    def get_phone_number(self, name: str) -> Outcome:
        """The number of the contact; NotFoundError or AmbiguousError otherwise."""

    def get_email_address(self, name: str) -> Outcome:
        """The address of the contact; NotFoundError or AmbiguousError otherwise."""

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
        """Make an event; ``calendar`` "" is the default one."""

    def create_reminder(
        self,
        name: str,
        due: datetime | date | None,
        notes: str,
        list_name: str,
        priority: int,
    ) -> Outcome:
        """Make a reminder; a plain ``date`` lasts all day, None has no due date."""

    def open_file(self, file_name: str) -> Outcome:
        """Find a file by (part of) its name and open it; the value is its path."""

    def read_pdf(self, path: str) -> str:
        """The text of a PDF that ``open_file`` found."""

    def compose_new_email(
        self,
        recipients: list[str],
        cc: list[str],
        subject: str,
        body: str,
        attachments: list[str],
    ) -> Outcome:
        """Make a message; attachments are paths that ``open_file`` gave."""

    def message_in_hand(self) -> Target:
        """The message that is selected now; NotFoundError where none is."""

    def reply_to_email(
        self, cc: list[str], body: str, attachments: list[str], message: str = ""
    ) -> Outcome:
        """Reply to the message with that id (see ``message_in_hand``); "" is the selected one."""

    def forward_email(
        self,
        recipients: list[str],
        cc: list[str],
        body: str,
        attachments: list[str],
        message: str = "",
    ) -> Outcome:
        """Forward the message with that id (see ``message_in_hand``); "" is the selected one."""

    def send_sms(self, recipients: list[str], message: str) -> Outcome:
        """Send one text message to each number."""

    def create_note(self, name: str, content: str, folder: str) -> Outcome:
        """Make a note; ``folder`` "" is the default one."""

    def open_note(self, name: str, folder: str) -> Outcome:
        """Open a note; the value is its text."""

    def note_meant(self, name: str, folder: str) -> Target:
        """The one note that fits; NotFoundError or AmbiguousError otherwise."""

    def append_note_content(self, name: str, content: str, folder: str, note: str = "") -> Outcome:
        """Add to the end of the note with that id (see ``note_meant``); "" is the one that fits."""

    def maps_open_location(self, location: str) -> Outcome:
        """Show a place; the value is its Maps URL."""

    def maps_show_directions(self, start: str, end: str, transport: str) -> Outcome:
        """Show a route (start "" is here; "d", "w" or "r"); the value is its Maps URL."""

    def get_zoom_meeting_link(
        self, topic: str, start: datetime, minutes: int, invitees: list[str]
    ) -> Outcome:
        """Make a Zoom meeting; the value is the URL to join it."""

    def require_meetings(self) -> None:
        """ToolError, with what to do, where no Zoom meeting can be made here."""

    def strangers(self, addresses: list[str]) -> list[str]:
        """Those of the e-mail addresses and phone numbers that no contact has."""

    def read_back(self, change: Change) -> str:
        """What a call made or added, as it reads now; NotFoundError where it is gone."""

    def undo(self, change: Change) -> str:
        """Undo one change that a call made; what was done, in a sentence.

        Raises:
            ToolError: it was changed again since, or is gone; nothing was touched.
        """

    def names(self) -> dict[str, list[str]]:
        """The names in use, by what they name; none where a backend does not list them."""
        return {}
