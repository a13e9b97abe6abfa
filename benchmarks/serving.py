"""One planner for a team: how many requests a second, and how long does each wait?

    .venv/bin/python benchmarks/serving.py [--llama-server PROGRAM] [--write docs/serving.md]

Clients ask one after the other, each as soon as it has its plan, for plans of the requests of
``tests/sets/dev.jsonl`` with the right tools offered. Compared are TinyAgent's planner in one
process, which plans one request at a time; ``llama_cpp.server``, which does so too; and
llama-server, which decodes those of several clients in one batch, where ``--llama-server`` names
the program. ``--url`` measures a server that is there already. Run it on a quiet machine.
"""

from __future__ import annotations

import argparse
import os
import platform
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Unpack

import httpx
import numpy as np

from tinyagent.errors import TinyAgentError
from tinyagent.evaluation.scoring import score
from tinyagent.evaluation.sets import Item, read_test_set
from tinyagent.models import find
from tinyagent.planner import load_planner
from tinyagent.planner.base import Planned, Planner, PlanOptions
from tinyagent.remote.chat import Server
from tinyagent.remote.planner import RemotePlanner
from tinyagent.settings import Settings, load_settings
from tinyagent.tools.registry import ToolSet
from tinyagent.tools.sixteen import SIXTEEN

SET = Path(__file__).parent.parent / "tests" / "sets" / "dev.jsonl"
BEGIN, END = "<!-- begin benchmarks/serving.py -->", "<!-- end benchmarks/serving.py -->"
MODEL = "tinyagent-planner"
TOKENS_EACH = 1024
"""Context of one request: the longest prompt of the set with its plan has some 500."""


@dataclass(frozen=True)
class Row:
    """What was measured with one engine and number of clients; seconds for each request."""

    engine: str
    clients: int
    wall: float
    seconds: list[float]
    right: int

    def __str__(self) -> str:
        p50, p95 = np.percentile(self.seconds, [50, 95])
        count = len(self.seconds)
        rate = count / self.wall
        share = f"{self.right} of {count}"
        return f"| {self.engine} | {self.clients} | {rate:.2f} | {p50:.2f} | {p95:.2f} | {share} |"


def main() -> None:
    """Measure each engine with each number of clients, and print the table."""
    options = _options()
    settings = load_settings()
    items = read_test_set(SET)
    items = [item for item in items if len(item.plans[0])][: options.requests]
    rows: list[Row] = []

    def measured(engine: str, planner_for: Callable[[], Planner]) -> None:
        for clients in options.clients:
            rows.append(measure(engine, items, clients, planner_for))
            print(rows[-1], file=sys.stderr, flush=True)

    if options.url:
        measured(options.url, lambda: _remote(options.url, options.model))
    else:
        shared = OneAtATime(load_planner(settings))
        measured("one process", lambda: shared)
        with _served(_llama_cpp_server(settings)) as url:
            measured("llama_cpp.server", lambda: _remote(url, MODEL))
        if options.llama_server:
            slots = max(options.clients)
            command = _llama_server(options.llama_server, settings, slots)
            with _served(command) as url:
                measured(f"llama-server, {slots} slots", lambda: _remote(url, MODEL))
    report = _report(rows, options)
    print(report)
    if options.write:
        _write(options.write, report)


