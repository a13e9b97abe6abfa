"""Does memory stay where it is while many pages ask at once?

    .venv/bin/python benchmarks/many_pages.py [--pages 50] [--requests 2000]

The shipped models on a workspace of their own. Each page asks, waits for the answer, and asks the
next request of ``tests/sets/dev.jsonl``; where an approval is asked for, it rejects. Prints the
memory that is resident after each tenth.
"""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import cycle, islice
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from tinyagent.agent import TinyAgent
from tinyagent.approval.approval import Decision
from tinyagent.evaluation.sets import read_test_set
from tinyagent.settings import load_settings

SET = Path(__file__).parent.parent / "tests" / "sets" / "dev.jsonl"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--pages", type=int, default=50, help="that ask at once")
    parser.add_argument("--requests", type=int, default=2000, help="of all pages together")
    options = parser.parse_args()
    asked = list(islice(cycle(item.query for item in read_test_set(SET)), options.requests))
    process, lock, done = psutil.Process(), threading.Lock(), 0
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        own = replace(
            load_settings(backend="workspace"),
            workspace=Path(folder) / "workspace",
            traces=Path(folder) / "traces.db",
        )
        with TinyAgent.open(own) as agent, ThreadPoolExecutor(options.pages) as pages:

            def ask(request: str) -> None:
                nonlocal done
                to_the_end(agent, request)
                with lock:
                    done += 1
                    if done % max(1, options.requests // 10) == 0:
                        size, took = process.memory_info().rss / 2**20, time.monotonic() - began
                        print(f"{done:6,} requests, {took:6.0f} s: {size:,.0f} MiB")

            list(pages.map(ask, asked))


def to_the_end(agent: TinyAgent, request: str) -> None:
    """Ask, and reject what is proposed; the answer must be of this request."""
    run = agent.start(request, asks=False)
    state = agent.wait(run)
    while not state.over:
        assert state.approval is not None
        agent.decide(run, state.approval.approval, Decision("reject"))
        state = agent.wait(run)
    assert agent.traces.read(run)["request"] == request


if __name__ == "__main__":
    main()
