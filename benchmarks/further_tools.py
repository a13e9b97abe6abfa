"""What 40 tools that nobody trained on do: ``python benchmarks/further_tools.py [--fit]``.

The tools of ``benchmarks/further/`` are declared as a person would declare
them; ``requests.tsv`` has two requests for each, ``done.tsv`` those of the dev set
that no tool of the sixteen can do, but one of these: they are left out.
Measured: how often ToolRAG offers the tool that a request needs, and how often
one that it does not; how often the planner calls it; what 40 tools cost the dev
set; how much longer the start takes. ``--fit`` fits the weights of ``toolrag.described`` anew.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt

from tinyagent.data.generate import examples
from tinyagent.data.patterns import read_patterns
from tinyagent.evaluation.run import evaluate
from tinyagent.evaluation.sets import Item, read_test_set
from tinyagent.models import find
from tinyagent.planner import load_planner
from tinyagent.planner.planner import Planner
from tinyagent.retrain.compare import chance
from tinyagent.settings import Settings
from tinyagent.toolrag import ToolRAG, load
from tinyagent.toolrag.described import MOST, features, texts_of
from tinyagent.toolrag.encoder import Encoder
from tinyagent.tools.installed import installed_tools
from tinyagent.tools.registry import ToolSet
from tinyagent.tools.sixteen import SIXTEEN

HERE = Path(__file__).parent
FURTHER = HERE / "further"
DEV = HERE.parent / "tests" / "sets" / "dev.jsonl"
NOW = datetime(2026, 11, 24, 9, 30)
MISSED = 8.0
"""How much worse it is to miss a tool than to offer one too many."""
SAID = ("Remind me to {}", "Text Sid: {}", "Note for later: {}", "Email Lutfi and ask him to {}")
"""What needs one of the sixteen, and only speaks of a further tool's work."""
OTHERS = 600
"""Shipped examples that the weights are fitted on, beside the requests."""
STARTS = 5

Table = npt.NDArray[np.float64]


def main() -> None:
    """Print what was measured, a line each."""
    settings = Settings()
    tools = installed_tools(FURTHER)
    requests = read_requests()
    done = {line.split("\t")[0] for line in (FURTHER / "done.tsv").read_text("utf-8").splitlines()}
    dev = [item for item in read_test_set(DEV) if item.id not in done]
    if "--fit" in sys.argv:
        fit(settings, tools, requests, dev)
        return
    toolrag = load(settings, tools)
    offers(toolrag, tools, requests, dev)
    planner = load_planner(settings)
    calls(toolrag, planner, tools, requests)
    alone = success(load(settings), planner, SIXTEEN, dev)
    among = success(toolrag, planner, tools, dev)
    print(f"dev set, sixteen tools alone: {sum(alone)} of {len(dev)} right")
    print(f"dev set, 40 tools more:       {sum(among)} of {len(dev)} right")
    lost = sum(a and not b for a, b in zip(alone, among, strict=True))
    gained = sum(b and not a for a, b in zip(alone, among, strict=True))
    print(f"lost {lost}, gained {gained}: by chance with probability {chance(lost, gained):.2f}")
    starts()


def read_requests() -> list[tuple[str, str]]:
    """(tool, request) of each line."""
    lines = (FURTHER / "requests.tsv").read_text("utf-8").splitlines()
    return [(line.split("\t")[0], line.split("\t")[1]) for line in lines]


def offers(
    toolrag: ToolRAG, tools: ToolSet, requests: list[tuple[str, str]], dev: list[Item]
) -> None:
    """How often the needed tool is offered, and how many others."""
    picked = [(name, set(toolrag.select(request).tools)) for name, request in requests]
    found = sum(name in offered for name, offered in picked) / len(picked)
    more = sum(len(offered - {name}) for name, offered in picked) / len(picked)
    strange = [len(set(toolrag.select(item.query).tools) - set(SIXTEEN)) for item in dev]
    print(f"offered where needed: {found:.1%}, with {more:.2f} others")
    print(f"further tools offered on the dev set: {sum(strange) / len(dev):.2f} a request")


def calls(
    toolrag: ToolRAG, planner: Planner, tools: ToolSet, requests: list[tuple[str, str]]
) -> None:
    """How often the plan is one call of the needed tool."""
    right = 0
    for name, request in requests:
        selection = toolrag.select(request)
        plan = planner.plan(request, tools.only(selection.tools), NOW, odds=selection.odds).plan
        right += [call.tool for call in plan] == [name]
    print(f"planned with the needed tool alone: {right / len(requests):.1%}")


