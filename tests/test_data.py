"""The patterns, and what is made from them."""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from pathlib import Path
from random import Random

import pytest
from typer.testing import CliRunner

from tinyagent.commands.cli import app
from tinyagent.data.check import check_files, fill, plan_problems
from tinyagent.data.generate import SPREAD, TOLD_MORE, examples, reason_of, spread_examples
from tinyagent.data.patterns import FOLDER, PatternError, read_file, read_patterns, split_of
from tinyagent.data.slots import draw
from tinyagent.plans.syntax import read_plan
from tinyagent.tools.sixteen import SIXTEEN

SETS = Path(__file__).parent / "sets"


def test_every_pattern_passes_the_checks() -> None:
    assert check_files(sorted(FOLDER.glob("*.txt"))) == []


def test_the_patterns_are_wide_enough() -> None:
    patterns = read_patterns()
    combinations = {frozenset(line.split("(")[0].split()[1] for line in p.plan.splitlines())
                    for p in patterns if p.plan}  # fmt: skip
    assert len(patterns) >= 5000
    assert f"{len(patterns):,} request patterns" in Path("README.md").read_text("utf-8")
    assert len(combinations) >= 300
    assert sum(not p.plan for p in patterns) >= 600
    assert {tool for c in combinations for tool in c} == set(SIXTEEN)


def test_rows_are_checked_and_the_same_seed_gives_the_same() -> None:
    patterns = read_patterns()[::20]
    refused = Counter[str]()
    rows = list(examples(patterns, 400, SIXTEEN, 3, refused))
    again = list(examples(patterns, 400, SIXTEEN, 3, Counter()))
    assert rows == again
    assert len({row.request.lower() for row in rows}) == 400
    for row in rows:
        plan = read_plan(row.plan)
        assert plan_problems(row.request, plan, SIXTEEN, datetime.fromisoformat(row.now)) == []
        assert set(row.tools) == {call.tool for call in plan}


def test_patterns_of_a_named_file_are_told_more_often() -> None:
    patterns = read_patterns("train")[::40]
    file = patterns[0].file
    share = sum(p.file == file for p in patterns) / len(patterns)
    rows = list(examples(patterns, 600, SIXTEEN, 3, Counter(), more=[file]))
    told = sum(row.pattern.startswith(f"{file}.txt:") for row in rows) / len(rows)
    assert told == pytest.approx(TOLD_MORE * share / (1 + (TOLD_MORE - 1) * share), rel=0.35)


def test_an_unknown_file_of_patterns_is_named(tmp_path: Path) -> None:
    said = CliRunner().invoke(app, ["data", "generate", str(tmp_path), "--more", "nowhere"])
    assert said.exit_code == 1
    assert "there is no file of patterns 'nowhere'" in said.stderr


def test_the_splits_that_judge_are_spread_as_requests_are() -> None:
    patterns = read_patterns("validation")
    rows = spread_examples(patterns, 80, SIXTEEN, 0, Counter())
    calls = Counter(min(row.plan.count("\n"), len(SPREAD) - 1) for row in rows)
    assert len(rows) == 80
    for number, of_160 in enumerate(SPREAD):
        assert calls[number] == pytest.approx(of_160 / 2, abs=1)
    said = [json.loads(x)["plans"][0] for x in (SETS / "dev.jsonl").open(encoding="utf-8")]
    counted = Counter(min(plan.count("\n"), len(SPREAD) - 1) for plan in said)
    assert tuple(counted[number] for number in range(len(SPREAD))) == SPREAD
    alike = [p for p in patterns if len(p.tools()) == 2]
    assert len(spread_examples(alike, 10, SIXTEEN, 0, Counter())) == 10


@pytest.mark.parametrize(
    ("problem", "reason"),
    [
        (
            "task 2, argument start_date: “tonight” cannot be used as a time: 2026-03-01 12:00 is "
            "already past; it is 2026-03-01 14:00 now",
            "… cannot be used as a time: … is already past; it is … now",
        ),
        ("task 10: its result is not used", "its result is not used"),
        (
            "task 1: name 'Sid' does not stand in the request",
            "a copied argument is no span of the request",
        ),
    ],
)
def test_refusals_are_counted_by_kind(problem: str, reason: str) -> None:
    assert reason_of(problem) == reason


