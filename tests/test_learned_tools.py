"""A person's own tool that labels teach: declared by its labels, learned, found and planned."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from random import Random

import pytest
from typer.testing import CliRunner

from tests.labelled import store_with
from tinyagent.commands.cli import app
from tinyagent.errors import PlanError
from tinyagent.evaluation.scoring import same_arguments
from tinyagent.models import find
from tinyagent.planner import load_planner
from tinyagent.plans.syntax import read_plan
from tinyagent.retrain import data
from tinyagent.settings import Settings
from tinyagent.toolrag import load
from tinyagent.toolrag.classifier import read_labels
from tinyagent.tools.installed import installed_tools
from tinyagent.tools.registry import ToolSet
from tinyagent.tools.sixteen import SIXTEEN
from tinyagent.traces import TraceLog
from tinyagent.traces.declared import tools_of
from tinyagent.traces.filters import Filter
from tinyagent.traces.importer import import_lines
from tinyagent.traces.labels import Label
from tinyagent.traces.store import TraceStore
from tinyagent.versions import Versions, with_versions

FURTHER = Path(__file__).parent.parent / "benchmarks" / "further"
NOW = datetime(2026, 11, 24, 9, 30)
WAYS = ("Put on some {}", "put {} on please", "let's have {} on")
PLAYED = """Nina Simone
Miles Davis
the Beatles
Bach
Fela Kuti
Aretha Franklin
Kraftwerk
Johnny Cash
Schubert
Bob Marley
Daft Punk
Edith Piaf
Buena Vista Social Club
Joni Mitchell
Abba
Stevie Wonder
Sigur Ros
Billie Holiday
Mozart
Massive Attack""".splitlines()
OTHERS = ("Chet Baker", "Radiohead", "Vivaldi", "Amy Winehouse")


def played(artists: Sequence[str]) -> list[tuple[str, str]]:
    """Requests for music whose words the tool's description has not, and their plans."""
    return [
        (WAYS[n % len(WAYS)].format(x), f'1. play_music("{x}")\n2. join()')
        for n, x in enumerate(artists)
    ]


@pytest.fixture(scope="module")
def tools() -> ToolSet:
    return installed_tools(FURTHER)


@pytest.fixture
def store(tmp_path: Path, tools: ToolSet) -> TraceStore:
    """A log in which 20 requests are labelled with a call of an own tool."""
    return store_with(tmp_path, played(PLAYED), tools)


def test_a_label_may_call_an_own_tool_that_was_not_offered(tmp_path: Path, tools: ToolSet) -> None:
    lines = tmp_path / "in.jsonl"
    lines.write_text(json.dumps({"request": "hi", "now": NOW.isoformat(), "plan": "1. join()"}))
    path = tmp_path / "traces.db"
    TraceLog(path).close()
    store = TraceStore(path)
    import_lines(lines, store, NOW)
    (run,) = [trace["id"] for trace in store.each(Filter())]
    label = Label(run, "bad", plan='1. play_music("Bach")\n2. join()')
    with pytest.raises(PlanError, match="play_music"):
        store.label(label, NOW)
    store.label(label, NOW, tools)
    trace = store.read(run)
    assert trace["labels"][-1]["declared"][0]["name"] == "play_music"
    assert tools_of(trace)["play_music"].signature == tools["play_music"].signature


def test_labels_bring_their_tools_to_training(store: TraceStore, tmp_path: Path) -> None:
    found = data.labels(store)
    assert len(found.learned) + len(found.held) == len(PLAYED)
    assert list(found.tools) == [*SIXTEEN, "play_music"]
    files = data.write(found, tmp_path / "data", rows=20, fixed=2, seed=0)
    again = data.Files.at(tmp_path / "data")
    assert again.own() == ["play_music"]
    assert again.tools()["play_music"].signature == found.tools["play_music"].signature
    rows = [json.loads(line) for line in files.train.read_text("utf-8").splitlines()]
    own = [row for row in rows if row["style"] == "trace"]
    assert own
    assert all(row["declared"][0]["name"] == "play_music" for row in own)
    few = data.Labels(found.learned[: data.ENOUGH - 1], found.held, found.tools)
    assert data.write(few, tmp_path / "few", rows=4, fixed=2, seed=0).own() == []


def test_the_planner_learns_it_by_its_signature(store: TraceStore, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    from transformers import AutoTokenizer

    from tinyagent.tools.declaration import declared_tools, read_declaration
    from tinyagent.train.batches import make_example

    files = data.write(data.labels(store), tmp_path / "data", rows=4, fixed=2, seed=0)
    rows = map(json.loads, files.train.read_text("utf-8").splitlines())
    row = next(row for row in rows if row["style"] == "trace")
    base = find("smollm2", Settings().models)
    tokenizer = AutoTokenizer.from_pretrained(base.parent, gguf_file=base.name)
    declared = declared_tools(map(read_declaration, row["declared"]))
    for invented in (0.0, 1.0):
        example = make_example(row, declared, tokenizer, Random(0), invented)
        text = tokenizer.decode(example)
        assert declared["play_music"].signature in text
        assert row["plan"] in text


@pytest.mark.timeout(1200)
def test_twenty_labels_teach_a_new_tool(store: TraceStore, tools: ToolSet) -> None:
    """On the real models: requests that its description misses are found, and planned, after."""
    pytest.importorskip("torch")
    settings = Settings(traces=store.path)
    others = played(OTHERS)
    before = load(settings, tools)
    assert not any("play_music" in before.select(request).tools for request, _ in others)

    options = ["--rows", "240", "--fixed", "4", "--traces", str(store.path)]
    result = CliRunner().invoke(app, ["retrain", *options])
    assert result.exit_code == 0, result.output
    assert "in use now" in result.output
    version = Versions(settings).in_use("toolrag")
    assert version.data["own tools"] == "play_music"
    now = with_versions(settings)
    assert read_labels(Path(now.classifier).with_suffix(".json")) == [*SIXTEEN, "play_music"]

    after, planner = load(now, tools), load_planner(now)
    right = 0
    for request, plan in others:
        selection = after.select(request)
        assert "play_music" not in selection.described
        offered = tools.only(selection.tools)
        if offered:  # an argument may be written though it is the default
            written = planner.plan(request, offered, NOW, odds=selection.odds).plan
            right += same_arguments(written, read_plan(plan), tools, NOW)
    assert right >= 3
    # The other own tools are still found by their descriptions, the sixteen as before.
    assert after.select("Turn off the lights in the bedroom").tools == ["set_lights"]
    for request in ("Text Sid that I'm late", "Create a note called groceries with milk"):
        assert after.select(request).tools == before.select(request).tools
