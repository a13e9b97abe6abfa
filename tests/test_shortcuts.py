"""Apple Shortcuts as tools, against a stand-in for ``shortcuts`` on the PATH."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import MakeAgent
from tests.mac import Mac
from tests.runs import approve, asked, finish
from tests.test_macos import HOSTILE
from tinyagent.approval.approval import Decision
from tinyagent.commands.doctor import examine
from tinyagent.errors import NotFoundError, SettingsError, ToolError
from tinyagent.settings import Settings, load_settings
from tinyagent.tools.context import ToolContext
from tinyagent.tools.installed import installed_tools
from tinyagent.tools.registry import Tool
from tinyagent.tools.sixteen import SIXTEEN

WATER = "Log how much water I drank."
NAME = 'Log "Water" {now}; touch owned'


@pytest.fixture
def mac(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mac:
    """A Mac with three shortcuts."""
    (tmp_path / "mac").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'mac' / 'bin'}{os.pathsep}{os.environ['PATH']}")
    mac = Mac(tmp_path / "mac")
    mac.answer(shortcuts=json.dumps({NAME: "2 litres today", "Focus On": "", "Create Note": ""}))
    return mac


def tools_of(*names: str, timeout: float = 30) -> list[Tool]:
    tools = installed_tools(Path("none"), dict.fromkeys(names, WATER), timeout)
    return [tool for tool in tools.values() if tool.name not in SIXTEEN]


def call(tool: Tool, text: str = "") -> object:
    context = ToolContext(backend=None, summarizer=None)  # type: ignore[arg-type]
    return tool.function(context, text=text)


def test_a_shortcut_is_a_tool_like_any_other_and_runs_once_it_is_approved(
    mac: Mac, make_agent: MakeAgent, tmp_path: Path
) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(f"[shortcuts]\n'{NAME}' = '{WATER}'\n", encoding="utf-8")
    settings = load_settings(file)
    tools = installed_tools(settings.tools, settings.shortcuts, settings.task_timeout)
    (tool,) = tools_of(NAME)
    assert tool.signature == "log_water_now_touch_owned(text?)->text"
    assert (tool.description, tool.changes) == (WATER, True)

    plan = f'1. {tool.name}("2 litres")\n2. create_note("Water", "$1")\n3. join()'
    agent = make_agent({"I drank 2 litres": [plan] * 2}, tools=tools)
    run = agent.start("I drank 2 litres")
    proposal = asked(agent, run)
    assert proposal.calls[0].text == f"Run the shortcut “{NAME}”; text: 2 litres"
    agent.decide(run, proposal.approval, Decision("reject"))
    finish(agent, run)
    assert mac.calls() == []

    state = approve(agent, "I drank 2 litres")
    assert state.task(1).result == "2 litres today"
    (ran,) = mac.calls()
    assert ran[1:3] == ["run", NAME]
    assert (mac.folder / "given").read_text("utf-8") == "2 litres"
    notes = "".join(p.read_text("utf-8") for p in agent.settings.workspace.rglob("Water*.md"))
    assert "2 litres today" in notes


def test_any_text_reaches_it_as_it_is_and_none_is_run(mac: Mac) -> None:
    (tool,) = tools_of(NAME)
    for text in filter(None, HOSTILE):
        call(tool, text)
        assert (mac.folder / "given").read_bytes().decode() == text
    assert not list(Path.cwd().glob("owned"))
    assert call(tools_of("Focus On")[0]) == ""
    assert "--input-path" not in mac.calls()[-1]


def test_what_goes_wrong_is_said(mac: Mac) -> None:
    with pytest.raises(NotFoundError, match="Couldn’t find shortcut; `shortcuts list` lists"):
        call(tools_of("Gone")[0])
    mac.answer(shortcuts=["It was cancelled"])
    with pytest.raises(ToolError, match="Shortcuts: It was cancelled"):
        call(tools_of(NAME)[0])
    mac.answer(shortcuts="hang")
    with pytest.raises(ToolError, match="did not end within 2 seconds"):
        call(tools_of(NAME, timeout=2)[0])


def test_names_that_are_taken_or_strange_are_made_to_fit(mac: Mac) -> None:
    names = [tool.name for tool in tools_of("Create Note", "家", "5 Minutes", "Café")]
    assert names == ["shortcut_create_note", "shortcut_2", "shortcut_5_minutes", "cafe"]
    for wrong, said in (("-i", "does not begin with a dash"), ("", "not empty")):
        with pytest.raises(SettingsError, match=said):
            tools_of(wrong)
    with pytest.raises(SettingsError, match="'Log Water': say what it does"):
        installed_tools(Path("none"), {"Log Water": " "})


def test_the_doctor_says_which_is_not_there(mac: Mac, settings: Settings) -> None:
    def told(*names: str) -> tuple[bool, str]:
        own = replace(settings, shortcuts=dict.fromkeys(names, WATER))
        (check,) = [c for c in examine(own) if c.name == "shortcuts"]
        return check.ok, check.detail

    assert told(NAME) == (True, NAME)
    assert told(NAME, "Gone") == (False, "no Gone")


def test_without_a_mac_the_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SettingsError, match="there is no program shortcuts on the PATH"):
        tools_of("Log Water")
