"""Outcomes from several servers: in order, each from the server that could give it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.scripted import ScriptedToolRAG
from tests.test_remote import (  # noqa: F401 - two of them are fixtures
    NOW,
    RIGHT,
    Standing,
    no_pauses,
    plan,
    remote,
    stand,
    status,
)
from tinyagent.errors import ServerError
from tinyagent.evaluation.run import Outcome
from tinyagent.evaluation.sets import Item
from tinyagent.evaluation.spread import evaluate_spread, on_servers
from tinyagent.plans.syntax import read_plan

ITEMS = [Item(str(n), f"Text Sid, {n}", NOW, (read_plan(RIGHT),), ()) for n in range(6)]
TOOLRAG = ScriptedToolRAG({item.query: [RIGHT] for item in ITEMS})
WRONG = "1. join()"
Stand = Callable[..., Standing]


def evaluated(*servers: Standing, timeout: float = 20) -> tuple[list[Outcome], list[str]]:
    told: list[str] = []
    done: list[Outcome] = []
    planners = {one.url: remote(one.url, timeout) for one in servers}
    with on_servers(planners, 1) as places:
        outcomes = evaluate_spread(ITEMS, TOOLRAG, places, 1, told.append, done.append)
    assert [outcome.item for outcome in outcomes] == ITEMS
    assert sorted(outcome.item.id for outcome in done) == [item.id for item in ITEMS]
    return outcomes, told


def test_what_one_server_fails_to_answer_another_plans(stand: Stand) -> None:  # noqa: F811
    outcomes, told = evaluated(stand(status(503)), stand(plan(RIGHT)))
    assert all(outcome.score.success for outcome in outcomes)
    assert len(told) <= 1  # five in a row, if it came to so many


def test_a_server_that_refuses_the_key_is_left_out(stand: Stand) -> None:  # noqa: F811
    refuses = stand(status(401))
    outcomes, told = evaluated(refuses, stand(plan(RIGHT)))
    assert all(outcome.score.success for outcome in outcomes)
    assert len(told) == 1
    assert "answers 401 Unauthorized; check the key" in told[0]
    assert len(refuses.handler.asked) == 1


def test_a_wrong_plan_is_an_outcome_and_asked_for_nowhere_else(stand: Stand) -> None:  # noqa: F811
    wrong, invalid = stand(plan(WRONG)), stand(plan("I cannot help with that."))
    outcomes, told = evaluated(wrong, invalid)
    assert not any(outcome.score.success for outcome in outcomes)
    refused = [outcome for outcome in outcomes if outcome.plan is None]
    assert all("wrote no plan that can be used" in outcome.error for outcome in refused)
    assert len(wrong.handler.asked) == len(ITEMS) - len(refused)
    assert len(invalid.handler.asked) == 2 * len(refused)  # it is told what is wrong, once
    assert told == []


def test_where_no_server_answers_the_run_ends(stand: Stand) -> None:  # noqa: F811
    with pytest.raises(ServerError, match="none of the 2 is left; the last one: the server"):
        evaluated(stand(status(401)), stand(status(404)))
