"""What a retraining learns from, and what it is judged by.

Labels alone would make a model forget the rest, so they are mixed with shipped examples. One
label in four is never learned: by a hash of its request, so that it stays so for good.

A person's own tools are what the labelled runs declare them to be, the newest of them: they need
not be installed where the training runs.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

from tinyagent.data.generate import Example, split_examples, write_split
from tinyagent.data.patterns import read_patterns
from tinyagent.evaluation.sets import Item, read_test_set
from tinyagent.plans.syntax import read_plan
from tinyagent.plans.validate import problems
from tinyagent.toolrag.base import ToolRAG
from tinyagent.tools.declaration import (
    Declaration,
    declarations,
    declared_tools,
    read_declaration,
)
from tinyagent.tools.registry import Tool, ToolSet
from tinyagent.tools.sixteen import SIXTEEN
from tinyagent.traces.declared import tools_of
from tinyagent.traces.filters import Filter
from tinyagent.traces.labels import current, right_plan
from tinyagent.traces.store import TraceStore

HELD = 4
"""One label in so many is held out."""
SHARE = 0.2
"""Of the rows to learn from, those that are labels; each comes as often as that takes …"""
MOST = 40
"""… but no more often than this."""
ENOUGH = 5
"""Labels to learn from that call an own tool, from which on ToolRAG is trained on it; with fewer,
its description goes on speaking for it."""
OWN = "trace"
"""The style of rows that are labels."""
VALIDATION = 400
"""Shipped examples that ToolRAG's threshold is set by."""
FIXED_SEED = 20
"""Of the fixed set: the same requests in every retraining, until the patterns change."""


@dataclass(frozen=True)
class Labels:
    """Labelled requests: to learn from, and held out to judge by.

    ``tools`` are the sixteen and a person's own, as the labelled runs declare them.
    """

    learned: list[Item]
    held: list[Item]
    tools: ToolSet = SIXTEEN


def labels(store: TraceStore) -> Labels:
    """The labelled runs whose right plan is known and valid; of a request, the newest one."""
    items: list[Item] = []
    declared: dict[str, Tool] = {}
    for trace in store.each(Filter(label="any")):
        plan, now = right_plan(trace), datetime.fromisoformat(trace["now"])
        if plan is None:
            continue
        declared |= tools_of(trace)
        reasons = (current(trace) or {}).get("reasons", ())
        items.append(Item(trace["id"], trace["request"], now, (plan,), (OWN, *reasons)))
    tools = SIXTEEN.with_more(tool for name, tool in declared.items() if name not in SIXTEEN)
    newest = {
        _folded(item.query): item
        for item in items
        if not problems(item.plans[0], tools, item.now)  # else right for other tools than today's
    }
    learned = [item for key, item in newest.items() if not _is_held(key)]
    held = [item for key, item in newest.items() if _is_held(key)]
    return Labels(learned, held, tools) if learned else Labels(held, [], tools)


@dataclass(frozen=True)
class Files:
    """The files that a retraining reads."""

    train: Path
    validation: Path
    fixed: Path
    learned: Path
    held: Path
    declared: Path

    @classmethod
    def at(cls, folder: Path) -> Files:
        """Those of a folder."""
        names = ("train", "validation", "fixed", "learned", "held", "declared")
        return cls(*(folder / f"{name}.jsonl" for name in names))

    def tools(self) -> ToolSet:
        """The sixteen, and a person's own tools that the labels declare."""
        lines = self.declared.read_text("utf-8").splitlines()
        return declared_tools(read_declaration(json.loads(line)) for line in lines)

    def own(self) -> list[str]:
        """A person's own tools that there are enough labels of to learn."""
        called = Counter(tool for item in read_test_set(self.learned) for tool in item.gold_tools)
        return [name for name in self.tools() if name not in SIXTEEN and called[name] >= ENOUGH]


@dataclass(frozen=True)
class Labelled(Example):
    """A label as a row to learn from; ``declared`` are the own tools that its plan calls."""

    declared: list[Declaration]


def write(found: Labels, folder: Path, rows: int, fixed: int, seed: int) -> Files:
    """Write the files.

    Args:
        rows: shipped examples to learn from beside the labels.
        fixed: shipped examples to judge by; of patterns that nothing learns from.
        seed: of the shipped examples to learn from.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    files = Files.at(folder)
    sample = _shipped("train", rows, seed)
    times = min(MOST, max(1, round(rows * SHARE / (1 - SHARE) / len(found.learned))))
    mixed = [*sample, *(_row(item, found.tools) for item in found.learned for _ in range(times))]
    write_split(files.train, iter(Random(seed).sample(mixed, len(mixed))))
    write_split(files.validation, iter(_shipped("validation", VALIDATION, seed)))
    judged = _shipped("test", fixed, FIXED_SEED)
    _write_set(files.fixed, (_item(n, row) for n, row in enumerate(judged, 1)))
    _write_set(files.learned, found.learned)
    _write_set(files.held, found.held)
    _write_lines(files.declared, map(asdict, declarations(found.tools.values())))
    return files


def with_probabilities(train: Path, folder: Path, toolrag: ToolRAG) -> Path:
    """The rows to learn from, the shipped ones with what ToolRAG says of them until now.

    Learned in the place of their tools, that keeps it from forgetting: only
    the labels pull it elsewhere.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "train.jsonl"
    if path.is_file():
        return path
    part = path.with_suffix(".part")
    with train.open(encoding="utf-8") as lines, part.open("w", encoding="utf-8") as out:
        for line in lines:
            row = json.loads(line)
            if row["style"] != OWN:
                row["probabilities"] = toolrag.select(row["request"]).probabilities
            out.write(json.dumps(row, ensure_ascii=False) + "\n")
    part.replace(path)
    return path


def _shipped(split: str, count: int, seed: int) -> Sequence[Example]:
    if not count:
        return []
    return list(split_examples(split, read_patterns(), count, SIXTEEN, seed, Counter()))


def _row(item: Item, tools: ToolSet) -> Example:
    plan, called = item.plans[0], item.gold_tools
    now = item.now.isoformat(timespec="minutes")
    declared = declarations(tools.only(called).values())
    return Labelled(item.query, now, str(plan), sorted(called), OWN, item.id, declared)


def _item(number: int, row: Example) -> Item:
    now = datetime.fromisoformat(row.now)
    return Item(f"shipped-{number:03}", row.request, now, (read_plan(row.plan),), (row.style,))


def _write_set(path: Path, items: Iterable[Item]) -> None:
    rows = (
        asdict(item)
        | {
            "now": item.now.isoformat(timespec="minutes"),
            "plans": [str(plan) for plan in item.plans],
        }
        for item in items
    )
    _write_lines(path, rows)


def _write_lines(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with path.open("w", encoding="utf-8") as out:
        out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _folded(request: str) -> str:
    return " ".join(request.lower().split())


def _is_held(request: str) -> bool:
    return int(sha256(request.encode()).hexdigest()[:8], 16) % HELD == 0