def measure(
    engine: str, items: Sequence[Item], clients: int, planner_for: Callable[[], Planner]
) -> Row:
    """Have ``clients`` ask for all of the plans, each with a planner of its own or a shared one."""
    waiting: queue.SimpleQueue[Item] = queue.SimpleQueue()
    for item in items:
        waiting.put(item)
    seconds: list[float] = []
    right: list[bool] = []

    def client() -> None:
        planner = planner_for()
        while True:
            try:
                item = waiting.get_nowait()
            except queue.Empty:
                return
            began = time.perf_counter()
            found = _plan(planner, item)
            seconds.append(time.perf_counter() - began)
            right.append(found)

    _plan(planner_for(), items[0])  # what is loaded at the first request is not measured
    threads = [threading.Thread(target=client) for _ in range(clients)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Row(engine, clients, time.perf_counter() - began, seconds, sum(right))


def _plan(planner: Planner, item: Item) -> bool:
    """Is the plan one of the accepted ones?"""
    try:
        plan = planner.plan(item.query, SIXTEEN.only(item.gold_tools), item.now).plan
    except TinyAgentError as error:
        print(f"{item.id}: {error}", file=sys.stderr)
        return False
    return score(plan, item, SIXTEEN).success


class OneAtATime:
    """A planner that many share, and wait for as the runs of one agent do."""

    def __init__(self, planner: Planner) -> None:
        self._planner = planner
        self._lock = threading.Lock()

    def plan(
        self, request: str, tools: ToolSet, now: datetime, **options: Unpack[PlanOptions]
    ) -> Planned:
        """Plan once all who came before have their plans."""
        with self._lock:
            return self._planner.plan(request, tools, now, **options)


def _remote(url: str, model: str) -> Planner:
    return RemotePlanner(Server(url, model, timeout=600), None)


def _llama_cpp_server(settings: Settings) -> list[str]:
    model = find("planner-q4_0", settings.models)
    command = [sys.executable, "-m", "llama_cpp.server", "--model", str(model)]
    return [*command, "--model_alias", MODEL, "--n_ctx", str(TOKENS_EACH), "--port"]


def _llama_server(program: str, settings: Settings, slots: int) -> list[str]:
    model = find("planner-q4_0", settings.models)
    command = [program, "--model", str(model), "--alias", MODEL, "--parallel", str(slots)]
    return [*command, "--ctx-size", str(slots * TOKENS_EACH), "--port"]


@contextmanager
def _served(command: list[str]) -> Iterator[str]:
    """A server, started on a free port and ended again; its URL."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}/v1"
    null = subprocess.DEVNULL
    process = subprocess.Popen([*command, str(port)], stdout=null, stderr=null)
    try:
        while not _answers(url):
            if process.poll() is not None:
                raise SystemExit(f"{command[0]} ended with status {process.returncode}")
            time.sleep(0.5)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/models", timeout=5).is_success
    except httpx.HTTPError:
        return False


def _report(rows: Sequence[Row], options: argparse.Namespace) -> str:
    busy = max(0.0, os.getloadavg()[2] - max(options.clients))
    program = " --llama-server llama-server" if options.llama_server else ""
    clients = " ".join(map(str, options.clients))
    command = f"serving.py --requests {options.requests} --clients {clients}{program}"
    lines = [
        f"`.venv/bin/python benchmarks/{command}`, {os.cpu_count()} cores ({platform.machine()}):",
        "",
        "| engine | clients | requests/s | p50, s | p95, s | right plans |",
        "|---|---|---|---|---|---|",
        *map(str, rows),
    ]
    if busy > 1:
        lines += ["", f"Other work was going on: a load of {busy:.1f} beside this."]
    return "\n".join(lines)


def _write(page: Path, report: str) -> None:
    """Put the report between the page's marks."""
    text = page.read_text("utf-8")
    before, mark, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not mark or not end:
        raise SystemExit(f"{page} has no lines {BEGIN} and {END} for the table to stand between")
    page.write_text(f"{before}{BEGIN}\n\n{report}\n\n{END}{after}", encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--requests", type=int, default=64, help="default: %(default)s")
    parser.add_argument("--clients", type=int, nargs="+", default=[1, 4, 16], help="at a time")
    parser.add_argument("--llama-server", default="", metavar="PROGRAM")
    parser.add_argument("--url", default="", help="of a server, in place of those")
    parser.add_argument("--model", default=MODEL, help="its name at --url")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the table into it")
    return parser.parse_args()


if __name__ == "__main__":
    main()
