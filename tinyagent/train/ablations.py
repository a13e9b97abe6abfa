"""What each part of the data is worth: train without it, and see how sure it is of right plans.

    tinyagent train ablations DATA --minutes 20

Each variant of the data trains a planner from the base model, with the same seed and the same
small budget, and is stored in 4 bits, as the shipped one is. It is told the right plans of a test
set (``evaluation/forced.py``), with the tools that the shipped ToolRAG picks. (So small a budget
makes no planner whose own plans would say much. What a larger one makes can plan: the setting
``planner`` takes ``planner-q4_0.gguf`` of its folder.) A variant that is done is not done again,
and one that was cut off goes on.

What an adapter costs is asked in the same way: a full fine-tune, and an adapter extracted from it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from tinyagent.atomic import write_whole
from tinyagent.errors import SettingsError
from tinyagent.evaluation.forced import Forced, forced
from tinyagent.evaluation.report import Rate
from tinyagent.evaluation.run import Progress
from tinyagent.evaluation.sets import Item
from tinyagent.evaluation.setup import toolrag_digest
from tinyagent.evaluation.tables import Table
from tinyagent.models import find, sha256_of
from tinyagent.planner import PLANNER_TOKENS
from tinyagent.planner.engine import Engine
from tinyagent.planner.merge import merge_in_4_bits
from tinyagent.settings import Settings
from tinyagent.toolrag import load
from tinyagent.tools.sixteen import SIXTEEN
from tinyagent.train import checkpoints
from tinyagent.train.extract import extract
from tinyagent.train.planner import FULL_RATE, Recipe, train
from tinyagent.versions import ADAPTER, GGUF, TRAINING

Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Variant:
    """A training that differs in one thing from that on everything.

    Attributes:
        name: what is missing, or other.
        rows: those that stay, of all.
        changes: of the recipe.
        extracted_from: the variant whose adapter this is made of, without a training.
    """

    name: str
    rows: Callable[[Rows], Rows] = list
    changes: Mapping[str, Any] = field(default_factory=dict)
    extracted_from: str = ""


def not_spoken(rows: Rows) -> Rows:
    """Rows in which nobody speaks."""
    return [row for row in rows if row["style"] != "spoken"]


def not_refused(rows: Rows) -> Rows:
    """Rows that some tool serves."""
    return [row for row in rows if row["tools"]]


def half_the_patterns(rows: Rows) -> Rows:
    """Rows of half the patterns, of those alone, and as many joined ones among them as there were.

    A row that joins two patterns is left by one in four, one of three by one in eight.
    """
    kept = [row for row in rows if all(map(_in_half, patterns_of(row)))]
    joined = [len(patterns_of(row)) > 1 for row in rows]
    stay = [len(patterns_of(row)) > 1 for row in kept]
    share = min(stay.count(kind) / joined.count(kind) for kind in set(joined))
    room = {kind: round(share * joined.count(kind)) for kind in set(joined)}
    chosen = []
    for row, kind in zip(kept, stay, strict=True):
        if room[kind]:
            room[kind] -= 1
            chosen.append(row)
    return chosen


def patterns_of(row: dict[str, Any]) -> list[str]:
    """The patterns that a row was made from, each as ``file:line``."""
    return str(row["pattern"]).split(" + ")


def _folder(name: str) -> str:
    """That a variant's training is in."""
    return name.replace(" ", "-")


def _in_half(pattern: str) -> bool:
    return sha256(pattern.encode()).digest()[0] % 2 == 0


EVERYTHING = Variant("everything")
OF_DATA = (
    EVERYTHING,
    Variant("without spoken styles", not_spoken),
    Variant("without refusals", not_refused),
    Variant("without invented tools", changes={"invented": 0.0}),
    Variant("half the patterns", half_the_patterns),
)
FULL = Variant("full fine-tune", changes={"full": True, "learning_rate": FULL_RATE})
OF_WEIGHTS = (FULL, EVERYTHING, Variant("adapter extracted from it", extracted_from=FULL.name))
VARIANTS = (*OF_DATA, *(variant for variant in OF_WEIGHTS if variant not in OF_DATA))
TABLES = (
    ("What each part of the data is worth", OF_DATA),
    ("What an adapter costs", OF_WEIGHTS),
)
"""Each with its variants, of which the first is what the others are compared with."""


@dataclass(frozen=True)
class Result:
    """What a variant came to.

    Attributes:
        name: of the variant.
        rows: of its data; ``patterns``: that they are of.
        steps: of the training; ``loss``: mean of its last steps.
        told: how likely it finds a right plan of each request.
    """

    name: str
    rows: int
    patterns: int
    steps: int
    loss: float
    told: list[Forced]


