"""The paper's two tables with this project's models, and what the decoder's constraints are worth.

``tinyagent eval tables``: one run on one machine. Model files of other precisions
are made from the shipped adapter as set-up makes the 4-bit one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean, median

from tinyagent.evaluation.report import summarise
from tinyagent.evaluation.run import Outcome, Progress, evaluate
from tinyagent.evaluation.sets import Item
from tinyagent.markdown import table
from tinyagent.models import find
from tinyagent.planner import planner_of
from tinyagent.planner.constraints import Constraints
from tinyagent.planner.merge import merge, quantize
from tinyagent.settings import Settings
from tinyagent.toolrag import load
from tinyagent.toolrag.base import ToolRAG
from tinyagent.toolrag.basic import BasicRAG
from tinyagent.toolrag.encoder import Encoder
from tinyagent.tools.sixteen import SIXTEEN

BASIC_TOPS = (3, 6)
PRECISIONS = ("Q8_0", "Q4_0")


@dataclass(frozen=True)
class Table:
    """A table of Markdown, with a title."""

    title: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def __str__(self) -> str:
        return f"## {self.title}\n\n{table(self.header, self.rows)}"


def tables(
    items: Sequence[Item],
    settings: Settings,
    work: Path,
    others: Sequence[Path],
    adapters: Sequence[Path],
    shown: Progress,
) -> Iterator[Table]:
    """The tables, one after the other.

    Args:
        items: the requests that each row plans.
        work: a folder for model files of other precisions; they are kept.
        others: more GGUF files, a row each in the second table.
        adapters: more adapters, each in Q4_0: the one before the quantisation-aware part, say.
        shown: shows how far each row is.
    """
    yield _retrieval(items, settings, shown)
    yield _precisions(items, settings, work, others, adapters, shown)
    yield _constraints(items, settings, shown)


def _retrieval(items: Sequence[Item], settings: Settings, shown: Progress) -> Table:
    rows = []
    planner = planner_of(find("planner-q4_0", settings.models), settings)
    for name, toolrag in _ways(settings):
        outcomes = evaluate(items, toolrag, planner, shown)
        summary = summarise(outcomes)
        rows.append(
            (
                name,
                f"{summary.recall.share:.3f}",
                f"{summary.tools:.2f}",
                f"{mean(o.tokens.get('prompt', 0) for o in outcomes):.0f}",
                f"{summary.success.share:.1%}",
            )
        )
    header = ("ToolRAG", "tool recall", "tools", "prompt tokens", "success")
    return Table("Table 1: ways to pick the tools", header, rows)


def _ways(settings: Settings) -> Iterator[tuple[str, ToolRAG]]:
    yield "none: all 16", load(replace(settings, toolrag="all"))
    encoder = Encoder(
        find("minilm-int8", settings.models),
        find("minilm-tokenizer", settings.models),
        settings.threads,
    )
    for top in BASIC_TOPS:
        yield f"basic, top {top}", BasicRAG(SIXTEEN, encoder, top)
    yield "classifier", load(replace(settings, toolrag="classifier"))


def _precisions(
    items: Sequence[Item],
    settings: Settings,
    work: Path,
    others: Sequence[Path],
    adapters: Sequence[Path],
    shown: Progress,
) -> Table:
    toolrag = load(settings)
    rows = []
    base = find("base-q4_0", settings.models)
    files = [*_made(settings, work, adapters), ("not fine-tuned, Q4_0", base)]
    for name, path in [*files, *((p.name, p) for p in others)]:
        outcomes = evaluate(items, toolrag, planner_of(path, settings), shown)
        summary = summarise(outcomes)
        rows.append(
            (
                name,
                f"{path.stat().st_size / 1e6:.0f} MB",
                f"{_seconds(outcomes):.2f} s",
                f"{summary.success.share:.1%}",
                f"{summary.arguments.share:.1%}",
            )
        )
    header = ("planner", "size", "median time", "success", "arguments")
    return Table("Table 2: precision", header, rows)


def _made(settings: Settings, work: Path, adapters: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """The planner in F16 and in each precision, and other adapters in Q4_0, made anew."""
    work.mkdir(parents=True, exist_ok=True)
    full = work / "planner-f16.gguf"
    base = find("smollm2", settings.models)
    for adapter in adapters:
        path = work / f"{adapter.stem}-q4_0.gguf"
        merge(base, adapter, full)
        quantize(full, path)
        yield f"Q4_0, {adapter.stem}", path
    merge(base, find("planner-adapter", settings.models), full)
    yield "F16", full
    for kind in PRECISIONS:
        path = work / f"planner-{kind.lower()}.gguf"
        quantize(full, path, kind)
        yield kind, path


def _constraints(items: Sequence[Item], settings: Settings, shown: Progress) -> Table:
    toolrag = load(settings)
    path = find("planner-q4_0", settings.models)
    rows = []
    for level in Constraints:
        outcomes = evaluate(items, toolrag, planner_of(path, settings, level), shown)
        summary = summarise(outcomes)
        rows.append(
            (
                level.name.lower(),
                f"{summary.valid.share:.1%}",
                f"{summary.success.share:.1%}",
                f"{summary.arguments.share:.1%}",
                f"{_seconds(outcomes):.2f} s",
            )
        )
    header = ("held to", "valid", "success", "arguments", "median time")
    return Table("What the decoder's constraints are worth", header, rows)


def _seconds(outcomes: Sequence[Outcome]) -> float:
    return median([o.seconds["total"] for o in outcomes if o.tokens] or [0.0])
