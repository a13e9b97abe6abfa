"""Scores and reports: what counts as success, and what the numbers say."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.test_remote import Standing, plan, stand  # noqa: F401 - the last is a fixture
from tinyagent.commands.cli import app
from tinyagent.data.patterns import STYLES
from tinyagent.errors import SettingsError
from tinyagent.evaluation.kept import Keep, Kept
from tinyagent.evaluation.report import Rate, markdown, summarise, write_report
from tinyagent.evaluation.run import Outcome, by, calls_of
from tinyagent.evaluation.scoring import score
from tinyagent.evaluation.sets import Item, read_test_set
from tinyagent.models import find
from tinyagent.plans.syntax import Plan, read_plan
from tinyagent.settings import Settings
from tinyagent.tools.sixteen import SIXTEEN
from tinyagent.train import UNROUNDED

NOW = datetime(2026, 11, 24, 9, 30)
GOLD = """1. get_email_address("Sid")
2. create_calendar_event("Budget review", "tomorrow at 2pm", "60 minutes", "", ["$1"])
3. join()"""
ZOOM = """1. get_zoom_meeting_link("Sync", "Friday at 10")
2. create_calendar_event("Sync", "Friday at 10", "", "", [], "$1")
3. join()"""


def item(*plans: str) -> Item:
    return Item("x", "a request", NOW, tuple(map(read_plan, plans)), ("typed",))


@pytest.mark.parametrize(
    ("change", "success", "arguments"),
    [
        (("", ""), True, True),
        (("Budget review", "Money"), True, True),  # titles are free text
        (('"Sid"', '"sid "'), True, True),  # case and spaces fold
        ((', "60 minutes", "", ["$1"]', ', "", "", ["$1"]'), True, True),  # the default
        (("tomorrow at 2pm", "2026-11-25 14:00:00"), True, True),  # times once resolved
        (("tomorrow at 2pm", "tomorrow at 3pm"), True, False),
        (('"60 minutes"', '"90 minutes"'), True, False),
        (('"Sid"', '"Lutfi"'), True, False),
        ((', ["$1"]', ""), False, False),
        (("create_calendar_event", "create_reminder"), False, False),
    ],
)
def test_what_a_change_to_the_plan_costs(
    change: tuple[str, str], success: bool, arguments: bool
) -> None:
    got = score(read_plan(GOLD.replace(*change)), item(GOLD), SIXTEEN)
    assert (got.success, got.arguments) == (success, arguments)


def test_any_accepted_plan_will_do() -> None:
    assert score(read_plan(ZOOM), item(GOLD, ZOOM), SIXTEEN).success


def test_a_zoom_link_scores_alike_in_location_and_notes() -> None:
    moved = ZOOM.replace('"", "", [], "$1"', '"", "$1"')
    assert score(read_plan(moved), item(ZOOM), SIXTEEN).arguments


def test_a_place_is_not_lost_where_the_link_moves() -> None:
    gold = ZOOM.replace('"", "", [], "$1"', '"", "Room 5", [], "$1"')
    lost = ZOOM.replace('"", "", [], "$1"', '"", "$1"')
    assert score(read_plan(gold), item(gold), SIXTEEN).arguments
    assert not score(read_plan(lost), item(gold), SIXTEEN).arguments
    assert not score(read_plan(gold), item(lost), SIXTEEN).arguments


@pytest.mark.parametrize(
    ("written", "success"),
    [
        ('1. get_phone_number("Sid")\n2. send_sms(["$3"], "hi")\n3. join()', False),
        ('1. get_phone_number()\n2. send_sms(["$1"], "hi")\n3. join()', True),
    ],
)
def test_plans_that_no_grammar_held_are_scored(written: str, success: bool) -> None:
    gold = '1. get_phone_number("Sid")\n2. send_sms(["$1"], "hi")\n3. join()'
    got = score(read_plan(written), item(gold), SIXTEEN)
    assert (got.valid, got.success, got.arguments) == (False, success, False)


def test_free_text_must_carry_the_same_results() -> None:
    gold = '1. maps_open_location("Rome")\n2. create_note("Trip", "$1")\n3. join()'
    said = gold.replace('"$1"', '"Where it is: $1"')
    assert score(read_plan(said), item(gold), SIXTEEN).arguments


def outcome(gold: str, written: Plan | None, tools: tuple[str, ...]) -> Outcome:
    wanted = item(gold)
    got = score(written, wanted, SIXTEEN) if written is not None else score(Plan(()), wanted, {})
    return Outcome(wanted, dict.fromkeys(SIXTEEN, 0.1), tools, written, got)


def test_the_summary_counts_what_it_says(tmp_path: Path) -> None:
    offered = ("get_email_address", "create_calendar_event", "create_note")
    outcomes = [
        outcome(GOLD, read_plan(GOLD), offered),
        outcome(GOLD, read_plan("1. join()"), ("create_note",)),
        outcome("1. join()", read_plan("1. join()"), ()),
        outcome("1. join()", read_plan('1. create_note("a")\n2. join()'), ("create_note",)),
    ]
    summary = summarise(outcomes)
    assert (summary.success.hits, summary.success.of) == (2, 4)
    assert (summary.recall.hits, summary.recall.of) == (2, 4)
    assert (summary.precision.hits, summary.precision.of) == (2, 5)
    assert summary.tools == 5 / 4
    assert (summary.refused.hits, summary.refused.of) == (1, 2)
    assert (summary.wrongly_refused.hits, summary.wrongly_refused.of) == (1, 2)
    assert list(by(outcomes, calls_of)) == ["0", "2"]

    made_from = {"set": "abc"}
    page = write_report(outcomes, "Test", "the command", made_from, tmp_path).read_text("utf-8")
    assert json.loads((tmp_path / "summary.json").read_text())["made_from"] == made_from
    assert "50.0% (2 of 4" in page
    assert "not offered: create_calendar_event, get_email_address" in page
    assert len((tmp_path / "outcomes.jsonl").read_text("utf-8").splitlines()) == 4
    assert markdown(outcomes, "Test", "the command") == page


def test_intervals_are_wilsons() -> None:
    # The example of Wilson's interval for 8 of 10 that textbooks give: 0.490 to 0.943.
    low, high = Rate(8, 10).interval()
    assert (round(low, 3), round(high, 3)) == (0.49, 0.943)
    assert Rate(0, 0).interval() == (0.0, 1.0)
    assert Rate(10, 10).interval()[1] == 1.0
    assert Rate(80, 100, apart=10).interval() == Rate(8, 10).interval()


def test_rows_of_one_pattern_do_not_make_a_number_surer() -> None:
    right = outcome(GOLD, read_plan(GOLD), ("get_email_address",))
    wrong = outcome(GOLD, read_plan("1. join()"), ())
    rows = [replace(o, item=replace(o.item, id=id)) for o in (right, wrong) for id in ("a", "b")]
    assert summarise(rows).success == Rate(2, 4, apart=2)


@pytest.mark.parametrize("line", ["{", "{}", '{"id": 1, "query": "x", "now": "x", "plans": []}'])
def test_a_line_that_is_no_request_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text(f"\n{line}\n")
    with pytest.raises(SettingsError, match=r"set\.jsonl, line 2"):
        read_test_set(path)


SETS = Path(__file__).parent / "sets"


def test_eval_plans_a_set_and_writes_its_report(tmp_path: Path) -> None:
    command = ["eval", str(SETS / "readme.jsonl"), "--limit", "4", "--out", str(tmp_path)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    assert "| valid plans | 100.0% (4 of 4" in result.stdout
    assert (tmp_path / "report.md").read_text("utf-8").startswith("# Evaluation of readme.jsonl")
    for picture in ("success.png", "recall.png", "confusion.png"):
        assert (tmp_path / picture).stat().st_size > 5000
    made_from = json.loads((tmp_path / "summary.json").read_text())["made_from"]
    assert sorted(made_from) == ["planner", "set", "toolrag"]
    assert not (tmp_path / "unfinished").exists()


@pytest.mark.parametrize("option", [["--toolrag", "all"], ["--model", "planner.gguf"]])
def test_eval_tables_refuses_what_its_rows_say(option: list[str]) -> None:
    result = CliRunner().invoke(app, ["eval", "tables", *option])
    assert result.exit_code == 2
    assert "a planner more is --gguf" in result.stderr


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["dev.jsonl", "--gguf", "pyproject.toml"], "eval of a test set: --gguf says nothing here"),
        (["dev.jsonl", "--prompt", "full"], "--prompt says nothing here"),
        (["dev.jsonl", "--rounds", "2", "--set", "x"], "--rounds, --set says nothing here"),
        (["tables", "--ray"], "not both at a time"),
        (["tables", "--rounds", "2"], "eval tables: --rounds says nothing here"),
        (
            ["tables", "--gguf", "pyproject.toml", "--prompt", "short"],
            "full or trained, not 'short'",
        ),
        (["tables", "--gguf", "nowhere.gguf"], "'nowhere.gguf' does not exist"),
        (["dev.jsonl", "--model", "nowhere.gguf"], "nowhere.gguf does not exist"),
    ],
)
def test_eval_refuses_what_it_would_not_read(command: list[str], said: str) -> None:
    given = [str(SETS / "dev.jsonl") if word == "dev.jsonl" else word for word in command]
    result = CliRunner().invoke(app, ["eval", *given], env={"COLUMNS": "200"})
    assert result.exit_code == 2, result.output
    assert said in result.stderr


@pytest.mark.parametrize("way", [["eval"], ["eval", "tables", "--set"], ["eval", "voice"]])
def test_a_set_without_a_request_is_refused(tmp_path: Path, way: list[str]) -> None:
    (tmp_path / "set.jsonl").write_text("\n")
    result = CliRunner().invoke(app, [*way, str(tmp_path / "set.jsonl")])
    assert result.exit_code == 2
    assert "there is no request in it" in result.stderr


def test_eval_tables_has_a_row_for_each_way_and_plans_each_set_up_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stand: Callable[..., Standing],  # noqa: F811
) -> None:
    command = ["eval", "tables", "--set", str(SETS / "readme.jsonl"), "--limit", "1"]
    (tmp_path / "settings.toml").write_text("threads = 1\n")  # twelve engines on a busy machine
    monkeypatch.setenv("TINYAGENT_SETTINGS", str(tmp_path / "settings.toml"))
    # A model that was not trained to plan goes on to the end of its context.
    monkeypatch.setattr("tinyagent.planner.PLANNER_TOKENS", 3000)
    adapter = tmp_path / UNROUNDED
    shutil.copy(find("planner-adapter", Settings().models), adapter)
    command += ["--out", str(tmp_path), "--adapter", str(adapter)]
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 0, result.output
    page = (tmp_path / "tables.md").read_text("utf-8")
    ways = ("none: all 16", "basic, top 3", "classifier")
    unrounded = f"Q4_0, {tmp_path.name} before quantisation-aware training"
    for row in (*ways, "F16", "Q8_0", "Q4_0", unrounded, "copies"):
        assert f"| {row} |" in page
    (everything,) = [x for x in page.splitlines() if x.startswith("| all | ")]
    assert "100.0%" in everything.split("|")[2]
    # 4 ways, 5 files, 6 levels; the shipped set-up is one of each, and the copy makes one more.
    assert len(list((tmp_path / "outcomes").iterdir())) == 12

    def planner_of(*_: object) -> None:
        raise AssertionError("it was planned before")

    monkeypatch.setattr("tinyagent.evaluation.tables.planner_of", planner_of)
    there = stand(plan(str(read_test_set(SETS / "readme.jsonl")[0].plans[0])))
    result = CliRunner().invoke(app, [*command, "--endpoint", there.url, "--model", "big"])
    assert result.exit_code == 0, result.output
    more = (tmp_path / "tables.md").read_text("utf-8").splitlines()
    added = [line for line in more if line not in page.splitlines()]
    assert added[0].endswith(f" --endpoint {there.url} --model big --limit 1`")
    assert len(added) == 2
    assert added[1].startswith("| big, full prompt | | ")
    assert added[1].endswith(" s | 100.0% | 100.0% |")
    (asked,) = there.handler.asked
    assert len(asked["messages"]) > 4  # with solved examples


def test_a_run_that_was_cut_off_goes_on_with_what_it_has(tmp_path: Path) -> None:
    items = [replace(item(GOLD), id=str(n)) for n in range(4)]
    setup = {"planner": "x"}
    planned: list[str] = []

    def plan_some(left: list[Item], keep: Keep) -> None:
        for one in left:
            if len(planned) == 2:
                raise KeyboardInterrupt
            planned.append(one.id)
            planned_in = {"total": 0.48504999}
            made = outcome(GOLD, read_plan(GOLD), ("create_note",))
            keep(replace(made, item=one, seconds=planned_in))

    with pytest.raises(KeyboardInterrupt):
        Kept(tmp_path, items).outcomes(setup, plan_some)
    (file,) = tmp_path.iterdir()
    with file.open("a", encoding="utf-8") as log:
        log.write('{"id": "2", "que')  # the disk was full
    planned.append("2 is planned again")
    found = Kept(tmp_path, items).outcomes(setup, plan_some)
    assert planned == ["0", "1", "2 is planned again", "2", "3"]
    assert [one.item for one in found] == items
    assert all(one.score.arguments and one.tools == ("create_note",) for one in found)
    assert Kept(tmp_path, items).outcomes(setup, plan_some) == found
    assert len(list(tmp_path.iterdir())) == 1
    Kept(tmp_path, items).outcomes({"planner": "another"}, plan_some)
    assert len(list(tmp_path.iterdir())) == 2


def test_a_generated_split_is_a_test_set(tmp_path: Path) -> None:
    command = ["data", "generate", str(tmp_path), "--train", "1", "--validation", "1"]
    assert CliRunner().invoke(app, [*command, "--test", "3"]).exit_code == 0
    items = read_test_set(tmp_path / "test.jsonl")
    assert len(items) == 3
    for item in items:
        assert ".txt:" in item.id
        assert item.tags[0] in STYLES
        (plan,) = item.plans
        assert score(plan, item, SIXTEEN).arguments
