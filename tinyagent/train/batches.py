"""From the rows of a data set to batches of examples: tokens, and what each weighs in the loss.

A row is told anew each time that it comes: other irrelevant tools beside its own, and now and
then with invented ones. Batches are the same in every process that trains, by the seed; each
takes its share of them.
"""

from __future__ import annotations

import json
import math
import multiprocessing
import os
from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path
from random import Random
from threading import Thread
from typing import Any

from tinyagent.errors import SettingsError
from tinyagent.planner.prompt import END, planner_prompt
from tinyagent.plans.free_text import free_spans_of
from tinyagent.plans.syntax import read_plan
from tinyagent.tools.declaration import declared_tools, read_declaration
from tinyagent.tools.registry import ToolSet
from tinyagent.tools.sixteen import SIXTEEN
from tinyagent.train.invented import invent

FREE_TEXT = 0.3
"""Weight in the loss of a token of free text, of whose wordings many are right; the others'
is 1. Most of a plan's tokens are such, and nearly all of what is left of the loss."""

CONFUSED = [
    {"get_phone_number", "get_email_address", "send_sms", "compose_new_email"},
    {"compose_new_email", "reply_to_email", "forward_email"},
    {"create_note", "open_note", "append_note_content"},
    {"create_calendar_event", "create_reminder", "get_zoom_meeting_link"},
    {"open_and_get_file_path", "summarize_pdf", "open_note"},
    {"maps_open_location", "maps_show_directions"},
]
"""Tools that ToolRAG is likely to pick one for the other: the irrelevant ones that teach most."""

POOL = 16
"""Batches that are ordered by length together."""
CHUNK = 64
"""Rows that are told in one go."""
AHEAD = 4
"""Chunks that each teller is given before they are needed."""


class Example(list[int]):
    """Token ids, where the plan begins, and the weight of each of its tokens in the loss."""

    def __init__(self, ids: list[int], start: int, weights: list[float]) -> None:
        super().__init__(ids)
        self.start = start
        self.weights = weights


def batches(
    data: Path,
    tokenizer: Any,
    *,
    size: int,
    least: int,
    max_tokens: int,
    invented: float,
    seed: int,
    tellers: int = 0,
) -> Generator[list[Example], None, None]:
    """Endless batches of examples of similar length, epoch after epoch; always the same ones.

    Args:
        data: the rows, JSON lines.
        tokenizer: of the base model.
        size: of a batch; the last of an epoch may be smaller, but not than ``least``.
        least: see ``size``.
        max_tokens: of an example; longer ones are left out.
        invented: share of the examples that are told with invented tools.
        seed: of all that is drawn.
        tellers: processes that make examples of rows meanwhile; 0: this one does, when they are
            needed. A GPU learns from rows faster than one process tells them.

    Raises:
        SettingsError: there are too few rows for a batch, or too few that are short enough.
    """
    rows = [json.loads(line) for line in data.open(encoding="utf-8")]
    if len(rows) < least:
        raise SettingsError(f"{data} has {len(rows)} rows: too few to train on")
    with closing(_told(_chunks(rows, seed), Teller(tokenizer, invented), tellers)) as told:
        for epoch in count():
            random = Random(f"{seed}-{epoch}")
            examples, told_any = [], False
            for chunk in islice(told, math.ceil(len(rows) / CHUNK)):
                for example in chunk:
                    if len(example) <= max_tokens:
                        examples.append(example)
                    if len(examples) == size * POOL:
                        yield from _by_length(examples, size, random)
                        examples, told_any = [], True
            rest = [b for b in _by_length(examples, size, random) if len(b) >= least]
            if not rest and not told_any:
                raise SettingsError(
                    f"{data} has too few rows of at most {max_tokens} tokens to train on"
                )
            yield from rest


@dataclass(frozen=True)
class Chunk:
    """Rows, and the seed of how they are told this time."""

    seed: str
    rows: list[dict[str, Any]]


@dataclass(frozen=True)
class Teller:
    """Makes examples of rows: see ``make_example``."""

    tokenizer: Any
    invented: float

    def __call__(self, chunk: Chunk) -> list[Example]:
        """An example of each row."""
        random = Random(chunk.seed)
        return [
            make_example(row, _tools_of(row), self.tokenizer, random, self.invented)
            for row in chunk.rows
        ]


