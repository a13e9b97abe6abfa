"""What 40 tools that nobody trained on do: ``python benchmarks/further_tools.py [--fit]``.

The tools of ``benchmarks/further/`` are declared as a person would declare
them; ``requests.tsv`` has two requests for each. Measured: how often ToolRAG
offers the tool that a request needs, and how often one that it does not; how
often the planner calls it; what 40 tools cost the dev set; how much longer
the start takes. ``--fit`` fits the weights of ``toolrag.described`` anew.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path
from statistics import median

import numpy as np
import numpy.typing as npt

from tinyagent.evaluation.scoring import score
from tinyagent.evaluation.sets import Item, read_test_set
from tinyagent.models import find
from tinyagent.planner import load_planner
from tinyagent.planner.planner import Planner
from tinyagent.settings import Settings
from tinyagent.toolrag import ToolRAG, load
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
STARTS = 5

Table = npt.NDArray[np.float64]


def main() -> None:
    """Print what was measured, a line each."""
    settings = Settings()
    tools = installed_tools(FURTHER)
    requests = read_requests()
    dev = read_test_set(DEV)
    if "--fit" in sys.argv:
        fit(settings, tools, requests, dev)
        return
    toolrag = load(settings, tools)
    offers(toolrag, tools, requests, dev)
    planner = load_planner(settings)
    calls(toolrag, planner, tools, requests)
    print(f"dev set, sixteen tools alone: {success(load(settings), planner, SIXTEEN, dev):.1%}")
    print(f"dev set, 40 tools more:       {success(toolrag, planner, tools, dev):.1%}")
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


def success(toolrag: ToolRAG, planner: Planner, tools: ToolSet, dev: list[Item]) -> float:
    """The success rate on a set."""
    right = 0
    for item in dev:
        selection = toolrag.select(item.query)
        offered = tools.only(selection.tools)
        plan = planner.plan(item.query, offered, item.now, odds=selection.odds).plan
        right += score(plan, item, tools).success
    return right / len(dev)


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
    """Fit the logistic function, and print how well it does on tools it was not fitted on."""
    models = settings.models
    encoder = Encoder(find("minilm-int8", models), find("minilm-tokenizer", models))
    vectors = np.stack([encoder.embed(tool.description) for tool in tools.values()])
    classifier = load(settings)
    names = list(tools)
    rows, wanted, folds = [], [], []
    for i, (needed, request) in enumerate([*requests, *(("", item.query) for item in dev)]):
        cosines = vectors @ encoder.embed(request)
        trained = max(classifier.select(request).probabilities.values())
        own = [k for k, name in enumerate(names) if name not in SIXTEEN]
        for k in sorted(own, key=lambda k: -cosines[k])[:3]:
            rows.append([cosines[k], cosines[k] - np.delete(cosines, k).max(), trained])
            wanted.append(names[k] == needed)
            folds.append((names.index(needed) if needed else i) % 2)
    features, labels, fold = np.array(rows), np.array(wanted, dtype=float), np.array(folds)
    guessed = np.zeros(len(labels))
    for k in (0, 1):
        weights, bias = _logistic(features[fold != k], labels[fold != k])
        guessed[fold == k] = features[fold == k] @ weights + bias >= 0
    weights, bias = _logistic(features, labels)
    print("NEARNESS, MARGIN, TRAINED, BIAS =", *(round(float(x), 2) for x in (*weights, bias)))
    found = guessed[labels == 1].sum() / len(requests)
    more = guessed[labels == 0].sum() / (len(requests) + len(dev))
    print(f"in two folds: offered where needed {found:.1%}, others offered {more:.2f} a request")


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
