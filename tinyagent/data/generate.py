"""Make a data set from the patterns: ``tinyagent data generate OUT``.

Each pattern is filled many times, made noisy as its style would be, and
checked; the splits are by pattern, so that no two share one. The training split
leans to long requests, which are the hardest to learn: some of its rows are two or
three patterns in one breath (``joined``). The splits that judge do not: they ask for
as many calls at a time as people do (``SPREAD``).
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from tinyagent.data.check import fill, plan_problems
from tinyagent.data.joined import Joiner
from tinyagent.data.noise import add_noise
from tinyagent.data.patterns import Pattern, PatternError, split_of
from tinyagent.data.slots import draw
from tinyagent.errors import PlanError
from tinyagent.lines import read_each
from tinyagent.plans.syntax import Plan, read_plan
from tinyagent.tools.registry import ToolSet

FIRST_DAY = datetime(2026, 1, 5)
DAYS = 720
TRIES = 4
TOLD_MORE = 4
"""How often a pattern to be told more comes, for once that another does."""
STEP = 200
"""Rows between two times that it is told how many there are."""
SPREAD = (16, 36, 27, 25, 21, 35)
"""Of 160 requests, those of no call, of one, … of five and more. It is how ``tests/sets/dev.jsonl``
is spread, whose requests were written apart from the patterns."""


@dataclass(frozen=True)
class Example:
    """One line of a data set; ``plan`` ends with ``join()``."""

    request: str
    now: str
    plan: str
    tools: list[str]
    style: str
    pattern: str


def examples(
    patterns: list[Pattern],
    count: int,
    tools: ToolSet,
    seed: int,
    refused: Counter[str],
    joined: float = 0.0,
    more: Collection[str] = (),
) -> Iterator[Example]:
    """``count`` examples, every pattern as often as any other, in random order.

    ``joined`` is the share of the examples in which a pattern is joined with others; those of
    the files named in ``more`` come ``TOLD_MORE`` times as often. What fails a check is counted
    in ``refused`` by its reason, and drawn anew.
    """
    random = Random(seed)
    joiner = Joiner(patterns)
    often = [p for p in patterns if p.file in more]
    told = patterns + often * (TOLD_MORE - 1)
    made, seen = 0, set[str]()
    while made < count:
        before = made
        for pattern in random.sample(told, len(told)):
            if random.random() < joined:
                pattern = joiner.joined(pattern, random)
            example = _make(pattern, tools, random, refused)
            if example is None:
                continue
            said = _words(example.request)
            if said in seen:
                refused["the same request as another row"] += 1
                continue
            seen.add(said)
            yield example
            made += 1
            if made == count:
                return
        if made == before:
            raise PatternError(f"the patterns give no more than {made} different examples")


def _words(request: str) -> str:
    """A request without what tells two of the same words apart: case and punctuation."""
    return " ".join(re.findall(r"\w+", request.lower()))


def split_examples(
    split: str,
    patterns: list[Pattern],
    count: int,
    tools: ToolSet,
    seed: int,
    refused: Counter[str],
    joined: float = 0.0,
    more: Collection[str] = (),
) -> Iterator[Example]:
    """``count`` examples of the patterns of a split; only to train on, ``joined`` and ``more``.

    Raises:
        PatternError: the split has no pattern, or too few for so many examples.
    """
    members = [pattern for pattern in patterns if split_of(pattern) == split]
    if not members:
        raise PatternError(f"no pattern belongs to the split {split}; give more patterns")
    if split == "train":
        return examples(members, count, tools, seed, refused, joined, more)
    return iter(spread_examples(members, count, tools, seed, refused))


def spread_examples(
    patterns: list[Pattern], count: int, tools: ToolSet, seed: int, refused: Counter[str]
) -> list[Example]:
    """As ``examples``, but spread over the number of calls as ``SPREAD`` says.

    A number of calls that no pattern has is left out.
    """
    longest = len(SPREAD) - 1
    alike: dict[int, list[Pattern]] = {}
    for pattern in patterns:
        alike.setdefault(min(len(pattern.tools()), longest), []).append(pattern)
    rows: list[Example] = []
    # Each takes its share of what is still to be made, so that roundings do not add up.
    weight = sum(SPREAD[calls] for calls in alike)
    for calls, members in sorted(alike.items()):
        share = round((count - len(rows)) * SPREAD[calls] / weight)
        rows += examples(members, share, tools, seed, refused)
        weight -= SPREAD[calls]
    Random(seed).shuffle(rows)
    return rows


def _make(
    pattern: Pattern, tools: ToolSet, random: Random, refused: Counter[str]
) -> Example | None:
    for _ in range(TRIES):
        now = FIRST_DAY + timedelta(
            days=random.randrange(DAYS), minutes=random.randrange(7 * 60, 21 * 60)
        )
        try:
            request, plan = fill(pattern, draw(pattern.slots(), random))
        except (PatternError, PlanError) as error:
            refused[str(error)] += 1
            return None
        noisy = add_noise(request, plan, tools, pattern.style, random)
        for said, calls in (noisy, (request, plan)):
            problems = plan_problems(said, calls, tools, now)
            if not problems:
                return _example(said, calls, now, pattern)
            refused[reason_of(problems[0])] += 1
    return None


def _example(request: str, plan: Plan, now: datetime, pattern: Pattern) -> Example:
    used = {call.tool for call in plan}
    return Example(
        request,
        now.isoformat(timespec="minutes"),
        str(plan),
        sorted(used),
        pattern.style,
        pattern.source,
    )


def reason_of(problem: str) -> str:
    """A problem without its particulars, to count by."""
    if "does not stand in the request" in problem:
        return "a copied argument is no span of the request"
    general = re.sub(r"^task \d+(, argument \w+)?: ", "", problem)
    return re.sub(r"“.*?”|(['\"]).*?\1|\$?\d[\d:.-]*( \d\d:\d\d)?", "…", general)


@dataclass(frozen=True)
class DataSet:
    """What was written: the rows of each split, and what was refused on the way, by reason."""

    splits: dict[str, list[Example]]
    refused: Counter[str]


def generate(
    patterns: list[Pattern],
    counts: dict[str, int],
    tools: ToolSet,
    seed: int,
    out: Path,
    joined: float = 0.0,
    more: Collection[str] = (),
    others: Sequence[Example] = (),
    shown: Callable[[str, int, int], None] = lambda split, done, count: None,
) -> DataSet:
    """Write ``SPLIT.jsonl`` of as many rows as ``counts`` says, for each split, into ``out``.

    ``joined`` and ``more`` are of the training split, as in ``examples``; it gets the ``others``
    besides, mixed in. ``shown`` is told how many rows of a split are made, of how many.

    Raises:
        PatternError: a split has no pattern, or too few for so many rows; or no pattern is of a
            file in ``more``.
    """
    if unknown := set(more) - {pattern.file for pattern in patterns}:
        raise PatternError(f"there is no file of patterns {min(unknown)!r}")
    out.mkdir(parents=True, exist_ok=True)
    refused = Counter[str]()
    splits = {}
    for number, (split, count) in enumerate(counts.items()):
        rows = []
        seeded = seed + number
        for row in split_examples(split, patterns, count, tools, seeded, refused, joined, more):
            rows.append(row)
            if len(rows) % STEP == 0 or len(rows) == count:
                shown(split, len(rows), count)
        if split == "train" and others:
            rows = Random(seed).sample([*rows, *others], len(rows) + len(others))
        write_split(out / f"{split}.jsonl", iter(rows))
        splits[split] = rows
    return DataSet(splits, refused)


def read_written(path: Path) -> list[Example]:
    """Rows that ``tinyagent data write`` has kept.

    Raises:
        SettingsError: the file cannot be read, or a line is no such row; the message names it.
    """
    return read_each(path, _written, "no row of `tinyagent data write` ({})")


def _written(row: dict[str, Any]) -> Example:
    example = Example(**row)
    read_plan(example.plan)
    return example


def write_split(path: Path, rows: Iterator[Example]) -> int:
    """Write JSON lines; returns how many."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = 0
    with path.open("w", encoding="utf-8") as out:
        for row in rows:
            out.write(json.dumps(asdict(row), ensure_ascii=False) + "\n")
            count += 1
    return count
