"""ToolRAG on its real models."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tinyagent.settings import Settings
from tinyagent.toolrag import ToolRAG, load
from tinyagent.tools.sixteen import SIXTEEN

SETS = Path(__file__).parent / "sets"


@pytest.fixture(scope="module", params=["classifier", "basic", "all"])
def method(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def toolrag(method: str) -> ToolRAG:
    return load(Settings(toolrag=method))  # type: ignore[arg-type]


@pytest.mark.parametrize("request_text", ["Text Sid hello", "🎉", "x" * 20_000, "给李娜发短信"])
def test_every_tool_gets_a_probability(toolrag: ToolRAG, method: str, request_text: str) -> None:
    selection = toolrag.select(request_text)
    assert list(selection.probabilities) == list(SIXTEEN)
    assert all(0 <= p <= 1 for p in selection.probabilities.values())
    assert set(selection.tools) <= set(SIXTEEN)
    assert selection.method == method


def test_the_same_request_gives_the_same(toolrag: ToolRAG) -> None:
    request = "Send the Q4 forecast to Lutfi by email"
    first = toolrag.select(request).probabilities
    toolrag.select("Something else")
    assert toolrag.select(request).probabilities == first


def test_the_classifier_finds_the_tools_of_the_dev_set() -> None:
    toolrag = load(Settings())
    found = gold = offered = 0
    rows = [json.loads(x) for x in (SETS / "dev.jsonl").read_text("utf-8").splitlines()]
    for row in rows:
        wanted = {line.split(". ")[1].split("(")[0] for line in row["plans"][0].splitlines()[:-1]}
        tools = set(toolrag.select(row["query"]).tools)
        found, gold, offered = found + len(wanted & tools), gold + len(wanted), offered + len(tools)
    assert found / gold >= 0.97
    assert offered / len(rows) <= 4.5


def test_a_threshold_moves_what_is_offered() -> None:
    request = "Send the Q4 forecast to Lutfi by email and remind me tomorrow"
    surest = sorted(load(Settings()).select(request).probabilities.values(), reverse=True)
    few = load(Settings(threshold=surest[1])).select(request).tools
    many = load(Settings(threshold=surest[3])).select(request).tools
    assert set(few) < set(many)


def test_basic_rag_finds_the_obvious() -> None:
    basic = load(Settings(toolrag="basic"))
    assert "maps_show_directions" in basic.select("How do I get to the station?").tools
