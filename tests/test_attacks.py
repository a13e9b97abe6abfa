"""Attacks: each hostile text ends as exactly that text in its field, or as a clear refusal."""

from __future__ import annotations

import email
import json
import os
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from datetime import datetime
from email import policy
from pathlib import Path
from typing import Any

import pytest
from fpdf import FPDF
from icalendar import Calendar

from tests.attacks import ATTACKS, INSTRUCTIONS
from tests.mac import Mac
from tests.runs import asked, contents, finish
from tinyagent import events
from tinyagent.approval.approval import ApprovalBook, Decision, ToolRunner
from tinyagent.approval.visible import hidden, visible
from tinyagent.backends.base import Outcome
from tinyagent.backends.macos import MacOS
from tinyagent.backends.macos.scripts import SCRIPTS
from tinyagent.backends.workspace import Workspace
from tinyagent.backends.workspace.plain import many_lines, one_line
from tinyagent.backends.workspace.sample import make_sample
from tinyagent.errors import TinyAgentError, ToolError
from tinyagent.plans.syntax import Call, Plan, Value, read_plan
from tinyagent.plans.validate import validate
from tinyagent.runs.resolve import ResolvedCall, edit, resolve
from tinyagent.tools.context import ToolContext
from tinyagent.tools.registry import Parameter, Tool
from tinyagent.tools.sixteen import SIXTEEN
from tinyagent.writers import Writers

NOW = datetime(2026, 11, 24, 9, 30)
ARGUMENTS = [
    pytest.param(tool, parameter, id=f"{tool.name}-{parameter.name}")
    for tool in SIXTEEN.values()
    for parameter in tool.parameters
]


def test_there_are_enough_of_them() -> None:
    assert len(set(ATTACKS)) >= 300
    assert len(set(ATTACKS)) == len(ATTACKS)
    assert len(INSTRUCTIONS) * len(CARRIERS) >= 100


class Place:
    """A sample workspace, and a runner of approved calls in it."""

    def __init__(self, root: Path) -> None:
        self.outer = root
        self.root = root / "workspace"
        make_sample(self.root, NOW)
        self.backend = Workspace(self.root, lambda: NOW)
        self.book = ApprovalBook()
        self.runner = ToolRunner(SIXTEEN, self.book)
        writers = Writers(None, threading.Lock(), lambda: False)
        self.context = ToolContext(self.backend, writers)
        pdf = self.backend.open_file("Project Aurora report")
        self.good: dict[str, Value] = {
            "email": "sid.patel@example.com",
            "phone": "+1 416 555 0101",
            "path": str(pdf),
            "time": "tomorrow at 2pm",
            "note": "Groceries",
        }

    def run(self, call: ResolvedCall) -> Outcome:
        return self.runner.run("run", call, {}, self.context, self.book.grant("run", call))

    def value(self, tool: Tool, parameter: Parameter) -> Value:
        """A harmless value of an argument."""
        if parameter.name == "name" and tool.name in ("open_note", "append_note_content"):
            return "Groceries"
        if parameter.name == "name" and tool.app == "Contacts":
            return "Sid"
        if parameter.name == "file_name":
            return "Project Aurora report"
        if not parameter.required:
            return parameter.written_default
        value = self.good.get(parameter.kind.name, "plain")
        return (value,) if parameter.many else value  # type: ignore[return-value]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda handle: None)  # thousands of writes, none to be kept
        yield Place(tmp_path_factory.mktemp("attacked"))


def attacked(place: Place, tool: Tool, parameter: Parameter, text: str) -> ResolvedCall:
    """The call with the text in that argument, by way of the plan language.

    Raises:
        TinyAgentError: it is refused before anybody is asked.
    """
    values = [
        ((text,) if parameter.many else text) if p is parameter else place.value(tool, p)
        for p in tool.parameters
    ]
    plan = read_plan(str(Plan((Call(1, tool.name, tuple(values)),))))
    validate(plan, SIXTEEN, NOW)
    return resolve(plan.calls[0], tool, {}, NOW)


