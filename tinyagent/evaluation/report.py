"""What a test set's outcomes come to, as numbers and as a page of Markdown."""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from pathlib import Path
from statistics import NormalDist, mean, median, quantiles
from typing import Any, TypeVar

from tinyagent.evaluation.kept import as_row
from tinyagent.evaluation.run import Groups, Outcome, by, calls_of, tags_of, tools_of
from tinyagent.markdown import table
from tinyagent.plans.syntax import Plan

T = TypeVar("T")
_SMALLEST_GROUP = 5
"""Tags of fewer requests are not worth a line."""


@dataclass(frozen=True)
class Rate:
    """A share of a number of trials.

    Attributes:
        hits: trials that came out well.
        of: all trials.
        apart: how many of them are independent, where that is fewer: of the rows of one pattern,
            or of one request in several voices, one. The interval is as wide as for so many.
    """

    hits: int
    of: int
    apart: int = 0

    @property
    def share(self) -> float:
        """From 0 to 1; 0 of nothing is 0."""
        return self.hits / self.of if self.of else 0.0

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """Wilson's score interval, which stays within 0 and 1 for small samples, too."""
        if not self.of:
            return 0.0, 1.0
        z, n = NormalDist().inv_cdf(0.5 + confidence / 2), self.apart or self.of
        spread = z * sqrt(self.share * (1 - self.share) / n + z**2 / (4 * n**2))
        middle, scale = self.share + z**2 / (2 * n), 1 + z**2 / n
        return max(0.0, (middle - spread) / scale), min(1.0, (middle + spread) / scale)

    def __str__(self) -> str:
        low, high = self.interval()
        return f"{self.share:.1%} ({self.hits} of {self.of}; 95%: {low:.1%} to {high:.1%})"


def rate_of(
    trials: Sequence[T], well: Callable[[T], bool], source: Callable[[T], Hashable]
) -> Rate:
    """The share of trials that came out ``well``; of those with one ``source``, one is
    independent."""
    apart = len(set(map(source, trials)))
    return Rate(sum(map(well, trials)), len(trials), apart if apart < len(trials) else 0)


@dataclass(frozen=True)
class Summary:
    """A test set in numbers.

    Attributes:
        success: plans whose DAG is an accepted one's.
        arguments: those whose arguments are, too.
        valid: plans without a fault.
        recall: of the gold tools, those that were offered (over all requests together).
        precision: of the offered tools, those that are gold.
        tools: offered, on average.
        refused: of the requests that no tool serves, those without a call.
        wrongly_refused: of all others, those without a call.
    """

    success: Rate
    arguments: Rate
    valid: Rate
    recall: Rate
    precision: Rate
    tools: float
    refused: Rate
    wrongly_refused: Rate


def summarise(outcomes: Sequence[Outcome]) -> Summary:
    """The numbers of a test set."""
    found = sum(len(o.item.gold_tools & set(o.tools)) for o in outcomes)
    nothing = [o for o in outcomes if not o.item.plans[0].calls]
    something = [o for o in outcomes if o.item.plans[0].calls]
    return Summary(
        success=rate_of(outcomes, lambda o: o.score.success, _pattern),
        arguments=rate_of(outcomes, lambda o: o.score.arguments, _pattern),
        valid=rate_of(outcomes, lambda o: o.score.valid, _pattern),
        recall=Rate(found, sum(len(o.item.gold_tools) for o in outcomes)),
        precision=Rate(found, sum(len(o.tools) for o in outcomes)),
        tools=mean(len(o.tools) for o in outcomes) if outcomes else 0.0,
        refused=rate_of(nothing, _without_calls, _pattern),
        wrongly_refused=rate_of(something, _without_calls, _pattern),
    )


def _pattern(outcome: Outcome) -> str:
    """A request's name; rows of a split have that of their pattern."""
    return outcome.item.id


def _without_calls(outcome: Outcome) -> bool:
    return outcome.plan is not None and not outcome.plan.calls


def write_report(
    outcomes: Sequence[Outcome], title: str, command: str, made_from: Mapping[str, str], out: Path
) -> Path:
    """Write ``report.md``, ``summary.json`` and ``outcomes.jsonl`` into ``out``; its page.

    ``made_from`` are digests of the test set and the models, for the summary.
    """
    rows = {"outcomes": map(as_row, outcomes)}
    summary = as_json(summarise(outcomes)) | {"made_from": dict(made_from)}
    return write_folder(out, markdown(outcomes, title, command), summary, rows)


