"""A person's own tools: what docs/own-tools.md says, done."""

from __future__ import annotations

import asyncio
import csv
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any, Literal

import pytest
from typer.testing import CliRunner

from tests.test_readme import follow
from tinyagent import events
from tinyagent.agent import TinyAgent
from tinyagent.approval.approval import Decision
from tinyagent.commands.cli import app
from tinyagent.errors import ToolDeclarationError
from tinyagent.planner import load_planner
from tinyagent.planner.planner import Planner
from tinyagent.plans.syntax import read_call, read_plan
from tinyagent.plans.validate import problems
from tinyagent.runs.state import RunState
from tinyagent.settings import FILE_VARIABLE, Settings
from tinyagent.tools.context import ToolContext
from tinyagent.tools.declaration import declarations, declared_tools, read_declaration
from tinyagent.tools.declare import tool
from tinyagent.tools.installed import installed_tools
from tinyagent.tools.kinds import Email, Text
from tinyagent.tools.registry import Tool, ToolSet
from tinyagent.tools.sixteen import SIXTEEN
from tinyagent.traces.exports import export
from tinyagent.traces.filters import Filter
from tinyagent.traces.labels import Label
from tinyagent.traces.store import TraceStore
from ui.cards import approval_card, read_decision

DOCS = Path(__file__).parent.parent / "docs" / "own-tools.md"
NOW = datetime(2026, 11, 24, 9, 30)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tools folder with the file of docs/own-tools.md."""
    source = re.search(r"```python\n(.+?)```", DOCS.read_text("utf-8"), re.DOTALL)
    assert source is not None
    made = tmp_path / "tools"
    made.mkdir()
    (made / "expenses.py").write_text(source[1], encoding="utf-8")
    return made


@pytest.fixture
def agent(settings: Settings, folder: Path) -> Iterator[TinyAgent]:
    with TinyAgent.open(replace(settings, tools=folder), lambda: NOW) as agent:
        yield agent


def test_the_example_of_the_docs_is_planned_approved_run_traced_and_exported(
    agent: TinyAgent, tmp_path: Path
) -> None:
    run = agent.start("I paid 42.80 for the train ticket")
    state = agent.wait(run, 60)
    assert state.selection is not None
    assert "record_expense" in state.selection.tools
    assert state.approval is not None, state.plan_text
    (call,) = state.approval.calls
    assert call.text == "Record 42.8 spent on train ticket"
    card = approval_card(state, state.approval)
    assert 'type="number" step="any"' in card
    assert "what it was spent on" in card
    book = Path.home() / "expenses.csv"
    assert not book.exists()
    form = {
        "kind": "approve",
        "tasks": [call.task],
        "arguments": {str(call.task): {"amount": "45.10", "day": "Friday"}},
    }
    decision = read_decision(form, state.approval, state.tools, NOW)
    agent.decide(run, state.approval.approval, decision)
    done = agent.wait(run, 60).answer
    assert isinstance(done, events.Answered)
    assert done.text == "45.10 for train ticket is recorded."
    assert book.read_text() == "2026-11-27,45.1,train ticket\n"

    read = asyncio.run(follow(agent, agent.start("What are my total expenses?")))
    assert isinstance(read[-1], events.Answered)
    assert read[-1].text == "45.10 in all."

    # The trace says itself what the tool is: it is read where the tool is not installed.
    store = TraceStore(agent.traces.path)
    store.label(Label(run, "good"), NOW)
    for name in ("planner", "toolrag", "openai", "testset"):
        export(store, Filter(), name, tmp_path / name)
    with (tmp_path / "toolrag").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["record_expense"] == "1"
    (line,) = map(json.loads, (tmp_path / "openai").read_text("utf-8").splitlines())
    shown = {t["function"]["name"]: t["function"]["parameters"] for t in line["tools"]}
    assert shown["record_expense"]["properties"]["amount"]["type"] == "number"
    again = RunState.of(agent.traces.happened(run))
    assert again.tools["record_expense"].app == "Expenses"


def test_the_command_line_lists_it_and_names_what_is_wrong(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = folder.parent / "settings.toml"
    settings.write_text(f"tools = {str(folder)!r}\n", encoding="utf-8")
    monkeypatch.setenv(FILE_VARIABLE, str(settings))
    listed = CliRunner().invoke(app, ["tools"])
    assert listed.exit_code == 0, listed.output
    assert "record_expense(amount:number, what, day?)->text" in listed.stdout
    text = (folder / "expenses.py").read_text("utf-8").replace("what: str,", "what,")
    (folder / "expenses.py").write_text(text, encoding="utf-8")
    refused = CliRunner().invoke(app, ["tools"])
    assert refused.exit_code == 2
    assert "expenses.py: tool record_expense, parameter what: it has no type" in (refused.stderr)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("def f(x):\n  '''Do it.\n\n  x: it\n  '''", "tool f, parameter x: it has no type"),
        ("def f(x: str): pass", "tool f has no docstring"),
        ("def f(x: str) -> str:\n  '''Do it.'''", "parameter x: the docstring has no line 'x: …'"),
        (
            "def f(x: dict) -> str:\n  '''Do.\n\n  x: it\n  '''",
            "parameter x: dict is no type of the plan",
        ),
        ("def f(*x: str) -> str:\n  '''Do.\n\n  x: it\n  '''", "any number of values"),
        ("def f() -> dict:\n  '''Do it.'''", "tool f: the result has no type"),
        ("def f():\n  '''Do it.'''", "tool f: the result has no type"),
        ("def F() -> str:\n  '''Do it.'''", "tool F: a name is up to 64 lower-case"),
        ("def open_note() -> str:\n  '''Do it.'''", "two tools are called open_note"),
        ("def f() -> 'Nothing':\n  '''Do it.'''", "a type cannot be read"),
        ("def f() -> str\n  '''Do it.'''", "line 3: SyntaxError"),
        ("def f() -> str:\n  '''Do it.'''\nf.x / 0", "line 5: AttributeError"),
        ("", "SyntaxError"),
    ],
)
def test_an_error_at_load_names_the_file_and_the_place(
    tmp_path: Path, source: str, said: str
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(f"from tinyagent import tool\n@tool\n{source}\n", encoding="utf-8")
    with pytest.raises(ToolDeclarationError) as caught:
        installed_tools(tmp_path)
    assert str(path) in str(caught.value)
    assert said in str(caught.value)


def test_a_sentence_that_names_no_argument_is_refused() -> None:
    with pytest.raises(ToolDeclarationError, match="the sentence names colour"):

        @tool(sentence="Paint it {colour}")
        def paint() -> None:
            """Paint it."""


def test_a_package_offers_tools_by_its_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tide_tables.py").write_text(
        "from tinyagent import tool\n\n@tool(changes=False)\ndef high_tide(port: str) -> str:\n"
        '    """Tell when the tide is high.\n\n    port: where\n    """\n    return port\n',
        encoding="utf-8",
    )
    info = tmp_path / "tides-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: tides\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[tinyagent.tools]\ntides = tide_tables\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    tools = installed_tools(tmp_path / "none")
    assert tools["high_tide"].origin == "tides"
    assert list(tools)[:16] == list(SIXTEEN)
    sys.modules.pop("tide_tables")


@tool
async def every_type(
    context: ToolContext,
    words: str,
    text: Text,
    whole: int,
    real: float,
    at: datetime,
    kind: Literal["red", "blue"] = "red",
    flag: bool = False,
    day: date | None = None,
    many: list[str] | None = None,
    numbers: list[int] | None = None,
    to: list[Email] | None = None,
    limit: int | None = None,
) -> str:
    """Take a value of every type.

    words: copied
    text: free
    whole: a whole number
    real: a number
    at: a time
    kind: a choice
    flag: yes or no
    day: a day
    many: several words
    numbers: several numbers
    to: addresses
    limit: may be left out
    """
    return repr((words, text, whole, real, at, kind, flag, day, many, numbers, to, limit))


TYPES = ToolSet([every_type])


def test_every_type_reaches_the_function_as_it_is_declared(make_agent: Any) -> None:
    plan = (
        '1. every_type("a", "b", -3, 2.5, "tomorrow at 2pm", "blue", True, "Friday", '
        '["x", "y"], [1, -2], ["sid@example.com"], 7)\n2. join()'
    )
    agent = make_agent({"go": [plan]}, tools=SIXTEEN.with_more([every_type]))
    run = agent.start("go", NOW)
    state = agent.wait(run, 20)
    agent.decide(run, state.approval.approval, Decision("approve"))
    done = agent.wait(run, 20).answer.text
    expected = (
        "a", "b", -3, 2.5, datetime(2026, 11, 25, 14), "blue", True, date(2026, 11, 27),
        ["x", "y"], [1, -2], ["sid@example.com"], 7,
    )  # fmt: skip
    assert done == repr(expected)


@pytest.mark.parametrize(
    "arguments",
    ['"a", "b", 1.5, 2, "noon"', '"a", "b", "1", 2, "noon"', '"a", "b", 1, "2", "noon"',
     '"a", "b", 1, 2, "noon", "green"', '"a", "b", 1, 2, "noon", "red", 1',
     '"a", "b", 1, 2, "noon", "red", True, "", [1]'],
)  # fmt: skip
def test_a_value_of_another_type_is_refused(arguments: str) -> None:
    plan = read_plan(f"1. every_type({arguments})\n2. join()")
    assert problems(plan, TYPES, NOW), arguments


def test_numbers_are_read_and_written_as_they_are() -> None:
    line = "1. f(-2, 0.5, -1.25, [1, 2.5])"
    assert str(read_call(line)) == line
    assert read_call(line).arguments == (-2, 0.5, -1.25, (1, 2.5))


def test_a_declaration_is_all_of_a_tool_but_its_function() -> None:
    (written,) = declarations([every_type])
    data = json.loads(json.dumps(written, default=vars))
    again = declared_tools([read_declaration(data)])["every_type"]
    assert replace(again, function=every_type.function) == every_type


@pytest.fixture(scope="module")
def planner() -> Planner:
    return load_planner(Settings())


@pytest.mark.parametrize(
    ("request_text", "name"),
    [
        ("Set it to 21.5 in the office at noon, red, for 3 people", "every_type"),
        ("Turn off the lights in the bedroom", "set_lights"),
        ("How much is 250 dollars in euros?", "exchange_rate"),
        ("Order milk, eggs and bananas", "order_groceries"),
    ],
)
def test_the_real_planner_calls_it_with_valid_arguments(
    planner: Planner, request_text: str, name: str
) -> None:
    further: dict[str, Tool] = dict(installed_tools(DOCS.parent.parent / "benchmarks" / "further"))
    offered = ToolSet([{**further, "every_type": every_type}[name]])
    plan = planner.plan(request_text, offered, NOW).plan
    assert problems(plan, offered, NOW) == []
    assert {call.tool for call in plan} <= {name}
