"""``tinyagent eval voice``: espeak-ng speaks, the real models listen and plan."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from benchmarks.results import numbers
from tinyagent.commands.cli import app
from tinyagent.evaluation.report import Rate
from tinyagent.evaluation.sets import Item, read_test_set
from tinyagent.evaluation.voice import Spoken, names_of, summarise, word_error_rate
from tinyagent.plans.validate import problems
from tinyagent.tools.sixteen import SIXTEEN
from tinyagent.voice.espeak import VOICES
from tinyagent.voice.transcriber import Transcript

SPOKEN = Path(__file__).parent / "sets" / "spoken.jsonl"
ITEMS = {item.id: item for item in read_test_set(SPOKEN)}


def heard(item: Item, plain: str, named: str, names: tuple[str, ...]) -> Spoken:
    return Spoken(item, VOICES[0], plain, Transcript(named, (), (), 2.0, 0.5), names)


def test_the_set_is_sound() -> None:
    assert all(not problems(plan, SIXTEEN, i.now) for i in ITEMS.values() for plan in i.plans)
    assert sum("name" in item.tags for item in ITEMS.values()) == len(ITEMS) / 2


def test_known_are_the_names_in_the_plans() -> None:
    names = names_of(ITEMS.values())
    assert {"Sid", "Walter Novak", "Zoë Müller", "Dr. Osei"} <= set(names["contacts"])
    assert {"Groceries", "Garden Log"} <= set(names["notes"])
    assert "Q4 forecast" in names["files"]
    assert not any("$" in name for kind in names.values() for name in kind)


def test_words_are_compared_as_they_sound() -> None:
    assert word_error_rate(["Dinner at eight, please."], ["dinner at 8 please"]) == 0.0
    assert word_error_rate(["call the red plumber"], ["call the bread"]) == pytest.approx(0.5)


def test_errors_and_changes_are_counted() -> None:
    text, station = ITEMS["spoken-001"], ITEMS["spoken-038"]
    said = [
        heard(text, "Text set", "Text Sid", ("sid",)),
        heard(text, "Text Sid's wife", "Text Sid's wife", ("sid",)),
        heard(text, "Text it", "Text it", ("sid",)),
        heard(station, "Show me", "Show me", ()),
        heard(station, "Show me", "Show Mai", ()),
    ]
    found = summarise(said)
    assert (found.names, found.names_named) == (Rate(2, 3), Rate(1, 3))
    assert found.changed == Rate(1, 2, apart=1)
    assert found.real_time == pytest.approx(0.25)
    assert found.success == Rate(0, 5, apart=2)


def test_a_set_is_spoken_written_down_and_planned(tmp_path: Path) -> None:
    source, out = tmp_path / "set.jsonl", tmp_path / "report"
    lines = SPOKEN.read_text("utf-8").splitlines()
    source.write_text("\n".join([lines[9], lines[37], lines[0]]) + "\n", "utf-8")
    arguments = ["eval", "voice", str(source), "--out", str(out), "--limit", "2"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    rows = [json.loads(line) for line in (out / "spoken.jsonl").read_text("utf-8").splitlines()]
    assert [row["names"] for row in rows] == [["robert lindqvist"], []]
    assert rows[1]["plain"] == rows[1]["named"]
    summary = json.loads((out / "summary.json").read_text())
    assert summary["success_typed"]["hits"] == 2
    assert summary["words"] < 0.5
    page = (out / "report.md").read_text("utf-8")
    assert "name error rate" in page
    assert "name error rate" in result.stdout
    assert f"`tinyagent eval voice {source} --limit 2`" in page
    assert "argument score from speech" in page
    joined = numbers(out)
    assert joined.startswith("## Evaluation of set.jsonl, spoken")
    assert "### By voice" in joined
    assert "Names that were put in" not in joined


@pytest.mark.parametrize(
    "arguments", [["voice"], ["tests/sets/dev.jsonl", "tests/sets/spoken.jsonl"]]
)
def test_only_voice_has_a_second_argument(arguments: list[str]) -> None:
    result = CliRunner().invoke(app, ["eval", *arguments])
    assert result.exit_code == 2
    assert "needs a test set after it" in result.stderr