def write_folder(
    out: Path,
    page: str,
    summary: Mapping[str, Any],
    rows: Mapping[str, Iterable[Mapping[str, Any]]],
) -> Path:
    """Write a report as files of a folder, which is made if it is not there.

    Args:
        out: the folder.
        page: Markdown; becomes ``report.md``.
        summary: becomes ``summary.json``.
        rows: what the report is made from, by name; each becomes ``NAME.jsonl``.

    Returns:
        The path of the page.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / "summary.json").write_text(json.dumps(dict(summary), indent=1) + "\n")
    for name, lines in rows.items():
        with (out / f"{name}.jsonl").open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    path = out / "report.md"
    path.write_text(page, encoding="utf-8")
    return path


def as_json(summary: object) -> dict[str, Any]:
    """A summary as plain values; a rate has its share, its counts and its interval.

    Args:
        summary: a dataclass of rates and numbers.
    """
    return {
        name: (
            {
                "share": round(value.share, 4),
                "hits": value.hits,
                "of": value.of,
                "interval": [round(x, 4) for x in value.interval()],
            }
            if isinstance(value, Rate)
            else round(value, 3)
        )
        for name, value in vars(summary).items()
    }


def markdown(outcomes: Sequence[Outcome], title: str, command: str) -> str:
    """The report as a page."""
    parts = [
        f"# {title}",
        f"`{command}`",
        summary_table(summarise(outcomes)),
        "## By number of calls",
        _groups(by(outcomes, calls_of), "calls"),
        "## By tool",
        _groups(by(outcomes, tools_of), "tool"),
        "## By tag",
        _groups(
            {k: v for k, v in by(outcomes, tags_of).items() if len(v) >= _SMALLEST_GROUP}, "tag"
        ),
        "## Time and tokens",
        costs_table(outcomes),
        "## Failures",
        *(_failure(o) for o in outcomes if not o.score.success),
        "## Right plans with wrong arguments",
        *(_failure(o) for o in outcomes if o.score.success and not o.score.arguments),
    ]
    return "\n\n".join(parts) + "\n"


def summary_table(summary: Summary) -> str:
    """The summary as a table of Markdown."""
    rows = [
        ("success rate", summary.success),
        ("argument score", summary.arguments),
        ("valid plans", summary.valid),
        ("tool recall", summary.recall),
        ("tool precision", summary.precision),
        ("tools offered", f"{summary.tools:.2f}"),
        ("refused, of what no tool serves", summary.refused),
        ("refused, of all else", summary.wrongly_refused),
    ]
    return table(("", ""), rows)


def _groups(groups: Groups, name: str) -> str:
    rows = []
    for key, members in groups.items():
        summary = summarise(members)
        shares = (f"{summary.success.share:.1%}", f"{summary.arguments.share:.1%}")
        rows.append((key, len(members), *shares))
    return table((name, "requests", "success", "arguments"), rows)


def costs_table(outcomes: Sequence[Outcome]) -> str:
    """Milliseconds of each stage and tokens, over the requests that were planned."""
    rows: list[tuple[str, ...]] = []
    planned = [o for o in outcomes if o.tokens]
    for stage in ("toolrag", "prefill", "decode", "total"):
        values = [o.seconds[stage] * 1000 for o in planned]
        rows.append((f"{stage}, ms", *_spread(values)))
    for kind in ("prompt", "plan", "steps"):
        rows.append((f"{kind}, tokens", *_spread([float(o.tokens[kind]) for o in planned])))
    return table(("", "median", "90%", "mean"), rows)


def _spread(values: list[float]) -> list[str]:
    """Median, 90th percentile and mean; nothing for no values."""
    if len(values) < 2:
        return [f"{v:.0f}" for v in values * 3] or ["", "", ""]
    return [f"{v:.0f}" for v in (median(values), quantiles(values, n=10)[-1], mean(values))]


def _failure(outcome: Outcome) -> str:
    missing = sorted(outcome.item.gold_tools - set(outcome.tools))
    note = f"\n\nnot offered: {', '.join(missing)}" if missing else ""
    written = outcome.error if outcome.plan is None else str(outcome.plan)
    return (
        f"### {outcome.item.id}\n\n> {outcome.item.query}\n\nwanted:\n\n"
        f"{_code(outcome.item.plans[0])}\n\nwritten:\n\n{_code(written)}{note}"
    )


def _code(plan: Plan | str) -> str:
    return f"```\n{plan}\n```"
