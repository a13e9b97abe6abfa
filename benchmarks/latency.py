"""From a request to its complete plan: how long does each stage take?

    .venv/bin/python benchmarks/latency.py [--rounds 3]

Plans the requests of ``tests/sets/dev.jsonl``, as the app would, after one that
warms up. Run it on a quiet machine: with two threads, llama.cpp waits for the
slower of them at every operation.
"""

from __future__ import annotations

import argparse
import os
import platform
from pathlib import Path

from tinyagent.evaluation.report import costs_table
from tinyagent.evaluation.run import evaluate
from tinyagent.evaluation.sets import read_test_set
from tinyagent.planner import load_planner
from tinyagent.settings import load_settings
from tinyagent.toolrag import load

SET = Path(__file__).parent.parent / "tests" / "sets" / "dev.jsonl"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=3, help="times through the set")
    rounds = parser.parse_args().rounds
    settings = load_settings()
    toolrag, planner = load(settings), load_planner(settings)
    items = read_test_set(SET)
    evaluate(items[:1], toolrag, planner)
    outcomes = evaluate(items * rounds, toolrag, planner)
    busy = os.getloadavg()[0] - 1
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores")
    print(f"{len(items)} requests, {rounds} times; load beside this: {max(0.0, busy):.1f}\n")
    print(costs_table(outcomes))


if __name__ == "__main__":
    main()
