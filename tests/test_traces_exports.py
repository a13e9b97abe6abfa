"""Every export, loaded in what it is for; runs that the real loop made."""

from __future__ import annotations

import base64
import csv
import json
import os
import sqlite3
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import nbformat
import pandas
import pytest
from google.protobuf.json_format import ParseDict
from nbclient import NotebookClient
from openinference.semconv.trace import OpenInferenceSpanKindValues, SpanAttributes
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.conftest import NOW, MakeAgent
from tests.test_traces_store import do
from tinyagent.data.check import plan_problems
from tinyagent.errors import SettingsError
from tinyagent.evaluation.scoring import score
from tinyagent.evaluation.sets import read_test_set
from tinyagent.plans.syntax import read_plan
from tinyagent.tools.sixteen import SIXTEEN
from tinyagent.traces.exports import FORMATS, export
from tinyagent.traces.filters import Filter
from tinyagent.traces.importer import import_lines
from tinyagent.traces.labels import Label
from tinyagent.traces.log import TraceLog
from tinyagent.traces.redact import Redactor
from tinyagent.traces.store import TraceStore

REVIEW = (
    '1. get_email_address("Sid")\n'
    '2. create_calendar_event("Budget review", "tomorrow at 2pm", "", "", ["$1"])\n'
    "3. join()"
)
TEXT = '1. get_phone_number("Lutfi")\n2. send_sms(["$1"], "running late")\n3. join()'
PLANS = {
    "Budget review with Sid tomorrow at 2pm": [REVIEW],
    "Text Lutfi that I'm running late": [TEXT],
    "Note `ideas` ``` and <b>tea</b>": ['1. create_note("Ideas", "tea")\n2. join()'],
    "Turn up the heating": ['1. create_note("Heating")\n2. join()'],
}
RIGHT = '1. append_note_content("ideas", "<b>tea</b>")\n2. join()'


@pytest.fixture
def log(make_agent: MakeAgent) -> tuple[TraceStore, list[str]]:
    """Four runs: two good, one with a right plan written, one that should have refused."""
    agent = make_agent(PLANS)
    made = [do(agent, request) for request in PLANS]
    store = TraceStore.open(agent.settings.traces)
    store.label(Label(made[0], "good"), NOW)
    store.label(Label(made[1], "good"), NOW)
    store.label(Label(made[2], "bad", ("tools",), RIGHT), NOW)
    store.label(Label(made[3], "bad", ("refuse",)), NOW)
    return store, made


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_planner_lines_train_a_planner(log: tuple[TraceStore, list[str]], tmp_path: Path) -> None:
    from random import Random

    from tinyagent.train.batches import FREE_TEXT, make_example

    store, _ = log
    out = tmp_path / "planner.jsonl"
    assert export(store, Filter(), "planner", out).written == 4
    rows = lines(out)
    assert [row["plan"] for row in rows] == [REVIEW, TEXT, RIGHT, "1. join()"]
    assert rows[0]["tools"] == ["create_calendar_event", "get_email_address"]

    def tokenizer(text: str, return_offsets_mapping: bool = False) -> dict[str, list[Any]]:
        """A token a character."""
        places = [(i, i + 1) for i in range(len(text))]
        return {"input_ids": [ord(c) for c in text], "offset_mapping": places}

    for row in rows:
        example = make_example(row, SIXTEEN, tokenizer, Random(0))
        plan = "".join(map(chr, example[example.start :]))
        assert plan.startswith(str(row["plan"]))
        told = "".join(c for c, w in zip(plan, example.weights, strict=True) if w == FREE_TEXT)
        assert "$" not in told and "(" not in told
        assert bool(told) == (row["plan"] != "1. join()")


def test_the_toolrag_table_trains_a_classifier(
    log: tuple[TraceStore, list[str]], tmp_path: Path
) -> None:
    store, _ = log
    out = tmp_path / "toolrag.csv"
    assert export(store, Filter(), "toolrag", out).written == 4
    table = pandas.read_csv(out)
    assert list(table.columns) == ["request", *SIXTEEN]
    assert list(table["request"]) == list(PLANS)
    assert table[list(SIXTEEN)].sum().sum() == 5
    assert table.loc[1, ["get_phone_number", "send_sms"]].tolist() == [1, 1]
    with out.open(newline="") as file:
        assert {len(row) for row in csv.reader(file)} == {17}


def test_the_test_set_is_evaluated(log: tuple[TraceStore, list[str]], tmp_path: Path) -> None:
    store, made = log
    out = tmp_path / "set.jsonl"
    export(store, Filter(), "testset", out)
    items = read_test_set(out)
    assert [item.id for item in items] == made
    assert items[2].tags == ("trace", "tools")
    for item in items:
        assert score(item.plans[0], item, SIXTEEN).arguments


