"""Reading, searching, labelling and deleting runs, on runs that the real loop made."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from sqlite_utils.db import Database

from tests.conftest import NOW, MakeAgent
from tests.test_traces import numbered
from tinyagent import events
from tinyagent.agent import TinyAgent
from tinyagent.approval.approval import Decision
from tinyagent.errors import PlanError, SettingsError, TraceError
from tinyagent.traces import TraceLog
from tinyagent.traces import store as stores
from tinyagent.traces.cells import cells
from tinyagent.traces.filters import ORDERS, Filter, Order
from tinyagent.traces.labels import Label, right_plan
from tinyagent.traces.migrations import MIGRATIONS
from tinyagent.traces.store import TraceStore

PLANS = {
    "note tea": ['1. create_note("Ideas", "More tea")\n2. join()'],
    "note jam": ['1. create_note("Jam", "Apricots")\n2. join()'],
    "text lutfi hello": ['1. get_phone_number("Lutfi")\n2. send_sms(["$1"], "hello")\n3. join()'],
    "who is Zebediah": ['1. get_phone_number("Zebediah")\n2. join()'],
}


def do(agent: TinyAgent, request: str, decide: Callable[[int], Decision] | None = None) -> str:
    """A run from its start to its end; its id."""
    run = agent.start(request, NOW, asks=False)

    async def follow() -> None:
        async for event in agent.events(run):
            if isinstance(event, events.ApprovalAsked):
                decision = decide(event.calls[0].task) if decide else Decision("approve")
                await asyncio.to_thread(agent.decide, run, event.approval, decision)

    asyncio.run(follow())
    return run


@pytest.fixture
def runs(make_agent: MakeAgent) -> tuple[TraceStore, dict[str, str]]:
    """A log with a run that was approved, edited, rejected, and one that failed."""
    agent = make_agent(PLANS)
    made = {
        "approved": do(agent, "note tea"),
        "edited": do(
            agent,
            "note jam",
            lambda task: Decision("approve", arguments={task: {"content": "Plums"}}),
        ),
        "rejected": do(agent, "text lutfi hello", lambda task: Decision("reject")),
        "failed": do(agent, "who is Zebediah"),
    }
    return TraceStore.open(agent.settings.traces), made


def test_a_list_is_filtered_and_sorted(runs: tuple[TraceStore, dict[str, str]]) -> None:
    store, made = runs

    def found(**wanted: str) -> set[str]:
        rows = {row.id for row in store.page(Filter(**wanted))}
        assert store.count(Filter(**wanted)) == len(rows)
        return {name for name, run in made.items() if run in rows}

    assert found() == set(made)
    assert found(tool="send_sms") == {"rejected"}
    assert found(label="bad") == {"edited", "rejected"}
    assert found(label="none") == {"approved", "failed"}
    assert found(since="2026-11-24", until="2026-11-24") == set(made)
    assert found(since="2026-11-25") == set()
    assert found(status="interrupted") == set()
    assert found(source="python") == set(made)
    with pytest.raises(SettingsError, match="ISO date"):
        found(since="soon")
    first, *_ = store.page(Filter(words="lutfi"))
    assert first.tools == ("get_phone_number", "send_sms")
    assert [r.id for r in store.page(Filter(), limit=2)] == [
        r.id for r in store.page(Filter(), limit=4)
    ][:2]


@pytest.mark.parametrize(
    ("words", "hits"),
    [
        ("tea", {"approved"}),
        ("create_note", {"approved", "edited"}),
        ("TEA note", {"approved"}),
        ("zebed", {"failed"}),
        ("plums", {"edited"}),  # in the plan as approved
        ("apricots", {"edited"}),  # in the plan as proposed
        ('tea" OR "jam', set()),
        ("-- '", set()),
        ("nothing here", set()),
    ],
)
def test_search_reads_requests_plans_results_and_errors(
    runs: tuple[TraceStore, dict[str, str]], words: str, hits: set[str]
) -> None:
    store, made = runs
    assert {row.id for row in store.page(Filter(words=words))} == {made[x] for x in hits}


def test_both_ways_of_searching_find_the_same_in_the_same_order(
    runs: tuple[TraceStore, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, _ = runs
    lists = [
        (Filter(words=words, label=label), order)
        for words, label in (("join", ""), ("note", "bad"), ("no", ""))
        for order in get_args(Order)
    ]
    rare = [store.found(*wanted) for wanted in lists]
    assert all(count == len(rows) > 0 for rows, count in rare)
    monkeypatch.setattr(stores, "COMMON", 1)
    assert [store.found(*wanted) for wanted in lists] == rare


def test_no_list_reads_more_than_it_shows(runs: tuple[TraceStore, dict[str, str]]) -> None:
    """SQLite takes every order from an index, those of a search for a common word, too."""
    store, _ = runs
    with sqlite3.connect(store.path) as log:
        for order in ORDERS.values():
            for wanted in (Filter(), Filter(words="the")):
                condition, values = wanted.sql(common=True)
                query = f"select id from traces where {condition} order by {order} limit 50"
                plan = [row[3] for row in log.execute(f"explain query plan {query}", values)]
                assert not any("TEMP B-TREE" in step for step in plan), (order, plan)


def test_search_reads_the_error_itself(runs: tuple[TraceStore, dict[str, str]]) -> None:
    store, made = runs
    task = store.read(made["failed"])["tasks"][-1]
    assert task["status"] == "failed"
    with sqlite3.connect(store.path) as log:
        (errors,) = log.execute(
            "select errors from searchable where trace = ?", [made["failed"]]
        ).fetchone()
        log.execute("insert into _search (_search) values ('integrity-check')")
    assert task["error"] in errors


def test_what_a_person_did_at_approval_is_a_label(runs: tuple[TraceStore, dict[str, str]]) -> None:
    store, made = runs
    (edited,) = store.read(made["edited"])["labels"]
    assert (edited["verdict"], edited["source"]) == ("bad", "approval")
    assert "Plums" in edited["plan"]
    (rejected,) = store.read(made["rejected"])["labels"]
    assert (rejected["verdict"], rejected["plan"]) == ("bad", "")
    assert store.read(made["approved"])["labels"] == []
    assert right_plan(store.read(made["rejected"])) is None
    right = right_plan(store.read(made["edited"]))
    assert str(right) == '1. create_note("Jam", "Plums")\n2. join()'


def test_labels_have_a_history_and_the_newest_counts(
    runs: tuple[TraceStore, dict[str, str]],
) -> None:
    store, made = runs
    run = made["approved"]
    store.label(Label(run, "good"), NOW)
    assert str(right_plan(store.read(run))) == PLANS["note tea"][0]
    right = '1. append_note_content("Ideas","tea",)\n2. join()'
    store.label(Label(run, "bad", ("tools", "argument"), right, "wrong note"), NOW)
    assert str(right_plan(store.read(run))) == '1. append_note_content("Ideas", "tea")\n2. join()'
    assert [x["verdict"] for x in store.read(run)["labels"]] == ["good", "bad"]
    assert store.page(Filter(ids=(run,)))[0].label == "bad"
    store.label(Label(run, "bad", ("refuse",)), NOW)
    assert str(right_plan(store.read(run))) == "1. join()"
    store.label(Label(run, ""), NOW)
    assert right_plan(store.read(run)) is None
    assert store.page(Filter(label="none", ids=(run,)))
    with sqlite3.connect(store.path) as log:
        assert log.execute("select count(*) from labelled").fetchone() == (2,)


@pytest.mark.parametrize(
    ("label", "error", "message"),
    [
        (Label("", "bad", ("because",)), SettingsError, "known are tools"),
        (Label("", "good", ("tools",)), SettingsError, "only a bad run"),
        (Label("", "", (), "1. join()"), SettingsError, "needs a verdict"),
        (Label("", "fine"), SettingsError, "good, bad"),  # type: ignore[arg-type]
        (Label("", "bad", (), '1. send_sms(["Sid"], "x")\n2. join()'), PlanError, "no phone"),
        (Label("", "bad", (), "1. nothing()\n2. join()"), PlanError, "no tool"),
        (Label("", "bad", (), "note it"), PlanError, "no call"),
    ],
)
def test_a_label_that_cannot_be_is_not_written(
    runs: tuple[TraceStore, dict[str, str]], label: Label, error: type[Exception], message: str
) -> None:
    store, made = runs
    with pytest.raises(error, match=message):
        store.label(replace(label, trace=made["approved"]), NOW)
    assert store.read(made["approved"])["labels"] == []
    with pytest.raises(TraceError, match="no trace"):
        store.label(Label("r0", "good"), NOW)


def test_the_queue_is_what_is_unlabelled_least_sure_first(tmp_path: Path) -> None:
    log = TraceLog(tmp_path / "traces.db")
    sure = {"a": (0.99, 0.9), "b": (0.55, 0.9), "c": (0.99, 0.4), "d": (0.51, 0.1)}
    for run, (probability, confidence) in sure.items():
        for event in numbered(run):
            if isinstance(event, events.ToolsSelected):
                event = replace(event, probabilities={"create_note": probability})
            if isinstance(event, events.PlanReady):
                event = replace(event, confidence=confidence)
            if isinstance(event, events.ApprovalDecided | events.ApprovalAsked):
                event = replace(event, plan="1. …", approval=f"{run}-a1")
            log.record(event)
    store = TraceStore(tmp_path / "traces.db")
    assert [row.id for row in store.queue()] == ["d", "c", "b", "a"]
    store.label(Label("d", "good"), NOW)
    assert [row.id for row in store.queue()] == ["c", "b", "a"]
    assert [row.id for row in store.queue(1, 1)] == ["b"]
    assert store.queue()[1].certainty == pytest.approx(0.55)


def test_deleted_is_gone_from_every_table_and_from_the_file(
    runs: tuple[TraceStore, dict[str, str]],
) -> None:
    store, made = runs
    with pytest.raises(TraceError, match="nothing was deleted"):
        store.delete([made["edited"], "r0"])
    assert store.page(Filter(words="apricots"))
    store.delete([made["edited"]])
    assert store.page(Filter(words="apricots")) == []
    before, after = store.vacuum()
    assert after <= before
    db = Database(store.path)
    for table in db.table_names():
        if "trace" in db.table(table).columns_dict:
            rows = db.execute(f"select count(*) from {table} where trace = ?", [made["edited"]])
            assert rows.fetchone() == (0,), table
    left = b"".join(p.read_bytes() for p in store.path.parent.iterdir())
    assert b"pricots" not in left.lower()
    assert store.page(Filter(words="tea"))


def test_a_run_under_way_is_not_deleted(tmp_path: Path) -> None:
    log = TraceLog(tmp_path / "traces.db")
    log.record(numbered()[0])
    with pytest.raises(TraceError, match="under way"):
        TraceStore(tmp_path / "traces.db").delete(["r1"])
    assert log.happened("r1")


def test_a_log_of_the_first_schema_is_brought_up(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    db = Database(path)
    MIGRATIONS.apply(db, stop_before="m004_labels")
    for run, decision in (("r1", "approved"), ("r2", "rejected")):
        db.table("traces").insert(
            {
                "id": run,
                "request": f"note {run}",
                "now": "2026-11-24T09:30",
                "versions": json.dumps({"planner-adapter": "5176ca"}),
                "status": "answered",
                "started": "2026-11-24T09:30:00.000",
                "finished": "2026-11-24T09:30:02.500",
                "threshold": 0.5,
                "answer": f"answer {run}",
            }
        )
        db.table("tools").insert({"trace": run, "tool": "create_note", "probability": 0.6})
        for kind in ("proposed", "approved"):
            row = {"trace": run, "number": 1, "kind": kind, "confidence": 0.9, "at": "t"}
            db.table("plans").insert(row | {"plan": f'1. create_note("{kind}")\n2. join()'})
        db.table("approvals").insert(
            {"id": run, "trace": run, "decision": decision, "decided": "2026-11-24T09:30:01"}
        )
    db.conn.commit()
    db.close()
    store = TraceStore.open(path)
    first, second = store.page(Filter(), "oldest")
    assert (first.label, second.label) == ("bad", "bad")
    assert first.seconds == pytest.approx(2.5, abs=0.01)
    assert first.model == "planner 5176ca"
    assert first.certainty == pytest.approx(0.6)
    assert [row.id for row in store.page(Filter(words="answer r2"))] == ["r2"]
    assert str(right_plan(store.read("r1"))) == '1. create_note("approved")\n2. join()'


def test_no_log_is_said(tmp_path: Path) -> None:
    with pytest.raises(TraceError, match="no trace log yet"):
        TraceStore.open(tmp_path / "traces.db")
    assert not (tmp_path / "traces.db").exists()


def test_a_run_is_a_notebook(runs: tuple[TraceStore, dict[str, str]]) -> None:
    store, made = runs
    shown = cells(store.read(made["edited"]))
    assert [c.kind for c in shown] == [
        "request",
        "tools",
        "prompt",
        "plan",
        "approval",
        "call",
        "answer",
    ]
    approval, call = shown[4], shown[5]
    assert '- 1. create_note("Jam", "Apricots")' in approval.output
    assert '+ 1. create_note("Jam", "Plums"' in approval.output
    assert (call.state, json.loads(call.input)["content"]) == ("done", "Plums")
    rejected = cells(store.read(made["rejected"]))
    assert [c.state for c in rejected if c.kind == "call"] == ["done", "skipped"]
    assert all(c.start >= 0 for c in shown)


def test_an_interrupted_run_says_so_in_its_last_cell(tmp_path: Path) -> None:
    log = TraceLog(tmp_path / "traces.db")
    for event in numbered()[:7]:
        log.record(event)
    trace = log.read("r1") | {"status": "interrupted while approval"}
    assert cells(trace)[-1].title == "Interrupted while approval"
