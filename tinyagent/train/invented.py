"""Examples with invented tools: other names, other arguments, in another order.

A planner that saw only the 16 would remember their names and read no
signature; a user's own tool could then never be called right. So one example
in ten is told in other terms: its tools stand in the prompt with signatures
that were never seen, and its plan calls them so.
"""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tinyagent.plans.syntax import Call, Plan
from tinyagent.tools.registry import Parameter, Tool, ToolSet

NAMES = {
    "get_phone_number": ("find_mobile", "phone_of", "lookup_tel", "contact_number"),
    "get_email_address": ("find_mail", "email_of", "lookup_address", "contact_mail"),
    "create_calendar_event": ("add_appointment", "book_slot", "schedule", "new_event"),
    "create_reminder": ("add_todo", "remind", "new_task", "nudge_me"),
    "open_and_get_file_path": ("find_document", "locate_file", "fetch", "open_file"),
    "summarize_pdf": ("digest", "tldr_document", "shorten_pdf", "sum_up"),
    "compose_new_email": ("write_mail", "send_email", "mail_to", "new_letter"),
    "reply_to_email": ("answer_mail", "respond", "write_back", "reply"),
    "forward_email": ("pass_on", "forward", "send_on", "share_mail"),
    "send_sms": ("text_people", "message", "send_text", "ping"),
    "create_note": ("new_memo", "start_note", "jot", "write_note"),
    "open_note": ("read_memo", "show_note", "get_note", "look_at_note"),
    "append_note_content": ("extend_memo", "add_to_note", "append", "note_more"),
    "maps_open_location": ("show_place", "pin", "map_of", "locate"),
    "maps_show_directions": ("route", "way_to", "navigate", "directions"),
    "get_zoom_meeting_link": ("video_call", "make_meeting", "online_room", "start_zoom"),
}
WORDS = {
    "name": ("who", "title", "label", "called"),
    "title": ("what", "subject", "heading"),
    "start_date": ("start", "when", "begins", "at"),
    "end_date": ("until", "ends", "length"),
    "location": ("place", "where", "venue"),
    "invitees": ("guests", "with_whom", "people"),
    "notes": ("details", "remarks", "extra"),
    "calendar": ("in_calendar", "book"),
    "due_date": ("when", "due", "day"),
    "list_name": ("to_list", "category"),
    "priority": ("importance", "level"),
    "all_day": ("whole_day", "without_time"),
    "file_name": ("document", "file", "which"),
    "pdf_path": ("path", "document", "source"),
    "recipients": ("to", "receivers", "people"),
    "cc": ("copies", "also_to", "in_copy"),
    "subject": ("about", "headline", "topic"),
    "context": ("body", "text", "content"),
    "attachments": ("files", "enclosed", "with_files"),
    "message": ("text", "words", "content"),
    "content": ("text", "body", "words"),
    "folder": ("in_folder", "drawer"),
    "start_location": ("origin", "from_place", "start"),
    "end_location": ("destination", "to_place", "goal"),
    "transport": ("means", "mode", "by"),
    "topic": ("about", "subject", "title"),
    "start_time": ("when", "begins", "at"),
    "duration": ("minutes", "length"),
    "meeting_invitees": ("guests", "participants", "people"),
}
"""Other words for arguments; a tool never takes the same word twice."""


def invent(plan: Plan, tools: ToolSet, random: Random) -> tuple[ToolSet, Plan]:
    """Other tools for these, in their order, and the plan in terms of them.

    A person's own tools stay as they are: their names are no more familiar than invented ones.
    """
    others = {name: _other(tool, random) for name, tool in tools.items()}
    calls = tuple(_retold(call, tools[call.tool], others[call.tool]) for call in plan)
    return ToolSet(tool for tool, _ in others.values()), Plan(calls)


def _other(tool: Tool, random: Random) -> tuple[Tool, list[int]]:
    """A tool of another name and other arguments, and where each argument stood."""
    if tool.name not in NAMES:
        return tool, list(range(len(tool.parameters)))
    required = [i for i, p in enumerate(tool.parameters) if p.required]
    optional = [i for i, p in enumerate(tool.parameters) if not p.required]
    random.shuffle(required)
    random.shuffle(optional)
    order = required + optional
    taken: set[str] = set()
    parameters = tuple(_renamed(tool.parameters[i], taken, random) for i in order)
    return replace(tool, name=random.choice(NAMES[tool.name]), parameters=parameters), order


def _renamed(parameter: Parameter, taken: set[str], random: Random) -> Parameter:
    free = [w for w in (*WORDS.get(parameter.name, ()), parameter.name) if w not in taken]
    word = random.choice(free)
    taken.add(word)
    return replace(parameter, name=word)


def _retold(call: Call, tool: Tool, other: tuple[Tool, list[int]]) -> Call:
    """The call with its arguments in the other order, trailing defaults left out."""
    new, order = other
    defaults = [p.written_default for p in tool.parameters]
    given = [*call.arguments, *defaults[len(call.arguments) :]]
    values = [given[i] for i in order]
    while values and not new.parameters[len(values) - 1].required:
        if values[-1] != new.parameters[len(values) - 1].written_default:
            break
        values.pop()
    return Call(call.number, new.name, tuple(values))
