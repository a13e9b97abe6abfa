"""What each part of the data is worth: the variants, and one of them through the command."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tinyagent.commands.cli import app

pytest.importorskip("torch")
SET = Path(__file__).parent / "sets" / "dev.jsonl"
REFUSED = ("dev-023", "dev-029")
"""No tool is offered for these: planning them takes no time, whatever a planner has learned."""


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    counts = ["--train", "600", "--validation", "1", "--test", "1", "--joined", "0.4"]
    assert CliRunner().invoke(app, ["data", "generate", str(folder), *counts]).exit_code == 0
    return folder


def test_a_variant_lacks_its_part_and_nothing_else(data: Path) -> None:
    from tinyagent.train.ablations import VARIANTS, patterns_of
    from tinyagent.train.planner import Recipe

    rows = [json.loads(line) for line in (data / "train.jsonl").open()]
    variants = {variant.name: variant for variant in VARIANTS}
    left = {name: variant.rows(rows) for name, variant in variants.items()}
    assert left["everything"] == left["without invented tools"] == left["full fine-tune"] == rows
    styles = Counter(row["style"] for row in rows)
    assert styles - Counter(r["style"] for r in left["without spoken styles"]) == {
        "spoken": styles["spoken"]
    }
    refusals = [row for row in rows if row["plan"] == "1. join()"]
    assert refusals
    assert [row for row in rows if row not in refusals] == left["without refusals"]
    for name, variant in variants.items():
        asked = replace(Recipe(), **variant.changes)
        assert (asked.invented == 0) == (name == "without invented tools")
        assert asked.full == (name == "full fine-tune")

    def patterns(some: list[dict[str, Any]]) -> set[str]:
        return {pattern for row in some for pattern in patterns_of(row)}

    def joined(some: list[dict[str, Any]]) -> float:
        return sum(len(patterns_of(row)) > 1 for row in some) / len(some)

    half = left["half the patterns"]
    assert 0 < len(patterns(half)) < 0.55 * len(patterns(rows))
    assert joined(half) == pytest.approx(joined(rows), abs=0.01)


@pytest.mark.timeout(600)
def test_a_variant_is_trained_evaluated_and_told(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_COMPILE_DISABLE", "1")
    out = tmp_path / "ablations"
    lines = SET.read_text("utf-8").splitlines(keepends=True)
    first = [line for line in lines if json.loads(line)["id"] in REFUSED]
    requests = tmp_path / "refused-first.jsonl"
    requests.write_text("".join([*first, *lines]), "utf-8")
    places = [str(data), "--out", str(out), "--set", str(requests), "--limit", "2"]
    asked = ["train", "ablations", *places, "--steps", "1", "--only", "without refusals"]
    done = out / "without-refusals" / "result.json"

    def cut_off(*asked: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("tinyagent.train.ablations.evaluate", cut_off)
        assert CliRunner().invoke(app, asked).exit_code != 0
    assert not done.exists()
    monkeypatch.setattr("tinyagent.train.ablations.train", None)  # it has been trained
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output
    told = json.loads(done.read_text())
    assert told["steps"] == 1
    assert told["success"] == told["arguments"] == [True, True]
    page = (out / "ablations.md").read_text("utf-8")
    command = f"`tinyagent train ablations {data} --out {out} --steps 1 --set {requests} --limit 2"
    assert f"{command} --only 'without refusals'`" in page
    assert f"| without refusals | {told['rows']} | {told['patterns']} | 1 |" in page
    assert "| 100.0% (2 of 2; 95%: 34.2% to 100.0%) | 100.0% | 0 | 0 |" in page

    monkeypatch.setattr("tinyagent.train.ablations.evaluate", None)  # and evaluated
    assert CliRunner().invoke(app, asked).exit_code == 0
    assert (out / "ablations.md").read_text("utf-8") == page
    other = CliRunner().invoke(app, [*asked, "--seed", "1"])
    assert other.exit_code == 2
    assert "other seed" in other.stderr
