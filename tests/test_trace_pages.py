"""What the Traces and the Models page ask of Python: the views, labels, doing it again, exports."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from tests.conftest import MakeAgent
from tests.test_traces_store import PLANS, do
from tinyagent.agent import TinyAgent
from tinyagent.approval.approval import Decision
from tinyagent.traces.labels import right_plan
from tinyagent.traces.store import TraceStore
from tinyagent.versions import SHIPPED
from tinyagent.voice.recordings import keep
from tinyagent.voice.transcriber import Transcript
from ui.downloads import downloads
from ui.model_actions import model_actions
from ui.trace_actions import trace_actions

NOTE = PLANS["note tea"][0]


@pytest.fixture
def agent(make_agent: MakeAgent) -> TinyAgent:
    """An agent whose planner will write the same plan of "note tea" again and again."""
    return make_agent({**PLANS, "note tea": [NOTE] * 4})


def called(functions: list[Callable[..., Any]]) -> dict[str, Callable[..., Any]]:
    return {function.__name__: function for function in functions}


def given(
    trace: str, verdict: str, plan: str, *reasons: str, queue: bool = False
) -> dict[str, Any]:
    """What the form sends."""
    label = {"trace": trace, "verdict": verdict, "plan": plan, "reasons": list(reasons)}
    return label | {"note": " seen ", "queue": queue}


def test_a_label_says_no_more_than_the_person_did(agent: TinyAgent) -> None:
    run = do(agent, "note tea")
    act, store = called(trace_actions(agent)), TraceStore(agent.traces.path)

    def newest() -> dict[str, Any]:
        return dict(store.read(run)["labels"][-1])

    assert act["save_label"](given(run, "good", NOTE)) == {"next": f"?trace={run}"}
    assert (newest()["verdict"], newest()["plan"], newest()["note"]) == ("good", "", "seen")
    act["save_label"](given(run, "bad", NOTE.replace(", ", ","), "refuse"))
    assert (newest()["reasons"], newest()["plan"]) == (["refuse"], "")
    assert str(right_plan(store.read(run))) == "1. join()"
    right = '1. create_note("Tea")\n2. join()'
    act["save_label"](given(run, "bad", right, "argument"))
    assert newest()["plan"] == right
    shown = act["show"]({"query": f"?trace={run}"})
    assert "create_note(&quot;Tea&quot;)" in shown
    assert re.search(r'value="argument" checked', shown)
    wrong = act["save_label"](given(run, "bad", "1. nothing()\n2. join()"))
    assert "no tool nothing" in wrong["error"]
    act["save_label"](given(run, "", right))
    assert (newest()["verdict"], newest()["plan"]) == ("", "")


def test_what_was_edited_at_approval_is_the_right_plan_still(agent: TinyAgent) -> None:
    run = do(agent, "note jam", lambda task: Decision("approve", None, {task: {"content": "Plum"}}))
    store = TraceStore(agent.traces.path)
    edited = store.read(run)["labels"][-1]["plan"]
    assert "Plum" in edited
    called(trace_actions(agent))["save_label"](given(run, "bad", edited, "argument"))
    assert [label["plan"] for label in store.read(run)["labels"]] == [edited, edited]
    assert str(right_plan(store.read(run))) == '1. create_note("Jam", "Plum")\n2. join()'


def test_a_plan_is_checked_and_drawn_as_it_is_typed(agent: TinyAgent) -> None:
    run = do(agent, "note tea")
    check = called(trace_actions(agent))["check_label"]
    two = '1. get_phone_number("Sid")\n2. send_sms(["$1"], "Hi")\n3. join()'
    found = check({"trace": run, "plan": two})
    assert found["problems"] == []
    drawn = json.loads(found["graph"])
    assert [node["id"] for node in drawn["nodes"]] == [1, 2]
    assert [edge["id"] for edge in drawn["edges"]] == ["1-2"]
    (problem,) = check({"trace": run, "plan": two.replace('["$1"]', '["Sid"]')})["problems"]
    assert "look the person up first" in problem
    assert check({"trace": run, "plan": two.replace("$1", "$7")})["graph"] == ""
    assert check({"trace": run, "plan": "1. send_sms("})["problems"]
    assert check({"trace": run, "plan": ""}) == {"problems": [], "graph": ""}
    assert check({"trace": "no-run", "plan": ""})["problems"]


def test_the_queue_goes_from_each_run_to_the_next(agent: TinyAgent) -> None:
    runs = [do(agent, request) for request in ("note tea", "who is Zebediah")]
    act, store = called(trace_actions(agent)), TraceStore(agent.traces.path)
    first, second = [row.id for row in store.queue()]
    assert {first, second} == set(runs)
    shown = act["show"]({"query": "?queue=1"})
    assert f'data-trace="{first}"' in shown
    assert "2 without a label" in shown
    assert act["save_label"](given(first, "good", NOTE, queue=True))["next"].startswith(
        f"?trace={second}"
    )
    assert act["save_label"](given(second, "bad", "", "other", queue=True)) == {"next": "?queue=1"}
    assert "Every run that is over has a label" in act["show"]({"query": "?queue=1"})


def test_planned_again_and_run_again(agent: TinyAgent) -> None:
    run = do(agent, "note tea")
    act = called(trace_actions(agent))
    assert "The plan is the same today" in act["plan_again"]({"trace": run})["markup"]
    other = '1. create_note("Other")\n2. join()'
    again = act["run_again"]({"trace": run, "plan": other})["run"]
    for _ in range(500):
        if agent.state(again).approval is not None:
            break
        time.sleep(0.01)
    state = agent.state(again)
    assert state.approval is not None
    assert [task.line for task in state.tasks] == ['1. create_note("Other")']
    assert not list(agent.settings.workspace.glob("notes/**/Other.md"))
    agent.decide(again, state.approval.approval, Decision("reject"))
    assert "no tool" in act["run_again"]({"trace": run, "plan": "1. x()\n2. join()"})["error"]
    beside = act["show"]({"query": f"?trace={run}&beside={again}"})
    assert beside.count("data-trace=") == 2
    assert "<ins>+ 1. create_note(&quot;Other&quot;)</ins>" in beside


def test_exports_come_with_the_filters_of_the_page(agent: TinyAgent) -> None:
    tea, jam = do(agent, "note tea"), do(agent, "note jam")
    act = called(trace_actions(agent))
    for run in (tea, jam):
        act["save_label"](
            given(run, "good", TraceStore(agent.traces.path).read(run)["plans"][0]["plan"])
        )
    client = TestClient(Starlette(routes=downloads(agent)))
    answer = client.get("/export?format=planner&words=tea")
    assert [json.loads(line)["request"] for line in answer.text.splitlines()] == ["note tea"]
    assert 'filename="traces-planner.jsonl"' in answer.headers["content-disposition"]
    assert len(client.get("/export?format=otel").text.splitlines()) == 2
    book = client.get(f"/export?format=notebook&id={jam}")
    assert book.json()["metadata"]["tinyagent"]["trace"] == jam
    assert client.get("/export?format=word").status_code == 400
    assert client.get("/export?format=notebook").status_code == 400
    assert client.get(f"/audio/{tea}.wav").status_code == 404
    folder = agent.settings.traces.parent / "audio"
    folder.mkdir()
    (folder / f"{tea}.wav").write_bytes(b"RIFF")
    assert client.get(f"/audio/{tea}.wav").content == b"RIFF"
    assert f'src="/audio/{tea}.wav"' in act["show"]({"query": f"?trace={tea}"})
    assert "data-words" not in act["show"]({"query": f"?trace={tea}"})  # nothing is known of it
    said = {"trace": jam, "words": " jam, note it "}
    assert "no such recording" in act["save_words"](said)["error"]
    keep(agent.settings, jam, np.zeros(9, np.float32), Transcript("no jam", (), (), 1, 1), "no jam")
    assert f'data-words="{jam}"' in act["show"]({"query": f"?trace={jam}"})
    assert act["save_words"](said) == {}
    assert 'value="jam, note it"' in act["show"]({"query": f"?trace={jam}"})
    assert client.get("/audio/..%2f..%2ftraces.wav").status_code == 404


def test_the_table_sorts_and_keeps_its_filters(agent: TinyAgent) -> None:
    do(agent, "note tea")
    do(agent, "who is Zebediah")
    show = called(trace_actions(agent))["show"]
    rows = re.findall(r'<td class="asked"><a[^>]*>([^<]+)', show({"query": "?order=status-up"}))
    assert rows == ["note tea", "who is Zebediah"]  # answered before failed
    found = show({"query": "?words=tea&order=newest&page=1"})
    assert 'href="/traces?words=tea&amp;order=oldest"' in found
    assert '<input type="hidden" name="words" value="tea">' in found
    assert "No run fits" in show({"query": "?words=nothing+at+all"})
    assert "it is no ISO date" not in found
    assert "no ISO date" in show({"query": "?since=soon"})


def test_the_models_page_shows_versions_and_says_what_is_missing(agent: TinyAgent) -> None:
    act = called(model_actions(agent))
    found = act["look"]({"form": True})
    assert found["running"] is False
    assert found["versions"].count('data-version="shipped"') == 2
    assert "Nothing to learn from yet" in found["form"]
    do(agent, "note jam", lambda task: Decision("approve", None, {task: {"content": "Plum"}}))
    assert "1 labelled request to learn from" in act["look"]({"form": True})["form"]
    assert "form" not in act["look"]({"form": False})
    wrong = {"planner": False, "promote": True, "minutes": "1", "rows": "many", "fixed": "8"}
    assert "many" in act["retrain"](wrong)["error"]
    assert "no version" in act["use"]({"part": "planner", "version": "v9"})["error"]
    assert act["use"]({"part": "planner", "version": SHIPPED}) == {}
