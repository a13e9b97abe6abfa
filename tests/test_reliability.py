"""When something breaks: killed, full, read-only, locked, cut short, many at once."""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.runs import approve, asked, contents, finish, slow_places
from tinyagent import events
from tinyagent.agent import TinyAgent
from tinyagent.approval.approval import Decision
from tinyagent.approval.remembered import RememberedApprovals
from tinyagent.backends.workspace import Workspace
from tinyagent.errors import ApprovalError, ToolError, TraceError
from tinyagent.events import Event
from tinyagent.runs.run import Run
from tinyagent.settings import Settings
from tinyagent.traces import TraceLog
from tinyagent.traces.cells import cells
from ui.conversation import turn

ROOT = Path(__file__).parent.parent
NOW = datetime(2026, 11, 24, 9, 30)
NOTE = '1. create_note("Ideas", "More tea")\n2. join()'
SMS = '1. send_sms(["+1 416 555 0101"], "late")\n2. join()'
KILLS = 25
"""Children that are killed, each with eight plans under way: 200 plans cut off somewhere."""


def test_killed_anywhere_no_trace_is_lost_and_nothing_runs_twice(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.killed", str(tmp_path), str(KILLS), "20261124"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    ended = json.loads(done.stdout)
    assert ended["done"] > 0
    assert ended["waiting"] > 0
    assert ended.get("may have run", 0) > 0


def cut_off(traces: Path, happened: list[Event]) -> None:
    """Write a trace whose process is gone."""
    log = TraceLog(traces)
    for number, event in enumerate(happened, 1):
        at = "2026-11-24T09:30:00.000"
        log.record(replace(event, run="r1", seq=number, at=at))
    log.close()
    with sqlite3.connect(traces) as db:
        db.execute("update traces set pid_started = 0")
    TraceLog(traces).close()


CUT_OFF = [
    events.RequestReceived("text Sid", "2026-11-24T09:30", "workspace", "test", {}),
    events.ToolsSelected({"send_sms": 0.9}, ["send_sms"], 0.5, "all", 0.01),
    events.PlanLine(1, "get_phone_number", '1. get_phone_number("Sid")', [], False),
    events.PlanLine(2, "send_sms", '2. send_sms(["$1"], "late")', [1], True),
    events.PlanReady("1. …", "prompt", 80, 10, 5, {"total": 0.5}, 0.9),
    events.TaskStarted(1, {"name": "Sid"}, "Look up the phone number of Sid"),
    events.TaskStarted(2, {"message": "late"}, "Send an SMS to +1 416 555 0101: “late”"),
]


def test_a_change_that_was_cut_off_may_have_run(tmp_path: Path) -> None:
    traces = tmp_path / "traces.db"
    cut_off(traces, CUT_OFF)
    log = TraceLog(traces)
    trace = log.read("r1")
    assert trace["status"] == "interrupted while running"
    assert [task["status"] for task in trace["tasks"]] == ["running", "may have run"]
    assert "not tried again by itself" in trace["tasks"][1]["error"]
    assert [c.state for c in cells(trace) if c.kind == "call"] == ["running", "may have run"]
    log.close()


def test_the_page_says_what_may_have_happened(make_agent, settings: Settings) -> None:
    cut_off(settings.traces, CUT_OFF)
    agent = make_agent({})
    shown = turn(agent.state("r1"), interrupted=True)
    assert "It may have happened: look there" in shown
    assert "Send an SMS to +1 416 555 0101: “late”" in shown
    undone = agent.state(agent.undo("r1")).answer
    assert isinstance(undone, events.Answered)
    assert "It may have happened" in undone.text
    with pytest.raises(TraceError, match="not under way"):
        agent.decide("r1", "r1-a1", Decision("approve"))


def test_traces_are_their_owners_only(tmp_path: Path, settings: Settings, make_agent) -> None:
    settings.traces.parent.mkdir()
    settings.traces.touch(mode=0o644)
    settings.traces.chmod(0o644)
    agent = make_agent({"x": [NOTE]})
    approve(agent, "x", until=NOW + timedelta(days=1))
    files = [path for path in settings.traces.parent.iterdir() if path.is_file()]
    assert {"traces.db", "traces.db-wal", "remembered.json"} <= {path.name for path in files}
    for path in files:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_full_trace_file_runs_nothing_and_says_so(make_agent) -> None:
    agent = make_agent({"x": [NOTE]})
    run = agent.start("x")
    asked_for = asked(agent, run)
    before = contents(agent.settings.workspace)
    pages = agent.traces._db.execute("pragma page_count").fetchone()[0]
    agent.traces._db.execute(f"pragma max_page_count = {pages}")
    with contextlib.suppress(TraceError):
        agent.decide(run, asked_for.approval, Decision("approve"))
        for number in range(200):  # a page that is there already may still take some
            agent.start(f"filler {number}")
    fill(agent)
    other = agent.start("y")
    answer = finish(agent, other).answer
    assert isinstance(answer, events.Failed)
    assert "full; make room there" in answer.message
    agent.traces._db.execute("pragma max_page_count = 1000000")
    changed = contents(agent.settings.workspace)
    assert changed == before or agent.state(run).task(1).status == "done"
    with sqlite3.connect(agent.settings.traces) as db:
        assert db.execute("pragma quick_check").fetchone() == ("ok",)


def fill(agent: TinyAgent) -> None:
    """Write until the file takes no more."""
    with contextlib.suppress(TraceError):
        for number in range(1000):
            agent.traces.record(
                events.RequestReceived("x" * 4000, "", "", "", {}, run=f"fill-{number}", seq=1)
            )


@contextlib.contextmanager
def as_nobody() -> Iterator[None]:
    """Nothing is forbidden to root, so be somebody else meanwhile."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_folder_that_cannot_be_written_is_told_and_reading_goes_on(
    settings: Settings, tmp_path: Path
) -> None:
    for folder in [tmp_path, *tmp_path.parents][:4]:
        if os.geteuid() == 0 and not folder.stat().st_mode & 0o005:
            folder.chmod(0o755)
    workspace = Workspace(settings.workspace, lambda: NOW)
    for path in [settings.workspace, *settings.workspace.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    (settings.workspace / ".lock").chmod(0o666)
    workspace.get_phone_number("Sid")  # loads what nobody may read
    before = contents(settings.workspace)
    with as_nobody():
        with pytest.raises(ToolError, match="cannot write notes/.*Permission denied"):
            workspace.create_note("A", "b", "")
        with pytest.raises(ToolError, match="Permission denied"):
            workspace.append_note_content("Groceries", "b", "")
        assert workspace.get_phone_number("Sid") == "+1 416 555 0101"
    for path in [settings.workspace, *settings.workspace.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    assert contents(settings.workspace) == before


@contextlib.contextmanager
def no_file_above(size: int) -> Iterator[None]:
    """The kernel cuts every write off at ``size`` bytes, as a disk does that is full by then."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_write_that_is_cut_off_half_way_leaves_what_was_there(settings: Settings) -> None:
    workspace = Workspace(settings.workspace, lambda: NOW)
    remembered = RememberedApprovals(settings.workspace.parent, lambda: NOW)
    remembered.remember("send_sms", ["+1 416 555 0101"], "workspace", NOW + timedelta(days=1))
    known, before = remembered.all(), contents(settings.workspace)
    more = "x" * 100_000
    with no_file_above(50_000):
        with pytest.raises(ToolError, match="cannot write notes/.*File too large"):
            workspace.append_note_content("Groceries", more, "")
        with pytest.raises(ToolError, match="cannot write reminders/.*File too large"):
            workspace.create_reminder("Tea", NOW, more, "", 0)
        with pytest.raises(ToolError, match="cannot write messages/.*File too large"):
            workspace.send_sms(["+1 416 555 0101"], more)
        with pytest.raises(ApprovalError, match="cannot be written"):
            many = [f"+1 416 555 {number:04}" for number in range(9999)]
            remembered.remember("send_sms", many, "workspace", NOW + timedelta(days=1))
    assert contents(settings.workspace) == before
    assert remembered.all() == known
    workspace.append_note_content("Groceries", "milk", "")


def test_a_database_that_is_locked_fails_the_run_and_not_the_program(make_agent) -> None:
    agent = make_agent({"x": [NOTE, NOTE]})
    agent.traces._db.execute("pragma busy_timeout = 50")
    other = sqlite3.connect(agent.settings.traces)
    other.execute("begin immediate")
    answer = finish(agent, agent.start("x")).answer
    other.rollback()
    other.close()
    assert isinstance(answer, events.Failed)
    assert "close that program" in answer.message
    assert approve(agent, "x").status == "answered"


@pytest.mark.parametrize("jump", [timedelta(hours=-1), timedelta(days=400)])
def test_a_clock_that_jumps_spoils_no_trace(
    make_agent, settings: Settings, jump: timedelta
) -> None:
    agent = make_agent({"x": [NOTE]})
    at = [NOW]

    def clock() -> datetime:
        at[0] += jump
        return at[0]

    agent.clock = clock
    state = approve(agent, "x")
    assert state.status == "answered"
    trace = agent.traces.read(state.run)
    assert (trace["seconds"] > 0) == (jump > timedelta(0))
    assert [event["seq"] for event in trace["events"]] == list(range(1, state.seq + 1))
    assert cells(trace)


def test_a_broken_card_costs_that_card_and_nothing_else(make_agent) -> None:
    agent = make_agent({"x": [SMS.replace('"+1 416 555 0101"', '"+1 416 555 0102"')]})
    folder = agent.settings.workspace / "contacts"
    (folder / "broken.vcf").write_bytes(b"BEGIN:VCARD\nFN:\xff\xfe\nTEL:1\n")
    (folder / "half.vcf").write_text("BEGIN:VCARD\nVERSION:3.0\nFN:Ha")
    assert approve(agent, "x").status == "answered"
    workspace = Workspace(agent.settings.workspace, lambda: NOW)
    assert workspace.get_phone_number("Lutfi") == "+1 416 555 0102"
    assert len([p for p in workspace.problems() if "broken.vcf" in p]) == 1


def test_a_file_whose_name_is_no_text_is_left_out(settings: Settings) -> None:
    folder = os.fsencode(settings.workspace / "files")
    with open(os.path.join(folder, b"b\xff.pdf"), "wb") as file:
        file.write(b"x")
    workspace = Workspace(settings.workspace, lambda: NOW)
    assert workspace.open_file("Q4 forecast").endswith("Q4 forecast.csv")
    with pytest.raises(ToolError):
        workspace.open_file("b\udcff.pdf")


def test_halves_of_characters_in_a_request_are_kept_as_question_marks(make_agent) -> None:
    agent = make_agent({})
    run = agent.start("a\ud800b")
    assert finish(agent, run).request == "a?b"


PAGES, EACH = 50, 10


def runs_in_memory() -> int:
    """How many runs there are in this process, those of other tests included."""
    gc.collect()
    return sum(isinstance(thing, Run) for thing in gc.get_objects())


def test_many_pages_at_once_get_their_own_answers(make_agent) -> None:
    """500 requests of 50 pages; a long one meanwhile keeps nobody from reading traces."""
    requests = [f"r{page}-{n}" for page in range(PAGES) for n in range(EACH)]
    plans = {r: [f'1. maps_open_location("place {r}")\n2. join()'] for r in requests}
    plans["slow"] = ['1. maps_open_location("slow")\n2. join()']
    agent = make_agent(plans, task_timeout=3600.0)
    others = runs_in_memory()
    go = slow_places(agent)
    held = agent.start("slow")

    def page(number: int) -> list[str]:
        texts = []
        for n in range(EACH):
            run = agent.start(f"r{number}-{n}")
            answer = finish(agent, run).answer
            assert isinstance(answer, events.Answered)
            assert agent.traces.read(run)["request"] == f"r{number}-{n}"
            texts.append(answer.text)
        return texts

    with ThreadPoolExecutor(PAGES) as pool:
        told = list(pool.map(page, range(PAGES)))
    for number, texts in enumerate(told):
        for n, text in enumerate(texts):
            assert text.startswith(f"place r{number}-{n} in Maps: ")
    assert not agent.state(held).over
    go.set()
    assert finish(agent, held).status == "answered"
    # Of the runs that are over, 100 are kept in memory, and nothing else holds on to one.
    assert len(agent._runs) <= 100 + PAGES + 1
    assert runs_in_memory() - others <= 100 + PAGES + 1
    with sqlite3.connect(agent.settings.traces) as db:
        (count,) = db.execute("select count(*) from traces where status = 'answered'").fetchone()
    assert count == PAGES * EACH + 1
