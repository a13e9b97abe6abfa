"""Evaluation on the workers of a Ray cluster, which is started here."""

from __future__ import annotations

import json
import sys
from importlib.util import find_spec
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from typer.testing import CliRunner

from tinyagent.commands.cli import app
from tinyagent.evaluation.run import Outcome
from tinyagent.evaluation.sets import read_test_set
from tinyagent.evaluation.spread import evaluate_spread, on_ray
from tinyagent.settings import Settings
from tinyagent.toolrag import load

needs_ray = pytest.mark.skipif(find_spec("ray") is None, reason="Ray is not installed")
"""It is imported where it is used: what it may do on the network is decided before."""
README = Path(__file__).parent / "sets" / "readme.jsonl"


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    result = CliRunner().invoke(app, ["eval", str(README), "--ray"])
    assert result.exit_code == 2
    assert "make setup EXTRAS=training,ray" in result.stderr


@pytest.mark.parametrize("more", [["--endpoint", "http://127.0.0.1:1/v1"], []])
def test_ray_plans_a_test_set_and_nothing_else(more: list[str]) -> None:
    source = str(README) if more else "tables"
    result = CliRunner().invoke(app, ["eval", source, "--ray", *more])
    assert result.exit_code == 2
    assert "--ray a test set" in result.stderr


def test_a_cluster_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    result = CliRunner().invoke(app, ["eval", str(README), "--ray", "--limit", "1"])
    assert result.exit_code == 1
    assert "there is no Ray cluster at 127.0.0.1:1" in result.stderr


@pytest.fixture(scope="module")
def ray_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ray")


@pytest.fixture
def ray_here(ray_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No cluster is named; one home for all tests: Ray keeps a token there, and in memory."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("HOME", str(ray_home))


@needs_ray
@pytest.mark.usefixtures("ray_here")
def test_a_set_is_planned_on_the_cluster(tmp_path: Path) -> None:
    command = ["eval", str(README), "--ray", "--limit", "4", "--out", str(tmp_path)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in (tmp_path / "outcomes.jsonl").open(encoding="utf-8")]
    assert [row["id"] for row in rows] == [item.id for item in read_test_set(README)[:4]]
    assert all(row["success"] for row in rows)
    assert "--limit 4 --ray`" in (tmp_path / "report.md").read_text("utf-8")


@needs_ray
@pytest.mark.usefixtures("ray_here")
def test_a_worker_that_dies_is_left_out_and_ray_speaks_to_this_computer_alone() -> None:
    items = read_test_set(README)[:6]
    settings = Settings()
    told: list[str] = []
    seen: set[str] = set()
    with on_ray(settings, "", cpus=2) as places:
        import ray

        second = places[1]

        def done(outcome: Outcome) -> None:
            if not seen:
                ray.kill(second.actor)  # type: ignore[attr-defined]
            seen.update(addresses())

        outcomes = evaluate_spread(items, load(settings), places, 1, told.append, done)
    assert [outcome.item for outcome in outcomes] == items
    assert all(outcome.score.success for outcome in outcomes)
    assert told == [f"{second.name} is left out: {second.name}: its process has ended"]
    assert seen == {"127.0.0.1"}


def addresses() -> set[str]:
    """The addresses that this process and its children listen on or are connected to."""
    me = psutil.Process()
    found: set[str] = set()
    for process in [me, *me.children(recursive=True)]:
        try:
            for one in process.net_connections("inet"):
                found |= {end.ip for end in (one.laddr, one.raddr) if end}
        except psutil.Error:
            pass  # it has ended
    return {address.removeprefix("::ffff:") for address in found}
