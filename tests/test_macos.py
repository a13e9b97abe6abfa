"""The macOS backend, against a stand-in for osascript, open and mdfind on the PATH.

The stand-in is a program: it records its command line and answers as the real
one does, on standard output or, with an error number, on standard error.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fpdf import FPDF

from tests import applescript
from tests.mac import Mac
from tinyagent.backends.base import Change, Outcome
from tinyagent.backends.macos import MacOS
from tinyagent.backends.macos.scripts import SCRIPTS, Script, Scripts
from tinyagent.commands.doctor import check_applications
from tinyagent.commands.selftest import selftest
from tinyagent.errors import AmbiguousError, NotFoundError, SettingsError, ToolError
from tinyagent.times import Moment
from tinyagent.tools.context import ToolContext
from tinyagent.tools.sixteen import SIXTEEN

START = datetime(2026, 11, 30, 14, 5)
HOSTILE = [
    'say "hi"',
    'back\\slash \\" end',
    "one\ntwo\r\nthree",
    '" & (do shell script "touch /tmp/owned") & "',
    "$(touch owned) `touch owned` ; touch owned",
    "-e",
    "<b>&amp;</b>",
    "naïve ☕ 家",
    "",
]


@pytest.fixture
def mac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mac:
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    mac = Mac(tmp_path)
    mac.answer(mail="Hello\n0", edit_note="one\nMilk\nEggs")
    return mac


Call = tuple[Callable[[MacOS], Outcome], list[str]]


def calls_with(text: str, path: str) -> dict[str, Call]:
    """A call of each scripted tool with ``text`` wherever text goes, and its arguments."""
    two = [text, text]
    end = START + timedelta(minutes=55)
    starts, ends = ["2026", "11", "30", "14", "5"], ["2026", "11", "30", "15", "0"]
    lists = ["2", *two, "2", *two, "1", path]
    return {
        "create_calendar_event": (
            lambda m: m.create_calendar_event(text, START, end, False, text, two, text, text),
            [text, text, text, text, "timed", *starts, *ends, "2", *two],
        ),
        "create_reminder": (
            lambda m: m.create_reminder(text, START, text, text, 5),
            [text, text, text, "5", "time", *starts],
        ),
        "compose_new_email": (
            lambda m: m.compose_new_email(two, two, text, text, [path]),
            ["compose", "draft", text, text, "", *lists],
        ),
        "reply_to_email": (
            lambda m: m.reply_to_email(two, text, [path]),
            ["reply", "draft", "", text, "", "0", "2", *two, "1", path],
        ),
        "forward_email": (
            lambda m: m.forward_email(two, two, text, [path]),
            ["forward", "draft", "", text, "", *lists],
        ),
        "send_sms": (lambda m: m.send_sms(two, text), [text, "2", *two]),
        "create_note": (lambda m: m.create_note(text, text, text), [text, text, text]),
        "open_note": (lambda m: m.open_note(text, text), ["open", text, text, "", ""]),
        "append_note_content": (
            lambda m: m.append_note_content(text, text, text),
            ["append", text, text, text, ""],
        ),
    }


@pytest.mark.parametrize("tool", list(calls_with("", "")))
def test_hostile_text_arrives_byte_for_byte(mac: Mac, tool: str) -> None:
    for text in HOSTILE:
        path = mac.home / f"{text.replace('/', '')}.pdf"
        path.write_bytes(b"%PDF-")
        call, expected = calls_with(text, str(path))[tool]
        call(mac.backend)
        assert mac.arguments() == expected
        script = Path(mac.calls()[-1][1])
        assert script.parent == SCRIPTS


@pytest.mark.parametrize("text", [t for t in HOSTILE if t])
def test_hostile_text_in_urls_searches_and_names(mac: Mac, text: str) -> None:
    assert mac.backend.maps_open_location(text).startswith("https://maps.apple.com/?q=")
    assert mac.backend.maps_show_directions(text, text, "w").link.endswith("&dirflg=w")
    for program, url in mac.calls():
        assert Path(program).name == "open"
        assert re.fullmatch(r"[\w:/?=&%.~-]+", url)
    with pytest.raises(NotFoundError):
        mac.backend.open_file(text)
    assert not mac.calls()[-1][-1].startswith("-")
    with pytest.raises(NotFoundError):
        mac.backend.get_phone_number(text)
    assert mac.arguments() == ["phone"]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("get_email_address", {"name": "Sid"}),
        ("create_calendar_event", {"title": "Lunch", "start_date": Moment(START, False)}),
        ("create_reminder", {"name": "Call", "due_date": Moment(START), "all_day": True}),
        ("compose_new_email", {"recipients": ["a@b.c"], "context": "Hello"}),
        ("reply_to_email", {"context": "Yes"}),
        ("forward_email", {"recipients": ["a@b.c"]}),
        ("send_sms", {"recipients": ["+1"], "message": "Hi"}),
        ("create_note", {"name": "List"}),
        ("open_note", {"name": "List"}),
        ("append_note_content", {"name": "List", "content": "x"}),
        ("maps_open_location", {"location": "Paris"}),
        ("maps_show_directions", {"start_location": "", "end_location": "Paris"}),
        ("open_and_get_file_path", {"file_name": "Q3 budget"}),
    ],
)
def test_what_is_shown_is_what_runs(mac: Mac, tool: str, arguments: dict[str, Any]) -> None:
    mac.answer(list_contacts="1\tSid\t\t\ts@id.org", mdfind=str(mac.home / "Q3 budget.pdf"))
    (mac.home / "Q3 budget.pdf").touch()
    shown = mac.backend.command_for(tool, arguments)
    assert mac.calls() == []
    assert isinstance(shown, Script)
    SIXTEEN[tool].function(ToolContext(mac.backend, None), **arguments)  # type: ignore[arg-type]
    assert mac.calls()[0][1:] == list(shown.argv[1:])
    assert Path(mac.calls()[0][0]).name == Path(shown.argv[0]).name
    if shown.path:
        assert shown.source == shown.path.read_text()


def test_tools_that_start_no_program_show_none(mac: Mac) -> None:
    assert mac.backend.command_for("summarize_pdf", {"pdf_path": "/x.pdf"}) is None


def test_dates_without_times(mac: Mac) -> None:
    mac.backend.create_reminder("Pay", date(2026, 2, 28), "", "", 0)
    assert mac.arguments() == ["Pay", "", "", "0", "day", "2026", "2", "28", "0", "0"]
    mac.backend.create_reminder("Pay", None, "", "", 1)
    assert mac.arguments() == ["Pay", "", "", "1", "none", "0", "0", "0", "0", "0"]
    outcome = mac.backend.create_calendar_event("Trip", START, START, True, "", [], "", "")
    assert mac.arguments()[4] == "all-day"
    assert outcome == "Created the event “Trip” on 2026-11-30 in the calendar Home"


def test_contacts_are_matched_forgivingly(mac: Mac) -> None:
    assert mac.backend.get_phone_number("sid") == "+1 555 0101"
    assert mac.backend.get_phone_number("my mom") == "+1 555 0104"
    with pytest.raises(AmbiguousError) as caught:
        mac.backend.get_phone_number("Alex Kim")
    assert caught.value.candidates == ["Alex Kim <+1 555 0102>", "Alex Kim <+1 555 0103>"]
    assert mac.backend.get_phone_number(caught.value.candidates[1]) == "+1 555 0103"
    with pytest.raises(NotFoundError, match="No Number has no phone number"):
        mac.backend.get_phone_number("No Number")
    with pytest.raises(NotFoundError, match="nobody in the contacts is called “Zoltan”"):
        mac.backend.get_phone_number("Zoltan")


def test_mail_is_a_draft_unless_sending_is_on(mac: Mac) -> None:
    assert mac.backend.reply_to_email([], "Yes", []) == "Made a draft of the message “Hello”"
    assert mac.make(send_mail=True).reply_to_email([], "Yes", []) == "Sent the message “Hello”"
    assert mac.arguments()[1] == "send"
    mac.answer(mail="Fwd: Hello\n2")
    said = mac.backend.forward_email(["a@b.c"], [], "See below", [])
    assert said.endswith("; 2 attachments of the original are not in it, add them in Mail")
    with pytest.raises(NotFoundError, match="not there any more"):
        mac.backend.reply_to_email([], "Yes", [str(mac.home / "gone.pdf")])


def test_notes(mac: Mac) -> None:
    assert mac.backend.open_note("List", "") == "Milk\nEggs"
    mac.answer(edit_note="several\nShopping List\nPacking List")
    with pytest.raises(AmbiguousError) as caught:
        mac.backend.append_note_content("List", "x", "")
    assert caught.value.candidates == ["Shopping List", "Packing List"]
    mac.answer(edit_note="several\nList\nList")
    with pytest.raises(ToolError, match="2 notes are called “List”; rename one"):
        mac.backend.open_note("List", "")


def test_the_selected_message_is_told_and_a_reply_is_to_it_only(mac: Mac) -> None:
    mac.answer(mail=None)
    target = mac.backend.message_in_hand()
    assert target.people == ("sid@id.org",)
    assert target.text == "the e-mail “Budget” from Sid <sid@id.org>, Monday"
    mac.backend.reply_to_email([], "Yes", [], target.id)
    assert mac.arguments()[4] == target.id
    with pytest.raises(ToolError, match="another message is selected"):
        mac.backend.reply_to_email([], "Yes", [], "<other@x>")


def test_what_was_made_is_read_back_and_removed(mac: Mac) -> None:
    mac.answer(mail=None, edit_note=None)
    backend = mac.backend
    made = [
        backend.create_calendar_event("Lunch", START, START, False, "", [], "", ""),
        backend.create_reminder("Lunch", None, "", "", 0),
        backend.create_note("Lunch", "Soup", ""),
        backend.compose_new_email(["a@b.c"], [], "Lunch", "Soup?", []),
    ]
    for outcome, kind in zip(made, ("event", "reminder", "note", "draft"), strict=True):
        (change,) = outcome.changes
        assert change.kind == kind
        assert backend.read_back(change) == "Lunch"
        assert backend.undo(change) == f"the {kind} “Lunch” is removed"
        with pytest.raises(NotFoundError):
            backend.undo(change)
    assert mac.make(send_mail=True).compose_new_email(["a@b.c"], [], "L", "", []).changes == ()


def test_the_note_that_was_approved_is_the_one_added_to(mac: Mac) -> None:
    mac.answer(edit_note=None)
    mac.backend.create_note("Groceries", "Milk", "")
    target = mac.backend.note_meant("Groceries", "")
    assert (target.id, target.text) == ("id-1", "the note “Groceries” in “Notes”")
    mac.backend.append_note_content("anything", "Eggs", "", target.id)
    assert mac.backend.open_note("Groceries", "") == "Groceries\nMilk\nEggs"


def test_strangers_are_those_whom_no_contact_has(mac: Mac) -> None:
    assert mac.backend.strangers(["+1 (555) 0101", "+1 555 0199"]) == ["+1 555 0199"]
    mac.answer(list_contacts="1\tSid\t\t\tSid@id.org")
    assert mac.backend.strangers(["sid@ID.org", "sid@id.org.evil.example"]) == [
        "sid@id.org.evil.example"
    ]


def test_the_doctor_asks_each_application(mac: Mac) -> None:
    checks = {check.name: check for check in check_applications(mac.make(zoom_link="https://z"))}
    assert all(check.ok for check in checks.values()), checks
    assert {"Contacts", "Calendar", "Reminders", "Mail", "Messages", "Notes"} <= checks.keys()
    mac.answer(probe=["Not authorized to send Apple events to Notes. (-1743)"])
    check = next(c for c in check_applications(mac.backend) if c.name == "Notes")
    assert not check.ok
    assert "System Settings, Privacy & Security, Automation" in check.cure


def test_the_self_test_makes_reads_back_and_removes(mac: Mac) -> None:
    mac.answer(mail=None, edit_note=None)
    checks = list(selftest(mac.backend, START, drafts=True))
    assert [check for check in checks if not check.ok] == []
    assert [check.name for check in checks][-4:] == ["event", "reminder", "e-mail draft", "note"]
    assert json.loads((mac.folder / "made.json").read_text()) == {}
    mac.answer(create_reminder=["there is no list (-1728)"])
    (wrong,) = [c for c in selftest(mac.backend, START, drafts=False) if not c.ok]
    assert (wrong.name, "remove it by hand" in wrong.cure) == ("reminder", True)


def test_files_are_found_and_only_documents_opened(mac: Mac) -> None:
    for name in ("Q3 budget.pdf", "budget.command", "Library/budget.pdf", ".x/budget.pdf"):
        path = mac.home / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    found = [str(p) for p in mac.home.rglob("*budget*")] + ["/System/budget.pdf"]
    mac.answer(mdfind="\n".join(found))
    outcome = mac.backend.open_file("q3 budget")
    assert outcome == outcome.link == str(mac.home / "Q3 budget.pdf")
    assert mac.calls()[0][1:] == ["-onlyin", str(mac.home), "-name", "budget"]
    assert mac.calls()[1][1:] == [str(mac.home / "Q3 budget.pdf")]
    mac.backend.open_file(str(mac.home / "budget.command"))
    assert mac.calls()[-2][-1] == "command"
    assert mac.calls()[-1][1:] == ["-R", str(mac.home / "budget.command")]


def test_pdfs_are_read(mac: Mac) -> None:
    pdf = FPDF()
    pdf.set_font("Helvetica", size=12)
    for page in ("Revenue rose.", "Costs fell."):
        pdf.add_page()
        pdf.cell(text=page)
    path = mac.home / "a.pdf"
    pdf.output(str(path))
    assert mac.backend.read_pdf(str(path)) == "Revenue rose.\n\nCosts fell."
    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(ToolError, match=r"a\.pdf (is damaged|has no text)"):
        mac.backend.read_pdf(str(path))
    path.write_text("plain text")
    with pytest.raises(ToolError, match="is no PDF"):
        mac.backend.read_pdf(str(path))
    with pytest.raises(NotFoundError, match="not there any more"):
        mac.backend.read_pdf(str(mac.home / "b.pdf"))


def test_zoom_needs_an_account_or_a_link_of_ones_own(mac: Mac) -> None:
    with pytest.raises(ToolError, match="set zoom_link in the settings"):
        mac.backend.get_zoom_meeting_link("Sync", START, 60, [])
    with pytest.raises(ToolError, match="neither an account nor a meeting link"):
        mac.backend.require_meetings()
    link = "https://zoom.us/j/123"
    assert mac.make(zoom_link=link).get_zoom_meeting_link("Sync", START, 60, []).link == link


@pytest.mark.parametrize(
    ("message", "kind", "said"),
    [
        (
            "Not authorized to send Apple events to Notes. (-1743)",
            ToolError,
            "System Settings, Privacy & Security, Automation, switch on Notes",
        ),
        ("Notes got an error: A privilege violation occurred. (-10004)", ToolError, "switch on"),
        ("Notes got an error: AppleEvent timed out. (-1712)", ToolError, "hidden behind others"),
        ("Notes got an error: Application isn't running. (-600)", ToolError, "open it and try"),
        ("Notes got an error: Connection is invalid. (-609)", ToolError, "open it and try again"),
        ('there is no folder "Ex\ntra" (-1728)', NotFoundError, 'Notes: there is no folder "Ex\n'),
        ("Notes got an error: Invalid index. (-1719)", NotFoundError, "Invalid index; look there"),
        ("Notes got an error: Application isn't found. (-10814)", ToolError, "is installed"),
        ("Expected end of line but found identifier. (-2741)", ToolError, "does not offer what"),
        ("Notes got an error: AppleEvent handler failed. (-10000)", ToolError, "nothing waits"),
        ("Would require user consent. (-1744)", ToolError, "allow it in the window"),
        ("File /x wasn't found. (-43)", NotFoundError, "not there any more"),
        ("User canceled. (-128)", ToolError, "it was cancelled on the Mac"),
        ("the note is locked (1001)", ToolError, "Notes: the note is locked"),
        ("no number at all", ToolError, "Notes: no number at all"),
    ],
)
def test_errors_say_what_to_do(mac: Mac, message: str, kind: type[ToolError], said: str) -> None:
    mac.answer(create_note=[message])
    with pytest.raises(ToolError) as caught:
        mac.backend.create_note("a", "b", "Extra")
    assert type(caught.value) is kind
    assert said in str(caught.value)


def test_a_script_that_hangs_is_ended(mac: Mac) -> None:
    mac.answer(create_note="hang")
    with pytest.raises(ToolError, match=r"within 0\.5 seconds; it may be waiting"):
        mac.make(timeout=0.5).create_note("a", "b", "")


def test_what_no_program_can_be_given_is_a_tool_error(mac: Mac) -> None:
    with pytest.raises(ToolError, match="has a character that no program can be given"):
        mac.backend.create_note("a\0b", "", "")
    gone = MacOS(platform="darwin", osascript=str(mac.home / "none"))
    with pytest.raises(ToolError, match="cannot be started"):
        gone.create_note("a", "b", "")


def test_off_the_mac_it_says_what_to_use() -> None:
    with pytest.raises(SettingsError, match="needs a Mac, and this is linux; use --backend works"):
        MacOS(platform="linux")


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*.applescript")), ids=lambda p: p.stem)
def test_scripts_are_well_formed(path: Path) -> None:
    assert applescript.faults(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('    do shell script "ls"', "do shell script is not used"),
        ('    set title to "a', "a text is not closed"),
        ("    set title to (item 1 of argv", "brackets are not balanced"),
        ("    set theTitle to theOther\n    return theTitle", "theOther is used, and never set"),
        ("    set theTitle to 1", "theTitle is set, and never used"),
        ('    tell application "Mail"', "and tell is open"),
        ("    tell it to quit", "tells something else"),
        ("    try\n    end repeat", "and try is open"),
        ("    beep", "is no statement that is known"),
        ('    tell application "Mail" to set aTitle to asRow(1)\n    return aTitle', "needs `my`"),
        ("    set title to “a”", "letters beyond ASCII"),
    ],
)
def test_the_checker_finds_what_is_wrong(line: str, fault: str) -> None:
    source = f"on run argv\n{line}\nend run\n\non asRow(oneField)\n    return oneField\nend asRow\n"
    assert any(fault in text for text in applescript.faults(source)), applescript.faults(source)


@pytest.mark.parametrize("path", sorted(SCRIPTS.glob("*.applescript")), ids=lambda p: p.stem)
def test_scripts_use_every_argument(mac: Mac, path: Path) -> None:
    """Each position is read, and what it is read into is used again."""
    scripts = Scripts("osascript", send_mail=False, home=mac.home)
    commands = [mac.backend.command_for(t, a) for t, a in EMPTY_CALLS.items()]
    commands += [scripts.message_in_hand(), scripts.note_meant("", ""), scripts.probe("Mail")]
    commands += [
        scripts.list_notes(),
        scripts.read(Change("note", "1")),
        scripts.remove(Change("draft", "1")),
    ]
    fixed = {len(c.argv) - 2 for c in commands if c is not None and c.path == path}
    source = path.read_text()
    read = {int(n) for n in re.findall(r"item (\d+) of argv", source)}
    for first, last in re.findall(r"items (\d+) thru (\d+) of argv", source):
        read |= set(range(int(first), int(last) + 1))
    position = max(read, default=0) + 1
    lists = re.findall(r"\{\w+, nextItem\} to takeList\(argv, (\d+|nextItem)\)", source)
    if lists:
        assert lists == [str(position)] + ["nextItem"] * (len(lists) - 1)
        read |= set(range(position, position + len(lists)))
    assert fixed == {max(read, default=0)}
    assert read == set(range(1, max(read, default=0) + 1))
    for names in re.findall(r"set \{?([\w, ]+)\}? to (?:items? .* of argv|takeList)", source):
        for name in set(names.split(", ")) - {"nextItem"}:
            assert len(re.findall(rf"\b{name}\b", source)) > 1, name


EMPTY_CALLS: dict[str, dict[str, Any]] = {
    "get_phone_number": {"name": ""},
    "create_calendar_event": {"title": "", "start_date": Moment(START)},
    "create_reminder": {"name": ""},
    "compose_new_email": {"recipients": []},
    "reply_to_email": {},
    "forward_email": {"recipients": []},
    "send_sms": {"recipients": [], "message": ""},
    "create_note": {"name": ""},
    "open_note": {"name": ""},
    "append_note_content": {"name": "", "content": ""},
}
"""Calls whose lists are empty: all that is left are the fixed arguments."""


def test_known_names_are_those_of_people_notes_folders_and_files(
    mac: Mac, caplog: pytest.LogCaptureFixture
) -> None:
    opened = [mac.home / "Documents" / name for name in ("Q4 forecast.xlsx", "Lease.pdf")]
    for path in (*opened, mac.home / "Library" / "cache.db"):
        path.parent.mkdir(exist_ok=True)
        path.touch()
    gone, programs = mac.home / "Documents" / "gone.txt", Path("/Applications/Notes.app")
    listed = [*opened, mac.home / "Library" / "cache.db", gone, programs]
    mac.answer(
        list_notes="folder\tNotes\nfolder\tGarden\nnote\tGroceries\nnote\tBook\tclub\nnote\t\ntorn",
        mdfind="\n".join(map(str, listed)),
    )
    known = {
        "contacts": ["Alex Kim", "Jane Doe", "No Number", "Sid Patel", "mom"],
        "notes": ["Book\tclub", "Groceries"],
        "folders": ["Garden", "Notes"],
        "files": ["Lease", "Q4 forecast"],
    }
    assert mac.backend.names() == known
    assert mac.calls()[-1][1:3] == ["-onlyin", str(mac.home)]
    mac.answer(list_contacts=["Not authorized to send Apple events to Contacts. (-1743)"])
    assert mac.backend.names() == {k: v for k, v in known.items() if k != "contacts"}
    assert "does not allow control of Contacts" in caplog.text
