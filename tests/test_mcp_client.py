"""Tools of MCP servers: a real one from the package index, and one of our own."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.conftest import NOW, MakeAgent
from tests.test_readme import follow
from tinyagent import events
from tinyagent.agent import TinyAgent
from tinyagent.approval.approval import Decision
from tinyagent.commands.cli import app
from tinyagent.errors import SettingsError, ToolError
from tinyagent.mcp.client import McpServers
from tinyagent.mcp.config import ServerConfig, read_config
from tinyagent.settings import FILE_VARIABLE, Settings
from tinyagent.tools.context import ToolContext
from tinyagent.tools.registry import Tool
from tinyagent.tools.sixteen import SIXTEEN

SERVER = Path(__file__).parent / "mcp_notebook.py"


@pytest.fixture
def book(tmp_path: Path) -> Path:
    return tmp_path / "logbook.txt"


@pytest.fixture
def notebook(book: Path) -> ServerConfig:
    return ServerConfig(command=sys.executable, args=[str(SERVER), str(book)])


@pytest.fixture
def servers(notebook: ServerConfig) -> Iterator[McpServers]:
    with closing(McpServers({"notebook": notebook}, timeout=30, patience=100)) as found:
        yield found


def call(tool: Tool, **arguments: Any) -> str:
    context = ToolContext(None, None)  # type: ignore[arg-type]  # a server's tool uses neither
    return str(tool.function(context, **arguments))


def test_tools_are_declared_as_the_server_describes_them(servers: McpServers) -> None:
    tools = {tool.name: tool for tool in servers.tools(SIXTEEN)}
    assert list(tools) == [
        "read_entries", "add_entry", "notebook_open_note", "fail", "die", "hang", "slow"
    ]  # fmt: skip
    assert tools["read_entries"].signature == "read_entries(kind?:all|urgent)->text"
    assert tools["read_entries"].description == "Read the entries of the logbook."
    assert tools["add_entry"].signature == "add_entry(text, at?, stars?:int)->text"
    assert tools["add_entry"].changes, "a claim is no proof"
    assert "the server says that it only reads" in tools["add_entry"].sentence
    assert "the server says" not in tools["fail"].sentence
    (trouble,) = servers.troubles
    assert "tool paint, parameter colours: the plan language has no such type" in trouble


def test_what_a_server_does_goes_wrong_in_words_and_it_is_started_anew(
    servers: McpServers, book: Path
) -> None:
    tools = {tool.name: tool for tool in servers.tools(SIXTEEN)}
    assert call(tools["read_entries"], kind="all") == "no all entries"
    assert call(tools["add_entry"], text="rain", at=None, stars="") == "wrote rain"
    assert book.read_text() == "rain|None|None\n"
    with pytest.raises(ToolError, match="the ink is dry"):
        call(tools["fail"])
    with pytest.raises(ToolError, match="notebook went away; die may have happened"):
        call(tools["die"])
    assert call(tools["read_entries"], kind="all") == "rain|None|None"


def test_a_call_without_an_answer_is_given_up(notebook: ServerConfig) -> None:
    with closing(McpServers({"notebook": notebook}, timeout=1, patience=100)) as servers:
        (hang,) = [tool for tool in servers.tools(SIXTEEN) if tool.name == "hang"]
        began = time.monotonic()
        with pytest.raises(ToolError, match=r"notebook, hang: .*timed out"):
            call(hang)
        assert time.monotonic() - began < 25


def test_progress_reaches_whoever_watches(servers: McpServers) -> None:
    (slow,) = [tool for tool in servers.tools(SIXTEEN) if tool.name == "slow"]
    heard: list[tuple[float, str]] = []
    context = ToolContext(None, None, lambda share, doing: heard.append((share, doing)))  # type: ignore[arg-type]
    assert slow.function(context) == "done"
    assert heard == [(0.5, "half of it")]


def test_a_server_over_http_with_headers(book: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, str(SERVER), str(book), str(port)]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        for _ in range(300):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        config = ServerConfig(url=f"http://127.0.0.1:{port}/mcp", headers={"X-Key": "k"})
        with closing(McpServers({"web": config}, timeout=30, patience=60)) as servers:
            tools = {tool.name: tool for tool in servers.tools(SIXTEEN)}
            assert call(tools["add_entry"], text="sun", at=None, stars=3) == "wrote sun"
    finally:
        process.terminate()
        process.wait(10)
    assert book.read_text() == "sun|None|3\n"


def test_what_cannot_be_reached_is_told_and_the_rest_is_there(notebook: ServerConfig) -> None:
    asleep = "import time; time.sleep(600)"
    configs = {
        "absent": ServerConfig(command="no-such-program"),
        "broken": ServerConfig(command=sys.executable, args=["-c", "exit('no licence')"]),
        "silent": ServerConfig(command=sys.executable, args=["-c", asleep]),
        "closed": ServerConfig(url="http://127.0.0.1:9/mcp"),
        "notebook": notebook,
    }
    with closing(McpServers(configs, timeout=30, patience=30)) as servers:
        assert "read_entries" in {tool.name for tool in servers.tools(SIXTEEN)}
        told = "\n".join(servers.troubles)
    assert "server absent: there is no program no-such-program" in told
    assert "no licence" in told
    assert "server silent: no answer within 30 seconds" in told
    assert "server closed: it cannot be connected to" in told


def test_a_claim_of_reading_only_is_approved_like_any_change(
    make_agent: MakeAgent, servers: McpServers, book: Path
) -> None:
    tools = SIXTEEN.with_more(servers.tools(SIXTEEN))
    plan = '1. add_entry("rain", "tomorrow at 2pm", 4)\n2. read_entries()\n3. join()'
    agent = make_agent({"log rain": [plan]}, tools=tools)
    run = agent.start("log rain", NOW)
    state = agent.wait(run, 20)
    assert state.approval is not None
    assert [c.tool for c in state.approval.calls] == ["add_entry", "read_entries"]
    assert not book.exists()
    agent.decide(run, state.approval.approval, Decision("approve"))
    assert agent.wait(run, 20).over
    assert book.read_text() == "rain|2026-11-25T14:00:00|4\n"


def test_the_time_server_answers_a_planned_request(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "mcp.json"
    server = {"command": sys.executable, "args": ["-m", "mcp_server_time"]}
    server |= {"readOnly": ["get_current_time"]}
    file.write_text(json.dumps({"mcpServers": {"time": server}}), encoding="utf-8")
    with TinyAgent.open(replace(settings, mcp=file)) as agent:
        assert agent.troubles == []
        assert not agent.tools["get_current_time"].changes
        assert agent.tools["convert_time"].changes
        run = agent.start("What is the current time in the timezone Asia/Tokyo?")
        seen = asyncio.run(follow(agent, run))
    calls = [e for e in seen if isinstance(e, events.PlanLine)]
    assert [e.tool for e in calls] == ["get_current_time"]
    assert isinstance(seen[-1], events.Answered), seen[-1]
    assert "Asia/Tokyo" in seen[-1].text

    path = tmp_path / "settings.toml"
    path.write_text(f"mcp = {str(file)!r}\n", encoding="utf-8")
    monkeypatch.setenv(FILE_VARIABLE, str(path))
    listed = CliRunner().invoke(app, ["tools"])
    assert "reads   get_current_time(timezone)->text  (MCP server time)" in listed.stdout


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "cannot be read as JSON"),
        ("[]", 'it has no "mcpServers"'),
        ('{"mcpServers": {"a": {}}}', "server a: it needs a command or a url"),
        ('{"mcpServers": {"a": {"command": "x", "url": "y"}}}', "and not both"),
        ('{"mcpServers": {"a": {"command": 3}}}', "server a, key command"),
        ('{"mcpServers": {"a": {"url": "x", "headers": {"K": "${NONE}"}}}}', "no variable NONE"),
    ],
)
def test_a_wrong_file_is_named_with_the_server_and_the_key(
    tmp_path: Path, text: str, said: str
) -> None:
    path = tmp_path / "mcp.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        read_config(path, {})
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_the_environment_is_put_in_and_a_disabled_server_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "mcp.json"
    path.write_text(
        '{"mcpServers": {"a": {"url": "u", "headers": {"K": "Bearer ${KEY}"}, "type": "http"}, '
        '"b": {"command": "c", "disabled": true}}}',
        encoding="utf-8",
    )
    found = read_config(path, os.environ | {"KEY": "s3cret"})
    assert list(found) == ["a"]
    assert found["a"].headers == {"K": "Bearer s3cret"}
    assert read_config(tmp_path / "none.json") == {}
