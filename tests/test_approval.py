"""Grants: one use, of exactly the call that a person saw."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import pytest

from tinyagent.approval.approval import ApprovalBook, ToolRunner
from tinyagent.approval.describe import describe
from tinyagent.backends.workspace import Workspace
from tinyagent.errors import ApprovalError, PlanError
from tinyagent.plans.edit import without
from tinyagent.plans.syntax import Plan, read_call, read_plan
from tinyagent.runs.resolve import ResolvedCall, edit, resolve, values
from tinyagent.tools.context import ToolContext
from tinyagent.tools.sixteen import SIXTEEN

NOW = datetime(2026, 11, 24, 9, 30)


@dataclass
class Setup:
    book: ApprovalBook = field(default_factory=ApprovalBook)

    def __post_init__(self) -> None:
        self.runner = ToolRunner(SIXTEEN, self.book)


def note(text: str = "milk") -> ResolvedCall:
    return resolve(read_call(f'1. create_note("List", "{text}")'), SIXTEEN["create_note"], {}, NOW)


def context(folder: Path) -> ToolContext:
    return ToolContext(Workspace(folder, lambda: NOW), summarizer=None)  # type: ignore[arg-type]


def notes(folder: Path) -> list[str]:
    return [p.name for p in folder.rglob("*.md")]


def test_a_changing_call_without_a_grant_does_not_run(tmp_path: Path) -> None:
    with pytest.raises(ApprovalError):
        Setup().runner.run("run", note(), {}, context(tmp_path))
    assert notes(tmp_path) == []


def test_a_grant_is_used_up_by_one_call(tmp_path: Path) -> None:
    setup = Setup()
    grant = setup.book.grant("run", note())
    setup.runner.run("run", note(), {}, context(tmp_path), grant)
    with pytest.raises(ApprovalError, match="used up"):
        setup.runner.run("run", note(), {}, context(tmp_path), grant)
    assert len(notes(tmp_path)) == 1


@pytest.mark.parametrize(
    ("run", "call"),
    [
        ("run", note("other text")),
        ("another run", note()),
        ("run", replace(note(), task=2)),
        ("run", replace(note(), arguments=note().arguments | {"folder": "Work"})),
    ],
)
def test_a_grant_of_another_call_does_not_fit(tmp_path: Path, run: str, call: ResolvedCall) -> None:
    setup = Setup()
    grant = setup.book.grant("run", note())
    with pytest.raises(ApprovalError, match="another call"):
        setup.runner.run(run, call, {}, context(tmp_path), grant)
    assert notes(tmp_path) == []


def test_grants_of_a_run_end_with_it(tmp_path: Path) -> None:
    setup = Setup()
    grant = setup.book.grant("run", note())
    setup.book.revoke("run")
    with pytest.raises(ApprovalError):
        setup.runner.run("run", note(), {}, context(tmp_path), grant)


def test_the_canonical_form_tells_a_number_from_text_and_a_gap_from_a_dollar() -> None:
    plan = '1. get_zoom_meeting_link("a", "noon")\n2. send_sms(["+1 555 0100"], "$1")\n3. join()'
    call = read_plan(plan).calls[1]
    sms = SIXTEEN["send_sms"]
    gap = resolve(call, sms, {}, NOW)
    literal = resolve(call, sms, {1: "$1"}, NOW)
    assert gap.arguments == literal.arguments
    assert gap.hash != literal.hash
    one = replace(gap, arguments={"duration": 60})
    assert one.hash != replace(gap, arguments={"duration": "60"}).hash


def test_a_result_that_looks_like_a_reference_stays_as_it_is() -> None:
    call = read_call('3. send_sms(["+1 555 0100"], "$1 and $2, and $1")')
    resolved = resolve(call, SIXTEEN["send_sms"], {1: "costs $2"}, NOW)
    assert resolved.arguments["message"] == "costs $2 and $2, and costs $2"
    filled = resolved.filled({2: "LINK"})
    assert filled.arguments["message"] == "costs $2 and LINK, and costs $2"
    assert filled.gaps == ()


def test_gaps_in_lists_are_filled() -> None:
    call = read_call('3. send_sms(["$1", "$2"], "hi")')
    resolved = resolve(call, SIXTEEN["send_sms"], {}, NOW)
    assert resolved.open == {"recipients": [1, 2]}
    assert resolved.filled({1: "+1", 2: "+2"}).arguments["recipients"] == ["+1", "+2"]


def test_times_are_canonical_text_and_moments_again_when_called() -> None:
    call = read_call('1. create_calendar_event("A", "tomorrow at 2pm", "90 minutes")')
    event = SIXTEEN["create_calendar_event"]
    resolved = resolve(call, event, {}, NOW)
    assert resolved.arguments["start_date"] == "2026-11-25T14:00"
    assert resolved.arguments["end_date"] == "2026-11-25T15:30"
    assert resolved.arguments["invitees"] == []
    given = values(event, resolved.arguments)
    assert given["start_date"].at == datetime(2026, 11, 25, 14)
    day = resolve(
        read_call('1. create_reminder("A", "tomorrow")'), SIXTEEN["create_reminder"], {}, NOW
    )
    assert day.arguments["due_date"] == "2026-11-25"
    assert not values(SIXTEEN["create_reminder"], day.arguments)["due_date"].has_time


def test_edits_keep_types_and_name_what_is_wrong() -> None:
    plan = read_plan('1. create_reminder("A", "tomorrow", "", "", 5)\n2. join()')
    shown = resolve(plan.calls[0], SIXTEEN["create_reminder"], {}, NOW)
    changed, written = edit(shown, {"priority": 1, "all_day": True}, plan, SIXTEEN, {}, NOW)
    assert changed.arguments["priority"] == 1
    assert changed.arguments["all_day"] is True
    assert changed.arguments["due_date"] == "2026-11-25"
    assert str(written) == '1. create_reminder("A", "tomorrow", "", "", 1, True)'
    for wrong in ({"priority": "1"}, {"priority": 2}, {"all_day": 1}, {"due_date": "yesterweek"}):
        with pytest.raises(PlanError) as caught:
            edit(shown, wrong, plan, SIXTEEN, {}, NOW)  # type: ignore[arg-type]
        assert (caught.value.task, caught.value.argument) == (1, next(iter(wrong)))


def test_an_edited_start_may_not_pass_the_end() -> None:
    plan = read_plan('1. create_calendar_event("A", "tomorrow at 2pm", "3pm")\n2. join()')
    shown = resolve(plan.calls[0], SIXTEEN["create_calendar_event"], {}, NOW)
    with pytest.raises(PlanError) as caught:
        edit(shown, {"start_date": "2026-11-25T16:00"}, plan, SIXTEEN, {}, NOW)
    assert caught.value.argument == "end_date"


def test_what_is_shown_holds_every_argument_that_is_no_default() -> None:
    call = read_call(
        '1. create_calendar_event("A", "tomorrow at 2pm", "3pm", "Room 4", ["a@x.org"], '
        '"note", "Work")'
    )
    text = describe(resolve(call, SIXTEEN[call.tool], {}, NOW), SIXTEEN, Plan((call,)))
    for shown in ("“A”", "Wed 25 Nov 2026, 14:00", "15:00", "Room 4", "a@x.org", "note", "Work"):
        assert shown in text


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ('get_zoom_meeting_link("Budget", "tomorrow at 2pm", 25)', "duration: 25 minutes"),
        ('create_reminder("Milk", "tomorrow", "", "", 1, True)', "priority: high"),
        ('maps_show_directions("", "the airport", "r")', "transport: public transport"),
    ],
)
def test_numbers_have_their_unit_and_choices_their_word(written: str, shown: str) -> None:
    call = read_call(f"1. {written}")
    text = describe(resolve(call, SIXTEEN[call.tool], {}, NOW), SIXTEEN, Plan((call,)))
    assert shown in text.split("; ")


def test_leaving_out_a_task_takes_the_look_ups_that_only_it_used() -> None:
    plan = read_plan(
        '1. get_phone_number("A")\n2. get_email_address("B")\n3. send_sms(["$1"], "hi")\n'
        '4. compose_new_email(["$2"], [], "s", "hi")\n5. join()'
    )
    assert str(without(plan, {3})) == (
        '1. get_email_address("B")\n2. compose_new_email(["$1"], [], "s", "hi")\n3. join()'
    )
