"""Where tools act: one small interface, whatever the computer.

A backend gets values that are final: times are ``datetime``, addresses are
addresses. It raises ``ToolError`` (or one of its children) with a message that
a user can act on, and nothing else on purpose.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Protocol


class Outcome(str):
    """What a call gave: the result that ``$k`` stands for, or what was done.

    Attributes:
        link: what was made or found: a URL, or a path relative to the
            workspace; "" where there is nothing to open.
    """

    link: str

    def __new__(cls, value: str, link: str = "") -> Outcome:
        outcome = super().__new__(cls, value)
        outcome.link = link
        return outcome


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

    def reply_to_email(self, cc: list[str], body: str, attachments: list[str]) -> Outcome:
        """Reply to the message that is selected now."""

    def forward_email(
        self, recipients: list[str], cc: list[str], body: str, attachments: list[str]
    ) -> Outcome:
        """Forward the message that is selected now."""

    def send_sms(self, recipients: list[str], message: str) -> Outcome:
        """Send one text message to each number."""

    def create_note(self, name: str, content: str, folder: str) -> Outcome:
        """Make a note; ``folder`` "" is the default one."""

    def open_note(self, name: str, folder: str) -> Outcome:
        """Open a note; the value is its text."""

    def append_note_content(self, name: str, content: str, folder: str) -> Outcome:
        """Add to the end of a note."""

    def maps_open_location(self, location: str) -> Outcome:
        """Show a place; the value is its Maps URL."""

    def maps_show_directions(self, start: str, end: str, transport: str) -> Outcome:
        """Show a route (start "" is here; "d", "w" or "r"); the value is its Maps URL."""

    def get_zoom_meeting_link(
        self, topic: str, start: datetime, minutes: int, invitees: list[str]
    ) -> Outcome:
        """Make a Zoom meeting; the value is the URL to join it."""

    def names(self) -> dict[str, list[str]]:
        """The names in use, by what they name; none where a backend does not list them."""
        return {}
