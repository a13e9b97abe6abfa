"""The paper's two tables with this project's models, and what the decoder's constraints are worth.

``tinyagent eval tables``: one run on one machine. Model files of other precisions
are made from the shipped adapter as set-up makes the 4-bit one. The shipped set-up stands in each
table, and is planned once; a run that is cut off goes on with the outcomes that it has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from statistics import mean, median

from tinyagent.evaluation.kept import Keep, Kept
from tinyagent.evaluation.report import summarise
from tinyagent.evaluation.run import Outcome, Progress, plan_item
from tinyagent.evaluation.sets import Item
from tinyagent.evaluation.setup import toolrag_digest
from tinyagent.evaluation.spread import evaluate_spread, on_servers
from tinyagent.markdown import table
from tinyagent.models import find, sha256_of
from tinyagent.planner import planner_of
from tinyagent.planner.base import Planner
from tinyagent.planner.constraints import Constraints
from tinyagent.planner.merge import merge, quantize
from tinyagent.planner.planner import Told
from tinyagent.remote import examples_of
from tinyagent.remote.planner import EXAMPLES
from tinyagent.remote.prompt import messages
from tinyagent.settings import Settings
from tinyagent.toolrag import load
from tinyagent.toolrag.base import ToolRAG
from tinyagent.toolrag.basic import BasicRAG
from tinyagent.toolrag.encoder import Encoder
from tinyagent.tools.registry import ToolSet
from tinyagent.tools.sixteen import SIXTEEN
from tinyagent.train import UNROUNDED

BASIC_TOPS = (3, 6)


@dataclass(frozen=True)
class Table:
    """A table of Markdown, with a title."""

    title: str
    header: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]

    def __str__(self) -> str:
        return f"## {self.title}\n\n{table(self.header, self.rows)}"


@dataclass(frozen=True)
class Served:
    """A model on servers, for one more row.

    Attributes:
        name: of the row.
        planners: one for each server, by its URL.
        concurrency: requests at a time at each.
        tell: gets a sentence for each server that is left out.
    """

    name: str
    planners: Mapping[str, Planner]
    concurrency: int
    tell: Callable[[str], None]


def tables(
    items: Sequence[Item],
    settings: Settings,
    work: Path,
    others: Sequence[Path],
    trained: bool,
    adapters: Sequence[Path],
    served: Served | None,
    shown: Progress,
) -> Iterator[Table]:
    """The tables, one after the other.

    Args:
        items: the requests that each row plans.
        work: a folder for outcomes, and for model files of other precisions; they are kept.
        others: more GGUF files, a row each in the second table.
        trained: they were trained to plan; others get the full prompt, with solved examples.
        adapters: more adapters, each in Q4_0: the one before the quantisation-aware part, say.
        served: a model on servers, the last row of the second table.
        shown: shows how far each row is.
    """
    rows = _Rows(items, settings, work, shown)
    yield _retrieval(rows)
    yield _precisions(rows, others, trained, adapters, served)
    yield _constraints(rows)


class _Rows:
    """Plans the test set with one set-up after the other."""

    def __init__(
        self, items: Sequence[Item], settings: Settings, work: Path, shown: Progress
    ) -> None:
        self.settings = settings
        self.work = work
        self.shipped = find("planner-q4_0", settings.models)
        self.toolrag, self.way = load(settings), toolrag_digest(settings)
        self._kept = Kept(work / "outcomes", items)
        self._shown = shown

    def here(
        self,
        path: Path,
        level: Constraints = Constraints.ALL,
        toolrag: tuple[str, ToolRAG] | None = None,
        trained: bool = True,
    ) -> list[Outcome]:
        """Plan with a GGUF file, with the tools that the settings' ToolRAG or another picks; one
        that is not ``trained`` to plan gets the full prompt."""
        way, picks = toolrag or (self.way, self.toolrag)

        def plan(items: list[Item], keep: Keep) -> None:
            told = None if trained else _full_prompt(self.settings)
            planner = planner_of(path, self.settings, level, told)
            for item in self._shown(items):
                keep(plan_item(item, picks.select(item.query), planner, SIXTEEN))

        setup = {"tools": way, "planner": sha256_of(path), "constraints": level.name.lower()}
        setup |= {} if trained else {"prompt": "full"}
        return self._kept.outcomes(setup, plan)

    def there(self, served: Served) -> list[Outcome]:
        """Plan on servers."""

        def plan(items: list[Item], keep: Keep) -> None:
            with on_servers(served.planners, served.concurrency) as places:
                evaluate_spread(items, self.toolrag, places, served.concurrency, served.tell, keep)

        urls = " ".join(sorted(served.planners))
        return self._kept.outcomes({"tools": self.way, "model": served.name, "at": urls}, plan)


def _retrieval(rows: _Rows) -> Table:
    lines = []
    for name, way, toolrag in _ways(rows.settings):
        outcomes = rows.here(rows.shipped, toolrag=(way, toolrag))
        summary = summarise(outcomes)
        lines.append(
            (
                name,
                f"{summary.recall.share:.3f}",
                f"{summary.tools:.2f}",
                f"{mean([o.tokens['prompt'] for o in outcomes if o.tokens] or [0]):.0f}",
                f"{summary.success.share:.1%}",
            )
        )
    header = ("ToolRAG", "tool recall", "tools", "prompt tokens", "success")
    return Table("Table 1: ways to pick the tools", header, lines)


def _ways(settings: Settings) -> Iterator[tuple[str, str, ToolRAG]]:
    """Each way: the name of its row, what identifies it, and the ToolRAG."""
    everything = replace(settings, toolrag="all")
    yield "none: all 16", toolrag_digest(everything), load(everything)
    encoder = Encoder(
        find("minilm-int8", settings.models),
        find("minilm-tokenizer", settings.models),
        settings.threads,
    )
    for top in BASIC_TOPS:
        yield f"basic, top {top}", f"basic {top}", BasicRAG(SIXTEEN, encoder, top)
    trained = replace(settings, toolrag="classifier")
    yield "classifier", toolrag_digest(trained), load(trained)


def _precisions(
    rows: _Rows,
    others: Sequence[Path],
    trained: bool,
    adapters: Sequence[Path],
    served: Served | None,
) -> Table:
    lines = []
    base = find("base-q4_0", rows.settings.models)
    ours = ((name, path, True) for name, path in _made(rows, adapters))
    more = (("not fine-tuned, Q4_0", base, False), *((p.name, p, trained) for p in others))
    for name, path, knows in (*ours, *more):
        size = f"{path.stat().st_size / 1e6:.0f} MB"
        lines.append(_precision(name, size, rows.here(path, trained=knows)))
    if served:
        lines.append(_precision(served.name, "", rows.there(served)))
    header = ("planner", "size", "median time", "success", "arguments")
    return Table("Table 2: precision", header, lines)


def _full_prompt(settings: Settings) -> Told:
    """What a model on a server is told: the rules, the tools in full, and solved requests."""
    examples = examples_of(settings)

    def told(request: str, tools: ToolSet, now: datetime) -> list[tuple[str, str]]:
        shown = examples.nearest(request, set(tools), EXAMPLES)
        return [(m["role"], m["content"]) for m in messages(request, tools, now, shown)]

    return told


def _precision(name: str, size: str, outcomes: Sequence[Outcome]) -> tuple[str, ...]:
    summary = summarise(outcomes)
    shares = (f"{summary.success.share:.1%}", f"{summary.arguments.share:.1%}")
    return (name, size, f"{_seconds(outcomes):.2f} s", *shares)


def _made(rows: _Rows, adapters: Sequence[Path]) -> Iterator[tuple[str, Path]]:
    """The planner in each precision, and other adapters in Q4_0."""
    base = find("smollm2", rows.settings.models)
    ours = find("planner-adapter", rows.settings.models)
    folder = rows.work / "models"
    folder.mkdir(parents=True, exist_ok=True)
    yield "F16", _in_precision(base, ours, "F16", folder)
    yield "Q8_0", _in_precision(base, ours, "Q8_0", folder)
    yield "Q4_0", rows.shipped
    for adapter in adapters:
        when = " before quantisation-aware training" if adapter.name == UNROUNDED else ""
        name = f"Q4_0, {adapter.absolute().parent.name}{when}"
        yield name, _in_precision(base, adapter, "Q4_0", folder)


def _in_precision(base: Path, adapter: Path, kind: str, folder: Path) -> Path:
    """The base model with the adapter as a GGUF file, which is made if it is not there."""
    path = folder / f"{adapter.stem}-{sha256_of(adapter)[:8]}-{kind.lower()}.gguf"
    if not path.exists():
        part = path.with_suffix(".part")
        if kind == "F16":
            merge(base, adapter, part)
        else:
            quantize(_in_precision(base, adapter, "F16", folder), part, kind)
        part.replace(path)
    return path


def _constraints(rows: _Rows) -> Table:
    lines = []
    for level in Constraints:
        outcomes = rows.here(rows.shipped, level)
        summary = summarise(outcomes)
        lines.append(
            (
                level.name.lower(),
                f"{summary.valid.share:.1%}",
                f"{summary.success.share:.1%}",
                f"{summary.arguments.share:.1%}",
                f"{_seconds(outcomes):.2f} s",
            )
        )
    header = ("held to", "valid", "success", "arguments", "median time")
    return Table("What the decoder's constraints are worth", header, lines)


def _seconds(outcomes: Sequence[Outcome]) -> float:
    """The median time of the requests for which the planner was asked, those that failed, too."""
    return median([o.seconds["total"] for o in outcomes if o.tools] or [0.0])
