"""Kills an agent at random points of running plans, and looks at what is left.

    python -m tests.killed FOLDER KILLS SEED

Each child runs ``AT_ONCE`` plans of six changes, and is killed while it does. Prints,
as JSON, how the runs ended; anything that must not be ends it with an error.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import sys
import time
from collections import Counter
from datetime import datetime
from pathlib import Path

from tests.runs import asked, finish
from tests.scripted import ScriptedPlanner, ScriptedToolRAG
from tinyagent.agent import TinyAgent
from tinyagent.approval.approval import Decision
from tinyagent.backends.workspace import Workspace
from tinyagent.runs.state import RunState
from tinyagent.settings import Settings
from tinyagent.traces import TraceLog

AT_ONCE = 8
PLAN = """1. create_note("Note {mark}-1", "text")
2. append_note_content("Log", "line {mark}-2.")
3. send_sms(["+1 555 0100"], "text {mark}-3.")
4. create_reminder("Call {mark}-4.", "tomorrow at 9")
5. compose_new_email(["a@x.org"], [], "Mail {mark}-5.", "hi")
6. create_calendar_event("Event {mark}-6.", "tomorrow at 2pm")
7. join()"""
PLACES = {
    1: "notes/Notes/Note {mark}-1.md",
    2: "notes/Notes/Log.md",
    3: "messages/*.json",
    4: "reminders/*.ics",
    5: "mail/.Drafts/cur/*",
    6: "calendars/*.ics",
}
"""Where the change of each task is to be found."""


def main(folder: Path, kills: int, seed: int) -> None:
    """Kill ``kills`` children, looking after each; then look at all runs again."""
    chance = random.Random(seed)
    Workspace(folder / "workspace", datetime.now).create_note("Log", "begin", "")
    TraceLog(folder / "traces.db").close()
    whole = live_and_die(folder, 0, None)
    ended = look(folder, 0)
    for number in range(1, kills + 1):
        live_and_die(folder, number, chance.uniform(0, whole))
        ended += look(folder, number)
    again: Counter[str] = Counter()
    for number in range(kills + 1):
        again += look(folder, number)
    assert again == ended, "a later start changed what had happened"
    assert Workspace(folder / "workspace", datetime.now).problems() == []
    print(json.dumps(ended))


def live_and_die(folder: Path, number: int, after: float | None) -> float:
    """A child that runs plans, killed ``after`` seconds (None: not at all); seconds it lived."""
    heard, told = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(heard)
        status = 1
        try:
            live(folder, number, told)
            status = 0
        finally:
            os._exit(status)
    os.close(told)
    assert os.read(heard, 1) == b"!"
    began = time.monotonic()
    if after is not None:
        time.sleep(after)
        os.kill(child, signal.SIGKILL)
    _, ended = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(ended) in (0, -signal.SIGKILL)
    os.close(heard)
    return time.monotonic() - began


def live(folder: Path, number: int, told: int) -> None:
    """Run the plans of a child, approving all."""
    plans = {mark: [PLAN.format(mark=mark)] for mark in marks(number)}
    settings = Settings(
        backend="workspace", workspace=folder / "workspace", traces=folder / "traces.db"
    )
    agent = TinyAgent(
        settings,
        backend=Workspace(settings.workspace, datetime.now),
        toolrag=ScriptedToolRAG(plans),
        planner=ScriptedPlanner(plans),
        writer=None,
        traces=TraceLog(settings.traces),
        clock=datetime.now,
    )
    os.write(told, b"!")
    runs = [agent.start(mark) for mark in plans]
    for run in runs:
        agent.decide(run, asked(agent, run).approval, Decision("approve"))
    for run in runs:
        assert finish(agent, run).status == "answered"


def look(folder: Path, number: int) -> Counter[str]:
    """See that a child's traces and changes fit together; how its tasks ended."""
    log = TraceLog(folder / "traces.db")
    ended: Counter[str] = Counter()
    with sqlite3.connect(folder / "traces.db") as db:
        assert db.execute("pragma quick_check").fetchone() == ("ok",)
        for mark in marks(number):
            found = db.execute("select id from traces where request = ?", [mark]).fetchall()
            assert len(found) <= 1
            tasks = read_tasks(db, log, found[0][0]) if found else {}
            for task in PLACES:
                status = tasks.get(task, "never planned")
                count = times_done(folder / "workspace", mark, task)
                allowed = {"done": {1}, "may have run": {0, 1}}.get(status, {0})
                assert count in allowed, f"{mark}-{task} is {status}, and happened {count} times"
                ended[status] += 1
    log.close()
    return ended


def read_tasks(db: sqlite3.Connection, log: TraceLog, run: str) -> dict[int, str]:
    """The state of each task of a run; its events are whole, and no task is left running."""
    happened = log.happened(run)
    assert [event.seq for event in happened] == list(range(1, len(happened) + 1))
    assert RunState.of(happened).run == run
    rows = dict(db.execute("select task, status from tasks where trace = ?", [run]).fetchall())
    assert "running" not in rows.values()
    return rows


def times_done(workspace: Path, mark: str, task: int) -> int:
    """How often the change of this task is in the workspace."""
    paths = workspace.glob(PLACES[task].format(mark=mark))
    if task == 1:
        return len(list(paths))
    lines = [line for path in paths for line in path.read_text("utf-8").splitlines()]
    if task in (4, 6):  # a reminder's alarm says it, too
        lines = [line for line in lines if line.startswith("SUMMARY")]
    return sum(f"{mark}-{task}." in line for line in lines)


def marks(number: int) -> list[str]:
    """The requests of a child; each stands in all that its plan changes."""
    return [f"mark-{number:04}-{letter}" for letter in "abcdefgh"[:AT_ONCE]]


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
