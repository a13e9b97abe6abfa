"""The page's API, asked by Gradio's own client: the example of docs/http.md, and its limits."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import gradio as gr
import httpx
import pytest
from gradio_client import Client
from gradio_client.exceptions import AppError

from tests.conftest import MakeAgent
from tests.runs import contents, slow_places
from tinyagent.agent import TinyAgent
from tinyagent.settings import Settings
from tinyagent.traces.filters import Filter
from tinyagent.traces.store import TraceStore
from ui.page import launch

DOC = Path(__file__).parent.parent / "docs" / "http.md"
PASSWORD = "correct horse battery"
CALLS = {"/plan", "/approve", "/reject", "/answer", "/status", "/stop"}

Serve = Callable[..., str]


@pytest.fixture(autouse=True)
def no_analytics(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "False")


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Serve an agent's page on a free port of loopback; its address."""
    served: list[gr.Blocks] = []

    def start(agent: TinyAgent, password: str = "") -> str:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        served.append(launch(agent, port, password=password))
        return f"http://127.0.0.1:{port}"

    yield start
    for blocks in served:
        blocks.close(verbose=False)


def test_the_example_of_the_docs_plans_asks_and_runs(
    settings: Settings,
    serve: Serve,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (code,) = re.findall(r"```python\n(from.+?)```", DOC.read_text("utf-8"), re.DOTALL)
    before = contents(settings.workspace)
    asked: list[str] = []

    def person(question: str) -> str:
        assert contents(settings.workspace) == before
        asked.append(question)
        return "yes"

    monkeypatch.setattr("builtins.input", person)
    with TinyAgent.open(settings) as agent:
        here = code.replace("http://127.0.0.1:7860", serve(agent))
        exec(compile(here, str(DOC), "exec"), {})
    assert asked == ["Do it? "]
    said = capsys.readouterr().out
    assert "Send an SMS to" in said
    assert "ten minutes late" in said
    assert contents(settings.workspace) != before
    (row,) = TraceStore(settings.traces).page(Filter(), "newest", 9, 0)
    assert (row.source, row.status) == ("http", "answered")


def test_each_call_is_documented_and_no_inner_one_is_offered(
    make_agent: MakeAgent, serve: Serve
) -> None:
    plan = '1. get_phone_number("Alex")\n2. send_sms(["$1"], "Hi")\n3. join()'
    agent = make_agent({"text Alex": [plan] * 2, "text Sid": [plan.replace("Alex", "Sid")] * 2})
    before = contents(agent.settings.workspace)
    url = serve(agent)
    client = Client(url, analytics_enabled=False, verbose=False)
    listed = client.view_api(return_format="dict", print_info=False)
    assert set(listed["named_endpoints"]) == CALLS
    assert listed["unnamed_endpoints"] == {}
    page = DOC.read_text("utf-8")
    for name, told in listed["named_endpoints"].items():
        row = next(line for line in page.splitlines() if line.startswith(f"| `{name}`"))
        for parameter in told["parameters"]:
            assert f"`{parameter['parameter_name']}`" in row, name

    asking = client.predict("text Alex", api_name="/plan")
    assert set(asking) == set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    (question,) = asking["questions"]
    choice = question["candidates"][0]
    state = client.predict(asking["run"], question["question"], choice, api_name="/answer")
    assert state["status"] == "approval"
    assert [call["task"] for call in state["calls"]] == [2]
    with pytest.raises(AppError, match="approv"):
        client.predict(state["run"], "another", api_name="/approve")
    with pytest.raises(AppError, match="there is no run nothing"):
        client.predict("nothing", api_name="/status")
    rejected = client.predict(state["run"], state["approval"], api_name="/reject")
    assert rejected["status"] == "answered"
    assert not rejected["complete"]

    waits = client.predict("text Sid", api_name="/plan")
    assert client.predict(waits["run"], api_name="/status")["status"] == "approval"
    assert client.predict(waits["run"], api_name="/stop")["status"] == "stopped"
    assert contents(agent.settings.workspace) == before

    again = client.predict("text Sid", api_name="/plan")
    done = client.predict(again["run"], again["approval"], [2], api_name="/approve")
    assert done["complete"]
    assert contents(agent.settings.workspace) != before

    call = f"{url}/gradio_api/call/plan"
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}):
        assert httpx.post(call, json={"data": ["text Sid"]}, headers=headers).is_client_error


def call(client: httpx.Client, name: str, *given: object) -> Any:
    """A call as a program makes it that has no client of Gradio's."""
    begun = client.post(f"/gradio_api/call/{name}", json={"data": given})
    told = client.get(f"/gradio_api/call/{name}/{begun.raise_for_status().json()['event_id']}")
    event, data = re.findall(r"^event: (\w+)\ndata: (.*)$", told.text, re.MULTILINE)[-1]
    assert event == "complete", told.text
    return json.loads(data)[0]


PAGES, EACH, LONG = 50, 10, 12


def test_many_pages_at_once_get_their_own_answers_whatever_is_slow(
    make_agent: MakeAgent, serve: Serve
) -> None:
    """500 requests of 50 clients, while a dozen long ones wait."""
    requests = [f"r{page}-{n}" for page in range(PAGES) for n in range(EACH)]
    slow = [f"slow-{n}" for n in range(LONG)]
    plans = {r: [f'1. maps_open_location("place {r}")\n2. join()'] for r in (*requests, *slow)}
    agent = make_agent(plans, task_timeout=3600.0)
    go = slow_places(agent)
    url = serve(agent)
    everybody = httpx.Limits(max_connections=None)

    def page(number: int) -> list[str]:
        with httpx.Client(base_url=url, timeout=120) as client:
            told = [call(client, "plan", f"r{number}-{n}") for n in range(EACH)]
        assert all(state["status"] == "answered" for state in told)
        return [state["answer"] for state in told]

    with (
        httpx.Client(base_url=url, timeout=120, limits=everybody) as client,
        ThreadPoolExecutor(PAGES + LONG) as pool,
    ):
        held = [pool.submit(call, client, "plan", request) for request in slow]
        answers = list(pool.map(page, range(PAGES)))
        assert client.get("/traces").status_code == 200
        assert not any(job.done() for job in held)
        go.set()
        ends = [job.result() for job in held]
    for number, texts in enumerate(answers):
        for n, text in enumerate(texts):
            assert text.startswith(f"place r{number}-{n} in Maps: ")
    assert [end["status"] for end in ends] == ["answered"] * LONG
    kept = TraceStore(agent.settings.traces).page(Filter(status="answered"), "newest", 1000, 0)
    assert len(kept) == PAGES * EACH + LONG


def test_with_a_password_each_request_carries_it(make_agent: MakeAgent, serve: Serve) -> None:
    agent = make_agent({})
    url = serve(agent, PASSWORD)
    with pytest.raises((httpx.HTTPStatusError, ValueError)):
        Client(url, analytics_enabled=False, verbose=False)
    auth = {"auth": ("me", PASSWORD)}
    client = Client(url, httpx_kwargs=auth, analytics_enabled=False, verbose=False)
    assert client.predict("send it", api_name="/plan")["status"] in ("answered", "failed")