def test_openai_lines_hold_calls_that_fit_their_tools(
    log: tuple[TraceStore, list[str]], tmp_path: Path
) -> None:
    import datasets

    store, _ = log
    out = tmp_path / "openai.jsonl"
    export(store, Filter(), "openai", out)
    for row, request in zip(lines(out), PLANS, strict=True):
        system, user, assistant = row["messages"]
        assert (system["role"], user["role"], assistant["role"]) == ("system", "user", "assistant")
        assert user["content"] == request
        schemas = {t["function"]["name"]: t["function"] for t in row.get("tools", [])}
        assert ("tool_calls" in assistant) != ("content" in assistant)
        for call in assistant.get("tool_calls", []):
            arguments = json.loads(call["function"]["arguments"])
            jsonschema.validate(arguments, schemas[call["function"]["name"]]["parameters"])
        for schema in schemas.values():
            jsonschema.Draft202012Validator.check_schema(schema["parameters"])
    loaded = datasets.Dataset.from_json(str(out), cache_dir=str(tmp_path / "cache"))
    assert len(loaded) == 4
    assert loaded[0]["messages"][2]["tool_calls"][1]["function"]["name"] == "create_calendar_event"


def test_every_tool_has_a_schema_of_its_own() -> None:
    from tinyagent.traces.exports.training import function_schema

    for tool in SIXTEEN.values():
        schema = function_schema(tool)["function"]["parameters"]
        jsonschema.Draft202012Validator.check_schema(schema)
        assert list(schema["properties"]) == [p.name for p in tool.parameters]


def test_a_notebook_is_valid_and_runs_to_what_was_recorded(
    log: tuple[TraceStore, list[str]], tmp_path: Path
) -> None:
    store, made = log
    out = tmp_path / "run.ipynb"
    assert export(store, Filter(ids=(made[2],)), "notebook", out).written == 1
    book = nbformat.read(out, as_version=4)
    nbformat.validate(book)
    recorded = [cell.outputs[0].text for cell in book.cells if cell.cell_type == "code"]
    assert any("create_note" in text for text in recorded)
    NotebookClient(book, timeout=120, kernel_name="python3").execute()
    again = [cell.outputs[0].text for cell in book.cells if cell.cell_type == "code"]
    assert again == recorded
    with pytest.raises(SettingsError, match="several runs"):
        export(store, Filter(), "notebook", out)
    assert nbformat.read(out, as_version=4)  # what was there before is still there
    assert sorted(p.name for p in tmp_path.glob("run*")) == ["run.ipynb"]


def test_parquet_is_a_table(log: tuple[TraceStore, list[str]], tmp_path: Path) -> None:
    store, made = log
    out = tmp_path / "runs.parquet"
    assert export(store, Filter(), "parquet", out).written == 4
    table = pandas.read_parquet(out)
    assert list(table["id"]) == made
    assert table["started"].dt.year.tolist() == [2026] * 4
    assert table["right"].tolist() == [REVIEW, TEXT, RIGHT, "1. join()"]
    assert table.loc[0, "p_create_calendar_event"] == pytest.approx(0.9)
    assert list(table.loc[2, "reasons"]) == ["tools"]
    assert export(store, Filter(words="heating"), "parquet", out).written == 1


def test_spans_are_read_as_otlp(log: tuple[TraceStore, list[str]], tmp_path: Path) -> None:
    store, made = log
    out = tmp_path / "spans.jsonl"
    export(store, Filter(ids=(made[0],)), "otel", out)
    (row,) = lines(out)
    request = ParseDict(_ids_in_base64(row), ExportTraceServiceRequest())
    spans = list(request.resource_spans[0].scope_spans[0].spans)
    kinds = [_attribute(span, SpanAttributes.OPENINFERENCE_SPAN_KIND) for span in spans]
    # A look-up starts as soon as its line is written, before the plan is complete.
    assert kinds == ["AGENT", "RETRIEVER", "TOOL", "LLM", "TOOL"]
    assert set(kinds) <= {kind.value for kind in OpenInferenceSpanKindValues}
    root, retriever, look_up, llm, event = spans
    assert not root.parent_span_id
    for span in spans:
        assert (len(span.trace_id), len(span.span_id)) == (16, 8)
        assert span.start_time_unix_nano <= span.end_time_unix_nano
        assert span is root or span.parent_span_id == root.span_id
    assert len({span.span_id for span in spans}) == 5
    assert _attribute(root, SpanAttributes.INPUT_VALUE) == "Budget review with Sid tomorrow at 2pm"
    assert _attribute(llm, SpanAttributes.LLM_TOKEN_COUNT_PROMPT) == 80
    assert _attribute(llm, SpanAttributes.OUTPUT_VALUE) == REVIEW
    assert [_attribute(t, SpanAttributes.TOOL_NAME) for t in (look_up, event)] == [
        "get_email_address",
        "create_calendar_event",
    ]
    documents = {a.key for a in retriever.attributes if a.key.endswith("document.score")}
    assert len(documents) == 16
    began = datetime.fromtimestamp(root.start_time_unix_nano / 1e9)
    assert abs(began - NOW) < timedelta(seconds=1)
    known = {v for k, v in vars(SpanAttributes).items() if k.isupper()}
    for span in spans:
        for attribute in span.attributes:
            assert any(attribute.key.startswith(name) for name in known), attribute.key


