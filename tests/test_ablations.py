"""What each part of the data is worth: the variants, and one of them through the command."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tinyagent.commands.cli import app
from tinyagent.evaluation.forced import Forced, forced
from tinyagent.evaluation.sets import Item
from tinyagent.models import find
from tinyagent.planner.engine import Engine
from tinyagent.plans.syntax import read_plan
from tinyagent.settings import Settings
from tinyagent.tools.sixteen import SIXTEEN

pytest.importorskip("torch")
SET = Path(__file__).parent / "sets" / "dev.jsonl"


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


def test_a_variant_is_trained_measured_and_told(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCH_COMPILE_DISABLE", "1")
    out = tmp_path / "ablations"
    places = [str(data), "--out", str(out), "--set", str(SET), "--limit", "4"]
    asked = ["train", "ablations", *places, "--steps", "1", "--only", "without refusals"]
    done = out / "without-refusals" / "result.json"

    def cut_off(*asked: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("tinyagent.train.ablations.forced", cut_off)
        assert CliRunner().invoke(app, asked).exit_code != 0
    assert not done.exists()
    monkeypatch.setattr("tinyagent.train.ablations.train", None)  # it has been trained
    result = CliRunner().invoke(app, asked)
    assert result.exit_code == 0, result.output
    told = json.loads(done.read_text())
    assert told["steps"] == 1
    assert len(told["told"]) == 4
    nats = sum(one["nats"] for one in told["told"]) / sum(one["tokens"] for one in told["told"])
    page = (out / "ablations.md").read_text("utf-8")
    command = f"`tinyagent train ablations {data} --out {out} --steps 1 --set {SET} --limit 4"
    assert f"{command} --only 'without refusals'`" in page
    assert f"| without refusals | {told['rows']} | {told['patterns']} | 1 |" in page
    assert f" | {nats:.3f} | " in page
    assert "| 0.0% (0 of 4; 95%: 0.0% to 49.0%) | 0 | 0 |" in page

    monkeypatch.setattr("tinyagent.train.ablations.forced", None)  # and measured
    assert CliRunner().invoke(app, asked).exit_code == 0
    assert (out / "ablations.md").read_text("utf-8") == page
    other = CliRunner().invoke(app, [*asked, "--seed", "1"])
    assert other.exit_code == 2
    assert "other seed" in other.stderr


def test_what_is_told_is_likely_where_the_planner_would_write_it() -> None:
    """The shipped planner, told what it plans, and what is wrong."""
    engine = Engine(find("planner-q4_0", Settings().models))
    item = Item("a", "Text Lutfi that I'm late", datetime(2026, 11, 24, 9, 30), (), ())
    tools = SIXTEEN.only(("get_phone_number", "send_sms"))
    sms = '1. get_phone_number("{}")\n2. send_sms(["$1"], "{}")\n3. join()'

    def told(*plans: str) -> Forced:
        return forced(replace(item, plans=tuple(map(read_plan, plans))), tools, engine)

    right, wrong = told(sms.format("Lutfi", "I'm late.")), told(sms.format("I'm", "I'm late."))
    assert right.sure and not wrong.sure
    assert wrong.nats > right.nats + 3
    assert told(sms.format("I'm", "I'm late."), sms.format("Lutfi", "I'm late.")) == right
    told_otherwise = told(sms.format("Lutfi", "An orchestra of “umbrellas” sings."))
    assert told_otherwise.tokens == right.tokens  # free text does not count
    assert told_otherwise.nats < right.nats + 3
    nothing = forced(replace(item, plans=(read_plan("1. join()"),)), SIXTEEN.only(()), engine)
    assert nothing == Forced(0.0, 0, True)