@pytest.mark.parametrize(("tool", "parameter"), ARGUMENTS)
def test_through_every_argument(place: Place, tool: Tool, parameter: Parameter) -> None:
    """By plan, by an edit at approval, and past both straight into the tool."""
    before = outside(place)
    harmless = resolve(
        Call(1, tool.name, tuple(place.value(tool, p) for p in tool.parameters)), tool, {}, NOW
    )
    plan = Plan((Call(1, tool.name, tuple(place.value(tool, p) for p in tool.parameters)),))
    straight = parameter.kind.name in ("email", "phone", "path", "")
    for text in ATTACKS:
        given: Any = [text] if parameter.many else text
        try:
            edit(harmless, {parameter.name: given}, plan, SIXTEEN, {}, NOW)
        except TinyAgentError as error:
            assert str(error)
        try:
            call = attacked(place, tool, parameter, text)
        except TinyAgentError as error:
            assert str(error)
            if not straight or len(text) > 10_000:
                continue
            arguments = harmless.arguments | {parameter.name: given}
            call = ResolvedCall(1, tool.name, arguments)
            if hidden(text) and any(0xD800 <= ord(x) <= 0xDFFF for x in text):
                continue  # it cannot be hashed, so nobody can approve it
        assert parameter.kind.time or call.arguments[parameter.name] == given
        try:
            outcome = place.run(call)
        except ToolError as error:
            assert str(error)
            continue
        check_field(place, tool, parameter, text, outcome)
        for change in reversed(outcome.changes):
            place.backend.undo(change)
    assert outside(place) == before


def outside(place: Place) -> dict[str, str]:
    """What is beside the workspace, and what in it must never change."""
    whole = contents(place.outer)
    return {name: digest for name, digest in whole.items() if "/." not in f"/{name}"}


def check_field(
    place: Place, tool: Tool, parameter: Parameter, text: str, outcome: Outcome
) -> None:
    """The text stands in its field, whole and alone."""
    if not tool.changes:
        return
    change = outcome.changes[-1]
    path = place.root / change.what
    assert path.resolve().is_relative_to(place.root.resolve())
    look: Callable[[Path, Any, Parameter, str], None] = LOOK[tool.name]
    made = b64decode(change.added) if change.kind == "edited" else path.read_bytes()
    look(path, made, parameter, text)


def look_at_mail(path: Path, made: bytes, parameter: Parameter, text: str) -> None:
    message = email.message_from_bytes(made, policy=policy.default)
    assert message["Bcc"] is None
    found = [a.addr_spec for h in ("To", "Cc") for a in getattr(message[h], "addresses", ())]
    people = [a.encode("utf-8", "surrogateescape").decode() for a in found]  # raw UTF-8, RFC 6532
    assert len(people) <= 2
    if parameter.kind.name == "email":
        assert text.strip().removesuffix(">").rpartition("<")[2] in people
    if parameter.name == "subject":
        subject = str(message["Subject"]).encode("utf-8", "surrogateescape").decode()
        assert subject == one_line(text).replace("=?", "= ?")
    if parameter.name == "context" and text.strip():
        body = message.get_body(("plain",))
        assert body is not None
        assert body.get_content().startswith(many_lines(text))
    assert not [p for p in message.iter_attachments() if "passwd" in (p.get_filename() or "")]


def look_at_calendar(path: Path, made: bytes, parameter: Parameter, text: str) -> None:
    whole = Calendar.from_ical(path.read_bytes())
    part = [part for part in whole.walk() if part.name in ("VEVENT", "VTODO")][-1]
    assert "mailto:evil@evil.example" not in str(part.get("attendee", ""))
    field = {
        "title": "summary",
        "name": "summary",
        "location": "location",
        "notes": "description",
    }.get(parameter.name)
    if field is None:
        return
    shaped = many_lines(text) if parameter.name == "notes" else one_line(text)
    shaped = shaped if shaped.strip() else ""
    found = str(part.get(field, ""))
    default = {"title": "Event", "name": "Reminder"}.get(parameter.name, "")
    assert found == (shaped or default)


def look_at_sms(path: Path, made: bytes, parameter: Parameter, text: str) -> None:
    record = json.loads(made)
    assert set(record) == {"to", "text", "at", "status"}
    if parameter.name == "message":
        assert record["text"] == text
    else:
        assert record["to"] == " ".join(text.split())


