"""A plan considered again: on the real model, with ToolRAG's opinion told by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Any

import pytest

from tinyagent.models import find
from tinyagent.planner import load_planner
from tinyagent.planner.draft import Draft, Job
from tinyagent.planner.engine import BATCH, Engine
from tinyagent.planner.grammar import Ways
from tinyagent.planner.planner import Planner
from tinyagent.planner.prompt import planner_prompt
from tinyagent.planner.reconsider import MOST_STEPS, Reconsider
from tinyagent.plans.syntax import read_plan
from tinyagent.plans.validate import problems
from tinyagent.settings import Settings
from tinyagent.toolrag.base import DESCRIBED_LEAN, LEAN, MOST_CERTAIN, Selection, log_odds
from tinyagent.tools.sixteen import SIXTEEN

NOW = datetime(2026, 11, 24, 9, 30)
REQUEST = "Text Sid that lunch is ready"
WIDE = 9.0
"""Nats within which a second choice is noted here, so that there are some."""
OFFERED = SIXTEEN.only(["get_phone_number", "send_sms", "create_reminder"])


@pytest.fixture(scope="module")
def planner() -> Planner:
    return load_planner(Settings())


@pytest.fixture(scope="module")
def engine() -> Engine:
    return Engine(find("planner-q4_0", Settings().models))


def test_odds_come_from_a_classifier_and_from_descriptions() -> None:
    probabilities = {"send_sms": 0.9, "create_note": 0.0}
    classified = Selection(probabilities, ["send_sms"], 0.5, "classifier", 0.0, lean=LEAN)
    assert classified.odds == {"send_sms": pytest.approx(log_odds(0.9) - LEAN)}
    assert log_odds(0.9) == pytest.approx(2.197, abs=1e-3)
    assert log_odds(1.0) == log_odds(1.0, LEAN) == log_odds(MOST_CERTAIN)
    assert log_odds(0.0) == log_odds(0.0, LEAN) == -log_odds(MOST_CERTAIN)
    assert Selection(probabilities, ["send_sms"], None, "basic", 0.0).odds == {}
    described = frozenset({"send_sms"})
    scored = Selection(probabilities, ["send_sms"], 0.5, "classifier", 0.0, described)
    assert scored.odds == {"send_sms": pytest.approx(log_odds(0.9) - DESCRIBED_LEAN)}


def test_a_doubted_tool_that_is_needed_stays(planner: Planner) -> None:
    plain = planner.plan(REQUEST, OFFERED, NOW).plan
    doubted = planner.plan(REQUEST, OFFERED, NOW, odds={"send_sms": 0.1}).plan
    assert [c.tool for c in doubted] == [c.tool for c in plain] == ["get_phone_number", "send_sms"]


def test_a_tool_that_makes_no_sense_is_not_called_for_being_likely(planner: Planner) -> None:
    plan = planner.plan(REQUEST, OFFERED, NOW, odds={"create_reminder": log_odds(1.0)}).plan
    assert [c.tool for c in plan] == ["get_phone_number", "send_sms"]


def test_opinions_of_tools_that_are_not_offered_change_nothing(planner: Planner) -> None:
    odds = {"create_note": 9.0, "send_sms": 5.0, "get_phone_number": 5.0}
    plan = planner.plan(REQUEST, OFFERED, NOW, odds=odds).plan
    assert [c.tool for c in plan] == ["get_phone_number", "send_sms"]


@pytest.mark.parametrize("tool", list(SIXTEEN))
def test_whatever_is_said_to_be_needed_the_plan_is_valid(planner: Planner, tool: str) -> None:
    request = "Ask Ana for the deck tomorrow at 5 and note it in Ideas"
    tools = SIXTEEN.only(["get_email_address", "compose_new_email", "create_note", tool])
    plan = planner.plan(request, tools, NOW, odds=dict.fromkeys(tools, 9.0)).plan
    assert not problems(plan, tools, NOW)


def test_a_long_draft_is_scored_as_a_short_one(engine: Engine) -> None:
    """llama.cpp ends the process where a batch holds more than it was made for."""
    tokens = engine.tokenize("lunch is ready and " * 200, special=False)
    assert len(tokens) > BATCH
    found = engine.log_probabilities(tokens, engine.start(engine.tokenize("Plan:\n")))
    assert len(found) == len(tokens)
    parts = engine.log_probabilities(
        tokens[BATCH:], engine.start([*engine.tokenize("Plan:\n"), *tokens[:BATCH]])
    )
    assert found[BATCH:] == pytest.approx(parts, abs=0.1)


def test_close_choices_are_noted_outside_of_what_is_forced(
    planner: Planner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tinyagent.planner.planner.DOUBT", WIDE)
    request = "Text Sid and maybe Ana that lunch is ready, or mail Ana"
    engine = planner._engine
    draft = planner._decode(job_of(engine, request), Draft(), Ways())
    assert draft.doubts
    assert all(0 <= d.behind < WIDE and d.at < len(draft.tokens) for d in draft.doubts)
    assert all(draft.tokens[d.at] != d.token for d in draft.doubts)
    line = draft.line_of(draft.doubts[-1].at)
    assert draft.starts[line] <= draft.doubts[-1].at
    assert len(draft.cut(line).doubts) < len(draft.doubts)


def job_of(engine: Engine, request: str) -> Job:
    prompt = engine.tokenize(planner_prompt(request, OFFERED.values()))
    return Job(request, OFFERED, NOW, prompt, {}, lambda text: None, lambda: False)


def test_what_is_decoded_to_be_compared_knows_how_likely_it_is(planner: Planner) -> None:
    engine = planner._engine
    job = job_of(engine, "Text Sid and Ana that lunch is ready, and remind me at 5 to eat")
    draft = planner._decode(job.again(), Draft(), Ways())
    assert draft.whole
    read = engine.log_probabilities(draft.tokens, engine.start(job.prompt))
    assert draft.likelihoods == pytest.approx(read, abs=0.5)
    # The model ends its turn after join(): were a new line demanded there, it would cost more
    # nats than all of the plan.
    assert engine.piece(draft.tokens[-1]) == b"()"
    assert sum(draft.likelihoods) > -8
    further = planner._decode(job.again(), draft.cut(2), Ways())
    assert further.likelihoods == pytest.approx(draft.likelihoods, abs=0.5)


def test_a_draft_without_hope_is_given_up_at_the_end_of_its_line(planner: Planner) -> None:
    job = job_of(planner._engine, "Text Sid and Ana that lunch is ready")
    seen: list[int] = []

    def hopeless(draft: Draft) -> bool:
        seen.append(len(draft.calls))
        return len(draft.calls) == 2

    draft = planner._decode(job.again(), Draft(), Ways(), hopeless=hopeless)
    assert not draft.whole
    assert seen == [1, 2]
    assert len(draft.likelihoods) == len(draft.tokens)


def test_what_costs_too_much_is_not_decoded_again(planner: Planner) -> None:
    engine, decoded = planner._engine, list[Draft]()
    job = replace(job_of(engine, REQUEST), odds={"create_reminder": log_odds(1.0)})
    draft = planner._decode(job, Draft(), Ways())

    def decode(job: Job, begun: Draft, *rest: Any) -> Draft:
        decoded.append(begun)
        return planner._decode(job, begun, *rest)

    Reconsider(engine, decode).best(job, draft, Ways())
    assert decoded
    decoded.clear()
    spent = count(step=MOST_STEPS)
    assert Reconsider(engine, decode, lambda: next(spent)).best(job, draft, Ways()) is draft
    assert not decoded


def test_probabilities_of_tokens_are_those_that_decoding_would_have_met(engine: Engine) -> None:
    tokens = engine.tokenize("1. join()", special=False)
    prompt = engine.tokenize("Plan:\n")
    together = engine.log_probabilities(tokens, engine.start(prompt))
    one_by_one = []
    for i in range(len(tokens)):
        logits = engine.start([*prompt, *tokens[:i]])
        one_by_one += engine.log_probabilities(tokens[i : i + 1], logits)
    assert together == pytest.approx(one_by_one, abs=0.05)


def drafted(plan: str) -> tuple[Job, Draft]:
    """A draft of a token a line, of which no likelihood is known."""
    calls = list(read_plan(plan).calls)
    lines = list(range(len(calls) + 1))
    job = Job("", SIXTEEN, NOW, [], {}, lambda text: None, lambda: False)
    return job, Draft(calls, lines, lines)


def test_a_look_up_that_comes_too_late_is_made_sooner(planner: Planner) -> None:
    reconsider = Reconsider(planner._engine, planner._decode)
    job, draft = drafted(
        '1. get_email_address("Ana")\n2. reply_to_email(["$1"], "Yes.")\n'
        '3. get_email_address("Sid")\n4. join()'
    )
    without, sooner = reconsider._without_unused(job, draft, Ways())
    assert without.ways.banned == {("get_email_address", "name"): {"Sid"}}
    assert [call.tool for call in sooner.draft.calls] == ["get_email_address"]
    assert sooner.first and sooner.first.only == "get_email_address"
    assert sooner.ways.demanded == {"$1", "$2"}


@pytest.mark.parametrize(
    ("second", "twice"),
    [
        ('create_calendar_event("talk", "Friday 9", "", "Gate B", [], "$3")', True),
        ('create_calendar_event("Talk", "Friday 10")', False),
        ('create_calendar_event("Lunch", "Friday 9")', False),
        ('create_reminder("Talk", "Friday 9")', False),
        ('create_calendar_event("Talk", "Friday 9", "10", "", [], "$3", "Work")', True),
    ],
)
def test_an_event_that_is_created_twice_is_put_off(
    planner: Planner, second: str, twice: bool
) -> None:
    reconsider = Reconsider(planner._engine, planner._decode)
    job, draft = drafted(
        '1. create_calendar_event("Talk", "Friday 9")\n2. open_and_get_file_path("plan")\n'
        f'3. summarize_pdf("$2")\n4. {second}\n5. join()'
    )
    found = reconsider._twice(job, draft)
    assert [call.number for call in found] == ([1] if twice else [])
    for call in found:
        (later,) = reconsider._later(draft, Ways(), call)
        assert later.draft.calls == []
        assert later.first and later.first.closed == {"create_calendar_event"}
        assert not later.ways.closed


def test_things_of_one_name_in_two_places_are_two(planner: Planner) -> None:
    reconsider = Reconsider(planner._engine, planner._decode)
    job, draft = drafted(
        '1. create_note("Keys", "", "Work")\n2. create_note("Keys", "", "Home")\n'
        '3. create_note("keys", "Two of them")\n4. join()'
    )
    assert [call.number for call in reconsider._twice(job, draft)] == [1, 2]


def test_two_messages_to_one_person_are_two(planner: Planner) -> None:
    reconsider = Reconsider(planner._engine, planner._decode)
    job, draft = drafted(
        '1. get_phone_number("Ana")\n2. send_sms(["$1"], "Yes")\n'
        '3. send_sms(["$1"], "No")\n4. join()'
    )
    assert reconsider._twice(job, draft) == []
