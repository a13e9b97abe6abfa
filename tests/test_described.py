"""Tools that no training has seen: how ToolRAG scores them, and what it keeps on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tinyagent.models import find
from tinyagent.settings import Settings
from tinyagent.toolrag import load
from tinyagent.toolrag.base import Selection, ToolRAG
from tinyagent.toolrag.described import WithDescribed
from tinyagent.toolrag.encoder import Encoder
from tinyagent.toolrag.vectors import Vectors
from tinyagent.tools.installed import installed_tools
from tinyagent.tools.registry import ToolSet
from tinyagent.tools.sixteen import SIXTEEN

FURTHER = Path(__file__).parent.parent / "benchmarks" / "further"
MODELS = Settings().models


@pytest.fixture(scope="module")
def tools() -> ToolSet:
    return installed_tools(FURTHER)


@pytest.fixture(scope="module")
def toolrag(tools: ToolSet) -> ToolRAG:
    return load(Settings(), tools)


def encoder() -> Encoder:
    return Encoder(find("minilm-int8", MODELS), find("minilm-tokenizer", MODELS))


@pytest.mark.parametrize(
    ("request_text", "name"),
    [
        ("Turn off the lights in the bedroom", "set_lights"),
        ("vacuum the kitchen", "start_vacuum"),
        ("What's the share price of Siemens?", "stock_price"),
        ("reserve a table at the Blue Door tomorrow at 7 pm", "book_restaurant"),
        ("has flight BA117 been delayed", "flight_status"),
    ],
)
def test_the_tool_that_a_request_needs_is_found_among_56(
    toolrag: ToolRAG, request_text: str, name: str
) -> None:
    selection = toolrag.select(request_text)
    assert selection.tools == [name]
    assert selection.odds[name] > 0


@pytest.mark.parametrize(
    "request_text",
    [
        "Text Sid that I'm late",
        "Create a note called groceries with milk and eggs",
        "Email Lutfi the summary of the quarterly report",
        "Remind me to call the plumber tomorrow at 9",
        "Tell me a joke about penguins",
    ],
)
def test_what_needs_none_of_forty_tools_is_offered_what_it_was_without(
    toolrag: ToolRAG, request_text: str
) -> None:
    alone = load(Settings()).select(request_text)
    among = toolrag.select(request_text)
    assert among.tools == alone.tools
    assert {name: among.probabilities[name] for name in SIXTEEN} == alone.probabilities


class Sure:
    """A classifier that takes every request for a document, and is rather sure of it."""

    def select(self, request: str) -> Selection:
        probabilities = dict.fromkeys(SIXTEEN, 0.01) | {"open_and_get_file_path": 0.9}
        return Selection(probabilities, ["open_and_get_file_path"], 0.5, "classifier", 0.0)


def test_a_tool_that_explains_a_request_makes_the_classifier_believed_less(
    tools: ToolSet, tmp_path: Path
) -> None:
    vectors = Vectors(encoder, tmp_path / "vectors.safetensors")
    toolrag = WithDescribed(Sure(), tools, SIXTEEN, vectors, 0.5)
    explained = toolrag.select("share price of NVDA, the stock price")
    assert explained.tools == ["stock_price"]
    assert explained.probabilities["open_and_get_file_path"] < 0.5
    other = toolrag.select("show me the lease")
    assert other.tools == ["open_and_get_file_path"]
    assert other.probabilities["open_and_get_file_path"] == 0.9


def test_vectors_are_computed_once_and_then_read(tmp_path: Path) -> None:
    loaded: list[str] = []

    def counted() -> Encoder:
        loaded.append("again")
        return encoder()

    file = tmp_path / "cache" / "vectors.safetensors"
    texts = ["Feed the pet.", "Lock a door."]
    first = Vectors(counted, file).remembered(texts)
    assert first.shape == (2, 384)
    assert np.allclose(first[0], encoder().embed(texts[0]))
    again = Vectors(counted, file).remembered(texts[::-1])
    assert np.array_equal(again, first[::-1])
    assert loaded == ["again"]
    more = Vectors(counted, file).remembered([*texts, "Water the garden."])
    assert np.array_equal(more[:2], first)
    file.write_bytes(file.read_bytes()[:100])
    assert np.array_equal(Vectors(counted, file).remembered(texts), first)
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_without_a_place_to_keep_them_vectors_are_computed_each_time(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    vectors = Vectors(encoder, tmp_path / "file" / "vectors.safetensors")
    assert vectors.remembered(["Feed the pet."]).shape == (1, 384)


def test_nothing_is_embedded_before_a_request_asks_for_it(tools: ToolSet, tmp_path: Path) -> None:
    def never() -> Encoder:
        raise AssertionError("the encoder was loaded at the start")

    vectors = Vectors(never, tmp_path / "vectors.safetensors")
    toolrag = WithDescribed(Sure(), tools, SIXTEEN, vectors, 0.5)
    with pytest.raises(AssertionError, match="at the start"):
        toolrag.select("lock the front door")