def _chunks(rows: list[dict[str, Any]], seed: int) -> Iterator[Chunk]:
    """The rows in a new order each epoch, without end."""
    for epoch in count():
        order = Random(f"{seed}-{epoch}-order").sample(rows, len(rows))
        for at in range(0, len(order), CHUNK):
            yield Chunk(f"{seed}-{epoch}-{at}", order[at : at + CHUNK])


def _told(
    chunks: Iterator[Chunk], teller: Teller, tellers: int
) -> Generator[list[Example], None, None]:
    """The examples of each chunk, in the order of the chunks."""
    if not tellers:
        yield from map(teller, chunks)
        return
    # Not forked: a process that uses a GPU must not be.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(tellers, spawn, _become, (teller,)) as pool:
        given = deque(pool.submit(_tell, chunk) for chunk in islice(chunks, tellers * AHEAD))
        while given:
            yield given.popleft().result()
            given.extend(pool.submit(_tell, chunk) for chunk in islice(chunks, 1))


_teller: Teller
"""Of this process, where it is one that tells."""


def _become(teller: Teller) -> None:
    global _teller
    _teller = teller
    # A training that is killed does not end its tellers, and they would wait for ever.
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent:
        parent.join()
        os._exit(1)


def _tell(chunk: Chunk) -> list[Example]:
    return _teller(chunk)


def _tools_of(row: dict[str, Any]) -> ToolSet:
    return declared_tools(map(read_declaration, row.get("declared", ())))


def told_once(data: Path, tokenizer: Any, count: int) -> list[Example]:
    """The first ``count`` rows of ``data``, told alike each time."""
    random = Random(0)
    with data.open(encoding="utf-8") as lines:
        rows = [json.loads(line) for line in islice(lines, count)]
    return [make_example(row, SIXTEEN, tokenizer, random) for row in rows]


def parts(examples: list[Example], tokens: int) -> list[list[Example]]:
    """Examples in groups of at most ``tokens``, padding counted, where one is not longer."""
    groups: list[list[Example]] = [[]]
    for example in examples:
        group = groups[-1]
        if group and (len(group) + 1) * max(len(example), *map(len, group)) > tokens:
            groups.append(group := [])
        group.append(example)
    return groups


def make_example(
    row: dict[str, Any], tools: ToolSet, tokenizer: Any, random: Random, invented: float = 0.0
) -> Example:
    """The tokens of a row: a prompt that offers its tools and others, and its plan.

    ``invented`` is the probability that all of it is told with invented tools.
    """
    offered = tools.only(offer(row["tools"], tools, random))
    plan = read_plan(row["plan"])
    if random.random() < invented:
        offered, plan = invent(plan, offered, random)
    head = tokenizer(planner_prompt(row["request"], list(offered.values())))["input_ids"]
    told = tokenizer(str(plan) + END, return_offsets_mapping=True)
    spans = free_spans_of(plan, offered)
    weights = [
        FREE_TEXT if any(a <= start and end <= b for a, b in spans) else 1.0
        for start, end in told["offset_mapping"]
    ]
    return Example(head + told["input_ids"], len(head), weights)


def offer(gold: list[str], tools: ToolSet, random: Random) -> list[str]:
    """The gold tools and up to three others, half of them easily taken for a gold one.

    Half of the time there are none: ToolRAG offers one too many for a request in three, and a
    planner that is told of many such doubts the tools that it needs.
    """
    others = [name for name in tools if name not in gold]
    near = [n for n in others if any(n in group and group & set(gold) for group in CONFUSED)]
    extra = set()
    for _ in range(random.choices((0, 1, 2, 3), (0.5, 0.3, 0.15, 0.05))[0] + (not gold)):
        extra.add(random.choice(near if near and random.random() < 0.6 else others))
    return [*gold, *extra]


def _by_length(examples: list[Example], batch: int, random: Random) -> list[list[Example]]:
    ordered = sorted(examples, key=len)
    groups = [ordered[i : i + batch] for i in range(0, len(ordered), batch)]
    random.shuffle(groups)
    return groups
