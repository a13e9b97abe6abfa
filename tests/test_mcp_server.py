"""``tinyagent mcp``, asked by the official SDK's client over stdio."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, ElicitRequestParams, ElicitResult

from tests.conftest import MakeAgent
from tinyagent.approval.approval import Decision
from tinyagent.mcp.server import make_server
from tinyagent.settings import Settings
from tinyagent.traces.filters import Filter
from tinyagent.traces.store import TraceStore

ROOT = Path(__file__).parent.parent
TEXT = "Text Sid that I'm running ten minutes late"
PLAN = '1. get_phone_number("Sid")\n2. send_sms(["$1"], "Late")\n3. join()'


class Person:
    """What a client's person is asked, and says."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, context: Any, params: ElicitRequestParams) -> ElicitResult:
        self.asked.append(params.message)
        answer = self.answers.pop(0)
        if answer in ("decline", "cancel"):
            return ElicitResult(action=answer)  # type: ignore[arg-type]
        return ElicitResult(action="accept", content={"answer": answer})


COMMAND = ("-m", "tinyagent", "mcp")


@asynccontextmanager
async def connected(
    settings: Settings, command: Sequence[str] = COMMAND, **options: Any
) -> AsyncIterator[Client]:
    """A client of a command of ours, ``tinyagent mcp`` if no other is given."""
    file = settings.workspace.parent / "settings.toml"
    file.write_text(
        f'backend = "workspace"\nworkspace = "{settings.workspace}"\n'
        f'traces = "{settings.traces}"\nthreads = 1\n',
        encoding="utf-8",
    )
    env = os.environ | {"TINYAGENT_SETTINGS": str(file)}
    server = StdioServerParameters(command=sys.executable, args=[*command], env=env, cwd=ROOT)
    async with Client(server, **options) as client:
        yield client


def content(result: CallToolResult) -> dict[str, Any]:
    assert not result.is_error, result
    assert result.structured_content is not None
    return result.structured_content


def messages(settings: Settings) -> str:
    return "\n".join(
        p.read_text("utf-8") for p in (settings.workspace / "messages").rglob("*") if p.is_file()
    )


def test_plan_changes_nothing_and_run_asks_the_person_over_stdio(settings: Settings) -> None:
    before = messages(settings)
    person = Person("reject", "approve")

    async def talk() -> None:
        async with connected(settings, elicitation_callback=person) as client:
            listed = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert set(listed) == {"plan", "run"}
            assert listed["plan"].annotations is not None
            assert listed["plan"].annotations.read_only_hint

            proposed = content(await client.call_tool("plan", {"request": TEXT}))
            (call,) = proposed["calls"]
            assert call["tool"] == "send_sms"
            assert "running" in call["text"]
            assert messages(settings) == before

            rejected = content(await client.call_tool("run", {"request": TEXT}))
            assert not rejected["complete"]
            assert messages(settings) == before

            done = content(await client.call_tool("run", {"request": TEXT}))
            assert done["complete"]
            assert "running" in messages(settings)
            assert messages(settings) != before

    asyncio.run(talk())
    assert len(person.asked) == 2
    assert "Send an SMS to" in person.asked[0]
    rows = TraceStore(settings.traces).page(Filter(), "newest", 9, 0)
    assert [row.source for row in rows] == ["mcp"] * 3


def test_the_page_is_served_beside_the_client_where_it_is_asked_for(settings: Settings) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]

    async def talk() -> None:
        command = ("app.py", "--mcp", "--port", str(port))
        async with connected(settings, command) as client:
            found = content(await client.call_tool("run", {"request": "What is Sid's number?"}))
            assert found["complete"], found
            page = await asyncio.to_thread(
                urlopen, f"http://127.0.0.1:{port}/trace/{found['run']}.json"
            )
            assert json.load(page)["source"] == "mcp"

    asyncio.run(talk())


