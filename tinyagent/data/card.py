"""The data card: what a data set holds, counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from tinyagent.data.generate import DataSet
from tinyagent.data.patterns import STYLES, Pattern, split_of
from tinyagent.markdown import table
from tinyagent.models import sha256_of
from tinyagent.tools.registry import ToolSet


def data_card(
    patterns: Sequence[Pattern], data: DataSet, tools: ToolSet, out: Path, command: str
) -> str:
    """The card of the data set in ``out``, as a page of Markdown."""
    splits = list(data.splits)
    rows = list(data.splits.values())
    parts = [
        "# Data card",
        f"`{command}`",
        f"{len(patterns)} patterns, written by hand, with {len(_combinations(patterns))} "
        "combinations of tools. No two splits share a pattern.",
        _counts(
            ["", *splits],
            [
                ("patterns", [sum(split_of(p) == s for p in patterns) for s in splits]),
                ("rows", [len(r) for r in rows]),
                ("SHA-256", [_hash(out / f"{s}.jsonl") for s in splits]),
            ],
        ),
        "## By number of calls",
        _counts(
            ["calls", "patterns", *splits],
            _counted(
                [_calls(p.plan) for p in patterns], [[e.plan.count("\n") for e in r] for r in rows]
            ),
        ),
        "## By tool",
        _counts(
            ["tool", "patterns", *splits],
            [
                (
                    tool,
                    [
                        sum(f"{tool}(" in p.plan for p in patterns),
                        *(sum(tool in e.tools for e in r) for r in rows),
                    ],
                )
                for tool in tools
            ],
        ),
        "## By style",
        _counts(
            ["style", "patterns", *splits],
            [
                (
                    style,
                    [
                        sum(p.style == style for p in patterns),
                        *(sum(e.style == style for e in r) for r in rows),
                    ],
                )
                for style in STYLES
            ],
        ),
        "## Refused by the checks, and drawn anew",
        _counts(["reason", "rows"], [(k, [n]) for k, n in data.refused.most_common()]),
    ]
    return "\n\n".join(parts) + "\n"


def _calls(plan: str) -> int:
    return len(plan.splitlines())


def _combinations(patterns: Iterable[Pattern]) -> set[frozenset[str]]:
    return {frozenset(p.tools()) for p in patterns if p.plan}


def _counted(patterns: list[int], splits: list[list[int]]) -> list[tuple[str, list[int]]]:
    counters = [Counter(patterns), *map(Counter, splits)]
    return [(str(n), [c[n] for c in counters]) for n in sorted(set().union(*counters))]


def _counts(header: Sequence[str], rows: Sequence[tuple[str, Sequence[object]]]) -> str:
    return table(header, [(name, *cells) for name, cells in rows])


def _hash(path: Path) -> str:
    return f"`{sha256_of(path)[:16]}`"
