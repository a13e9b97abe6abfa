"""The plan language: reading, writing, validating, cutting, comparing."""

from __future__ import annotations

import gc
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinyagent.errors import PlanError, PlanSyntaxError
from tinyagent.plans.dag import dag, isomorphic
from tinyagent.plans.edit import without
from tinyagent.plans.syntax import Call, Plan, PlanReader, read_call, read_plan, substitute
from tinyagent.plans.validate import problems, unused_lookups
from tinyagent.tools.sixteen import SIXTEEN

NOW = datetime(2026, 11, 24, 9, 30)
BUDGET = """1. get_email_address("Sid")
2. get_email_address("Lutfi")
3. create_calendar_event("Budget review", "tomorrow at 2pm", "", "", ["$1", "$2"])
4. join()"""
SETS = Path(__file__).parent / "sets"

TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=20)
VALUES = st.one_of(
    TEXT, st.integers(0, 999), st.booleans(), st.lists(TEXT | st.integers(0, 9)).map(tuple)
)
CALLS = st.lists(st.lists(VALUES, max_size=4).map(tuple), max_size=5)


def plan_of(calls: list[tuple[object, ...]]) -> Plan:
    return Plan(tuple(Call(n, "tool", a) for n, a in enumerate(calls, 1)))  # type: ignore[arg-type]


@given(CALLS)
def test_what_is_written_reads_back_the_same(calls: list[tuple[object, ...]]) -> None:
    plan = plan_of(calls)
    assert read_plan(str(plan)) == plan


@given(CALLS, st.data())
def test_a_stream_gives_each_call_as_its_line_ends(
    calls: list[tuple[object, ...]], data: st.DataObject
) -> None:
    text = str(plan_of(calls))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    reader, got = PlanReader(), []
    for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True):
        got += reader.feed(text[start:end])
        assert len(got) == text[:end].count("\n")
    assert tuple(got) == plan_of(calls).calls
    assert reader.close() == plan_of(calls)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "does not end"),
        ('1. open_note("a")', "does not end"),
        ('2. open_note("a")\n3. join()', "numbered 2"),
        ("1. join()\n2. join()", "the last line"),
        ("1. join(1)", "no arguments"),
        ("Sure! Here is the plan:\n1. join()", "is no call"),
        ("1. open_note('a')\n2. join()", "double-quoted"),
        ("1. open_note(name)\n2. join()", "no literal"),
        ('1. open_note(name="a")\n2. join()', "without names"),
        ('1. open_note(__import__("os"))\n2. join()', "no literal"),
        ('1. open_note("a" + "b")\n2. join()', "no literal"),
        ('1. send_sms([["$1"]], "a")\n2. join()', "a list holds"),
        ('1. open_note("a\n2. join()', "is no call"),
        ("1. f(" + "[" * 5000 + "\n2. join()", "is no call"),
        ("1" * 5000 + ". f()\n2. join()", "is no call"),
        ("1. f(0x" + "f" * 5000 + ")\n2. join()", "too large"),
        (f"1. f({2**63})\n2. join()", "too large"),
        ("1. f(1e999)\n2. join()", "too large"),
        ("1. f(" + "-" * 900 + "1)\n2. join()", "no literal"),
        ("1. f(" + "+".join("1" * 2000) + ")\n2. join()", "no literal"),
        ("1. f(a" + ".b" * 900 + ")\n2. join()", "no literal"),
    ],
)
def test_what_is_no_plan_is_refused_with_its_reason(text: str, reason: str) -> None:
    with pytest.raises(PlanSyntaxError, match=reason):
        read_plan(text)


@pytest.mark.parametrize(
    ("line", "argument", "reason"),
    [
        ('open_notes("a")', None, "no tool open_notes"),
        ("open_note()", "name", "missing"),
        ('open_note("")', "name", "empty"),
        ('open_note("a", "b", "c")', None, "3 arguments"),
        ('send_sms("+1 416 555 0101", "hi")', "recipients", "must be a list"),
        ('send_sms(["Sid"], "hi")', "recipients", "look the person up"),
        ('send_sms([], "hi")', "recipients", "empty"),
        ('send_sms(["+14165550101", "+14165550101"], "hi")', "recipients", "twice"),
        ('compose_new_email(["Sid"])', "recipients", "no e-mail address"),
        ('summarize_pdf("report.pdf")', "pdf_path", "find the file first"),
        ('create_reminder("a", "tomorrow", "", "", 3)', "priority", "not one of"),
        ('create_reminder("a", "the 32nd")', "due_date", "32"),
        ('create_calendar_event("a", "soonish")', "start_date", "soonish"),
        ('maps_show_directions("", "Rome", "by car")', "transport", "not one of"),
        ('get_zoom_meeting_link("a", "tomorrow at 2", 0)', "duration", "above 0"),
        ('open_note("$2")', "name", "no earlier task"),
        (f'open_note("${"1" * 5000}")', "name", "no earlier task"),
    ],
)
def test_faults_are_named_by_task_and_argument(
    line: str, argument: str | None, reason: str
) -> None:
    (found, *_) = problems(read_plan(f"1. {line}\n2. join()"), SIXTEEN, NOW)
    assert found.task == 1
    assert found.argument == argument
    assert reason in found.reason


