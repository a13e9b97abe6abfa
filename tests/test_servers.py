"""Data and evaluation over two real servers, of which one is killed on the way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.servers import llama_cpp_servers
from tinyagent.commands.cli import app
from tinyagent.evaluation.sets import read_test_set
from tinyagent.models import find
from tinyagent.settings import Settings

README = Path(__file__).parent / "sets" / "readme.jsonl"
Start = Callable[[str], list[str]]


@pytest.fixture
def two() -> Iterator[Start]:
    """Starts two servers with a model; the second is killed after its first answer."""
    with ExitStack() as stack:

        def start(model: str) -> list[str]:
            path = find(model, Settings().models)
            servers = stack.enter_context(llama_cpp_servers(path, 2))
            servers[1].end_after_an_answer()
            return [server.url for server in servers]

        yield start


def test_rows_are_written_by_the_server_that_is_left(
    two: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinyagent.data.endpoint.MAX_TOKENS", 24)
    monkeypatch.setattr("tinyagent.data.endpoint.EXAMPLES", 1)
    stays, dies = two("base-q4_0")
    command = ["data", "write", str(tmp_path / "rows.jsonl"), "--count", "6", "--most", "6"]
    command += ["--endpoint", stays, "--endpoint", dies, "--model", "m", "--concurrency", "1"]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert result.stderr.replace("\n", " ").count(f"{dies} is left out: the server {dies}") == 1
    lines = result.stdout.splitlines()
    assert lines[0].endswith("asked 6 times")
    answers = {line.split()[0][:-1]: int(line.split()[1]) for line in lines if " answers, " in line}
    assert answers[dies] >= 1
    assert answers[stays] + answers[dies] == 6  # none was lost


def test_a_set_is_planned_by_the_server_that_is_left(two: Start, tmp_path: Path) -> None:
    stays, dies = two("planner-q4_0")
    command = ["eval", str(README), "--limit", "6", "--out", str(tmp_path), "--model", "ours"]
    command += ["--endpoint", stays, "--endpoint", dies, "--prompt", "trained"]
    result = CliRunner().invoke(app, [*command, "--concurrency", "1"])
    assert result.exit_code == 0, result.output
    assert result.stderr.replace("\n", " ").count(f"{dies} is left out: the server {dies}") == 1
    rows = [json.loads(line) for line in (tmp_path / "outcomes.jsonl").open(encoding="utf-8")]
    assert [row["id"] for row in rows] == [item.id for item in read_test_set(README)[:6]]
    assert sum(row["success"] for row in rows) >= 5
    command = (tmp_path / "report.md").read_text("utf-8").splitlines()[2]
    assert f"--endpoint {stays} --endpoint {dies} --model ours --prompt trained" in command
