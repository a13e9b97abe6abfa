"""What each part of the data is worth: the choices, and one of them trained and measured."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from tinyagent.data.generate import split_of
from tinyagent.data.patterns import read_patterns
from tinyagent.evaluation.sets import Item, read_test_set
from tinyagent.models import find
from tinyagent.settings import Settings
from tinyagent.toolrag import load

pytest.importorskip("torch")

PATTERNS = read_patterns()


def test_each_variant_leaves_one_part_out() -> None:
    from tinyagent.train.ablations import variants

    found = {v.name: v for v in variants(PATTERNS, 0.1)}
    everything = found["nothing"].patterns
    assert {split_of(p) for p in everything} == {"train"}
    spoken = found["the spoken style"].patterns
    assert {p.style for p in everything} - {p.style for p in spoken} == {"spoken"}
    assert all(p.plan for p in found["requests that no tool serves"].patterns)
    assert not all(p.plan for p in everything)
    assert len(found["half of the patterns"].patterns) == -(-len(everything) // 2)
    assert found["invented tools"].patterns == everything
    assert [v.invented for v in found.values()].count(0.0) == 1


def test_a_variant_is_trained_and_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tinyagent.train import ablations
    from tinyagent.train.planner import Recipe

    def shown(items: Sequence[Item]) -> Sequence[Item]:
        return items

    settings = Settings()
    items = read_test_set(Path(__file__).parent / "sets" / "readme.jsonl")[:2]
    held = [p for p in PATTERNS if p.plan and split_of(p) == "validation"][:2]
    variant = ablations.Variant("nothing", PATTERNS[:40], 0.5)
    recipe = Recipe(minutes=0.01, workers=1, rank=4, quantised=0.0, compiled=False)
    monkeypatch.setattr(ablations, "ROWS", 40)
    worth = ablations.ablate(
        variant,
        recipe,
        find("smollm2", settings.models),
        items,
        held,
        load(settings),
        tmp_path,
        shown,
    )
    assert (worth.name, worth.patterns) == ("nothing", 40)
    for share in (worth.success, worth.arguments, worth.refused, worth.invented):
        assert 0 <= share <= 1
    assert not (tmp_path / "planner-f16.gguf").exists()
