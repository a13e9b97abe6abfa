"""The Python interface: its public names, and the example of docs/python.md and the README."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import tinyagent
from tests.conftest import MakeAgent
from tinyagent import Decision, Settings, TinyAgent
from tinyagent.settings import FILE_VARIABLE

ROOT = Path(__file__).parent.parent
PUBLIC = (
    "Decision Outcome RunState Settings TinyAgent TinyAgentError ToolContext ToolError "
    "load_settings tool"
)


def example(page: str) -> str:
    """The page's lines of Python that open an agent."""
    blocks = re.findall(r"```python\n(.+?)```", (ROOT / page).read_text("utf-8"), re.DOTALL)
    return next(block for block in blocks if "TinyAgent.open" in block)


def test_the_public_names_are_these_and_the_docs_name_them() -> None:
    assert sorted(tinyagent.__all__) == PUBLIC.split()
    page = (ROOT / "docs" / "python.md").read_text("utf-8")
    for name in tinyagent.__all__:
        assert getattr(tinyagent, name).__doc__, name
        assert f"`{name}`" in page, name
    with pytest.raises(AttributeError, match="no attribute 'Loop'"):
        _ = tinyagent.Loop


def test_the_example_of_the_readme_plans_approves_and_runs(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = settings.workspace.parent / "settings.toml"
    file.write_text(
        f'backend = "workspace"\nworkspace = "{settings.workspace}"\n'
        f'traces = "{settings.traces}"\n',
        encoding="utf-8",
    )
    monkeypatch.setenv(FILE_VARIABLE, str(file))
    code = example("README.md")
    assert code == example("docs/python.md")
    assert len(code.strip().splitlines()) <= 10
    exec(compile(code, "README.md", "exec"), {})
    said = capsys.readouterr().out
    assert "Send an SMS to" in said
    assert "ten minutes late" in said
    assert any((settings.workspace / "messages").rglob("*"))


def test_wait_returns_where_a_person_is_needed_and_at_the_end(make_agent: MakeAgent) -> None:
    plan = '1. get_phone_number("Alex")\n2. send_sms(["$1"], "Hi")\n3. join()'
    agent = make_agent({"text Alex": [plan]})
    run = agent.start("text Alex")
    (question,) = agent.wait(run, 20).questions
    assert agent.wait(run, 20).rests
    agent.answer(run, question.question, question.candidates[0])
    state = agent.wait(run, 20)
    assert state.approval is not None
    agent.decide(run, state.approval.approval, Decision("reject"))
    assert agent.wait(run, 20).over
    assert agent.wait(run).over  # of a run that is over, at once
    with pytest.raises(tinyagent.TinyAgentError, match="no run"):
        agent.wait("nothing")


def test_wait_gives_up_after_its_time(make_agent: MakeAgent) -> None:
    agent: TinyAgent = make_agent({})
    with pytest.raises(TimeoutError):
        agent.wait(agent.start("never planned"), 0.0)
