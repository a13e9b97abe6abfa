"""The planner on a server: a real one on loopback, and stand-ins that go wrong."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from datetime import datetime
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from keyring.backend import KeyringBackend
from llama_cpp import Llama, LlamaGrammar
from llguidance import LLMatcher, grammar_from

from tests.conftest import MakeAgent
from tests.runs import contents
from tests.test_endpoint import local_server  # noqa: F401 - a fixture
from tests.test_own_tools import every_type
from tinyagent import events
from tinyagent.agent import TinyAgent
from tinyagent.errors import ServerError, SettingsError, Stopped
from tinyagent.models import find
from tinyagent.planner.prompt import planner_prompt
from tinyagent.plans.validate import problems
from tinyagent.remote import server_of, writer_of
from tinyagent.remote.chat import PAUSE, Server, complete, owner
from tinyagent.remote.examples import Examples, Solved, draw_examples
from tinyagent.remote.grammar import plan_grammar
from tinyagent.remote.planner import RemotePlanner
from tinyagent.remote.prompt import messages
from tinyagent.remote.writer import RemoteWriter
from tinyagent.settings import Settings, load_settings
from tinyagent.toolrag.encoder import Encoder
from tinyagent.tools.sixteen import SIXTEEN
from tinyagent.writers import Writers, Written
from ui.conversation import turn

NOW = datetime(2026, 11, 24, 9, 30)
TEXT = "Text Sid that I'm late"
RIGHT = '1. get_phone_number("Sid")\n2. send_sms(["$1"], "I\'m late.")\n3. join()'
KEY = "sk-very-secret-4711"
TOOLS = SIXTEEN.only(["get_phone_number", "send_sms"])

Answer = Callable[["StandIn", dict[str, Any]], None]


class StandIn(BaseHTTPRequestHandler):
    """Answers as the test says, one function a request; the last one goes on answering."""

    answers: list[Answer]
    asked: list[dict[str, Any]]
    keys: list[str | None]
    paths: list[str]

    def do_GET(self) -> None:
        self.say({"data": [{"id": "m", "owned_by": "vllm"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.asked.append(body)
        self.keys.append(self.headers["Authorization"])
        self.paths.append(self.path)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        answer(self, body)

    def say(self, answer: Any, status: int = 200) -> None:
        text = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


def plan(text: str) -> Answer:
    usage = {"prompt_tokens": 900, "completion_tokens": 30}

    def say(handler: StandIn, body: dict[str, Any]) -> None:
        choice = {"text": text} if "prompt" in body else {"message": {"content": text}}
        handler.say({"choices": [choice], "usage": usage})

    return say


def status(code: int, message: str = "") -> Answer:
    return lambda handler, body: handler.say({"error": {"message": message}}, code)


def cut_off(handler: StandIn, body: dict[str, Any]) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "5000")
    handler.end_headers()
    handler.wfile.write(b'{"choices": [{"mess')
    handler.wfile.flush()
    handler.connection.shutdown(socket.SHUT_RDWR)


def hang(handler: StandIn, body: dict[str, Any]) -> None:
    handler.connection.recv(1)  # until the other side gives up


def no_json(handler: StandIn, body: dict[str, Any]) -> None:
    handler.send_response(200)
    handler.end_headers()
    handler.wfile.write(b"<html>Welcome to the router</html>")


class Standing:
    """A stand-in that serves: its URL, what it was asked, the keys that it was sent."""

    def __init__(self, *answers: Answer) -> None:
        members = {"answers": list(answers), "asked": [], "keys": [], "paths": []}
        self.handler: Any = type("Handler", (StandIn,), members)
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self.handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"


@pytest.fixture
def stand() -> Iterator[Callable[..., Standing]]:
    made: list[Standing] = []

    def start(*answers: Answer) -> Standing:
        made.append(Standing(*answers))
        return made[-1]

    yield start
    for one in made:
        one.server.shutdown()


class NoExamples:
    def nearest(self, request: str, tools: Collection[str], count: int) -> list[Solved]:
        return []


def remote(url: str, timeout: float = 20, key: str = "") -> RemotePlanner:
    return RemotePlanner(Server(url, "m", key, timeout), NoExamples())


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tinyagent.remote.chat.PAUSE", PAUSE / 50)
    monkeypatch.setattr("tinyagent.remote.chat.LONGEST_PAUSE", PAUSE / 50)


def test_a_plan_in_a_fence_is_read_and_the_grammar_sent_as_the_server_wants_it(
    stand: Callable[..., Standing],
) -> None:
    there = stand(plan(f"Sure!\n```\n{RIGHT}\n```"))
    heard: list[str] = []
    planned = remote(there.url, key=KEY).plan(TEXT, TOOLS, NOW, on_text=heard.append)
    assert str(planned.plan) == RIGHT
    assert "".join(heard) == f"{RIGHT}\n"
    assert (planned.prompt_tokens, planned.plan_tokens) == (900, 30)
    assert planned.model == f"m at {there.url.split('/')[2]}"
    (asked,) = there.handler.asked
    assert asked["structured_outputs"] == {"grammar": plan_grammar(TOOLS)}
    assert there.handler.keys == [f"Bearer {KEY}"]
    assert KEY not in planned.prompt


def test_the_model_is_told_once_what_is_wrong(stand: Callable[..., Standing]) -> None:
    wrong = '1. send_sms(["Sid"], "late")\n2. join()'
    there = stand(plan(wrong), plan(RIGHT))
    assert str(remote(there.url).plan(TEXT, TOOLS, NOW).plan) == RIGHT
    first, second = there.handler.asked
    assert second["messages"][: len(first["messages"])] == first["messages"]
    told = second["messages"][-1]["content"]
    assert "task 1, argument recipients: 'Sid' is no phone number; look the person up" in told


def test_a_call_that_found_nothing_does_not_come_again(stand: Callable[..., Standing]) -> None:
    other = RIGHT.replace('"Sid"', '"Sidney"')
    there = stand(plan(RIGHT), plan(other))
    planned = remote(there.url).plan(TEXT, TOOLS, NOW, avoid=[("get_phone_number", ("Sid",))])
    assert str(planned.plan) == other
    assert (
        'get_phone_number("Sid") found nothing'
        in (there.handler.asked[1]["messages"][-1]["content"])
    )


@pytest.mark.parametrize(
    ("answers", "said", "tries"),
    [
        ([status(401, f"Incorrect API key: {KEY}")], "answers 401 Unauthorized", 1),
        ([status(404)], "answers 404 Not Found; check the address and the model's name", 1),
        ([status(429)], "answers 429 Too Many Requests; wait a while", 3),
        ([status(500, "out of memory")], "answers 500 Internal Server Error (out of memory)", 3),
        ([cut_off], "broke off its answer", 3),
        ([no_json], "answers, but with no completion", 1),
        ([plan("I cannot help with that.")], "wrote no plan that can be used", 2),
        ([plan('1. launch("missiles")\n2. join()')], "there is no tool launch", 2),
        ([plan('1. get_phone_number("Sid")')], "the plan does not end", 2),
    ],
)
def test_what_goes_wrong_is_said_and_what_may_pass_is_tried_again(
    stand: Callable[..., Standing], answers: list[Answer], said: str, tries: int
) -> None:
    there = stand(*answers)
    with pytest.raises(ServerError) as caught:
        remote(there.url, key=KEY).plan(TEXT, TOOLS, NOW)
    assert said in str(caught.value)
    assert KEY not in str(caught.value)
    assert len(there.handler.asked) == tries


def test_what_passes_is_not_seen(stand: Callable[..., Standing]) -> None:
    there = stand(status(503), cut_off, plan(RIGHT))
    assert str(remote(there.url).plan(TEXT, TOOLS, NOW).plan) == RIGHT


def test_our_own_planner_is_asked_with_the_prompt_that_it_was_trained_on(
    stand: Callable[..., Standing],
) -> None:
    there = stand(plan(HALF), plan(RIGHT))
    ours = RemotePlanner(Server(there.url, "m"), None, "gbnf")
    planned = ours.plan(TEXT, TOOLS, NOW)
    assert str(planned.plan) == RIGHT
    assert planned.prompt == planner_prompt(TEXT, TOOLS.values())
    first, second = there.handler.asked
    assert first["prompt"] == second["prompt"] == planned.prompt
    assert first["grammar"] == plan_grammar(TOOLS)
    assert first["temperature"] == 0 < second["temperature"]  # it was not trained to repair
    assert there.handler.paths == ["/v1/completions"] * 2


def test_a_server_that_hangs_is_given_up_and_a_stop_is_heard_at_once(
    stand: Callable[..., Standing],
) -> None:
    there = stand(hang)
    with pytest.raises(ServerError, match="gave no answer within 1 seconds"):
        remote(there.url, timeout=1).plan(TEXT, TOOLS, NOW)
    assert len(there.handler.asked) == 1
    began = time.monotonic()
    with pytest.raises(Stopped):
        remote(there.url, timeout=600).plan(
            TEXT, TOOLS, NOW, stop=lambda: time.monotonic() - began > 0.3
        )
    assert time.monotonic() - began < 30


def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(ServerError, match="is not there; start it, or check the address"):
        remote(url).plan(TEXT, TOOLS, NOW)
    assert owner(Server(url, "m")) == ""


def here(settings: Settings, there: Standing, **changes: Any) -> Settings:
    base = replace(settings, server=there.url, server_model="m", server_prompt="trained")
    return replace(base, writers=False, **changes)


HALF = '1. get_phone_number("Sid")\n2. send_sms(["$1"]'


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (hang, "gave no answer within 1 seconds"),
        (cut_off, "broke off its answer"),
        (no_json, "answers, but with no completion"),
        (plan(HALF), "wrote no plan that can be used"),
        (status(401, f"Incorrect API key: {KEY}"), "answers 401 Unauthorized"),
    ],
    ids=["hangs", "dies", "nonsense", "half a plan", "asks for a key"],
)
def test_what_goes_wrong_is_on_the_page_and_in_the_trace_and_nothing_is_half_run(
    make_agent: MakeAgent, stand: Callable[..., Standing], answer: Answer, said: str
) -> None:
    there = stand(answer)
    agent = make_agent({TEXT: [RIGHT]}, planner=remote(there.url, timeout=1, key=KEY))
    before = contents(agent.settings.workspace)
    run = agent.start(TEXT, NOW)
    state = agent.wait(run, 60)
    assert isinstance(state.answer, events.Failed)
    assert said in state.answer.message
    assert "Nothing was changed" in state.answer.cure
    assert not [t for t in state.tasks if t.status == "done"]
    assert contents(agent.settings.workspace) == before
    assert escape(said) in turn(state)
    assert said in json.dumps(agent.traces.read(run))
    for file in agent.settings.traces.parent.iterdir():
        assert KEY.encode() not in file.read_bytes()


def test_an_agent_of_the_settings_asks_the_server_with_its_key(
    settings: Settings, stand: Callable[..., Standing], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    there = stand(plan(RIGHT))
    with TinyAgent.open(here(settings, there, server_key="MY_KEY")) as agent:
        run = agent.start(TEXT, NOW)
        assert agent.wait(run, 250).approval is not None
        agent.stop(run)
        assert agent.traces.read(run)["model"] == f"m at {there.url.split('/')[2]}"
    assert there.handler.keys[0] == f"Bearer {KEY}"
    for file in settings.traces.parent.iterdir():
        assert KEY.encode() not in file.read_bytes()


def test_where_the_setting_allows_it_the_plan_is_made_here(
    settings: Settings, stand: Callable[..., Standing]
) -> None:
    there = stand(status(401))
    with TinyAgent.open(here(settings, there, server_fallback=True)) as agent:
        state = agent.wait(agent.start(TEXT, NOW), 250)
        assert state.plan is not None
        assert state.plan.model == ""
        assert state.plan.note.startswith("Planned on this computer: the server")
        assert state.approval is not None


def test_a_server_needs_a_model_and_a_key_that_is_there(tmp_path: Path) -> None:
    from tinyagent.remote import planner_of

    file = tmp_path / "settings.toml"
    file.write_text('server = "http://127.0.0.1:1/v1"\n', encoding="utf-8")
    with pytest.raises(SettingsError, match="server_model"):
        planner_of(load_settings(file))
    with pytest.raises(SettingsError, match="keyring set tinyagent NO_SUCH_KEY"):
        planner_of(load_settings(file, server_model="m", server_key="NO_SUCH_KEY"))


def test_our_own_planner_is_no_writer() -> None:
    wrong = Settings(server="http://127.0.0.1:1/v1", server_model="m", server_writers=True)
    with pytest.raises(SettingsError, match="set server_writers to false"):
        writer_of(replace(wrong, server_prompt="trained"))


@pytest.mark.parametrize("answer", [hang, cut_off, no_json, status(401, f"wrong key {KEY}")])
def test_where_a_server_writes_no_text_the_given_words_stand(
    stand: Callable[..., Standing], answer: Answer, caplog: pytest.LogCaptureFixture
) -> None:
    context, body = "the budget meeting is at 3 pm", "Please note the budget meeting is at 3 pm."
    good, wrong = stand(plan(body)), stand(answer)

    def written(there: Standing) -> Written:
        writer = RemoteWriter(Server(there.url, "m", KEY, 1))
        return Writers(writer, threading.Lock(), lambda: False).email_body(context, [], context)

    assert written(good) == Written(body, fallback=False)
    assert good.handler.keys == [f"Bearer {KEY}"]
    assert written(wrong) == Written(context, fallback=True)
    assert "no text was written" in caplog.text
    assert KEY not in caplog.text


def test_the_key_is_in_the_keychain_where_the_environment_has_none(
    settings: Settings, keychain: KeyringBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    keychain.set_password("tinyagent", "MY_KEY", KEY)
    named = replace(settings, server="http://127.0.0.1:1/v1", server_model="m", server_key="MY_KEY")
    assert server_of(named).key == KEY
    monkeypatch.setenv("MY_KEY", "another")
    assert server_of(named).key == "another"


def test_what_stands_before_the_host_is_shown_nowhere() -> None:
    server = Server("http://me:secret@127.0.0.1:1/v1?key=secret", "m", "secret")
    assert server.name == "m at 127.0.0.1:1"
    assert server.shown == "http://127.0.0.1:1/v1"
    assert "secret" not in repr(server)


def test_the_prompt_tells_each_tool_in_full_and_shows_the_nearest_examples(
    tmp_path: Path,
) -> None:
    models = Settings().models
    encoder = Encoder(find("minilm-int8", models), find("minilm-tokenizer", models), 1)
    examples = Examples(encoder, tmp_path)
    near = examples.nearest("What's the number of my dentist?", {"get_phone_number"}, 4)
    assert 1 <= len(near) <= 4
    assert all(one.tools <= {"get_phone_number"} for one in near)
    again = Examples(encoder, tmp_path).nearest("What's the number of my dentist?", TOOLS, 1)
    (kept,) = tmp_path.glob("examples-*.safetensors")
    assert again[0].request
    whole = kept.read_bytes()
    kept.write_bytes(whole[:100])  # cut short, it is made anew
    Examples(encoder, tmp_path).nearest("What's the number of my dentist?", TOOLS, 1)
    assert kept.read_bytes() == whole
    first, *turns = messages(TEXT, TOOLS, NOW, near)
    for tool in TOOLS.values():
        assert tool.signature in first["content"]
        assert all(p.help in first["content"] for p in tool.parameters)
    assert "Tuesday, 2026-11-24 09:30" in first["content"]
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * len(near) + ["user"]


def test_every_example_is_a_valid_plan() -> None:
    from tinyagent.plans.syntax import read_plan

    drawn = draw_examples()
    assert len(drawn) > 150
    for one in drawn:
        assert problems(read_plan(one.plan), SIXTEEN, NOW) == [], one


def test_llama_cpp_reads_the_grammar_of_every_tool() -> None:
    grammar = plan_grammar(SIXTEEN.with_more([every_type]))
    assert LlamaGrammar.from_string(grammar, verbose=False) is not None
    assert LlamaGrammar.from_string(plan_grammar(SIXTEEN.only([])), verbose=False) is not None


def test_the_guided_decoding_of_vllm_reads_the_same_grammar() -> None:
    """vLLM's guidance backend hands the grammar to this function."""
    for tools in (SIXTEEN.with_more([every_type]), SIXTEEN.only([])):
        grammar = grammar_from("grammar", plan_grammar(tools))
        assert LLMatcher.validate_grammar(grammar) == ""


def test_a_real_server_writes_a_plan_under_the_grammar(local_server: str) -> None:  # noqa: F811
    server = Server(local_server, "m", timeout=250)
    assert owner(server) == "me"
    tools = SIXTEEN.only(["open_note"])
    done = complete(
        server,
        messages("Open my packing note", tools, NOW, []),
        max_tokens=80,
        options={"grammar": plan_grammar(tools)},
    )
    assert done.text.startswith("1. ")
    assert done.prompt_tokens > 100
    # A model of 135M that was not trained to plan: what it writes is a plan, right or not.
    lines = done.text.splitlines()
    assert all(line.split(". ")[1].startswith(("open_note(", "join()")) for line in lines[:-1])
    # Our own planner's prompt arrives as it was trained on: no token before it, its marks as such.
    prompt = planner_prompt("Open my packing note", tools.values())
    ours = complete(server, prompt, max_tokens=40, options={"grammar": plan_grammar(tools)})
    words = Llama(str(find("base-q4_0", Settings().models)), vocab_only=True, verbose=False)
    tokens = words.tokenize(prompt.encode(), add_bos=False, special=True)
    assert ours.prompt_tokens == len(tokens)
    assert ours.text.startswith("1. ")