@pytest.mark.parametrize(
    ("first", "second", "fits"),
    [
        ('get_phone_number("Sid")', 'send_sms(["$1"], "hi")', True),
        ('get_phone_number("Sid")', 'compose_new_email(["$1"])', False),
        ('get_email_address("Sid")', 'send_sms(["$1"], "hi")', False),
        ('get_phone_number("Sid")', 'create_note("Sid", "His number is $1")', True),
        ('open_and_get_file_path("a.pdf")', 'summarize_pdf("$1")', True),
        ('open_and_get_file_path("a.pdf")', 'compose_new_email(["$1"])', False),
        ('create_note("a")', 'create_note("b", "$1")', False),
        ('get_phone_number("Sid")', 'send_sms(["call $1"], "hi")', False),
    ],
)
def test_a_result_stands_only_where_its_kind_may(first: str, second: str, fits: bool) -> None:
    found = problems(read_plan(f"1. {first}\n2. {second}\n3. join()"), SIXTEEN, NOW)
    assert (not found) == fits


@pytest.mark.parametrize("name", ["dev.jsonl", "handwritten.jsonl", "blind.jsonl", "fresh.jsonl"])
def test_every_accepted_plan_of_the_test_sets_is_valid(name: str) -> None:
    for line in (SETS / name).read_text("utf-8").splitlines():
        row = json.loads(line)
        for text in row["plans"]:
            found = problems(read_plan(text), SIXTEEN, datetime.fromisoformat(row["now"]))
            assert not found, (row["id"], found)


def test_the_dag_has_an_edge_for_each_result_that_is_used() -> None:
    graph = dag(read_plan(BUDGET))
    assert dict(graph.nodes(data="tool"))[3] == "create_calendar_event"
    assert set(graph.edges) == {(1, 3), (2, 3)}


def test_isomorphic_plans_differ_in_order_and_words_alone() -> None:
    other = """1. get_email_address("lutfi")
2. get_email_address("sid")
3. create_calendar_event("Numbers", "noon", "", "", ["$2", "$1"])
4. join()"""
    assert isomorphic(read_plan(BUDGET), read_plan(other))
    unlinked = BUDGET.replace('["$1", "$2"]', '["$1"]')
    assert not isomorphic(read_plan(BUDGET), read_plan(unlinked))
    assert not isomorphic(read_plan(BUDGET), read_plan(BUDGET.replace("email_address", "x")))


def test_a_part_is_not_the_whole() -> None:
    part = read_plan('1. get_email_address("Sid")\n2. join()')
    assert not isomorphic(part, read_plan(BUDGET))
    assert not isomorphic(read_plan(BUDGET), part)
    assert isomorphic(read_plan("1. join()"), read_plan("1. join()"))


def test_leaving_a_task_out_takes_its_look_ups_along_and_renumbers() -> None:
    plan = read_plan("""1. get_phone_number("Sid")
2. send_sms(["$1"], "hi")
3. get_email_address("Lutfi")
4. compose_new_email(["$3"], [], "", "as $1 said")
5. join()""")
    assert str(without(plan, [4])) == (
        '1. get_phone_number("Sid")\n2. send_sms(["$1"], "hi")\n3. join()'
    )
    assert str(without(plan, [2])).startswith(
        '1. get_phone_number("Sid")\n2. get_email_address("Lutfi")\n3. compose_new_email(["$2"]'
    )


def test_unused_look_ups_are_seen() -> None:
    plan = read_plan('1. get_email_address("Sid")\n2. create_note("a")\n3. join()')
    assert [call.number for call in unused_lookups(plan, SIXTEEN)] == [1]
    assert unused_lookups(read_plan(BUDGET), SIXTEEN) == []


def test_results_are_put_in_once() -> None:
    assert substitute("$1 and $12, $1", {1: "$12", 12: "b"}) == "$12 and b, $12"
    with pytest.raises(KeyError):
        substitute("$3", {1: "a"})


def test_a_plan_error_says_where() -> None:
    assert str(PlanError("it is empty", 2, "name")) == "task 2, argument name: it is empty"


def test_threads_may_read_plans_at_once() -> None:
    """CPython 3.11 counts a syntax tree's depth for all threads in one place (gh-106905).

    They trip over each other where one is interrupted half-way through a tree: where the
    collector has a callback in Python, as Hypothesis gives it one.
    """
    line = '1. compose_new_email(["a@x.org", "b@x.org", "c@x.org"], [], "Subject", "Body")'
    threshold, interval = gc.get_threshold(), sys.getswitchinterval()

    def interrupt(phase: str, info: dict[str, int]) -> None:
        pass

    gc.callbacks.append(interrupt)
    gc.set_threshold(20)
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            read = list(pool.map(read_call, [line] * 1600))
    finally:
        gc.callbacks.remove(interrupt)
        gc.set_threshold(*threshold)
        sys.setswitchinterval(interval)
    assert {str(call) for call in read} == {str(read_call(line))}