def ablations(
    data: Path,
    items: Sequence[Item],
    settings: Settings,
    out: Path,
    recipe: Recipe,
    variants: Sequence[Variant],
    shown: Progress,
) -> Iterator[Result]:
    """The result of each variant, one after the other.

    Args:
        data: the rows of the training split, JSON lines.
        items: the requests whose right plans each planner is told.
        settings: of the planner and ToolRAG; ``models`` has the base model.
        out: a folder for the trainings; those that are done are taken from it.
        recipe: of each training, which the variant may change.
        variants: in their order; one that is extracted comes after what it is extracted from.
        shown: shows how far each evaluation is.

    Raises:
        SettingsError: ``out`` has results of other data, another recipe or other requests, or
            a variant has no rows.
    """
    out.mkdir(parents=True, exist_ok=True)
    _same(out / "asked.json", data, items, settings, recipe)
    for variant in variants:
        run = out / _folder(variant.name)
        done = run / "result.json"
        if not done.is_file():
            result = _result(variant, data, items, settings, run, recipe, shown)
            write_whole(done, json.dumps(asdict(result)).encode())
            (run / checkpoints.FILE).unlink(missing_ok=True)
        kept = json.loads(done.read_text("utf-8"))
        yield Result(**kept | {"told": [Forced(**one) for one in kept["told"]]})


def tables(items: Sequence[Item], results: Sequence[Result]) -> Iterator[Table]:
    """The results on the ``items``; each is compared with the first of its table, request by
    request."""
    by_name = {result.name: result for result in results}
    for title, variants in TABLES:
        if done := [by_name[v.name] for v in variants if v.name in by_name]:
            yield Table(title, HEADER, [_row(items, result, done[0]) for result in done])


HEADER = (
    *("", "rows", "patterns", "steps", "loss in training"),
    *("nats a token", "of spoken requests", "of refusals", "sure of the plan", "won", "lost"),
)


def _row(items: Sequence[Item], result: Result, first: Result) -> tuple[str, ...]:
    told = list(zip(items, result.told, strict=True))
    pairs = [(a.sure, b.sure) for a, b in zip(result.told, first.told, strict=True)]
    sure = [one.sure for one in result.told]
    return (
        result.name,
        f"{result.rows}",
        f"{result.patterns}",
        f"{result.steps}",
        f"{result.loss:.3f}",
        _nats(result.told),
        _nats([one for item, one in told if "spoken" in item.tags]),
        _nats([one for item, one in told if not item.gold_tools]),
        str(Rate(sum(sure), len(sure))),
        f"{pairs.count((True, False))}",
        f"{pairs.count((False, True))}",
    )


def _nats(told: Sequence[Forced]) -> str:
    """A token's, on average; "" where none was told."""
    tokens = sum(one.tokens for one in told)
    return f"{sum(one.nats for one in told) / tokens:.3f}" if tokens else ""


def _same(
    path: Path, data: Path, items: Sequence[Item], settings: Settings, recipe: Recipe
) -> None:
    """Keep what is asked beside the results, or check that it is what was asked before."""
    asked = {
        **asdict(recipe),
        "base": sha256_of(find("smollm2", settings.models)),
        "data": sha256_of(data),
        "ToolRAG": toolrag_digest(settings),
        "requests": sha256(repr(items).encode()).hexdigest(),
    }
    if not path.is_file():
        write_whole(path, json.dumps(asked).encode())
    before = json.loads(path.read_text("utf-8"))
    if differs := [name for name in asked if asked[name] != before.get(name)]:
        raise SettingsError(
            f"{path.parent} has results with other {', '.join(differs)}; give another --out"
        )


def _result(
    variant: Variant,
    data: Path,
    items: Sequence[Item],
    settings: Settings,
    run: Path,
    recipe: Recipe,
    shown: Progress,
) -> Result:
    rows = variant.rows([json.loads(line) for line in data.open(encoding="utf-8")])
    if not rows:
        raise SettingsError(f"{data} has no rows for {variant.name!r}")
    run.mkdir(exist_ok=True)
    base = find("smollm2", settings.models)
    if not (run / ADAPTER).is_file():
        if variant.extracted_from:
            extract(run.with_name(_folder(variant.extracted_from)), recipe.rank, run)
        else:
            lines = (json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
            (run / "train.jsonl").write_text("".join(lines), encoding="utf-8")
            train(run / "train.jsonl", base, run, replace(recipe, **variant.changes))
    card = json.loads((run / TRAINING).read_text("utf-8"))
    card = card.get("extracted_from", card)
    small = run / GGUF
    merge_in_4_bits(base, run / ADAPTER, small)
    engine, toolrag = Engine(small, limit=PLANNER_TOKENS, threads=settings.threads), load(settings)
    return Result(
        variant.name,
        len(rows),
        len({pattern for row in rows for pattern in patterns_of(row)}),
        card["steps"],
        card["loss"],
        [
            forced(
                item, SIXTEEN.only({*toolrag.select(item.query).tools, *item.gold_tools}), engine
            )
            for item in shown(list(items))
        ],
    )