def test_too_few_patterns_for_so_many_rows_is_said() -> None:
    fixed = [p for p in read_patterns() if not p.slots() and p.style == "polite"][:2]
    with pytest.raises(PatternError, match="no more than"):
        list(examples(fixed, 1000, SIXTEEN, 0, Counter()))


def test_no_pattern_says_what_a_test_set_says() -> None:
    sets = ("dev.jsonl", "handwritten.jsonl", "blind.jsonl", "fresh.jsonl")
    said = {json.loads(x)["query"].lower() for name in sets
            for x in (SETS / name).read_text("utf-8").splitlines()}  # fmt: skip
    random = Random(0)
    for pattern in read_patterns():
        request, _ = fill(pattern, draw(pattern.slots(), random))
        assert request.lower() not in said, pattern.source


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("## loud\nhi\nnone\n", "style"),
        ("hi there\n", "without a plan"),
        ('hi\n1. open_note("a")\nanother\n1. open_note("b")\n', "blank line"),
        ("open {note}\nopen the note\n", "no call"),
    ],
)
def test_a_file_that_is_no_pattern_file_is_refused(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "x.txt"
    path.write_text(text)
    with pytest.raises(PatternError, match=reason):
        list(read_file(path))


@pytest.mark.parametrize(
    ("block", "wrong"),
    [
        ('text {person}\n1. send_sms(["{person}"], "hi")', "look the person up"),
        ('open my note\n1. open_note("{note}")', "the request has no"),
        ('open my note\n1. open_note("Packing")', "does not stand in the request"),
        ('remind me\n1. create_reminder("x", "the 32nd")', "32"),
        ('send it\n1. get_email_address("x")\n2. compose_new_email(["a@b.c"])', "does not stand"),
    ],
)
def test_wrong_patterns_are_found(tmp_path: Path, block: str, wrong: str) -> None:
    path = tmp_path / "x.txt"
    path.write_text(block + "\n")
    result = CliRunner().invoke(app, ["data", "check", str(path)])
    assert result.exit_code == 1
    assert wrong in result.stderr


def test_a_file_is_checked_against_all_others(tmp_path: Path) -> None:
    known = read_patterns()[0]
    path = tmp_path / "x.txt"
    path.write_text(f"## {known.style}\n{known.request}\n{known.plan or 'none'}\n")
    result = CliRunner().invoke(app, ["data", "check", str(path)])
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [f"x.txt:2: nearly the same as {known.source}"]


def test_generate_writes_splits_that_share_no_pattern(tmp_path: Path) -> None:
    counts = ["--train", "300", "--validation", "60", "--test", "60"]
    result = CliRunner().invoke(app, ["data", "generate", str(tmp_path), *counts])
    assert result.exit_code == 0, result.output
    sources = {}
    for split, count in (("train", 300), ("validation", 60), ("test", 60)):
        rows = [json.loads(x) for x in (tmp_path / f"{split}.jsonl").open(encoding="utf-8")]
        assert len(rows) == count
        sources[split] = {row["pattern"] for row in rows}
    assert not sources["train"] & (sources["validation"] | sources["test"])
    assert not sources["validation"] & sources["test"]
    card = (tmp_path / "card.md").read_text("utf-8")
    assert "| rows | 300 | 60 | 60 |" in card
    assert {split_of(p) for p in read_patterns()} == {"train", "validation", "test"}


def test_joined_patterns_are_one_request_with_one_plan() -> None:
    patterns = read_patterns()[::10]
    refused = Counter[str]()
    rows = list(examples(patterns, 300, SIXTEEN, 5, refused, joined=1.0))
    both = [row for row in rows if " + " in row.pattern]
    assert len(both) > 150
    assert sum(refused.values()) < len(rows) / 4
    for row in both:
        calls = read_plan(row.plan).calls
        assert len({(c.tool, c.arguments) for c in calls}) == len(calls) >= 2
        assert len(calls) <= 12
    splits = {s: {p.source for p in read_patterns(s)} for s in ("train", "test")}
    few = [p for p in patterns if split_of(p) == "train"]
    for row in examples(few, 100, SIXTEEN, 5, Counter(), joined=1.0):
        assert not set(row.pattern.split(" + ")) & splits["test"]