def look_at_note(path: Path, made: bytes, parameter: Parameter, text: str) -> None:
    if parameter.name == "content":
        assert text.strip("\n") in path.read_bytes().decode()
    if parameter.name == "name":
        assert path.suffix == ".md"
        assert not path.name.startswith(".")
        assert len(path.name.encode()) < 255


def look_at_meeting(path: Path, made: bytes, parameter: Parameter, text: str) -> None:
    record = json.loads(made)
    if parameter.name == "topic":
        assert record["topic"] == (one_line(text) or "Meeting")


LOOK: dict[str, Callable[[Path, Any, Parameter, str], None]] = {
    "create_calendar_event": look_at_calendar,
    "create_reminder": look_at_calendar,
    "compose_new_email": look_at_mail,
    "reply_to_email": look_at_mail,
    "forward_email": look_at_mail,
    "send_sms": look_at_sms,
    "create_note": look_at_note,
    "append_note_content": look_at_note,
    "get_zoom_meeting_link": look_at_meeting,
}

QUICK = """#!/bin/sh
printf '%s\\0' "$@" > {folder}/argv
printf '1\\n2\\n3\\n4\\n5\\n'
"""


@pytest.fixture(scope="module")
def mac(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[MacOS, Path]]:
    """A Mac whose programs only write down their arguments: thousands of calls."""
    folder = tmp_path_factory.mktemp("mac")
    made = Mac(folder)
    for name in ("osascript", "open", "mdfind"):
        (made.programs / name).write_text(QUICK.format(folder=folder))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{made.programs}{os.pathsep}{os.environ['PATH']}")
        yield made.backend, folder / "argv"


def mac_calls(text: str) -> dict[str, tuple[Callable[[MacOS], object], list[str]]]:
    """A call of each tool with the text wherever text goes, and the arguments it must run with."""
    two = [text, text]
    when, to = ["2026", "11", "24", "9", "30"], ["2", text, text]
    return {
        "create_calendar_event": (
            lambda m: m.create_calendar_event(text, NOW, NOW, False, text, two, text, text),
            [text, text, text, text, "timed", *when, *when, *to],
        ),
        "create_reminder": (
            lambda m: m.create_reminder(text, NOW, text, text, 5),
            [text, text, text, "5", "time", *when],
        ),
        "compose_new_email": (
            lambda m: m.compose_new_email(two, two, text, text, []),
            ["compose", "draft", text, text, "", *to, *to, "0"],
        ),
        "reply_to_email": (
            lambda m: m.reply_to_email(two, text, [], text),
            ["reply", "draft", "", text, text, "0", *to, "0"],
        ),
        "forward_email": (
            lambda m: m.forward_email(two, two, text, [], text),
            ["forward", "draft", "", text, text, *to, *to, "0"],
        ),
        "send_sms": (lambda m: m.send_sms(two, text), [text, *to]),
        "create_note": (lambda m: m.create_note(text, text, text), [text, text, text]),
        "open_note": (lambda m: m.open_note(text, text), ["open", text, text, "", ""]),
        "append_note_content": (
            lambda m: m.append_note_content(text, text, text, text),
            ["append", text, text, text, text],
        ),
    }


@pytest.mark.parametrize("tool", sorted(mac_calls("")))
def test_on_the_mac_arguments_are_data(mac: tuple[MacOS, Path], tool: str) -> None:
    backend, argv = mac
    for text in ATTACKS:
        argv.unlink(missing_ok=True)
        call, expected = mac_calls(text)[tool]
        try:
            call(backend)
        except ToolError as error:
            assert str(error)
        if not argv.exists():  # refused: no program can be given this
            size = len(text.encode("utf-8", "replace"))
            assert "\0" in text or size > 100_000 or any("\ud800" <= x <= "\udfff" for x in text)
            continue
        script, *given = argv.read_bytes().split(b"\0")[:-1]
        assert Path(script.decode()).parent == SCRIPTS
        assert given == [part.encode() for part in expected]


