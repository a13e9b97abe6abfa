"""What each part of the data is worth: one planner with all of it, one without each part.

All have the same small budget, and start at the base model. ToolRAG is the shipped one, so that
the difference is the planner's alone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from random import Random

from tinyagent.data.generate import examples, split_of, write_split
from tinyagent.data.patterns import Pattern
from tinyagent.evaluation.report import summarise
from tinyagent.evaluation.run import Progress, evaluate
from tinyagent.evaluation.sets import Item
from tinyagent.planner import PLANNER_TOKENS
from tinyagent.planner.engine import Engine
from tinyagent.planner.merge import merge, quantize
from tinyagent.planner.planner import Planner
from tinyagent.plans.dag import isomorphic
from tinyagent.plans.syntax import read_plan
from tinyagent.toolrag.base import ToolRAG
from tinyagent.tools.sixteen import SIXTEEN
from tinyagent.train.invented import invent
from tinyagent.train.planner import Recipe, train

ROWS = 20_000
"""More than a small budget reads."""


@dataclass(frozen=True)
class Variant:
    """A choice of the data.

    Attributes:
        name: what is left out.
        patterns: those that are kept.
        invented: share of the examples that are told with invented tools.
    """

    name: str
    patterns: Sequence[Pattern]
    invented: float


@dataclass(frozen=True)
class Worth:
    """How good a variant's planner is: shares of 1.

    Attributes:
        success, arguments: on the test set.
        refused: of its requests that no tool serves.
        invented: success on examples told with tools that no training has seen.
    """

    name: str
    patterns: int
    success: float
    arguments: float
    refused: float
    invented: float


def variants(patterns: Sequence[Pattern], invented: float) -> Iterator[Variant]:
    """All of the data, and without each part; of the patterns of the training split."""
    kept = [p for p in patterns if split_of(p) == "train"]
    yield Variant("nothing", kept, invented)
    yield Variant("the spoken style", [p for p in kept if p.style != "spoken"], invented)
    yield Variant("requests that no tool serves", [p for p in kept if p.plan], invented)
    yield Variant("invented tools", kept, 0.0)
    yield Variant("half of the patterns", kept[::2], invented)


def ablate(
    variant: Variant,
    recipe: Recipe,
    base: Path,
    items: Sequence[Item],
    held: Sequence[Pattern],
    toolrag: ToolRAG,
    out: Path,
    shown: Progress,
) -> Worth:
    """Train a variant in ``out`` (it goes on if it was cut off), and measure it.

    ``held`` are patterns of another split; they are told with invented tools.
    """
    data = out / "train.jsonl"
    if not data.is_file():
        rows = examples(list(variant.patterns), ROWS, SIXTEEN, recipe.seed, Counter())
        write_split(data, rows)
    train(data, base, out, replace(recipe, invented=variant.invented))
    full, file = out / "planner-f16.gguf", out / "planner-q4_0.gguf"
    merge(base, out / "adapter.safetensors", full)
    quantize(full, file)
    full.unlink()
    planner = Planner(Engine(file, limit=PLANNER_TOKENS))
    summary = summarise(evaluate(items, toolrag, planner, shown))
    return Worth(
        variant.name,
        len(variant.patterns),
        summary.success.share,
        summary.arguments.share,
        summary.refused.share,
        _with_invented(planner, held),
    )


def _with_invented(planner: Planner, held: Sequence[Pattern]) -> float:
    """Share of the plans that are right where all tools are new."""
    right = 0
    rows = list(examples(list(held), len(held), SIXTEEN, 0, Counter()))
    for number, row in enumerate(rows):
        tools, gold = invent(read_plan(row.plan), SIXTEEN.only(row.tools), Random(number))
        planned = planner.plan(row.request, tools, datetime.fromisoformat(row.now))
        right += isomorphic(planned.plan, gold)
    return right / len(rows)