def _attribute(span: object, key: str) -> object:
    (value,) = [a.value for a in span.attributes if a.key == key]  # type: ignore[attr-defined]
    return getattr(value, value.WhichOneof("value"))


def _ids_in_base64(row: dict[str, object]) -> dict[str, object]:
    """OTLP's JSON writes ids in hexadecimal where Protobuf's has base64; nothing else differs."""
    for span in row["resourceSpans"][0]["scopeSpans"][0]["spans"]:  # type: ignore[index]
        for key in {"traceId", "spanId", "parentSpanId"} & span.keys():
            span[key] = base64.b64encode(bytes.fromhex(span[key])).decode()
    return row


REDACTED = {
    "text sid khosla and mom that Marta is at 14 Rue Oberkampf": (
        '1. get_phone_number("sid khosla")\n2. get_phone_number("mom")\n'
        '3. send_sms(["$1", "$2"], "Marta is at 14 Rue Oberkampf")\n4. join()'
    ),
    "Show me 14 Rue Oberkampf": '1. maps_open_location("14 Rue Oberkampf")\n2. join()',
    "Email Sid and ana.ruiz@orchardlab.org the code 4711822 tomorrow": (
        '1. get_email_address("Sid")\n'
        '2. compose_new_email(["$1", "ana.ruiz@orchardlab.org"], [], "Code", '
        '"The code is 4711822")\n3. join()'
    ),
    "Text 07700 900418 to come on March 5 at 2pm": (
        '1. send_sms(["07700 900418"], "Come on March 5 at 2pm")\n2. join()'
    ),
    "Dinner with Dr. Osei on April 3 at 7pm": (
        '1. get_email_address("Dr. Osei")\n'
        '2. create_calendar_event("Dinner", "April 3 at 7pm", "", "", ["$1"])\n3. join()'
    ),
}
GIVEN_AWAY = ("sid", "khosla", "marta", "oberkampf", "ana.ruiz", "4711822", "900418", "osei")


@pytest.fixture
def private(tmp_path: Path) -> TraceStore:
    path = tmp_path / "traces.db"
    TraceLog(path).close()
    store = TraceStore(path)
    source = tmp_path / "in.jsonl"
    rows = [{"request": r, "now": NOW.isoformat(), "plan": p} for r, p in REDACTED.items()]
    source.write_text("\n".join(map(json.dumps, rows)))
    assert import_lines(source, store, NOW) == (5, 0, [])
    return store


@pytest.mark.parametrize(
    "format", sorted({name for name, f in FORMATS.items() if f.redacts} - {"notebook", "parquet"})
)
def test_redacted_exports_give_nothing_away(
    private: TraceStore, tmp_path: Path, format: str
) -> None:
    out = tmp_path / "out"
    done = export(private, Filter(), format, out, redact=True)
    assert (done.written, done.left_out) == (5, 0)
    text = out.read_text("utf-8").lower()
    assert [name for name in GIVEN_AWAY if name in text] == []
    assert "mom" in text  # who is meant by a word for a relative is not said by it


def test_redacted_plans_still_fit_and_stand_ins_are_the_same_everywhere(
    private: TraceStore, tmp_path: Path
) -> None:
    out = tmp_path / "out.jsonl"
    export(private, Filter(), "planner", out, redact=True)
    by_plan = {str(read_plan(str(row["plan"])).calls[0].tool): row for row in lines(out)}
    for row in lines(out):
        plan, now = read_plan(str(row["plan"])), datetime.fromisoformat(str(row["now"]))
        assert plan_problems(str(row["request"]), plan, SIXTEEN, now) == []
    texts = [str(row["request"]) for row in lines(out)]
    (shown,) = [t.removeprefix("Show me ") for t in texts if t.startswith("Show me ")]
    (said,) = [t for t in texts if t.startswith("text ")]
    (mailed,) = [t for t in texts if t.startswith("Email ")]
    assert said.endswith(shown)
    assert said.split()[1].lower() == mailed.split()[1].lower()  # sid, and Sid
    assert any("March 5 at 2pm" in t for t in texts)
    assert any("April 3 at 7pm" in t for t in texts)
    assert by_plan


