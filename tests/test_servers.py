"""Data and evaluation over two real servers, of which one is killed on the way."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.servers import llama_cpp_server
from tinyagent.commands.cli import app
from tinyagent.models import find
from tinyagent.settings import Settings


@pytest.fixture
def doomed() -> Iterator[list[str]]:
    """The options that name two servers; the second is killed two seconds after the start."""
    model = find("base-q4_0", Settings().models)
    with ExitStack() as stack:
        (stays, _), (dies, process) = (
            stack.enter_context(llama_cpp_server(model)) for _ in range(2)
        )
        end = threading.Timer(2, process.kill)
        end.start()
        stack.callback(end.cancel)
        yield ["--endpoint", stays, "--endpoint", dies, "--model", "m"]


def test_rows_are_written_by_the_server_that_is_left(
    doomed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinyagent.data.endpoint.MAX_TOKENS", 24)
    monkeypatch.setattr("tinyagent.data.endpoint.EXAMPLES", 1)
    out = tmp_path / "rows.jsonl"
    command = ["data", "write", str(out), *doomed, "--count", "6", "--most", "6"]
    result = CliRunner().invoke(app, [*command, "--concurrency", "1"])
    assert result.exit_code == 0, result.output
    stays, dies = doomed[1], doomed[3]
    assert result.stderr.count("is left out") == 1
    assert f"{dies} is left out: the server {dies}" in result.stderr.replace("\n", " ")
    lines = result.stdout.splitlines()
    assert lines[0].endswith("asked 6 times")
    answers = {line.split()[0][:-1]: int(line.split()[1]) for line in lines if " answers, " in line}
    assert sum(answers.values()) == 6  # none was lost
    assert answers[stays] >= 3
