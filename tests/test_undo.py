"""Undo: what a run changed is taken back from its trace, and nothing else is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.runs import approve, asked, contents, finish
from tinyagent import events
from tinyagent.approval.approval import Decision
from tinyagent.commands.cli import app
from tinyagent.errors import TraceError
from tinyagent.settings import FILE_VARIABLE

EVERYTHING = """1. get_phone_number("Sid")
2. get_email_address("Lutfi")
3. create_calendar_event("Sync", "tomorrow at 2pm", "", "", ["$2"], "", "Side project")
4. create_calendar_event("Lunch", "tomorrow at noon")
5. create_reminder("Call", "tomorrow at 9", "", "Work")
6. compose_new_email(["$2"], [], "Hello", "See you")
7. reply_to_email([], "Yes")
8. forward_email(["$2"], [], "Look")
9. send_sms(["$1", "+1 555 0199"], "late")
10. create_note("Ideas", "More tea", "A new folder")
11. append_note_content("Groceries", "oat milk")
12. get_zoom_meeting_link("Sync", "tomorrow at 2pm", 30, ["$2"])
13. append_note_content("Groceries", "join at $12")
14. join()"""
NOTE = '1. append_note_content("Groceries", "oat milk")\n2. join()'
MADE = '1. create_note("Ideas", "More tea")\n2. join()'


def test_everything_that_a_run_changed_is_taken_back(make_agent) -> None:
    agent = make_agent({"all": [EVERYTHING]})
    workspace = agent.settings.workspace
    before = contents(workspace)
    state = approve(agent, "all")
    assert all(task.status == "done" for task in state.tasks)
    assert contents(workspace) != before
    assert agent.can_undo(state.run)
    undone = agent.state(agent.undo(state.run))
    assert isinstance(undone.answer, events.Answered)
    assert undone.answer.complete, undone.answer.text
    assert contents(workspace) == before
    assert undone.request == f"Undo: all (run {state.run})"
    assert undone.answer.text.count("Undone: ") == 11
    again = agent.state(agent.undo(state.run)).answer
    assert isinstance(again, events.Answered)
    assert not again.complete
    assert contents(workspace) == before


def test_an_addition_is_cut_out_of_a_note_that_was_changed_since(make_agent) -> None:
    agent = make_agent({"add": [NOTE]})
    note = agent.settings.workspace / "notes/Notes/Groceries.md"
    before = note.read_text()
    state = approve(agent, "add")
    note.write_text("# Mine\n" + note.read_text() + "- [ ] figs\n")
    answer = agent.state(agent.undo(state.run)).answer
    assert isinstance(answer, events.Answered)
    assert answer.complete
    assert note.read_text() == "# Mine\n" + before + "- [ ] figs\n"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda note: note.write_text("mine"), "was changed since it was made; it is left"),
        (lambda note: note.unlink(), "is not there any more"),
    ],
)
def test_what_was_changed_since_is_left_as_it_is(make_agent, change, said: str) -> None:
    agent = make_agent({"make": [MADE]})
    state = approve(agent, "make")
    note = agent.settings.workspace / state.task(1).link
    change(note)
    after = contents(agent.settings.workspace)
    answer = agent.state(agent.undo(state.run)).answer
    assert isinstance(answer, events.Answered)
    assert not answer.complete
    assert said in answer.text
    assert contents(agent.settings.workspace) == after


def test_there_is_nothing_to_undo_in_a_run_that_changed_nothing(make_agent) -> None:
    agent = make_agent({"who": ['1. get_phone_number("Sid")\n2. join()'], "make": [MADE]})
    run = agent.start("who")
    finish(agent, run)
    assert not agent.can_undo(run)
    with pytest.raises(TraceError, match="changed nothing"):
        agent.undo(run)
    under_way = agent.start("make")
    asked(agent, under_way)
    with pytest.raises(TraceError, match="under way"):
        agent.undo(under_way)
    with pytest.raises(TraceError, match="there is no run"):
        agent.undo("nothing")


def test_a_call_that_fails_half_way_leaves_nothing_behind(
    make_agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = '1. send_sms(["+1 555 0100", "+1 555 0101", "+1 555 0102"], "late")\n2. join()'
    agent = make_agent({"x": [plan]})
    run = agent.start("x")
    asked_for = asked(agent, run)
    before = contents(agent.settings.workspace)
    real = Path.replace

    def full(self: Path, target: Path) -> Path:
        if "0101" in str(target):
            raise OSError(28, "No space left on device")
        return real(self, target)

    monkeypatch.setattr(Path, "replace", full)
    agent.decide(run, asked_for.approval, Decision("approve"))
    state = finish(agent, run)
    assert "No space left on device" in state.task(1).error
    assert contents(agent.settings.workspace) == before


def test_the_command_line_undoes(
    make_agent, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    agent = make_agent({"make": [MADE]})
    before = contents(agent.settings.workspace)
    state = approve(agent, "make")
    file = tmp_path / "settings.toml"
    own = {"traces": str(agent.settings.traces), "workspace": str(agent.settings.workspace)}
    lines = [f"{key} = {json.dumps(value)}" for key, value in own.items()]
    file.write_text("\n".join([*lines, 'backend = "workspace"']))
    monkeypatch.setenv(FILE_VARIABLE, str(file))
    run = CliRunner().invoke
    assert run(app, ["undo", state.run], input="n\n").exit_code == 1
    assert contents(agent.settings.workspace) != before
    done = run(app, ["undo", state.run], input="y\n")
    assert done.exit_code == 0, done.stderr
    assert "Undone: Created the note “Ideas”" in done.stdout
    assert contents(agent.settings.workspace) == before
    assert run(app, ["undo", "nothing"]).exit_code == 1
