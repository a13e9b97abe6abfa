"""The loop, end to end on the real workspace: only the two models follow a script."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from tests.scripted import RESTART
from tinyagent import events
from tinyagent.agent import TinyAgent
from tinyagent.approval.approval import Decision
from tinyagent.errors import ApprovalError, PlanError, TraceError
from tinyagent.events import Event
from tinyagent.runs.state import RunState

INVITE = """1. get_email_address("Sid")
2. get_email_address("Lutfi")
3. create_calendar_event("Budget review", "tomorrow at 2pm", "", "", ["$1", "$2"])
4. join()"""
TWO = """1. get_phone_number("Sid")
2. send_sms(["$1"], "I'm late")
3. create_note("Late", "Told Sid")
4. join()"""
ZOOM = """1. get_zoom_meeting_link("Sync", "tomorrow at 2pm")
2. get_phone_number("Sid")
3. send_sms(["$2"], "Join here: $1")
4. join()"""
ALEX = """1. get_phone_number("Alex")
2. send_sms(["$1"], "hi")
3. join()"""


def follow(agent: TinyAgent, run: str, until: type[Event] | None = None) -> list[Event]:
    """The events up to the first of a kind, or to the end."""

    async def collect() -> list[Event]:
        found = []
        async for event in agent.events(run):
            found.append(event)
            if until is not None and isinstance(event, until):
                break
        return found

    return asyncio.run(asyncio.wait_for(collect(), 30))


def ask(agent: TinyAgent, request: str) -> tuple[str, events.ApprovalAsked]:
    run = agent.start(request)
    asked = follow(agent, run, events.ApprovalAsked)[-1]
    assert isinstance(asked, events.ApprovalAsked)
    return run, asked


def finish(agent: TinyAgent, run: str) -> RunState:
    follow(agent, run)
    return agent.state(run)


def follow_approvals(agent: TinyAgent, run: str, count: int) -> list[events.ApprovalAsked]:
    async def collect() -> list[events.ApprovalAsked]:
        found: list[events.ApprovalAsked] = []
        async for event in agent.events(run):
            if isinstance(event, events.ApprovalAsked):
                found.append(event)
            if len(found) == count:
                break
        return found

    return asyncio.run(asyncio.wait_for(collect(), 30))


def sent(agent: TinyAgent) -> list[dict[str, object]]:
    folder = agent.settings.workspace / "messages"
    return [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]


def all_files(folder: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def test_addresses_are_looked_up_before_approval_and_the_event_is_made_after(make_agent) -> None:
    agent = make_agent({"invite": [INVITE]})
    run, asked = ask(agent, "invite")
    (call,) = asked.calls
    assert call.arguments["start_date"] == "2026-11-25T14:00"
    assert call.arguments["invitees"] == ["sid.patel@example.com", "lutfi.erdogan@example.com"]
    assert "Wed 25 Nov 2026, 14:00" in call.text
    assert "sid.patel@example.com" in call.text
    before = all_files(agent.settings.workspace)
    agent.decide(run, asked.approval, Decision("approve"))
    state = finish(agent, run)
    assert state.status == "answered"
    assert [task.status for task in state.tasks] == ["done", "done", "done"]
    changed = all_files(agent.settings.workspace)
    (calendar,) = [name for name in changed if changed[name] != before.get(name)]
    assert b"Budget review" in changed[calendar]


def test_a_rejected_plan_changes_nothing(make_agent) -> None:
    agent = make_agent({"two": [TWO]})
    run, asked = ask(agent, "two")
    before = all_files(agent.settings.workspace)
    agent.decide(run, asked.approval, Decision("reject"))
    state = finish(agent, run)
    assert all_files(agent.settings.workspace) == before
    assert isinstance(state.answer, events.Answered)
    assert not state.answer.complete
    assert "you rejected it" in state.answer.text


def test_an_unticked_task_and_what_needs_it_do_not_run(make_agent) -> None:
    agent = make_agent({"zoom": [ZOOM]})
    run, asked = ask(agent, "zoom")
    agent.decide(run, asked.approval, Decision("approve", frozenset({3})))
    state = finish(agent, run)
    assert [task.status for task in state.tasks] == ["skipped", "done", "skipped"]
    assert state.decided is not None
    assert state.decided.left_out == [1, 3]
    assert state.decided.plan == "1. join()"
    assert sent(agent) == []


def test_a_link_made_on_the_way_is_named_at_approval_and_filled_in_after(make_agent) -> None:
    agent = make_agent({"zoom": [ZOOM]})
    run, asked = ask(agent, "zoom")
    message = asked.calls[1]
    assert message.arguments["message"] == "Join here: $1"
    assert message.open == {"message": [1]}
    assert "[from Zoom, task 1]" in message.text
    agent.decide(run, asked.approval, Decision("approve"))
    state = finish(agent, run)
    link = state.task(1).result
    assert link.startswith("https://")
    assert state.task(3).arguments["message"] == f"Join here: {link}"
    assert link in json.dumps(sent(agent))


def test_an_edit_runs_as_edited_and_is_kept_as_a_plan(make_agent) -> None:
    agent = make_agent({"two": [TWO]})
    run, asked = ask(agent, "two")
    phone = asked.calls[0].arguments["recipients"][0]
    changes = {2: {"message": "I owe you $20", "recipients": [phone, "+1 555 0100"]}}
    agent.decide(run, asked.approval, Decision("approve", arguments=changes))
    state = finish(agent, run)
    assert state.task(2).arguments["message"] == "I owe you $20"
    assert state.decided is not None
    assert state.decided.edited == {"2": ["message", "recipients"]}
    # The look-up is a look-up again in the plan that is kept as a label.
    assert '2. send_sms(["$1", "+1 555 0100"], ' in state.decided.plan


def test_a_wrong_edit_names_its_place_and_leaves_the_approval_pending(make_agent) -> None:
    agent = make_agent({"zoom": [ZOOM]})
    run, asked = ask(agent, "zoom")
    for name, value in [("duration", "60"), ("start_time", "someday"), ("nonsense", 1)]:
        with pytest.raises(PlanError) as caught:
            agent.decide(run, asked.approval, Decision("approve", arguments={1: {name: value}}))
        assert caught.value.task == 1
        assert name in str(caught.value)
    assert agent.pending() == [run]
    agent.decide(run, asked.approval, Decision("approve", arguments={1: {"duration": 45}}))
    assert finish(agent, run).task(1).arguments["duration"] == 45


def test_a_new_start_does_not_move_the_end_that_was_shown(make_agent) -> None:
    plan = '1. create_calendar_event("A", "tomorrow at 2pm", "90 minutes")\n2. join()'
    agent = make_agent({"a": [plan]})
    run, asked = ask(agent, "a")
    edit = {1: {"start_date": "tomorrow at 3pm"}}
    agent.decide(run, asked.approval, Decision("approve", arguments=edit))
    arguments = finish(agent, run).task(1).arguments
    assert arguments["start_date"] == "2026-11-25T15:00"
    assert arguments["end_date"] == "2026-11-25T15:30"


def test_another_approval_than_the_pending_one_runs_nothing(make_agent) -> None:
    agent = make_agent({"two": [TWO]})
    first, one = ask(agent, "two")
    agent.decide(first, one.approval, Decision("reject"))
    finish(agent, first)
    with pytest.raises(ApprovalError):
        agent.decide(first, one.approval, Decision("approve"))
    assert sent(agent) == []


def test_a_revised_plan_is_asked_about_again_unless_it_holds_nothing_new(make_agent) -> None:
    agent = make_agent({"two": [TWO]})
    run, asked = ask(agent, "two")
    fewer = '1. get_phone_number("Sid")\n2. send_sms(["$1"], "I\'m late")\n3. join()'
    agent.decide(run, asked.approval, Decision("revise", plan=fewer))
    state = finish(agent, run)
    assert [task.tool for task in state.tasks] == ["get_phone_number", "send_sms"]
    assert len(sent(agent)) == 1

    run = agent.start("two")
    # The script has no second plan for this request, so planning ends in an error.
    assert finish(agent, run).status == "failed"


def test_a_revised_plan_with_a_new_call_needs_a_new_approval(make_agent) -> None:
    agent = make_agent({"two": [TWO]})
    run, asked = ask(agent, "two")
    assert [str(e) for e in agent.check_plan(run, '1. open_nothing("x")\n2. join()')]
    with pytest.raises(PlanError):
        agent.decide(run, asked.approval, Decision("revise", plan="1. nonsense()\n2. join()"))
    other = '1. get_phone_number("Lutfi")\n2. send_sms(["$1"], "hello")\n3. join()'
    assert agent.check_plan(run, other) == []
    agent.decide(run, asked.approval, Decision("revise", plan=other))
    again = follow_approvals(agent, run, 2)[-1]
    assert again.approval != asked.approval
    assert sent(agent) == []
    agent.decide(run, again.approval, Decision("approve"))
    assert finish(agent, run).status == "answered"
    assert len(sent(agent)) == 1


def test_a_call_that_stands_twice_in_a_revised_plan_is_asked_about(make_agent) -> None:
    agent = make_agent({"two": [TWO]})
    run, asked = ask(agent, "two")
    twice = """1. get_phone_number("Sid")