def success(toolrag: ToolRAG, planner: Planner, tools: ToolSet, dev: list[Item]) -> list[bool]:
    """Which requests of a set get a right plan."""
    return [outcome.score.success for outcome in evaluate(dev, toolrag, planner, tools=tools)]


def starts() -> None:
    """Median seconds from the interpreter's start to an agent that is ready."""
    code = (
        "import sys; from pathlib import Path; from tinyagent import TinyAgent, load_settings\n"
        "here = Path(sys.argv[2]); settings = load_settings(tools=Path(sys.argv[1]), "
        "workspace=here / 'workspace', traces=here / 'traces.db')\n"
        "TinyAgent.open(settings).close()"
    )
    with tempfile.TemporaryDirectory() as here:
        for name, folder in (("16 tools", HERE / "none"), ("56 tools", FURTHER)):
            seconds = []
            for _ in range(STARTS):
                began = time.perf_counter()
                subprocess.run([sys.executable, "-c", code, str(folder), here], check=True)
                seconds.append(time.perf_counter() - began)
            print(f"start with {name}: {median(seconds):.2f} s")


def fit(
    settings: Settings, tools: ToolSet, requests: list[tuple[str, str]], dev: list[Item]
) -> None:
    """Fit the logistic function, and print how well it does on tools it was not fitted on.

    The requests that need no further tool are shipped examples of patterns that no training
    has seen, and others that only speak of a further tool's work; none of dev is among them.
    """
    shipped = read_patterns("validation")
    others = [row.request for row in examples(shipped, OTHERS, SIXTEEN, 1, Counter())]
    rows = Rows(settings, tools)
    for needed, request in requests:
        rows.add(request, needed, list(tools).index(needed) % 2)
    for i, (needed, request) in enumerate(requests):
        said = SAID[(i // 2 + i) % len(SAID)].format(request.rstrip(".?!"))
        rows.add(said, "", list(tools).index(needed) % 2)
    for i, request in enumerate(others):
        rows.add(request, "", i % 2)
    table, labels, folds = np.array(rows.table), np.array(rows.labels), np.array(rows.folds)
    own = Rows(settings, tools)
    for item in dev:
        own.add(item.query, "", 0)
    guessed, strange = np.zeros(len(labels)), []
    for k in (0, 1):
        weights, bias = _logistic(table[folds != k], labels[folds != k])
        guessed[folds == k] = table[folds == k] @ weights + bias >= 0
        strange.append(float((np.array(own.table) @ weights + bias >= 0).sum()))
    weights, bias = _logistic(table, labels)
    print("WEIGHTS =", tuple(round(float(x), 2) for x in weights), "BIAS =", round(bias, 2))
    print(
        f"in two folds: offered where needed {int(guessed[labels == 1].sum())} of {len(requests)}; "
        f"further tools offered on dev: {sum(strange) / 2:.0f}"
    )


class Rows:
    """Features of the likeliest further tools of each request, and whether it needs them."""

    def __init__(self, settings: Settings, tools: ToolSet) -> None:
        models = settings.models
        encoder = Encoder(find("minilm-int8", models), find("minilm-tokenizer", models))
        self._encoder = encoder
        self._texts = [np.stack([encoder.embed(t) for t in texts_of(x)]) for x in tools.values()]
        self._tools = tools
        self._classifier = load(settings)
        self.table: list[Table] = []
        self.labels: list[float] = []
        self.folds: list[int] = []

    def add(self, request: str, needed: str, fold: int) -> None:
        """A request, and the further tool that it needs, if it needs one."""
        vector, picked = self._encoder.embed(request), self._classifier.select(request)
        cosines = np.array([float((texts @ vector).max()) for texts in self._texts])
        names = list(self._tools)
        further = [k for k, name in enumerate(names) if name not in SIXTEEN]
        for k in sorted(further, key=lambda k: -cosines[k])[:MOST]:
            self.table.append(features(request, self._tools, cosines, k, picked))
            self.labels.append(float(names[k] == needed))
            self.folds.append(fold)


def _logistic(features: Table, labels: Table) -> tuple[Table, float]:
    """Logistic regression by gradient descent, a missed tool ``MISSED`` times as bad."""
    mean, spread = features.mean(0), features.std(0)
    rows = np.c_[(features - mean) / spread, np.ones(len(features))]
    share = np.where(labels == 1, MISSED, 1.0)
    share /= share.mean()
    weights = np.zeros(rows.shape[1])
    for _ in range(4000):
        guess = 1 / (1 + np.exp(-rows @ weights))
        weights -= rows.T @ (share * (guess - labels)) / len(labels) + 1e-3 * weights
    plain = weights[:-1] / spread
    return plain, float(weights[-1] - plain @ mean)


if __name__ == "__main__":
    main()
