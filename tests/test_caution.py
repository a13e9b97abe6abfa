"""Approval that holds: what is always asked, what may be remembered, and that it is what runs."""

from __future__ import annotations

import json
import os
import stat
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.runs import approve, asked, contents, finish, follow
from tinyagent import events
from tinyagent.agent import TinyAgent
from tinyagent.approval.approval import Decision
from tinyagent.approval.remembered import RememberedApprovals
from tinyagent.backends.workspace import Workspace
from tinyagent.commands.cli import app
from tinyagent.errors import ApprovalError
from tinyagent.settings import FILE_VARIABLE

NOW = datetime(2026, 11, 24, 9, 30)
WEEK = NOW + timedelta(days=7)
SMS = """1. get_phone_number("Sid")
2. send_sms(["$1"], "late")
3. join()"""
OTHER = SMS.replace("Sid", "Lutfi")
NOTE = '1. create_note("Ideas", "More tea")\n2. join()'
STRANGER = '1. send_sms(["+1 555 0199"], "late")\n2. join()'
MANY = (
    '1. compose_new_email(["a@x.org", "b@x.org", "c@x.org"], '
    '["d@x.org", "e@x.org", "f@x.org"], "s", "hi")\n2. join()'
)
READ = """1. get_email_address("Sid")
2. open_note("Groceries")
3. compose_new_email(["$1"], [], "List", "$2")
4. join()"""
BY_MAPS = """1. open_note("Groceries")
2. maps_open_location("$1")
3. get_phone_number("Sid")
4. send_sms(["$3"], "$2")
5. join()"""
FILE = """1. get_email_address("Lutfi")
2. open_and_get_file_path("Q4 forecast")
3. compose_new_email(["$1"], [], "Forecast", "Here it is", ["$2"])
4. join()"""
REPLY = '1. reply_to_email([], "Yes")\n2. join()'
FORWARD = '1. get_email_address("Sid")\n2. forward_email(["$1"], [], "See below")\n3. join()'
APPEND = '1. append_note_content("my grocery list", "oat milk")\n2. join()'
MEETING = """1. get_email_address("Sid")
2. create_calendar_event("Sync", "tomorrow at 2pm", "", "", ["$1"])
3. join()"""


def warnings(agent: TinyAgent, request: str) -> list[str]:
    run = agent.start(request)
    asked_for = asked(agent, run)
    agent.stop(run)
    return [text for call in asked_for.calls for text in call.warnings]


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (SMS, []),
        (NOTE, []),
        (MEETING, []),
        (STRANGER, ["+1 555 0199 is not in your contacts."]),
        (
            MANY,
            [
                "a@x.org, b@x.org, c@x.org and 3 more are not in your contacts.",
                "It goes to 6 people.",
            ],
        ),
        (READ, ["It holds text that was read: Open the note “Groceries” (task 2)."]),
        (BY_MAPS, ["It holds text that was read: Open the note “Groceries” (task 1)."]),
        (FILE, ["It hands on the file Q4 forecast.csv."]),
    ],
)
def test_what_is_to_be_known_is_said(make_agent, plan: str, said: list[str]) -> None:
    assert warnings(make_agent({"x": [plan]}), "x") == said


def test_a_reply_tells_whom_it_answers_and_a_forward_what_it_hands_on(make_agent) -> None:
    agent = make_agent({"reply": [REPLY], "forward": [FORWARD]})
    message = Workspace(agent.settings.workspace, lambda: NOW).message_in_hand()
    for request, verb in (("reply", "quotes"), ("forward", "hands on")):
        run = agent.start(request)
        (call,) = asked(agent, run).calls
        assert call.on == message.text
        assert any(text.startswith(f"It {verb} {message.carries}") for text in call.warnings)
        agent.stop(run)


def test_a_message_that_is_selected_later_is_not_the_one_that_was_approved(make_agent) -> None:
    agent = make_agent({"reply": [REPLY]})
    workspace = Workspace(agent.settings.workspace, lambda: NOW)
    approved = workspace.message_in_hand()
    run = agent.start("reply")
    asked_for = asked(agent, run)
    ids = [str(m["Message-ID"]) for m in workspace.mail.inbox()]
    other = next(i for i in ids if i != approved.id)
    workspace.mail.select(other)
    agent.decide(run, asked_for.approval, Decision("approve"))
    state = finish(agent, run)
    (draft,) = agent.settings.workspace.glob("mail/.Drafts/cur/*")
    assert state.status == "answered"
    assert f"In-Reply-To: {approved.id}" in draft.read_text()


def test_no_message_in_hand_is_said_before_anybody_is_asked(make_agent) -> None:
    agent = make_agent({"reply": [REPLY]})
    (agent.settings.workspace / "mail/selected").unlink()
    run = agent.start("reply")
    happened = follow(agent, run)
    assert not [e for e in happened if isinstance(e, events.ApprovalAsked)]
    assert "no e-mail is selected" in agent.state(run).task(1).error


