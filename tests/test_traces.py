"""The trace log: written as it happens, and clear about what was never finished."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from sqlite_utils.db import Database

from tinyagent import events
from tinyagent.errors import TraceError
from tinyagent.events import from_json, to_json
from tinyagent.runs.state import RunState
from tinyagent.traces import TraceLog
from tinyagent.traces.migrations import MIGRATIONS
from tinyagent.traces.schema import TABLES, VIEWS, schema_page

ROOT = Path(__file__).resolve().parent.parent
CALL = events.ProposedCall(1, "create_note", "Create", {"name": "A"}, {}, [], "hash")
HAPPENED = [
    events.RequestReceived("note it", "2026-11-24T09:30", "workspace", "test", {"tinyagent": "1"}),
    events.ToolsSelected({"create_note": 0.9, "send_sms": 0.1}, ["create_note"], 0.5, "all", 0.01),
    events.PlanText('1. create_note("A")\n'),
    events.PlanRestarted(),
    events.PlanLine(1, "create_note", '1. create_note("A")', [], True),
    events.PlanReady("1. …", "prompt", 80, 10, 5, {"total": 0.5}, 0.9),
    events.ApprovalAsked("a1", [CALL], "1. …"),
    events.ApprovalDecided("a1", "approved", [CALL], [], {"1": ["name"]}, "1. … edited"),
    events.TaskStarted(1, {"name": "A"}, "Create the note “A”"),
    events.TaskProgress(1, 0.5, "half"),
    events.TaskDone(1, "Created", "notes/A.md", 0.2),
    events.Answered("Created", [events.Result(1, "create_note", "Created", "notes/A.md")]),
]


def numbered(run: str = "r1") -> list[events.Event]:
    from dataclasses import replace

    at = "2026-11-24T09:30:00.000"
    return [replace(e, run=run, seq=n, at=at) for n, e in enumerate(HAPPENED, 1)]


def test_every_event_comes_back_from_json_as_it_was() -> None:
    for event in numbered():
        assert from_json(to_json(event)) == event
    with pytest.raises(ValueError, match="no event"):
        from_json('{"type": "Nothing"}')
    with pytest.raises(ValueError, match="no event"):
        from_json('{"type": "PlanText", "colour": "red"}')


def test_each_event_is_in_the_file_before_the_next(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    log = TraceLog(path)
    other = sqlite3.connect(path)
    for event in numbered():
        log.record(event)
        assert other.execute("select count(*) from events").fetchone() == (event.seq,)
        status = RunState.of(log.happened("r1")).status
        assert other.execute("select status from traces").fetchone() == (status,)


def test_a_trace_holds_every_step(tmp_path: Path) -> None:
    log = TraceLog(tmp_path / "traces.db")
    for event in numbered():
        log.record(event)
    trace = log.read("r1")
    assert trace["status"] == "answered"
    assert trace["answer"] == "Created"
    assert {t["tool"]: t["picked"] for t in trace["tools"]} == {"create_note": 1, "send_sms": 0}
    assert {p["kind"]: p["plan"] for p in trace["plans"]} == {
        "proposed": "1. …",
        "approved": "1. … edited",
    }
    (task,) = trace["tasks"]
    # The first text was thrown away, so this is the second plan's task.
    assert (task["plan"], task["status"], task["arguments"]) == (2, "done", {"name": "A"})
    (approval,) = trace["approvals"]
    assert approval["edited"] == {"1": ["name"]}
    assert [e["event"]["type"] for e in trace["events"]][-1] == "Answered"
    assert log.happened("r1") == numbered()
    with pytest.raises(TraceError, match="no trace"):
        log.read("r2")


def test_only_the_user_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "new" / "traces.db"
    TraceLog(path).record(numbered()[0])
    for part in path.parent.iterdir():
        assert stat.S_IMODE(part.stat().st_mode) == 0o600, part
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_killed_process_leaves_a_trace_that_says_where_it_was(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    script = (
        "import sys; sys.path[:0] = sys.argv[2:]\n"
        "from pathlib import Path\n"
        "from test_traces import numbered\n"
        "from tinyagent.traces import TraceLog\n"
        "log = TraceLog(Path(sys.argv[1]))\n"
        "for event in numbered()[:7]: log.record(event)\n"
        "print('ready', flush=True); sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(path), str(ROOT), str(ROOT / "tests")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    # While that process lives, its run is under way, whoever else opens the log.
    assert TraceLog(path).read("r1")["status"] == "approval"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    trace = TraceLog(path).read("r1")
    assert trace["status"] == "interrupted while approval"
    assert trace["finished"] is None
    assert len(trace["events"]) == 7


def test_a_locked_file_is_said_at_start(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    TraceLog(path).close()
    holder = sqlite3.connect(path)
    holder.execute("begin exclusive")
    with pytest.raises(TraceError, match="another program holds it"):
        TraceLog(path, patience=0.05)


def test_a_damaged_file_is_said_at_start(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    path.write_text("this is no database, whatever its name says " * 50)
    with pytest.raises(TraceError, match="move it away"):
        TraceLog(path)


def test_a_folder_that_cannot_be_made_is_said_at_start(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(TraceError, match="that you can write to"):
        TraceLog(tmp_path / "file" / "traces.db")


def test_the_file_cannot_be_written(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    TraceLog(path).close()
    if os.geteuid() == 0:
        pytest.skip("root may write to a read-only file")
    path.chmod(0o400)
    with pytest.raises(TraceError, match="that you can write to"):
        TraceLog(path)


def test_a_failed_write_leaves_nothing_of_the_event(tmp_path: Path) -> None:
    log = TraceLog(tmp_path / "traces.db")
    first, second, *_ = numbered()
    log.record(first)
    log.record(second)
    with pytest.raises(TraceError):
        log.record(second)
    assert log.happened("r1") == [first, second]


def test_the_schema_page_is_that_of_the_migrations() -> None:
    assert (ROOT / "docs" / "traces.md").read_text(encoding="utf-8") == schema_page()
    db = Database(memory=True)
    MIGRATIONS.apply(db)
    own = {name for name in db.table_names() if not name.startswith(("_", "sqlite_"))}
    assert own == set(TABLES)
    assert set(db.view_names()) == set(VIEWS)
