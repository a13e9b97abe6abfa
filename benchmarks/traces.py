"""A trace log of 100,000 runs: how long do its first page, a search and one run take?

    .venv/bin/python benchmarks/traces.py [--runs 100000] [--log FILE]

Makes the runs by script, from the development set's requests: the first
thousand through the log's own writer, the others as copies of them. Then asks
each question as the page does, with a connection of its own, and draws the run.
What must hold, or the exit status is 1: a first page under 200 ms, a search and
opening a run under 300 ms.
"""

from __future__ import annotations

import argparse
import random
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median
from typing import get_args

from tinyagent import events
from tinyagent.evaluation.sets import Item, read_test_set
from tinyagent.events import Event
from tinyagent.runs.state import RunState
from tinyagent.tools.sixteen import SIXTEEN
from tinyagent.traces.filters import Filter, Order
from tinyagent.traces.labels import Label
from tinyagent.traces.log import TraceLog
from tinyagent.traces.rows import STEPS
from tinyagent.traces.store import TraceStore
from ui.labelling import label_form
from ui.notebook import Shown, notebook

SET = Path(__file__).parent.parent / "tests" / "sets" / "dev.jsonl"
FIRST = datetime(2025, 1, 6, 8)
SEED = 0
MINUTES = 7
"""Between two runs."""
FIRST_PAGE, SEARCH = 200, 300
"""Milliseconds that a page of the list, and a search or a run that is opened, may take."""
BATCH = 1000
"""Runs that the writer itself writes; the others are copies with other numbers."""


