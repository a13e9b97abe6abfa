"""``tinyagent traces``: what each command prints, and its exit statuses."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.test_traces import numbered
from tinyagent import events
from tinyagent.commands.cli import app
from tinyagent.traces.log import TraceLog

PLAN = '1. create_note("A")\n2. join()'


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log of two runs, r1 and r2, of which r2 is of another day and less sure."""
    path = tmp_path / "traces.db"
    log = TraceLog(path)
    for run, day, confidence in (("r1", "24", 0.9), ("r2", "25", 0.6)):
        for event in numbered(run):
            changed = replace(event, at=f"2026-11-{day}T09:30:00.000")
            if isinstance(changed, events.RequestReceived):
                changed = replace(changed, request=f"note {run}")
            if isinstance(changed, events.PlanReady):
                changed = replace(changed, plan=PLAN, confidence=confidence)
            if isinstance(changed, events.ApprovalAsked | events.ApprovalDecided):
                changed = replace(changed, approval=f"{run}-a1", plan=PLAN)
            log.record(changed)
    log.close()
    return path


def run(log: Path, *arguments: str, input: str = "") -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["traces", *arguments, "--traces", str(log)], input=input)
    return done.exit_code, done.stdout, done.stderr


def test_list_search_and_queue(log: Path) -> None:
    status, out, _ = run(log, "list")
    assert status == 0
    assert [line.split()[0] for line in out.splitlines()] == ["r2", "r1"]
    assert run(log, "list", "--until", "2026-11-24")[1].startswith("r1 ")
    assert run(log, "list", "--limit", "1", "--offset", "1")[1].startswith("r1 ")
    rows = [json.loads(x) for x in run(log, "search", "note r2", "--json")[1].splitlines()]
    assert [(row["id"], row["tools"], row["label"]) for row in rows] == [
        ("r2", ["create_note"], "")
    ]
    run(log, "label", "r2", "good")
    assert [x.split()[0] for x in run(log, "list", "--queue")[1].splitlines()] == ["r1"]
    assert run(log, "list", "--label", "good")[1].startswith("r2 ")


def test_show_label_and_its_history(log: Path) -> None:
    right = '1. open_note("A"); 2. append_note_content("A", "b; 3. x"); 3. join()'
    status, out, _ = run(log, "label", "r1", "bad", "--why", "tools", "--plan", right)
    assert status == 0
    assert '2. append_note_content("A", "b; 3. x")\n' in out
    run(log, "label", "r1", "good", "--note", "on second thoughts")
    out = run(log, "show", "r1")[1]
    steps = [out.index(words) for words in ("note r1", "ToolRAG", PLAN.split("\n")[0], "Answer")]
    assert steps == sorted(steps)
    assert "bad (tools)" in out
    assert out.index("bad (tools)") < out.index("on second thoughts")
    trace = json.loads(run(log, "show", "r1", "--json")[1])
    assert [label["verdict"] for label in trace["labels"]] == ["bad", "good"]


def test_search_export_and_delete_take_the_filters_of_list(log: Path, tmp_path: Path) -> None:
    assert run(log, "search", "note", "--until", "2026-11-24")[1].startswith("r1 ")
    out = str(tmp_path / "out.parquet")
    assert run(log, "export", out, "--format", "parquet", "--id", "r2")[1].startswith("1 runs")
    assert run(log, "delete", "r1", "--since", "2026-11-25", "--yes")[1] == "0 deleted\n"
    assert run(log, "delete", "--words", "note r2", "--yes")[1] == "1 deleted\n"
    assert run(log, "list")[1].startswith("r1 ")


def test_delete_asks_and_vacuum(log: Path) -> None:
    assert run(log, "delete", "r1", input="n\n")[0] == 1
    assert run(log, "show", "r1")[0] == 0
    assert run(log, "delete", "r1", input="y\n")[0] == 0
    assert run(log, "show", "r1")[0] == 1
    assert run(log, "delete", "r2", "--yes")[1] == "1 deleted\n"
    assert run(log, "list")[1] == ""
    status, out, _ = run(log, "vacuum")
    assert status == 0
    assert "MB after" in out


def test_what_was_exported_is_imported_into_a_new_log(log: Path, tmp_path: Path) -> None:
    run(log, "label", "r1", "good")
    out = tmp_path / "out.jsonl"
    status, said, _ = run(log, "export", str(out), "--format", "planner")
    assert (status, said) == (0, f"1 runs in {out}\n")
    new = tmp_path / "new" / "traces.db"
    assert run(new, "import", str(out))[:2] == (0, "1 imported, 0 were there already, 0 refused\n")
    assert run(new, "export", str(tmp_path / "again"), "--format", "planner")[0] == 0
    first, again = json.loads(out.read_text()), json.loads((tmp_path / "again").read_text())
    for name in ("request", "now", "plan", "tools"):
        assert first[name] == again[name]


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["show", "r9"], 1, "no trace r9"),
        (["label", "r1", "splendid"], 2, "good, bad"),
        (["label", "r1", "bad", "--why", "mood"], 2, "speech (it heard something else)"),
        (["label", "r1", "bad", "--plan", "1. fly(); 2. join()"], 2, "no tool fly"),
        (["list", "--order", "best"], 2, "--order best"),
        (["list", "--since", "yesterday"], 2, "ISO date"),
        (["list", "--label", "nice"], 2, "label 'nice'"),
        (["list", "--queue", "--tool", "send_sms"], 2, "its own filter"),
        (["export", "x", "--format", "word"], 2, "known are"),
        (["export", "x.ipynb", "--format", "notebook"], 2, "several runs"),
        (["delete", "r1", "r9", "--yes"], 1, "nothing was deleted"),
        (["delete", "--yes"], 2, "name the runs to delete"),
        (["import", "nothing.jsonl"], 2, "cannot be read"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    log: Path, arguments: list[str], status: int, said: str
) -> None:
    code, out, err = run(log, *arguments)
    assert (code, out) == (status, "")
    assert err.startswith("error: ")
    assert said in err
    assert len(err.splitlines()) == 1
    assert len(run(log, "list")[1].splitlines()) == 2


def test_without_a_log_it_is_said(tmp_path: Path) -> None:
    status, _, err = run(tmp_path / "traces.db", "list")
    assert status == 1
    assert "no trace log yet" in err