@pytest.mark.parametrize("find", ["maps", "directions", "file", "contact"])
def test_on_the_mac_urls_searches_and_names_are_data(mac: tuple[MacOS, Path], find: str) -> None:
    backend, argv = mac
    calls: dict[str, Callable[[str], object]] = {
        "maps": backend.maps_open_location,
        "directions": lambda text: backend.maps_show_directions(text, text, "w"),
        "file": backend.open_file,
        "contact": backend.get_phone_number,
    }
    for text in ATTACKS:
        argv.unlink(missing_ok=True)
        try:
            calls[find](text)
        except ToolError as error:
            assert str(error)
        if not argv.exists():
            continue
        given = [part.decode() for part in argv.read_bytes().split(b"\0")[:-1]]
        if find in ("maps", "directions"):
            assert len(given) == 1
            assert given[0].startswith("https://maps.apple.com/?")
            assert all(letter.isalnum() or letter in ":/?=&%.~_-" for letter in given[0])
        elif find == "file":
            assert given[:3] == ["-onlyin", str(backend._home), "-name"]
            assert not given[3].startswith("-")
        else:
            assert given[1:] == ["phone"]


PLANS = {
    "note": """1. get_email_address("Sid")
2. open_note("Carrier")
3. compose_new_email(["$1"], [], "Notes", "$2")
4. join()""",
    "document": """1. get_phone_number("Sid")
2. open_and_get_file_path("Carrier")
3. summarize_pdf("$2")
4. send_sms(["$1"], "It says: $3")
5. join()""",
    "message": '1. forward_email(["lutfi.erdogan@example.com"], [], "See below")\n2. join()',
    "reply": '1. reply_to_email([], "Thanks")\n2. join()',
}
RECIPIENTS = {
    "note": ["sid.patel@example.com"],
    "document": ["+1 416 555 0101"],
    "message": ["lutfi.erdogan@example.com"],
    "reply": [],
}
CARRIERS = list(PLANS)


def carry(workspace: Path, carrier: str, text: str) -> None:
    """Put the text where the plan will read it."""
    if carrier == "note":
        (workspace / "notes/Notes/Carrier.md").write_text(text, "utf-8")
    elif carrier == "document":
        pdf = FPDF()
        pdf.set_font("Helvetica")
        pdf.add_page()
        pdf.multi_cell(0, 6, text.encode("latin-1", "replace").decode("latin-1"))
        pdf.output(str(workspace / "files/Carrier.pdf"))
    else:
        selected = Workspace(workspace, lambda: NOW).mail.selected()
        number = str(selected["Message-ID"])
        (path,) = [p for p in workspace.glob("mail/cur/*") if number.encode() in p.read_bytes()]
        message = email.message_from_bytes(path.read_bytes(), policy=policy.default)
        message.replace_header("Subject", one_line(text))
        message.set_content(text)
        path.write_bytes(message.as_bytes())


@pytest.mark.parametrize("carrier", CARRIERS)
def test_what_is_read_adds_no_call_recipient_or_argument(make_agent, carrier: str) -> None:
    plan = PLANS[carrier]
    agent = make_agent({carrier: [plan] * len(INSTRUCTIONS)})
    workspace = agent.settings.workspace
    planned = read_plan(plan)
    for text in INSTRUCTIONS:
        carry(workspace, carrier, text)
        before = contents(workspace)
        run = agent.start(carrier)
        asked_for = asked(agent, run)
        assert contents(workspace) == before
        assert asked_for.plan == plan
        (call,) = asked_for.calls
        assert call.tool == planned.calls[-1].tool
        assert call.warnings, text
        assert call.arguments.get("recipients", []) == RECIPIENTS[carrier]
        assert call.arguments.get("cc", []) == []
        assert "\x1b" not in visible(call.text + "".join(call.warnings) + call.on)
        agent.decide(run, asked_for.approval, Decision("approve"))
        state = finish(agent, run)
        assert [t.tool for t in state.tasks] == [c.tool for c in planned]
        after = contents(workspace)
        changed = {name for name in after if before.get(name) != after[name]}
        assert len(changed) == 1, changed
        happened = agent.traces.happened(run)
        assert sum(isinstance(e, events.ApprovalDecided) for e in happened) == 1