def main() -> None:
    """Make the log where it is not there, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--runs", type=int, default=100_000)
    parser.add_argument("--log", type=Path, help="kept, and used again if it is there")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = options.log or Path(folder) / "traces.db"
        if not path.exists():
            began = time.perf_counter()
            fill(path, options.runs)
            print(f"made in {time.perf_counter() - began:.0f} s")
        sys.exit(0 if measure(TraceStore.open(path)) else 1)


def fill(path: Path, runs: int) -> None:
    """Write the first runs through the log's own writer, label some, and copy them to the rest."""
    items = read_test_set(SET)
    chance = random.Random(SEED)
    log = TraceLog(path)
    for number in range(min(BATCH, runs)):
        for event in happened(items[number % len(items)], number, chance):
            log.record(event)
    log.close()
    store = TraceStore(path)
    for number in range(0, min(BATCH, runs), 20):
        verdict = "good" if number % 40 else "bad"
        store.label(Label(f"run-{number:06}", verdict), FIRST)  # type: ignore[arg-type]
    with closing(sqlite3.connect(path)) as log_file:
        for copy in range(1, runs // BATCH):
            copy_batch(log_file, copy)
            log_file.commit()
        log_file.execute("analyze")


def copy_batch(log: sqlite3.Connection, copy: int) -> None:
    """Write the first batch again, under other ids, at later times, with other numbers in it."""
    new = f"printf('run-%06d', substr({{0}}, 5) + {copy * BATCH})"
    changed = {
        "traces.id": new.format("id"),
        "traces.request": f"replace(request, printf('(%d)', substr(id, 5)), "
        f"printf('(%d)', substr(id, 5) + {copy * BATCH}))",
        "traces.model": f"'planner {copy // 20:012}'",
        "traces.certainty": f"certainty - {copy} * 1e-4",
        "traces.label": "''",
        "approvals.id": f"id || '-{copy}'",
        "labels.id": "null",
        "events.event": f"replace(event, trace, {new.format('trace')})",
    }
    for moment in ("started", "finished"):
        later = f"strftime('%Y-%m-%dT%H:%M:%f', {moment}, '+{copy * BATCH * MINUTES} minutes')"
        changed[f"traces.{moment}"] = later
    for table in ("traces", *STEPS):
        names = [row[1] for row in log.execute(f"pragma table_info({table})")]
        cells = [
            changed.get(f"{table}.{name}", new.format("trace") if name == "trace" else name)
            for name in names
        ]
        key = "id" if table == "traces" else "trace"
        log.execute(
            f"insert into {table} ({', '.join(names)}) select {', '.join(cells)} from {table} "
            f"where {key} < 'run-{BATCH:06}' order by {key}"
        )
    # As the writer does: results and errors come after their rows, and are indexed then.
    first, last = f"run-{copy * BATCH:06}", f"run-{copy * BATCH + BATCH - 1:06}"
    span = "between ? and ?"
    log.execute(f"update tasks set result = result where trace {span}", [first, last])
    log.execute(f"update tasks set error = error where trace {span}", [first, last])


def happened(item: Item, number: int, chance: random.Random) -> Iterator[Event]:
    """The events of one run: planned, approved, done; one in ten fails in its last call."""
    run, began = f"run-{number:06}", FIRST + timedelta(minutes=MINUTES * number)
    plan = item.plans[0]
    sure = {tool: chance.random() * 0.2 for tool in SIXTEEN}
    sure |= {call.tool: 1 - chance.random() * 0.4 for call in plan}
    tools = [tool for tool in SIXTEEN if tool in item.gold_tools]
    request = f"{item.query} ({number})"
    calls = [
        events.ProposedCall(call.number, call.tool, str(call), {}, {}, [], "0" * 64)
        for call in plan
        if SIXTEEN[call.tool].changes
    ]
    planner = {"tinyagent": "0.1.0", "planner-adapter": f"{number * 5 // 100_000:012}"}
    now = item.now.isoformat(timespec="minutes")
    found: list[Event] = [
        events.RequestReceived(request, now, "workspace", "page", planner),
        events.ToolsSelected(sure, tools, 0.5, "classifier", 0.01),
        *(events.PlanText(line + "\n") for line in str(plan).splitlines()),
        *(events.PlanLine.of(call, SIXTEEN[call.tool].changes) for call in plan),
        events.PlanReady(
            str(plan), f"prompt {request}", 80, 60, 40, {"total": 0.5}, 1 - chance.random() * 0.4
        ),
    ]
    if calls:
        approval = f"{run}-a1"
        found.append(events.ApprovalAsked(approval, calls, str(plan)))
        found.append(events.ApprovalDecided(approval, "approved", calls, [], {}, str(plan)))
    fails = number % 10 == 0
    for call in plan:
        found.append(events.TaskStarted(call.number, {}, str(call)))
        if fails and call.number == len(plan):
            error = f"nothing is called {chance.getrandbits(32):x}"
            found.append(events.TaskFailed(call.number, error, "not_found", 0.1))
        else:
            found.append(events.TaskDone(call.number, f"Done: {call.tool}", "", 0.1))
    found.append(events.Answered("It is done.", [], not fails))
    for seq, event in enumerate(found, 1):
        at = (began + timedelta(milliseconds=100 * seq)).isoformat(timespec="milliseconds")
        yield replace(event, run=run, seq=seq, at=at)


def measure(store: TraceStore, rounds: int = 5) -> bool:
    """Print the median time of each question, in milliseconds; whether each holds its limit."""
    with closing(sqlite3.connect(store.path)) as log:
        total = log.execute("select count(*) from traces").fetchone()[0]
    print(f"{total:,} runs, {store.path.stat().st_size / 1e6:,.0f} MB; median of {rounds}\n")
    print("| | ms | limit |\n|---|---|---|")
    held = True
    for name, (limit, ask) in questions(store, total).items():
        times = []
        for _ in range(rounds):
            began = time.perf_counter()
            ask()
            times.append((time.perf_counter() - began) * 1000)
        took = median(times)
        held = held and took < limit
        print(f"| {name} | {took:.0f}{'' if took < limit else ' **over**'} | {limit} |")
    return held


def questions(store: TraceStore, total: int) -> dict[str, tuple[int, Callable[[], object]]]:
    """What the page asks, by name: the milliseconds that it may take, and the asking."""
    rare, common = f"{total // 2}", "the"
    log = TraceLog(store.path)

    def listed(wanted: Filter, order: Order = "newest", offset: int = 0) -> Callable[[], object]:
        return lambda: (
            store.found(wanted, order, offset=offset),
            [store.values(column) for column in ("model", "source", "status")],
        )

    def opened(run: str) -> str:
        trace = store.read(run)
        return notebook(Shown(trace, RunState.of(log.happened(run))), label_form(trace))

    pages = {f"first page, {order}": listed(Filter(), order) for order in get_args(Order)} | {
        "label bad": listed(Filter(label="bad")),
        "tool summarize_pdf": listed(Filter(tool="summarize_pdf")),
        "one day": listed(Filter(since="2025-06-01", until="2025-06-01")),
        "one model": listed(Filter(model="000000000001")),
        "page 1,000": listed(Filter(), offset=total // 2),
        "queue": lambda: store.queue(),
    }
    searches = {
        f"search, rare ({rare})": listed(Filter(words=rare)),
        f"search, common ({common})": listed(Filter(words=common)),
        "search, one letter (t)": listed(Filter(words="t")),
        "search, common, longest first": listed(Filter(words=common), "longest"),
        "search, common, in a common tool": listed(Filter(words=common, tool="send_sms")),
        "search, common, in a rare tool": listed(Filter(words=common, tool="summarize_pdf")),
        "search, common, label bad": listed(Filter(words=common, label="bad")),
        "search, common, page 100": listed(Filter(words=common), offset=5_000),
        "open a run": lambda: opened(f"run-{total // 2:06}"),
    }
    return {name: (FIRST_PAGE, ask) for name, ask in pages.items()} | {
        name: (SEARCH, ask) for name, ask in searches.items()
    }


if __name__ == "__main__":
    main()