def test_a_note_whose_name_fits_another_later_is_the_one_that_was_approved(make_agent) -> None:
    agent = make_agent({"add": [APPEND]})
    notes = agent.settings.workspace / "notes/Notes"
    run = agent.start("add")
    asked_for = asked(agent, run)
    assert asked_for.calls[0].on == "the note “Groceries” in “Notes”"
    (notes / "my grocery list.md").write_text("a better fit\n")
    agent.decide(run, asked_for.approval, Decision("approve"))
    finish(agent, run)
    assert "oat milk" in (notes / "Groceries.md").read_text()
    assert (notes / "my grocery list.md").read_text() == "a better fit\n"


def test_an_edited_name_is_found_anew(make_agent) -> None:
    agent = make_agent({"add": [APPEND]})
    run = agent.start("add")
    edit = {1: {"name": "Gift Ideas"}}
    agent.decide(run, asked(agent, run).approval, Decision("approve", arguments=edit))
    finish(agent, run)
    assert "oat milk" in (agent.settings.workspace / "notes/Notes/Gift Ideas.md").read_text()


def test_contacts_that_change_between_approval_and_run_change_nothing(make_agent) -> None:
    agent = make_agent({"x": [SMS]})
    run = agent.start("x")
    asked_for = asked(agent, run)
    (number,) = asked_for.calls[0].arguments["recipients"]
    for card in (agent.settings.workspace / "contacts").glob("*.vcf"):
        card.write_text(card.read_text().replace("555", "666"))
    agent.decide(run, asked_for.approval, Decision("approve"))
    finish(agent, run)
    (sent,) = agent.settings.workspace.glob("messages/*.json")
    assert json.loads(sent.read_text())["to"] == number


def test_what_is_remembered_is_not_asked_again_for_the_same_people(make_agent) -> None:
    agent = make_agent({"sid": [SMS] * 3, "lutfi": [OTHER], "note": [NOTE]})
    state = approve(agent, "sid", until=WEEK)
    assert state.decided is not None
    assert state.decided.until == "2026-12-01T09:30"
    (one,) = agent.remembered()
    assert (one.tool, one.people) == ("send_sms", ("+1 416 555 0101",))

    run = agent.start("sid")
    happened = follow(agent, run)
    assert not [e for e in happened if isinstance(e, events.ApprovalAsked)]
    assert agent.state(run).task(2).status == "done"
    decided = agent.state(run).decided
    assert decided is not None
    assert decided.by == [one.id]
    (row,) = agent.traces.read(run)["approvals"]
    assert row["decision"] == "approved"

    for request in ("lutfi", "note"):
        asked(agent, agent.start(request))
    asked(agent, agent.start("sid", remembered=False))


def test_revoking_asks_again(make_agent) -> None:
    agent = make_agent({"sid": [SMS, SMS]})
    approve(agent, "sid", until=WEEK)
    (one,) = agent.remembered()
    with pytest.raises(ApprovalError, match="no approval nothing is remembered"):
        agent.revoke("nothing")
    assert agent.revoke(one.id) == [one]
    assert agent.remembered() == []
    asked(agent, agent.start("sid"))


def test_a_call_that_is_warned_of_or_edited_is_not_remembered(make_agent) -> None:
    agent = make_agent({"read": [READ], "stranger": [STRANGER], "sid": [SMS, SMS]})
    for request in ("read", "stranger"):
        state = approve(agent, request, until=WEEK)
        assert state.decided is not None
        assert state.decided.until == ""
    approve(agent, "sid", until=WEEK, arguments={2: {"message": "later"}})
    assert agent.remembered() == []


def test_a_remembered_approval_does_not_cover_what_came_out_of_a_note(make_agent) -> None:
    plain = '1. get_email_address("Sid")\n2. compose_new_email(["$1"], [], "List", "hi")\n3. join()'
    agent = make_agent({"plain": [plain, plain], "read": [READ]})
    approve(agent, "plain", until=WEEK)
    assert isinstance(follow(agent, agent.start("plain"))[-1], events.Answered)
    asked(agent, agent.start("read"))


def test_mail_as_drafts_that_was_remembered_is_asked_about_once_it_is_sent(make_agent) -> None:
    plain = '1. get_email_address("Sid")\n2. compose_new_email(["$1"], [], "List", "hi")\n3. join()'
    approve(make_agent({"plain": [plain]}), "plain", until=WEEK)
    sending = make_agent({"plain": [plain]}, send_mail=True)
    assert len(sending.remembered()) == 1
    asked(sending, sending.start("plain"))