def test_a_run_whose_plan_would_not_fit_is_left_out(tmp_path: Path) -> None:
    path, source = tmp_path / "traces.db", tmp_path / "in.jsonl"
    TraceLog(path).close()
    store = TraceStore(path)
    plan = '1. get_phone_number("noon")\n2. join()'
    reminder = '1. create_reminder("tea", "noon")\n2. join()'
    rows = [("What is noon's number?", plan), ("Remind me of tea at noon", reminder)]
    source.write_text(
        "\n".join(json.dumps({"query": q, "now": NOW.isoformat(), "plans": [p]}) for q, p in rows)
    )
    assert import_lines(source, store, NOW)[0] == 2
    traces = list(store.each(Filter()))
    redactor = Redactor(traces)
    kept = [redactor.redact(trace) for trace in traces]
    assert sum(trace is None for trace in kept) == 1


def test_imports_are_labelled_once_and_bad_lines_are_named(tmp_path: Path) -> None:
    path, source = tmp_path / "traces.db", tmp_path / "in.jsonl"
    TraceLog(path).close()
    store = TraceStore(path)
    good = {"request": "note it", "now": NOW.isoformat(), "plan": '1. create_note("It")\n2. join()'}
    rows = [
        json.dumps(good),
        "no json",
        json.dumps(good | {"plan": "1. nothing()\n2. join()"}),
        json.dumps({"request": "x"}),
        json.dumps(good | {"request": "turn up the heating", "plan": "1. join()"}),
        "[]",
    ]
    source.write_text("\n".join(rows))
    made, known, wrong = import_lines(source, store, NOW)
    assert (made, known) == (2, 0)
    assert [w.split(":")[0].rpartition(", ")[2] for w in wrong] == [
        "line 2",
        "line 3",
        "line 4",
        "line 6",
    ]
    assert import_lines(source, store, NOW)[:2] == (0, 2)
    assert store.count(Filter(source="import", label="good")) == 2
    out = tmp_path / "out.jsonl"
    export(store, Filter(), "planner", out)
    assert {row["request"] for row in lines(out)} == {"note it", "turn up the heating"}


def test_what_cannot_be_written_is_said(log: tuple[TraceStore, list[str]], tmp_path: Path) -> None:
    store, _ = log
    with pytest.raises(SettingsError, match="known are planner"):
        export(store, Filter(), "word", tmp_path / "x")
    with pytest.raises(SettingsError, match="cannot be written"):
        export(store, Filter(), "planner", tmp_path / "no" / "x.jsonl")


def test_datasette_serves_and_searches_the_log(log: tuple[TraceStore, list[str]]) -> None:
    store, _ = log

    def asked(path: str) -> dict[str, object]:
        command = [sys.executable, "-m", "datasette", str(store.path), "--get", path]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
        return dict(json.loads(done.stdout))

    found = asked("/traces/searchable.json?_search=heating&_shape=objects")
    assert [row["request"] for row in found["rows"]] == ["Turn up the heating"]
    labelled = asked("/traces/labelled.json?_shape=objects")
    assert len(labelled["rows"]) == 4
    assert store.read(log[1][0])  # and the log is as it was


def test_a_killed_writer_of_labels_leaves_what_was_said_before(
    log: tuple[TraceStore, list[str]],
) -> None:
    store, made = log
    script = (
        "import os, sys, sqlite3\n"
        "log = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "log.execute('begin immediate')\n"
        'log.execute("insert into labels (trace, verdict, reasons, plan, note, source, at) "\n'
        "            \"values (?, 'bad', '[]', '', '', 'person', '')\", [sys.argv[2]])\n"
        "os.kill(os.getpid(), 9)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(store.path), made[0]], check=False)
    assert done.returncode == -9
    store = TraceStore.open(store.path)
    assert [x["verdict"] for x in store.read(made[0])["labels"]] == ["good"]
    store.label(Label(made[0], "bad"), NOW)
    with sqlite3.connect(store.path) as db:
        assert db.execute("pragma integrity_check").fetchone() == ("ok",)
