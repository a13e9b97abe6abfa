"""Work over several places: none is lost where one of them goes away, and that is told once."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable

import pytest

from tinyagent.errors import ServerError, UnusableAnswerError
from tinyagent.fanout import MISSES, fan_out


class Somewhere:
    """A place that does jobs in ``seconds`` each, until ``fault`` says what goes wrong."""

    def __init__(
        self,
        name: str,
        fault: Callable[[int], Exception | None] = lambda job: None,
        seconds: float = 0.0,
    ) -> None:
        self.name = name
        self._fault = fault
        self._seconds = seconds
        self.asked: list[int] = []

    async def work(self, job: int) -> int:
        self.asked.append(job)
        await asyncio.sleep(self._seconds)
        if error := self._fault(job):
            raise error
        return job * job


Ended = dict[int, tuple[str, int | UnusableAnswerError]]


def run(*places: Somewhere, jobs: int = 40, at_once: int = 2) -> tuple[Ended, list[str]]:
    ended: Ended = {}
    told: list[str] = []

    def done(job: int, name: str, result: int | UnusableAnswerError) -> None:
        assert job not in ended
        ended[job] = (name, result)

    asyncio.run(fan_out(iter(range(jobs)), places, at_once, done, told.append))
    return ended, told


def test_whoever_is_free_does_the_next_job() -> None:
    ended, told = run(Somewhere("fast", seconds=0.002), Somewhere("slow", seconds=0.05))
    assert {job: result for job, (_, result) in ended.items()} == {j: j * j for j in range(40)}
    count = Counter(name for name, _ in ended.values())
    assert count["fast"] > count["slow"] > 0
    assert told == []


def test_a_place_that_is_gone_is_told_once_and_loses_no_job() -> None:
    gone = Somewhere("gone", lambda job: ServerError("it is not there") if job > 9 else None, 0.001)
    # The one that stays is slow: what the other loses comes when the queue is empty, too.
    ended, told = run(gone, Somewhere("stays", seconds=0.003), at_once=4)
    assert {job: result for job, (_, result) in ended.items()} == {j: j * j for j in range(40)}
    assert told == ["gone is left out: it is not there"]


def test_a_job_lost_at_the_very_end_is_still_done() -> None:
    late = Somewhere("late", lambda job: ServerError("it died"), 0.1)
    ended, told = run(late, Somewhere("idle"), jobs=3, at_once=1)
    assert sorted(ended) == [0, 1, 2]
    assert len(told) == 1


def test_a_job_that_fails_here_is_tried_there_and_given_up_where_it_fails_everywhere() -> None:
    poison = UnusableAnswerError("too long")
    first = Somewhere("first", lambda job: poison if job in (3, 7) else None, 0.001)
    second = Somewhere("second", lambda job: poison if job == 7 else None, 0.001)
    ended, told = run(first, second)
    assert ended[3] == ("second", 9)
    assert ended[7][1] is poison
    assert first.asked.count(7) == second.asked.count(7) == 1
    assert told == []


def test_a_place_where_nothing_comes_through_is_left_out() -> None:
    hangs = Somewhere("hangs", lambda job: UnusableAnswerError("no answer in time"))
    ended, told = run(hangs, Somewhere("works", seconds=0.001), at_once=1)
    assert {name for name, _ in ended.values()} == {"works"}
    assert len(hangs.asked) == MISSES
    assert told == ["hangs is left out: no answer in time"]


def test_where_none_is_left_the_run_ends_with_the_last_reason() -> None:
    one, other = (Somewhere(n, lambda job: ServerError("out of memory")) for n in ("a", "b"))
    with pytest.raises(ServerError, match="none of the 2 is left; the last one: out of memory"):
        run(one, other)
    with pytest.raises(ServerError, match="^out of memory$"):
        run(one)


def test_a_fault_in_what_takes_the_results_ends_the_run() -> None:
    def done(job: int, name: str, result: object) -> None:
        raise OSError("the disk is full")

    places = [Somewhere("a", seconds=0.001), Somewhere("b", seconds=5)]
    with pytest.raises(OSError, match="the disk is full"):
        asyncio.run(fan_out(range(9), places, 2, done, print))