def test_remembering_ends_with_its_day_and_a_clock_set_back_does_not_prolong_it(
    tmp_path: Path,
) -> None:
    at = [NOW]
    known = RememberedApprovals(tmp_path / "traces", lambda: at[0])
    people = frozenset({"+1 555 0100", "Sid@Id.org"})
    known.remember("send_sms", people, "workspace", WEEK)
    fits = frozenset({"+1 (555) 0100", "sid@id.org"})
    assert known.covering("send_sms", fits, "workspace")
    assert known.covering("send_sms", frozenset({"sid@id.org"}), "workspace")
    assert not known.covering("send_sms", fits | {"b@id.org"}, "workspace")
    assert not known.covering("send_sms", frozenset(), "workspace")
    assert not known.covering("send_sms", fits, "macos")
    assert not known.covering("create_note", fits, "workspace")
    for wrong in (WEEK, NOW - timedelta(seconds=1)):
        at[0] = wrong
        assert not known.covering("send_sms", fits, "workspace")
    for until in (NOW - timedelta(days=1), NOW + timedelta(days=400)):
        with pytest.raises(ApprovalError, match="within a year"):
            known.remember("send_sms", people, "workspace", until)
    path = tmp_path / "traces" / "remembered.json"
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600


def test_a_damaged_list_asks_and_says_so(make_agent) -> None:
    agent = make_agent({"sid": [SMS, SMS]})
    approve(agent, "sid", until=WEEK)
    (agent.settings.traces.parent / "remembered.json").write_text('[{"id": 1')
    with pytest.raises(ApprovalError, match="damaged .*remove it, and every approval is asked for"):
        agent.remembered()
    asked(agent, agent.start("sid"))


def test_always_asks_before_anything_is_looked_up(make_agent) -> None:
    agent = make_agent({"read": [READ]}, approval="always")
    run = agent.start("read")
    first = asked(agent, run)
    assert [call.tool for call in first.calls] == ["get_email_address", "open_note"]
    assert [task.status for task in agent.state(run).tasks] == ["waiting"] * 3
    agent.decide(run, first.approval, Decision("approve"))
    seen = next(e.seq for e in follow(agent, run, events.ApprovalDecided)[::-1])
    then = asked(agent, run, seen)
    (call,) = then.calls
    assert call.arguments["recipients"] == ["sid.patel@example.com"]
    agent.decide(run, then.approval, Decision("approve"))
    assert [task.status for task in finish(agent, run).tasks] == ["done"] * 3


def test_always_a_rejected_look_up_does_not_run(make_agent) -> None:
    agent = make_agent({"read": [READ]}, approval="always")
    run = agent.start("read")
    agent.decide(run, asked(agent, run).approval, Decision("reject"))
    state = finish(agent, run)
    assert [task.status for task in state.tasks] == ["skipped"] * 3
    assert not list(agent.settings.workspace.glob("mail/.Drafts/cur/*"))


def test_characters_that_are_not_seen_are_told(make_agent) -> None:
    plan = '1. create_note("exe\u202efdp", "a\u200bb")\n2. join()'
    said = warnings(make_agent({"x": [plan]}), "x")
    assert said == [
        "Its name has characters that are not seen: U+202E right-to-left override.",
        "Its content has characters that are not seen: U+200B zero width space.",
    ]


def test_an_address_that_looks_like_a_known_one_is_a_stranger(make_agent) -> None:
    look_alike = "sid.p\N{CYRILLIC SMALL LETTER A}tel@example.com"
    plan = f'1. compose_new_email(["{look_alike}"], [], "s", "hi")\n2. join()'
    assert warnings(make_agent({"x": [plan]}), "x") == [f"{look_alike} is not in your contacts."]


def test_the_command_line_lists_and_revokes(
    make_agent, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    agent = make_agent({"sid": [SMS]})
    file = tmp_path / "settings.toml"
    file.write_text(f'traces = "{agent.settings.traces}"\n')
    monkeypatch.setenv(FILE_VARIABLE, str(file))
    folder = agent.settings.traces.parent
    known = RememberedApprovals(folder, datetime.now)
    run = CliRunner().invoke
    assert run(app, ["approvals", "list"]).stdout == ""
    one = known.remember(
        "send_sms", frozenset({"+1"}), "workspace", datetime.now() + timedelta(days=1)
    )
    listed = run(app, ["approvals", "list"])
    assert listed.stdout.startswith(f"{one.id}  send_sms  to +1  until ")
    assert run(app, ["approvals", "revoke", "none"]).exit_code == 1
    assert run(app, ["approvals", "revoke", one.id]).exit_code == 0
    assert known.all() == []


def test_ask_remembers_and_none_proposes_all_the_same(
    make_agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = make_agent({"sid": [SMS] * 3})
    monkeypatch.setattr(TinyAgent, "open", lambda settings: agent)
    monkeypatch.setattr(TinyAgent, "close", lambda self: None)
    monkeypatch.setattr("tinyagent.commands.cli.datetime", _At(NOW))
    run = CliRunner().invoke
    assert run(app, ["ask", "sid", "--remember", "7"], input="y\n").exit_code == 0
    assert len(agent.remembered()) == 1
    messages = agent.settings.workspace / "messages"
    sent = contents(messages)
    shown = run(app, ["ask", "sid", "--approve", "none"])
    assert shown.stdout.startswith("2. Send an SMS")
    assert contents(messages) == sent
    done = run(app, ["ask", "sid"])
    assert "Approved before:" in done.stderr
    assert len(contents(messages)) == len(sent) + 1
    monkeypatch.undo()


class _At:
    """``datetime`` of the command line, at a fixed time."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now
