"""Plan a test set at several places at a time: on servers, or on the workers of a Ray cluster.

Outcomes are as ``run.evaluate`` would give them, in order. A request that one server fails to
answer is planned by another; a wrong plan is an outcome, and is not asked for again.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace

from tinyagent.cluster import cluster, workers
from tinyagent.errors import UnusableAnswerError
from tinyagent.evaluation.run import Outcome, plan_item, unplanned
from tinyagent.evaluation.sets import Item
from tinyagent.fanout import Place, fan_out
from tinyagent.planner import load_planner
from tinyagent.planner.base import Planner
from tinyagent.settings import Settings
from tinyagent.toolrag.base import Selection, ToolRAG
from tinyagent.tools.sixteen import SIXTEEN

Job = tuple[int, Item, Selection]
"""A request with its place in the set, and the tools that were picked for it."""


def evaluate_spread(
    items: Sequence[Item],
    toolrag: ToolRAG,
    places: Sequence[Place[Job, Outcome]],
    at_once: int,
    tell: Callable[[str], None],
    done: Callable[[Outcome], None],
) -> list[Outcome]:
    """An outcome for each request, in order.

    Args:
        items: the requests.
        toolrag: picks the tools, here.
        places: where plans are made; see ``on_servers`` and ``on_ray``.
        at_once: requests at a time at each place.
        tell: gets a sentence for each place that is left out.
        done: gets each outcome as it comes.

    Raises:
        ServerError: no place is left.
    """
    outcomes: dict[int, Outcome] = {}
    jobs = ((n, item, toolrag.select(item.query)) for n, item in enumerate(items))

    def ended(job: Job, place: str, result: Outcome | UnusableAnswerError) -> None:
        number, item, selection = job
        if isinstance(result, UnusableAnswerError):
            result = unplanned(item, selection, result)
        outcomes[number] = result
        done(result)

    asyncio.run(fan_out(jobs, places, at_once, ended, tell))
    return [outcomes[number] for number in range(len(items))]


@contextmanager
def on_servers(
    planners: Mapping[str, Planner], at_once: int
) -> Iterator[list[Place[Job, Outcome]]]:
    """A place for each planner, by its name; each request that is under way has a thread."""
    over = threading.Event()
    with ThreadPoolExecutor(max(1, at_once * len(planners))) as threads:
        try:
            yield [_Threaded(name, one, threads, over) for name, one in planners.items()]
        finally:
            over.set()  # what is still under way, after an error or Ctrl-C, is not waited for


class _Threaded:
    def __init__(
        self, name: str, planner: Planner, threads: ThreadPoolExecutor, over: threading.Event
    ) -> None:
        self.name = name
        self._planner = planner
        self._threads = threads
        self._over = over

    async def work(self, job: Job) -> Outcome:
        _, item, selection = job
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._threads, plan_item, item, selection, self._planner, SIXTEEN, self._over.is_set
        )


@contextmanager
def on_ray(
    settings: Settings, address: str, cpus: int | None = None
) -> Iterator[list[Place[Job, Outcome]]]:
    """A place for each free core of a Ray cluster, with a planner of its own.

    Args:
        settings: name the planner; its file is to be where they say, on each node.
        address, cpus: see ``cluster.cluster``.
    """
    with cluster(address, cpus):
        yield list(workers(_RayPlanner, replace(settings, threads=1)))


class _RayPlanner:
    """What a worker holds; one request at a time."""

    def __init__(self, settings: Settings) -> None:
        self._planner = load_planner(settings)

    def work(self, job: Job) -> Outcome:
        _, item, selection = job
        return plan_item(item, selection, self._planner, SIXTEEN)