@pytest.mark.parametrize("mode", ["auto", "legacy"])
def test_a_question_and_an_approval_are_put_to_the_person(make_agent: MakeAgent, mode: str) -> None:
    plan = '1. get_phone_number("Alex")\n2. send_sms(["$1"], "Hi")\n3. join()'
    agent = make_agent({"text Alex": [plan]})
    person = Person("Alex Kim", "approve")

    async def talk() -> dict[str, Any]:
        server = make_server(agent)
        async with Client(server, elicitation_callback=person, mode=mode) as client:
            return content(await client.call_tool("run", {"request": "text Alex"}))

    done = asyncio.run(talk())
    assert done["complete"], done
    assert len(person.asked) == 2
    assert "Alex" in person.asked[0]


@pytest.mark.parametrize("answer", ["decline", "cancel", "reject", "yes, whatever", ""])
def test_what_is_no_clear_yes_is_a_no(make_agent: MakeAgent, answer: str) -> None:
    agent = make_agent({"text Sid": [PLAN]})
    before = messages(agent.settings)

    async def talk() -> dict[str, Any]:
        async with Client(make_server(agent), elicitation_callback=Person(answer)) as client:
            return content(await client.call_tool("run", {"request": "text Sid"}))

    assert not asyncio.run(talk())["complete"]
    assert messages(agent.settings) == before


def test_a_client_that_cannot_ask_is_told_so_and_nothing_is_changed(make_agent: MakeAgent) -> None:
    agent = make_agent({"text Sid": [PLAN], "number": ['1. get_phone_number("Sid")\n2. join()']})
    before = messages(agent.settings)

    async def talk() -> None:
        async with Client(make_server(agent)) as client:
            refused = content(await client.call_tool("run", {"request": "text Sid"}))
            assert "Nobody can approve this here" in refused["answer"]
            found = content(await client.call_tool("run", {"request": "number"}))
            assert found["complete"]

    asyncio.run(talk())
    assert messages(agent.settings) == before
    assert agent.pending() == []


def test_an_approval_that_was_remembered_does_not_count_for_another_agent(
    make_agent: MakeAgent,
) -> None:
    agent = make_agent({"text Sid": [PLAN] * 4})
    run = agent.start("text Sid")
    asked = agent.wait(run, 20).approval
    assert asked is not None
    until = agent.clock() + timedelta(days=7)
    agent.decide(run, asked.approval, Decision("approve", until=until))
    assert agent.wait(run, 20).over
    assert agent.wait(agent.start("text Sid"), 20).over, "remembered here"
    before = messages(agent.settings)
    person = Person("reject")

    async def talk() -> None:
        async with Client(make_server(agent), elicitation_callback=person) as client:
            assert content(await client.call_tool("plan", {"request": "text Sid"}))["calls"]
            await client.call_tool("run", {"request": "text Sid"})

    asyncio.run(talk())
    assert len(person.asked) == 1
    assert messages(agent.settings) == before


def test_with_the_page_the_person_approves_there(make_agent: MakeAgent) -> None:
    agent = make_agent({"text Sid": [PLAN]})

    async def approve() -> None:
        while not agent.pending():
            await asyncio.sleep(0.02)
        (run,) = agent.pending()
        asked = agent.state(run).approval
        assert asked is not None
        await asyncio.to_thread(agent.decide, run, asked.approval, Decision("approve"))

    async def talk() -> dict[str, Any]:
        async with Client(make_server(agent, with_page=True)) as client:
            called = client.call_tool("run", {"request": "text Sid"})
            result, _ = await asyncio.gather(called, approve())
            return content(result)

    assert asyncio.run(talk())["complete"]


def test_a_call_that_the_client_gives_up_ends_the_run(make_agent: MakeAgent) -> None:
    agent = make_agent({"text Sid": [PLAN]})

    async def talk() -> None:
        async with Client(make_server(agent, with_page=True), mode="legacy") as client:
            call = asyncio.create_task(client.call_tool("run", {"request": "text Sid"}))
            while not agent.pending():
                await asyncio.sleep(0.02)
            call.cancel()
            for _ in range(250):
                if not agent.pending():
                    return
                await asyncio.sleep(0.02)
        raise AssertionError("the run still waits")

    asyncio.run(talk())
