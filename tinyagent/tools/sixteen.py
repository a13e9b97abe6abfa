"""The sixteen tools of the TinyAgent study, each declared once.

The functions are called with resolved arguments: times as ``times.Moment``,
everything else as plain Python values. What each returns is what ``$k``
stands for in the plan, with a link where there is something to open.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from tinyagent.backends.base import Target
from tinyagent.tools.context import ToolContext
from tinyagent.tools.declare import tool
from tinyagent.tools.kinds import (
    Due,
    Email,
    End,
    Link,
    Minutes,
    Name,
    Origin,
    Path,
    Phone,
    Place,
    Priority,
    Status,
    Text,
    Time,
    Title,
    Transport,
    Venue,
)
from tinyagent.tools.registry import Aim, ToolSet

DEFAULT_EVENT = timedelta(minutes=60)


def _message_answered(tools: ToolContext, **arguments: object) -> Target:
    message = tools.backend.message_in_hand()
    return replace(message, carries=f"quotes {message.carries}")


def _message_forwarded(tools: ToolContext, **arguments: object) -> Target:
    """Whom it came from is not among those whom it reaches."""
    message = tools.backend.message_in_hand()
    return replace(message, people=(), carries=f"hands on {message.carries}, with its attachments")


def _note_meant(tools: ToolContext, name: str, folder: str, **arguments: object) -> Target:
    return tools.backend.note_meant(name, folder)


def _meeting_possible(tools: ToolContext, **arguments: object) -> None:
    tools.backend.require_meetings()


@tool(app="Contacts", changes=False, sentence="Look up the phone number of {name}")
def get_phone_number(tools: ToolContext, name: Name) -> Phone:
    """Look up a person's phone number, to send an SMS to or to tell.

    name: whose number, as the request names the person
    """
    return tools.backend.get_phone_number(name)


@tool(app="Contacts", changes=False, sentence="Look up the e-mail address of {name}")
def get_email_address(tools: ToolContext, name: Name) -> Email:
    """Look up a person's e-mail address, to write to, to invite or to tell.

    name: whose address, as the request names the person or group
    """
    return tools.backend.get_email_address(name)


@tool(app="Calendar", changes=True, sentence="Create the event “{title}” on {start_date}")
def create_calendar_event(
    tools: ToolContext,
    title: Title,
    start_date: Time,
    end_date: End = None,
    location: Venue = "",
    invitees: Sequence[Email] = (),
    notes: Text = "",
    calendar: Name = "",
) -> Status:
    """Put an event, meeting or appointment in the calendar, with invitees if any.

    title: what the event is called
    start_date: when it starts
    end_date: when it ends, or how long it lasts; 60 minutes if left out
    location: where it takes place, or a link to it
    invitees: e-mail addresses of those who are invited
    notes: text that goes with it
    calendar: which calendar; the default one if left out
    """
    return tools.backend.create_calendar_event(
        title,
        start_date.at,
        end_date.at if end_date else start_date.at + DEFAULT_EVENT,
        not start_date.has_time and end_date is None,
        location,
        list(invitees),
        notes,
        calendar,
    )


@tool(app="Reminders", changes=True, sentence="Add the reminder “{name}”")
def create_reminder(
    tools: ToolContext,
    name: Title,
    due_date: Due = None,
    notes: Text = "",
    list_name: Name = "",
    priority: Priority = 0,
    all_day: bool = False,
) -> Status:
    """Remind the user of something, at a time, on a day, or just on the list.

    name: what to be reminded of
    due_date: when it is due; none if left out
    notes: text that goes with it
    list_name: which list; the default one if left out
    priority: 0 none, 1 high, 5 medium, 9 low
    all_day: due on the day, at no particular time
    """
    due = None
    if due_date is not None:
        due = due_date.at.date() if all_day or not due_date.has_time else due_date.at
    return tools.backend.create_reminder(name, due, notes, list_name, priority)


@tool(app="Files", changes=False, sentence="Find and open the file {file_name}")
def open_and_get_file_path(tools: ToolContext, file_name: Name) -> Path:
    """Find a file or document by its name and open it, to attach or summarise it.

    file_name: the file, as the request names it
    """
    return tools.backend.open_file(file_name)


@tool(app="Files", changes=False, sentence="Summarise {pdf_path}")
def summarize_pdf(tools: ToolContext, pdf_path: Path) -> Text:
    """Summarise what a PDF, report or paper says.

    pdf_path: the file, as found before
    """
    return tools.summarizer.summarize(tools.backend.read_pdf(pdf_path), tools.progress)


@tool(app="Mail", changes=True, sentence="E-mail {recipients}")
def compose_new_email(
    tools: ToolContext,
    recipients: Sequence[Email],
    cc: Sequence[Email] = (),
    subject: Title = "",
    context: Text = "",
    attachments: Sequence[Path] = (),
) -> Status:
    """Write a new e-mail to one or more people, with attachments if any.

    recipients: addresses to send to
    cc: addresses to send a copy to
    subject: the subject line
    context: what the message says
    attachments: files to attach, as found before
    """
    return tools.backend.compose_new_email(
        list(recipients), list(cc), subject, context, list(attachments)
    )


@tool(
    app="Mail",
    changes=True,
    sentence="Reply to the selected e-mail",
    aim=Aim(_message_answered),
    once=True,
)
def reply_to_email(
    tools: ToolContext,
    cc: Sequence[Email] = (),
    context: Text = "",
    attachments: Sequence[Path] = (),
) -> Status:
    """Reply to the e-mail that is open or selected now.

    cc: addresses to send a copy to
    context: what the reply says
    attachments: files to attach, as found before
    """
    return tools.backend.reply_to_email(list(cc), context, list(attachments), tools.target)


@tool(
    app="Mail",
    changes=True,
    sentence="Forward the selected e-mail to {recipients}",
    aim=Aim(_message_forwarded),
)
def forward_email(
    tools: ToolContext,
    recipients: Sequence[Email],
    cc: Sequence[Email] = (),
    context: Text = "",
    attachments: Sequence[Path] = (),
) -> Status:
    """Forward the e-mail that is open or selected now to other people.

    recipients: addresses to send to
    cc: addresses to send a copy to
    context: what to say above it
    attachments: files to attach, as found before
    """
    return tools.backend.forward_email(
        list(recipients), list(cc), context, list(attachments), tools.target
    )


@tool(app="Messages", changes=True, sentence="Send an SMS to {recipients}: “{message}”")
def send_sms(tools: ToolContext, recipients: Sequence[Phone], message: Text) -> Status:
    """Send an SMS or text message to one or more people.

    recipients: phone numbers to send to
    message: what the message says
    """
    return tools.backend.send_sms(list(recipients), message)


@tool(app="Notes", changes=True, sentence="Create the note “{name}”")
def create_note(tools: ToolContext, name: Name, content: Text = "", folder: Name = "") -> Status:
    """Make a new note, and write something into it.

    name: what the note is called
    content: what it says
    folder: which folder; the default one if left out
    """
    return tools.backend.create_note(name, content, folder)


@tool(app="Notes", changes=False, sentence="Open the note “{name}”")
def open_note(tools: ToolContext, name: Name, folder: Name = "") -> Text:
    """Open an existing note and read what it says.

    name: the note, as the request names it
    folder: the folder that it is in
    """
    return tools.backend.open_note(name, folder)


@tool(
    app="Notes",
    changes=True,
    sentence="Add to the note “{name}”: “{content}”",
    aim=Aim(_note_meant, ("name", "folder")),
)
def append_note_content(tools: ToolContext, name: Name, content: Text, folder: Name = "") -> Status:
    """Add something to the end of an existing note or list.

    name: the note, as the request names it
    content: what to add
    folder: the folder that it is in
    """
    return tools.backend.append_note_content(name, content, folder, tools.target)


@tool(app="Maps", changes=False, sentence="Show {location} in Maps")
def maps_open_location(tools: ToolContext, location: Place) -> Link:
    """Show a place or an address in Maps, or get the link to it.

    location: the place
    """
    return tools.backend.maps_open_location(location)


@tool(app="Maps", changes=False, sentence="Show the way to {end_location} in Maps")
def maps_show_directions(
    tools: ToolContext, start_location: Origin, end_location: Place, transport: Transport = "d"
) -> Link:
    """Show directions, a route or the way from one place to another in Maps.

    start_location: where it starts; empty for here
    end_location: where it ends
    transport: d for driving, w for walking, r for public transport
    """
    return tools.backend.maps_show_directions(start_location, end_location, transport)


@tool(
    app="Zoom",
    changes=True,
    sentence="Make the Zoom meeting “{topic}” on {start_time}",
    aim=Aim(_meeting_possible),
)
def get_zoom_meeting_link(
    tools: ToolContext,
    topic: Title,
    start_time: Time,
    duration: Minutes = 60,
    meeting_invitees: Sequence[Email] = (),
) -> Link:
    """Set up a Zoom or video meeting and get the link to join it.

    topic: what the meeting is about
    start_time: when it starts
    duration: how long it lasts, in minutes
    meeting_invitees: e-mail addresses of those who are invited
    """
    return tools.backend.get_zoom_meeting_link(
        topic, start_time.at, duration, list(meeting_invitees)
    )


SIXTEEN = ToolSet(
    [
        get_phone_number,
        get_email_address,
        create_calendar_event,
        create_reminder,
        open_and_get_file_path,
        summarize_pdf,
        compose_new_email,
        reply_to_email,
        forward_email,
        send_sms,
        create_note,
        open_note,
        append_note_content,
        maps_open_location,
        maps_show_directions,
        get_zoom_meeting_link,
    ]
)
"""The tools of the study, in the order of the paper's table."""