2. send_sms(["$1"], "I'm late")
3. send_sms(["$1"], "I'm late")
4. join()"""
    agent.decide(run, asked.approval, Decision("revise", plan=twice))
    again = follow_approvals(agent, run, 2)[-1]
    assert [call.task for call in again.calls] == [2, 3]
    assert sent(agent) == []


def test_nothing_is_changed_that_leaves_no_trace(make_agent) -> None:
    agent = make_agent({"two": [TWO]})
    run, asked = ask(agent, "two")
    agent.traces.close()
    with pytest.raises(TraceError):
        agent.decide(run, asked.approval, Decision("approve"))
    agent.stop(run)
    answer = finish(agent, run).answer
    assert isinstance(answer, events.Failed)
    assert "trace log" in answer.message
    assert sent(agent) == []


def test_two_that_fit_are_asked_about_and_the_answer_is_used(make_agent) -> None:
    agent = make_agent({"alex": [ALEX]})
    run = agent.start("alex")
    asked = follow(agent, run, events.QuestionAsked)[-1]
    assert isinstance(asked, events.QuestionAsked)
    assert len(asked.candidates) == 2
    assert agent.state(run).status == "asking"
    agent.answer(run, asked.question, asked.candidates[1])
    (approval,) = follow_approvals(agent, run, 1)
    assert approval.calls[0].arguments["recipients"] == ["+1 416 555 0109"]
    with pytest.raises(ApprovalError):
        agent.answer(run, asked.question, asked.candidates[0])


def test_a_question_that_is_passed_over_fails_the_task_only(make_agent) -> None:
    plan = ALEX.replace("3. join()", '3. create_note("Other", "x")\n4. join()')
    agent = make_agent({"alex": [plan]})
    run = agent.start("alex")
    asked = follow(agent, run, events.QuestionAsked)[-1]
    assert isinstance(asked, events.QuestionAsked)
    agent.answer(run, asked.question, "")
    (approval,) = follow_approvals(agent, run, 1)
    assert [call.task for call in approval.calls] == [3]
    agent.decide(run, approval.approval, Decision("approve"))
    state = finish(agent, run)
    assert [t.status for t in state.tasks] == ["failed", "skipped", "done"]


def test_an_ambiguous_note_is_asked_about_and_then_approved_anew(make_agent) -> None:
    agent = make_agent({"add": ['1. append_note_content("Nowhere", "oat milk")\n2. join()']})
    run, asked = ask(agent, "add")
    agent.decide(run, asked.approval, Decision("approve"))
    question = follow(agent, run, events.QuestionAsked)[-1]
    assert isinstance(question, events.QuestionAsked)
    agent.answer(run, question.question, "Groceries")
    again = follow_approvals(agent, run, 2)[-1]
    assert again.calls[0].arguments["name"] == "Groceries"
    with pytest.raises(ApprovalError):
        agent.decide(run, asked.approval, Decision("approve"))
    agent.decide(run, again.approval, Decision("approve"))
    assert finish(agent, run).task(1).status == "done"


def test_a_look_up_that_finds_nothing_is_planned_again(make_agent) -> None:
    wrong = ALEX.replace("Alex", "Nobody Atall")
    right = ALEX.replace("Alex", "Lutfi")
    agent = make_agent({"sms": [wrong, right]})
    run = agent.start("sms", asks=False)
    (approval,) = follow_approvals(agent, run, 1)
    assert approval.calls[0].arguments["recipients"] == ["+1 416 555 0102"]
    assert agent.state(run).replans == 1


def test_a_new_plan_may_not_do_other_things(make_agent) -> None:
    first = TWO.replace("Sid", "Nobody Atall")
    agent = make_agent({"two": [first, '1. create_reminder("Text Sid")\n2. join()']})
    run = agent.start("two", asks=False)
    (approval,) = follow_approvals(agent, run, 1)
    assert [call.tool for call in approval.calls] == ["create_note"]
    state = agent.state(run)
    assert [t.status for t in state.tasks] == ["failed", "skipped", "waiting"]


def test_results_are_kept_when_the_plan_is_written_anew(make_agent) -> None:
    lookup = '1. get_phone_number("Sid")\n'
    agent = make_agent({"two": [lookup + RESTART + TWO]})
    run, _ = ask(agent, "two")
    happened = follow(agent, run, events.ApprovalAsked)
    restarted = next(i for i, e in enumerate(happened) if isinstance(e, events.PlanRestarted))
    assert [e.line for e in happened[:restarted] if isinstance(e, events.PlanLine)] == [
        lookup.strip()
    ]
    assert agent.state(run).task(1).status == "done"
    assert len(agent.state(run).tasks) == 3


@pytest.mark.parametrize(
    ("request_", "words"),
    [("", "empty"), ("  \n", "empty"), ("a" * 10_000, "10,000"), ("🦆🦆", "None of my tools")],
)
def test_bad_requests_get_a_clear_answer_and_a_trace(make_agent, request_: str, words: str) -> None:
    agent = make_agent({})
    run = agent.start(request_)
    state = finish(agent, run)
    answer = state.answer
    text = answer.text if isinstance(answer, events.Answered) else getattr(answer, "message", "")
    assert words in text
    assert agent.traces.read(run)["request"] == request_


def test_an_impossible_time_is_an_answer_that_says_so(make_agent) -> None:
    agent = make_agent({"x": ['1. create_reminder("Call", "today at 8am")\n2. join()']})
    answer = finish(agent, agent.start("x")).answer
    assert isinstance(answer, events.Failed)
    assert "task 1" in answer.message
    assert answer.cure


def test_what_was_asked_for_is_told(make_agent) -> None:
    agent = make_agent({"n": ['1. get_phone_number("Lutfi")\n2. join()']})
    answer = finish(agent, agent.start("n")).answer
    assert isinstance(answer, events.Answered)
    assert answer.text == "The phone number of Lutfi is +1 416 555 0102."
    assert answer.complete


def test_stopping_while_approval_is_pending_changes_nothing(make_agent) -> None:
    agent = make_agent({"two": [TWO]})
    run, asked = ask(agent, "two")
    agent.stop(run)
    state = finish(agent, run)
    assert state.status == "stopped"
    assert state.approval is None
    with pytest.raises(ApprovalError):
        agent.decide(run, asked.approval, Decision("approve"))
    assert sent(agent) == []


def test_two_runs_at_once_do_not_mix(make_agent) -> None:
    agent = make_agent({"two": [TWO], "zoom": [ZOOM]})
    one, asked_one = ask(agent, "two")
    other, asked_other = ask(agent, "zoom")
    assert agent.pending() == [one, other]
    with pytest.raises(ApprovalError):
        agent.decide(one, asked_other.approval, Decision("approve"))
    agent.decide(other, asked_other.approval, Decision("reject"))
    agent.decide(one, asked_one.approval, Decision("approve"))
    assert finish(agent, one).status == "answered"
    finish(agent, other)
    assert {e.run for e in follow(agent, one)} == {one}
    assert len(sent(agent)) == 1


def test_a_reload_folds_to_the_same_state(make_agent) -> None:
    agent = make_agent({"two": [TWO]})
    run, asked = ask(agent, "two")
    assert RunState.of(agent.traces.happened(run)) == agent.state(run)
    assert agent.state(run).approval == asked
    agent.decide(run, asked.approval, Decision("approve"))
    state = finish(agent, run)
    assert RunState.of(agent.traces.happened(run)) == state
    async_events = follow(agent, run)
    assert [e.seq for e in async_events] == list(range(1, len(async_events) + 1))
