"""Pictures beside a report's numbers; they need matplotlib, which the training extra brings."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt
import numpy as np

from tinyagent.evaluation.report import summarise
from tinyagent.evaluation.run import Outcome, by, calls_of
from tinyagent.tools.sixteen import SIXTEEN

COLOUR = "#0f766e"
THRESHOLDS = 1 / (1 + np.exp(-np.linspace(-4, 9, 40)))
"""Evenly in log-odds; the trained classifier leans by some nats to what may be needed."""


def draw(outcomes: Sequence[Outcome], out: Path) -> list[Path]:
    """Draw a test set's pictures into ``out``; their paths."""
    pictures = {
        "success.png": success_by_calls,
        "recall.png": recall_by_threshold,
        "confusion.png": confusion,
    }
    paths = []
    for name, picture in pictures.items():
        figure, axes = plt.subplots(figsize=(7, 7 if name == "confusion.png" else 4))
        picture(outcomes, axes)
        paths.append(_saved(figure, out / name))
    return paths


def success_by_calls(outcomes: Sequence[Outcome], axes: Any) -> None:
    """Success rate by number of calls, with its 95% interval."""
    groups = by(outcomes, calls_of)
    rates = [summarise(members).success for members in groups.values()]
    shares = np.array([rate.share for rate in rates])
    ends = np.array([rate.interval() for rate in rates]).T
    spread = np.abs(ends - shares)
    labels = [f"{calls}\n({len(members)})" for calls, members in groups.items()]
    axes.bar(labels, shares, color=COLOUR)
    axes.errorbar(labels, shares, yerr=spread, fmt="none", ecolor="#5d6b78", capsize=3)
    axes.set(xlabel="calls in the plan (requests)", ylabel="success rate", ylim=(0, 1.02))


def recall_by_threshold(outcomes: Sequence[Outcome], axes: Any) -> None:
    """Tool recall against tools offered on average, as the threshold moves."""
    gold = sum(len(o.item.gold_tools) for o in outcomes)
    points = []
    for threshold in THRESHOLDS:
        picked = [{t for t, p in o.probabilities.items() if p >= threshold} for o in outcomes]
        found = sum(len(o.item.gold_tools & p) for o, p in zip(outcomes, picked, strict=True))
        points.append((sum(map(len, picked)) / len(outcomes), found / max(1, gold)))
    tools, recall = zip(*points, strict=True)
    axes.plot(tools, recall, marker="o", markersize=3, color=COLOUR)
    axes.set(xlabel="tools offered, on average", ylabel="tool recall")
    axes.grid(alpha=0.3)


def confusion(outcomes: Sequence[Outcome], axes: Any) -> None:
    """Where a plan has another tool than the gold plan: which stands for which.

    A row's tool is missing from the plan, a column's is there and should not be; a failure
    with several of each counts for every pair, in equal parts.
    """
    names = list(SIXTEEN)
    counts = np.zeros((len(names), len(names)))
    for outcome in outcomes:
        used = {call.tool for call in outcome.plan} if outcome.plan else set()
        missing, extra = outcome.item.gold_tools - used, used - outcome.item.gold_tools
        for one in missing:
            for other in extra:
                counts[names.index(one), names.index(other)] += 1 / (len(missing) * len(extra))
    axes.imshow(counts, cmap="Greens")
    axes.set(xticks=range(len(names)), yticks=range(len(names)), yticklabels=names)
    axes.set_xticklabels(names, rotation=90)
    axes.set(xlabel="there, and should not be", ylabel="missing")


def loss_curve(run: Path) -> Path:
    """Draw the losses of a training run into its folder; a mean over 20 steps with them."""
    losses = json.loads((run / "losses.json").read_text())
    figure, axes = plt.subplots(figsize=(7, 4))
    axes.plot(losses, color=COLOUR, alpha=0.25, linewidth=0.8)
    width = min(20, len(losses))
    if width:
        smooth = np.convolve(losses, np.ones(width) / width, mode="valid")
        axes.plot(range(width - 1, len(losses)), smooth, color=COLOUR)
    axes.set(xlabel="step", ylabel="loss", yscale="log")
    axes.grid(alpha=0.3)
    return _saved(figure, run / "losses.png")


def _saved(figure: Any, path: Path) -> Path:
    figure.tight_layout()
    figure.savefig(path, dpi=110)
    plt.close(figure)
    return path
