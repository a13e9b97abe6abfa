"""The workspace: events and reminders, read back with icalendar; Zoom, Maps, Messages."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from icalendar import Calendar

from tinyagent.backends.base import Outcome
from tinyagent.backends.workspace import Workspace
from tinyagent.errors import ToolError

NOW = datetime(2026, 11, 24, 9, 30)
HOUR = timedelta(hours=1)


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path, lambda: NOW)


def event(workspace: Workspace, title: str, calendar: str = "", **other: object) -> Outcome:
    arguments = {
        "start": NOW,
        "end": NOW + HOUR,
        "all_day": False,
        "location": "",
        "invitees": [],
        "notes": "",
    } | other
    return workspace.create_calendar_event(title=title, calendar=calendar, **arguments)  # type: ignore[arg-type]


def read(path: Path) -> Any:
    return Calendar.from_ical(path.read_bytes())


def test_an_event_reads_back(workspace: Workspace, tmp_path: Path) -> None:
    outcome = event(
        workspace,
        "Budget review; Q3, part 1",
        location="Room 4B",
        invitees=["sid@example.com", "Lutfi <lutfi@example.com>", "sid@example.com"],
        notes="Bring numbers\r\nand tea",
    )
    assert outcome.link == "calendars/Home.ics"
    assert "Budget review" in outcome
    made = read(tmp_path / outcome.link).events[0]
    assert made["summary"] == "Budget review; Q3, part 1"
    assert made.start == NOW
    assert made.end == NOW + HOUR
    assert made["location"] == "Room 4B"
    assert made["description"] == "Bring numbers\nand tea"
    assert [str(a) for a in made["attendee"]] == [
        "mailto:sid@example.com",
        "mailto:lutfi@example.com",
    ]
    assert made["uid"]


def test_an_event_that_lasts_all_day(workspace: Workspace, tmp_path: Path) -> None:
    event(workspace, "Birthday", all_day=True)
    made = read(tmp_path / "calendars/Home.ics").events[0]
    assert (made.start, made.end) == (date(2026, 11, 24), date(2026, 11, 25))


def test_an_event_that_ends_before_it_starts_is_refused(workspace: Workspace) -> None:
    with pytest.raises(ToolError, match="end"):
        event(workspace, "Backwards", end=NOW - HOUR)


def test_calendars_are_found_forgivingly_and_else_made(
    workspace: Workspace, tmp_path: Path
) -> None:
    assert "new calendar “Work”" in event(workspace, "One", "Work")
    assert "new" not in event(workspace, "Two", "my work calendar")
    assert "new calendar “Work travel”" in event(workspace, "Three", "Work travel")
    assert "new calendar “Família”" in event(workspace, "Four", "Família")
    assert "“Família”" in event(workspace, "Five", "familia")
    names = sorted(path.name for path in (tmp_path / "calendars").iterdir())
    assert names == ["Família.ics", "Work travel.ics", "Work.ics"]
    assert workspace.names()["calendars"] == ["Família", "Work", "Work travel"]


def test_a_reminder_reads_back(workspace: Workspace, tmp_path: Path) -> None:
    workspace.create_reminder("Pay rent", NOW + HOUR, "by transfer", "", 1)
    workspace.create_reminder("Water plants", date(2026, 11, 27), "", "", 0)
    workspace.create_reminder("Light bulbs", None, "", "shopping list", 0)
    timed, daily = read(tmp_path / "reminders/Reminders.ics").todos
    assert (timed["summary"], timed["due"].dt, timed["priority"]) == (
        "Pay rent",
        NOW + HOUR,
        1,
    )
    assert timed["description"] == "by transfer"
    assert timed.walk("VALARM")[0]["trigger"].dt == timedelta(0)
    assert daily["due"].dt == date(2026, 11, 27)
    assert "priority" not in daily
    assert not daily.walk("VALARM")
    assert "due" not in read(tmp_path / "reminders/shopping list.ics").todos[0]


def test_parallel_events_are_all_kept(workspace: Workspace, tmp_path: Path) -> None:
    other = Workspace(tmp_path, lambda: NOW)
    with ThreadPoolExecutor(8) as pool:
        jobs = [pool.submit(event, (workspace, other)[k % 2], f"Event {k}") for k in range(30)]
        for job in jobs:
            job.result()
    titles = {str(e["summary"]) for e in read(tmp_path / "calendars/Home.ics").events}
    assert titles == {f"Event {k}" for k in range(30)}


def test_a_foreign_calendar_keeps_every_line(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "calendars" / "Home.ics"
    path.parent.mkdir()
    foreign = (
        b"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nX-ODD;A=b:kept as it is\n"
        b"BEGIN:VEVENT\nUID:1\nDTSTAMP:20260101T000000Z\nDTSTART:not a date\nEND:VEVENT\n"
        b"end:vcalendar\n"
    )
    path.write_bytes(foreign)
    event(workspace, "Added")
    data = path.read_bytes()
    assert data.startswith(foreign[: foreign.index(b"end:")])
    assert read(path).events[1]["summary"] == "Added"
    assert "DTSTART" in workspace.problems()[0]


def test_a_broken_calendar_is_left_alone(workspace: Workspace, tmp_path: Path) -> None:
    path = tmp_path / "calendars" / "Home.ics"
    path.parent.mkdir()
    path.write_bytes(b"BEGIN:VCALENDAR\ngarbage")
    with pytest.raises(ToolError, match=r"calendars/Home\.ics"):
        event(workspace, "Lost?")
    assert path.read_bytes() == b"BEGIN:VCALENDAR\ngarbage"
    assert event(workspace, "Kept", "Work").link == "calendars/Work.ics"
    assert [p.split(":")[0] for p in workspace.problems()] == ["calendars/Home.ics"]


def test_a_zoom_meeting_is_a_local_stand_in(workspace: Workspace, tmp_path: Path) -> None:
    first = workspace.get_zoom_meeting_link("Roof review", NOW, 30, ["a@example.com"])
    second = workspace.get_zoom_meeting_link("Roof review", NOW, 30, ["a@example.com"])
    number = urlsplit(first).path.removeprefix("/j/")
    assert len(number) == 11
    assert number.startswith("0")
    assert "local-stand-in" in first
    assert first != second
    record = json.loads((tmp_path / first.link).read_text())
    assert record["join_url"] == first
    assert (record["minutes"], record["invitees"]) == (30, ["a@example.com"])
    with pytest.raises(ToolError, match="0 minutes"):
        workspace.get_zoom_meeting_link("Never", NOW, 0, [])


def test_maps_urls(workspace: Workspace, tmp_path: Path) -> None:
    place = workspace.maps_open_location("Park Güell & museum")
    assert parse_qs(urlsplit(place).query) == {"q": ["Park Güell & museum"]}
    here = workspace.maps_show_directions("", "Union Station", "r")
    assert parse_qs(urlsplit(here).query) == {
        "daddr": ["Union Station"],
        "dirflg": ["r"],
    }
    (tmp_path / "contacts").mkdir()
    card = (
        "BEGIN:VCARD\nVERSION:3.0\nFN:Me\nNICKNAME:me\nADR;TYPE=HOME:;;1 Elm;York;;;\nEND:VCARD\n"
    )
    (tmp_path / "contacts/me.vcf").write_text(card)
    route = workspace.maps_show_directions("home", "Union Station", "d")
    assert parse_qs(urlsplit(route).query)["saddr"] == ["1 Elm, York"]
    assert route.link == route


def test_each_number_gets_a_message_of_its_own(workspace: Workspace, tmp_path: Path) -> None:
    outcome = workspace.send_sms(["+1 416 555 0101", "07700 900418"], "See you at 2 — Zoë")
    assert outcome.link == "messages"
    records = [json.loads(p.read_text("utf-8")) for p in sorted((tmp_path / "messages").iterdir())]
    assert {r["to"] for r in records} == {"+1 416 555 0101", "07700 900418"}
    assert {r["text"] for r in records} == {"See you at 2 — Zoë"}
    again = workspace.send_sms(["+1 416 555 0101"], "And again")
    assert json.loads((tmp_path / again.link).read_text())["text"] == "And again"
    for recipients, text in (([], "x"), (["Sid"], "x"), (["07700 900418"], " ")):
        with pytest.raises(ToolError):
            workspace.send_sms(recipients, text)
