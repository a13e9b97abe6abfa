"""Coverage: counted by hand here, and as it is shipped."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from tinyagent.models import find
from tinyagent.planner.coverage import (
    NOTHING_KNOWN,
    PRIOR,
    UNKNOWN,
    Coverage,
    count,
    read,
    words,
    words_of_plan,
    write,
)
from tinyagent.plans.syntax import Plan, read_plan
from tinyagent.settings import Settings

ONE = '1. get_phone_number("Ana")\n2. send_sms(["$1"], "Lunch is ready.")\n3. join()'
BOTH = (
    '1. get_phone_number("Ana")\n2. get_phone_number("Fr Declan")\n'
    '3. send_sms(["$1", "$2"], "Lunch is ready.")\n4. join()'
)


@pytest.fixture(scope="module")
def shipped() -> Coverage:
    return read(find("planner-coverage", Settings().models))


def test_words_are_folded_and_keep_what_stands_inside_them() -> None:
    assert words("Ask O’Neil, at sid@x.org: 'ready'?") == [
        "ask", "o'neil", "at", "sid@x.org", "ready",
    ]  # fmt: skip
    plan = read_plan('1. create_reminder("Call", "", "", "", 9)\n2. join()')
    assert words_of_plan(plan) == {"call", "9"}


def test_a_word_is_counted_once_a_request_and_only_where_a_tool_serves() -> None:
    rows = [("text Ana Ana lunch is ready", read_plan(ONE))] * 8 + [("text", Plan())] * 9
    said = count(rows).said
    assert said["ana"] == pytest.approx((8 + PRIOR * UNKNOWN) / (8 + PRIOR), abs=1e-3)
    assert said["text"] == pytest.approx(PRIOR * UNKNOWN / (8 + PRIOR), abs=1e-3)


def test_each_word_counts_by_whether_it_is_said_again() -> None:
    plan = read_plan('1. open_note("ana")\n2. join()')
    found = Coverage({"ana": 0.9, "please": 0.1}).score("please ana", plan)
    assert found == pytest.approx(math.log(0.9) + math.log(0.9))
    assert Coverage({"ana": 1.0}).score("ana", Plan()) > -5.0


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    write(coverage := Coverage({"o'neil": 0.5, "été": 0.25}), tmp_path / "new" / "c.json")
    assert read(tmp_path / "new" / "c.json") == coverage


@pytest.mark.parametrize(
    "request_",
    ["Text Ana and Fr Declan that lunch is ready", "text ana and fr declan lunch is ready"],
)
def test_a_plan_that_forgets_a_person_says_less(shipped: Coverage, request_: str) -> None:
    assert shipped.score(request_, read_plan(BOTH)) > shipped.score(request_, read_plan(ONE)) + 1


def test_where_nothing_is_known_saying_more_is_likelier() -> None:
    assert NOTHING_KNOWN.score("Ana", read_plan(ONE)) > NOTHING_KNOWN.score("Ana", Plan())
