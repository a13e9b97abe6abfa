"""The command line: what goes where, and its exit statuses."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.scripted import ScriptedPlanner, ScriptedToolRAG
from tinyagent.agent import TinyAgent
from tinyagent.commands.batch import plan_row, run_batch
from tinyagent.commands.cli import app
from tinyagent.errors import TraceError

NOTE = '1. create_note("Ideas", "More tea")\n2. join()'
NOW = "2026-11-24T09:30"
run = CliRunner().invoke


@pytest.fixture
def scripted_agent(make_agent, monkeypatch: pytest.MonkeyPatch) -> TinyAgent:
    """The agent that ``tinyagent ask`` opens."""
    agent = make_agent({"note": [NOTE], "who": ['1. get_phone_number("Alex")\n2. join()']})
    monkeypatch.setattr(TinyAgent, "open", lambda settings: agent)
    # The fixture closes it; here the command does, and the trace is read after.
    monkeypatch.setattr(TinyAgent, "close", lambda self: None)
    yield agent
    monkeypatch.undo()


def notes(agent: TinyAgent) -> list[Path]:
    return list(agent.settings.workspace.rglob("Ideas*.md"))


def test_ask_approved_does_it(scripted_agent: TinyAgent) -> None:
    result = run(app, ["ask", "note", "--now", NOW, "--approve", "all"])
    assert result.exit_code == 0
    assert len(notes(scripted_agent)) == 1
    assert "Ideas" in result.stdout
    assert "create_note" in result.stderr


@pytest.mark.parametrize(("typed", "made"), [("y\n", 1), ("n\n", 0), ("", 0)])
def test_ask_asks_and_no_is_no(scripted_agent: TinyAgent, typed: str, made: int) -> None:
    result = run(app, ["ask", "note", "--now", NOW], input=typed)
    assert "More tea" in result.stderr
    assert len(notes(scripted_agent)) == made
    assert result.exit_code == (0 if made else 1)


def test_ask_none_only_proposes(scripted_agent: TinyAgent) -> None:
    result = run(app, ["ask", "note", "--now", NOW, "--approve", "none"])
    assert result.exit_code == 0
    assert result.stdout.startswith("1. Create the note “Ideas”")
    assert notes(scripted_agent) == []


def test_ask_json_prints_the_trace_and_nothing_else(scripted_agent: TinyAgent) -> None:
    result = run(app, ["ask", "note", "--now", NOW, "--approve", "all", "--json"])
    trace = json.loads(result.stdout)
    assert trace["request"] == "note"
    assert trace["now"] == NOW
    assert trace["tasks"][0]["status"] == "done"


def test_ask_without_a_person_fails_where_two_fit(scripted_agent: TinyAgent) -> None:
    result = run(app, ["ask", "who", "--now", NOW])
    assert result.exit_code == 1
    assert "Alex" in result.stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ["ask", ""],
        ["ask", "x" * 10_000],
        ["ask", "note", "--now", "soon"],
        ["ask", "note", "--approve", "perhaps"],
    ],
)
def test_ask_bad_input_is_status_2(scripted_agent: TinyAgent, arguments: list[str]) -> None:
    result = run(app, arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("error: ")
    assert "Traceback" not in result.stderr


def test_an_error_at_start_is_one_line_and_status_1(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(settings: object) -> TinyAgent:
        raise TraceError("the trace log x: it is locked")

    monkeypatch.setattr(TinyAgent, "open", refuse)
    result = run(app, ["ask", "note"])
    assert result.exit_code == 1
    assert result.stderr == "error: the trace log x: it is locked\n"


def test_time_prints_iso_or_the_error() -> None:
    result = run(app, ["time", "tomorrow at 2", "--now", NOW])
    assert (result.exit_code, result.stdout) == (0, "2026-11-25T14:00\n")
    result = run(app, ["time", "90 minutes", "--now", NOW, "--start", "2026-11-25T14:00"])
    assert result.stdout == "2026-11-25T15:30\n"
    result = run(app, ["time", "a purple time", "--now", NOW])
    assert (result.exit_code, result.stdout) == (2, "")
    assert "purple" in result.stderr


def test_time_batch_keeps_the_order_and_names_bad_lines(tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    rows = [
        json.dumps({"id": "a", "phrase": "tomorrow", "now": NOW}),
        "no json",
        json.dumps({"id": "c", "phrase": "a purple time", "now": NOW}),
        json.dumps({"id": "d", "phrase": "half an hour", "now": NOW, "start": "2026-11-25T14:00"}),
        json.dumps({"id": "e", "phrase": "noon"}),
    ]
    source.write_text("\n".join(rows))
    result = run(app, ["time", "--batch", str(source), str(target)])
    assert result.exit_code == 2
    assert "line 2: " in result.stderr
    a, b, c, d, e = [json.loads(line) for line in target.read_text().splitlines()]
    assert a == {"id": "a", "time": "2026-11-25T09:00", "has_time": False}
    assert "line 2" in b["error"]
    assert "purple" in c["error"]
    assert d == {"id": "d", "time": "2026-11-25T14:30", "has_time": True}
    assert "'now'" in e["error"]


def test_plan_batch_answers_every_line(tmp_path: Path) -> None:
    source, target = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    queries = ["note", "nothing serves this", ""]
    source.write_text(
        "\n".join(json.dumps({"id": i, "query": q, "now": NOW}) for i, q in enumerate(queries))
    )
    plans = {"note": [NOTE]}
    answer = plan_row(ScriptedToolRAG(plans), ScriptedPlanner(plans))
    assert run_batch(source, target, answer, lambda lines: lines) == []
    served, refused, empty = [json.loads(line) for line in target.read_text().splitlines()]
    assert served["plan"] == NOTE
    assert served["tools"] == ["create_note"]
    assert len(served["probabilities"]) == 16
    assert set(served["seconds"]) == {"toolrag", "prefill", "decode", "total"}
    assert (refused["id"], refused["tools"], refused["plan"]) == (1, [], "1. join()")
    assert empty["plan"] == "1. join()"
    assert "empty" in empty["error"]


def test_a_missing_file_is_status_2(tmp_path: Path) -> None:
    result = run(app, ["time", "--batch", str(tmp_path / "no.jsonl"), str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "no.jsonl" in result.stderr


def test_time_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom tinyagent.commands.cli import app\n"
        f"app(['time', 'noon', '--now', '{NOW}'], standalone_mode=False)\n"
        "heavy = {'llama_cpp', 'onnxruntime', 'gradio', 'torch', 'numpy', 'icalendar'}\n"
        "print(sorted(heavy & sys.modules.keys()))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "2026-11-24T12:00\n[]\n"


def test_version() -> None:
    result = run(app, ["--version"])
    assert result.exit_code == 0
    assert result.stdout.strip()
