"""Retraining: what is learned from, when a new version is better, and that a habit is learned."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.labelled import store_with
from tinyagent.commands.cli import app
from tinyagent.errors import ModelError, SettingsError
from tinyagent.evaluation.run import Outcome, evaluate
from tinyagent.evaluation.scoring import Score
from tinyagent.evaluation.sets import Item, read_test_set
from tinyagent.models import find
from tinyagent.planner import load_planner
from tinyagent.plans.syntax import Plan, read_plan
from tinyagent.retrain import data, job
from tinyagent.retrain.compare import Group, chance, compare
from tinyagent.settings import Settings
from tinyagent.toolrag import load
from tinyagent.tools.sixteen import SIXTEEN
from tinyagent.traces import TraceLog
from tinyagent.traces.labels import Label
from tinyagent.versions import CARD, GRAPH, SHIPPED, Version, Versions, with_versions
from ui.models import job_view

pytest.importorskip("torch")
MODELS = Settings().models
NOW = datetime(2026, 11, 24, 9, 30)
PINGED = """Priya|the samples have come
Lutfi|we moved the stand-up
Ana|the lease is signed
Dr. Osei|my results are in
Marta|the printer works again
Sid|I found the badge
Tomoko|the slides are on the drive
Ravi|the plumber came
Joanna|the train is late
Hamid|lunch is at the new place
Elif|the keys are with the porter
Noah|the quote went up
Grace|we need two more chairs
Ivan|the demo is off
Leila|the parcel is here
Owen|the bus leaves from gate 4
Chen|the wifi is back
Paula|the cake is ordered
Bruno|the van is fixed
Yusuf|the roof does not leak""".splitlines()
OTHERS = (
    "Astrid|the heating is on",
    "Kofi|the minutes are out",
    "Zainab|the tickets came",
    "Mr. Ito|the museum is shut",
)


def pinged(people: Sequence[str]) -> list[tuple[str, str]]:
    """A habit that the shipped models do not know: to ping somebody is to send an e-mail."""
    forms = ("Ping {} that {}", "ping {} that {}, please", "could you ping {} that {}")
    return [
        (
            forms[n % 3].format(name, words),
            f'1. get_email_address("{name}")\n'
            f'2. compose_new_email(["$1"], [], "", "{words}")\n3. join()',
        )
        for n, (name, words) in enumerate(line.split("|") for line in people)
    ]


def test_one_label_in_four_is_held_out_for_good(tmp_path: Path) -> None:
    store = store_with(tmp_path, pinged(PINGED))
    found = data.labels(store)
    assert len(found.learned) + len(found.held) == len(PINGED)
    assert len(found.held) == 5
    run = found.held[0].id
    store.label(Label(run, "bad", plan='1. create_note("x")\n2. join()'), NOW)
    again = data.labels(store)
    assert [item.query for item in again.held] == [item.query for item in found.held]
    assert str(again.held[0].plans[0]).startswith('1. create_note("x")')
    store.label(Label(run, ""), NOW)
    assert len(data.labels(store).held) == len(found.held) - 1


def test_labels_are_mixed_with_shipped_examples_and_judged_by_others(tmp_path: Path) -> None:
    found = data.labels(store_with(tmp_path, pinged(PINGED)))
    files = data.write(found, tmp_path / "data", rows=100, fixed=12, seed=0)
    rows = [json.loads(line) for line in files.train.read_text("utf-8").splitlines()]
    own = [row["request"] for row in rows if row["style"] == "trace"]
    assert len(rows) - len(own) == 100
    assert set(own) == {item.query for item in found.learned}
    assert 0.1 < len(own) / len(rows) < 0.3
    assert not {item.query for item in read_test_set(files.held)} & set(own)
    fixed = read_test_set(files.fixed)
    assert len(fixed) == 12
    assert not {item.query for item in fixed} & {row["request"] for row in rows}
    data.write(found, tmp_path / "again", rows=10, fixed=12, seed=5)
    assert (tmp_path / "again" / "fixed.jsonl").read_bytes() == files.fixed.read_bytes()


NOTE = '1. create_note("A")\n2. join()'


def outcomes(right: str) -> list[Outcome]:
    """Of one tool each; "+" is right, "-" has another plan with the same tools."""
    plan = read_plan(NOTE)
    return [
        Outcome(
            Item(str(n), f"request {n}", NOW, (plan,), ()),
            {},
            ("create_note",),
            plan if sign == "+" else Plan(),
            Score(True, sign == "+", sign == "+"),
        )
        for n, sign in enumerate(right)
    ]


@pytest.mark.parametrize(
    ("fixed", "held", "learned", "better", "why"),
    [
        (("++++", "++++"), ("------", "-----+"), ("--", "++"), True, "1 more of the labels that"),
        (("++++", "++++"), ("------", "------"), ("--", "++"), False, "no more of the labels"),
        (("++++", "++++"), ("", ""), ("--", "+-"), True, "1 more of the labels: right plan"),
        (("++++", "+++-"), ("", ""), ("--", "++"), True, "nothing is worse beyond noise"),
        (("+++++", "-----"), ("", ""), ("--", "++"), False, "0 now"),
        (("+++++-", "-----+"), ("", ""), ("--", "++"), True, "beyond noise"),
        (("++++", "++++"), ("+++++", "-----"), ("--", "++"), False, "held out"),
    ],
)
def test_a_version_is_better_where_it_gains_and_loses_nowhere_beyond_noise(
    fixed: tuple[str, str],
    held: tuple[str, str],
    learned: tuple[str, str],
    better: bool,
    why: str,
) -> None:
    names: tuple[Group, ...] = ("fixed", "held", "learned")
    groups = [
        (name, pair) for name, pair in zip(names, (fixed, held, learned), strict=True) if pair[0]
    ]
    found = compare(
        {name: outcomes(pair[0]) for name, pair in groups},
        {name: outcomes(pair[1]) for name, pair in groups},
    )
    assert found.better is better, found.why
    assert why in found.why
    told = [move for move in found.moved if move.group == "fixed"]
    assert len(told) == sum(a != b for a, b in zip(*fixed, strict=True))
    assert all(move.before.startswith("1. ") for move in told)


def test_noise_is_a_fair_coin() -> None:
    assert chance(5, 0) == 1 / 32
    assert chance(0, 5) == 1.0
    assert chance(3, 3) == pytest.approx(42 / 64)


def made(versions: Versions, folder: Path, id: str) -> Version:
    """The shipped classifier as a version of that name."""
    run = folder / f"run-{id}"
    run.mkdir()
    for name, entry in ((GRAPH, "toolrag-classifier"), (CARD, "toolrag-labels")):
        (run / name).write_bytes(find(entry, MODELS).read_bytes())
    return versions.add(Version("toolrag", id, NOW.isoformat(), metrics={"success": 0.5}), run)


def test_versions_are_kept_switched_and_recorded(tmp_path: Path) -> None:
    settings = Settings(traces=tmp_path / "traces.db")
    versions = Versions(settings)
    assert versions.chosen() == {"toolrag": SHIPPED, "planner": SHIPPED}
    assert with_versions(settings) == settings
    added = made(versions, tmp_path, "v1")
    assert added.size > 11_000_000
    assert added.sha256 == versions.in_use("toolrag").sha256
    assert [v.id for v in versions.all("toolrag")] == ["v1", SHIPPED]
    with pytest.raises(SettingsError, match=r"no version 'v2'; there are: v1, shipped"):
        versions.use("toolrag", "v2", "by hand", NOW)
    versions.use("toolrag", "v1", "by hand", NOW)
    assert Versions(settings).chosen()["toolrag"] == "v1"
    chosen = with_versions(settings)
    assert Path(chosen.classifier).parent.name == "v1"
    assert "create_reminder" in load(chosen).select("Remind me to call the plumber").tools
    versions.use("toolrag", SHIPPED, "by hand", NOW)
    assert [(x["before"], x["after"]) for x in versions.history()] == [
        ("v1", SHIPPED),
        (SHIPPED, "v1"),
    ]


def test_a_damaged_version_names_the_way_back(tmp_path: Path) -> None:
    settings = Settings(traces=tmp_path / "traces.db")
    versions = Versions(settings)
    made(versions, tmp_path, "v1")
    versions.use("toolrag", "v1", "by hand", NOW)
    graph = versions.folder / "toolrag" / "v1" / GRAPH
    graph.write_bytes(graph.read_bytes()[:-1])
    with pytest.raises(ModelError, match="tinyagent models use toolrag shipped"):
        with_versions(settings)


def models(log: Path, *arguments: str) -> Any:
    return CliRunner().invoke(app, ["models", *arguments, "--traces", str(log)])


def test_the_command_lists_and_switches(tmp_path: Path) -> None:
    log = tmp_path / "traces.db"
    made(Versions(Settings(traces=log)), tmp_path, "v1")
    assert models(log, "use", "toolrag", "v1").exit_code == 0
    listed = models(log, "list").stdout.splitlines()
    assert [x.split()[:3] for x in listed if x.startswith("*")] == [
        ["*", "toolrag", "v1"],
        ["*", "planner", SHIPPED],
    ]
    assert "success 0.500" in models(log, "list").stdout
    assert models(log, "use", "writer", "v1").exit_code == 2


def test_nothing_to_learn_from_is_said(tmp_path: Path) -> None:
    path = tmp_path / "traces.db"
    TraceLog(path).close()
    result = CliRunner().invoke(app, ["retrain", "--traces", str(path)])
    assert result.exit_code == 2
    assert "no labelled run with a right plan" in result.stderr
    result = CliRunner().invoke(app, ["retrain", "--resume", "--traces", str(path)])
    assert result.exit_code == 2
    assert "no retraining to resume" in result.stderr


def test_training_goes_on_from_what_is_shipped() -> None:
    import torch

    from tinyagent.toolrag.encoder import load_tokenizer, open_session
    from tinyagent.train.dequantise import weights_of
    from tinyagent.train.encoders import minilm
    from tinyagent.train.toolrag import Network

    graph = find("toolrag-classifier", MODELS)
    encoder = minilm(find("minilm", MODELS), find("minilm-tokenizer", MODELS))
    words, network = encoder.words, Network(encoder.model)
    missing, unexpected = network.load_state_dict(weights_of(graph), strict=False)
    assert missing == ["encoder.embeddings.word_embeddings.weight"]
    assert unexpected == []
    tokens = load_tokenizer(find("minilm-tokenizer", MODELS))
    session = open_session(graph, 1)
    network.eval()
    for request in ("Text Sid that I'm late", "Email Priya a summary of the Project Aurora report"):
        vectors = words[tokens.encode(request).ids][None]
        with torch.no_grad():
            ours = network(vectors)[0].numpy()
        theirs = session.run(None, {"words": vectors.numpy()})[0][0]
        assert ((ours >= 0) == (theirs >= 0)).all()
        assert abs(ours - theirs).max() < 0.75  # what goes from layer to layer has 8 bits there
        assert ((ours > 0) == (theirs > 0)).all()


def until(begun: job.Job, reached: Any, patience: float = 800) -> job.State:
    """Wait until the state is so, or the job has ended."""
    end = time.monotonic() + patience
    while not reached(begun.state) and begun.state.status == "running":
        assert time.monotonic() < end, (begun.folder / "log.txt").read_text()
        time.sleep(0.1)
    return begun.state


@pytest.fixture
def retrained(tmp_path: Path) -> Iterator[Settings]:
    """Settings whose retrainings end with the test, as their processes would outlive it."""
    settings = Settings(traces=tmp_path / "traces" / "traces.db")
    yield settings
    for begun in job.jobs(settings):
        job.cancel(begun)


@pytest.mark.timeout(1200)
def test_a_habit_is_learned_through_kill_and_resume(retrained: Settings, tmp_path: Path) -> None:
    """On the real models: 20 labels of a kind that they get wrong, and others of it then right."""
    from tinyagent.train.progress import told

    store, settings = store_with(tmp_path, pinged(PINGED)), retrained
    assert right(settings) == 0

    begun = job.begin(settings, job.Asked(rows=480, fixed=12))
    with pytest.raises(SettingsError, match="is running"):
        job.begin(settings, job.Asked())
    folder = begun.folder / "toolrag"
    state = until(begun, lambda state: len(told(folder)) > 21)
    assert state.status == "running"
    os.killpg(state.pid, signal.SIGKILL)
    end = time.monotonic() + 10
    while begun.state.status == "running" and time.monotonic() < end:
        time.sleep(0.05)
    assert begun.state.status == "interrupted"
    assert "Interrupted: its process is gone" in job_view(begun)
    assert "data-resume" in job_view(begun)
    assert Versions(settings).chosen()["toolrag"] == SHIPPED
    job.resume(begun)
    state = until(begun, lambda state: False)
    log = (begun.folder / "log.txt").read_text()
    assert state.status == "done", log
    assert log.count("step 0/") == 1  # what was learned before the kill was not learned again
    with pytest.raises(SettingsError, match="is done"):
        job.resume(begun)

    result = begun.result("toolrag")
    assert result is not None
    assert result["promoted"], result["why"]
    assert not any(change["worse"] for change in result["changes"])
    held = {c["measure"]: c for c in result["changes"] if c["group"] == "held"}
    # One of them may be found before: int8 products differ with the processor.
    assert held["found"]["before"] < 0.5 * held["found"]["of"]
    assert held["found"]["after"] >= 0.8 * held["found"]["of"]
    (version, shipped) = Versions(settings).all("toolrag")
    assert (version.id, version.start, shipped.id) == (begun.id, SHIPPED, SHIPPED)
    assert "retraining: " in Versions(settings).history()[0]["why"]
    assert right(with_versions(settings)) >= 3
    listed = CliRunner().invoke(app, ["retrain", "--resume", "--traces", str(store.path)])
    assert listed.exit_code == 2


def right(settings: Settings) -> int:
    """How many of the four requests that no label is of get their plan."""
    items = [
        Item(str(n), request, NOW, (read_plan(plan),), ())
        for n, (request, plan) in enumerate(pinged(OTHERS))
    ]
    planned = evaluate(items, load(settings), load_planner(settings))
    return sum(outcome.score.success for outcome in planned)


@pytest.mark.timeout(1200)
def test_the_planner_is_retrained_compared_and_kept(retrained: Settings, tmp_path: Path) -> None:
    """A few steps of it, to the end; what comes out is a model that plans."""
    settings = retrained
    store_with(tmp_path, pinged(PINGED[:3]))
    asked = job.Asked(parts=("planner",), rows=40, fixed=4, minutes=0.15)
    begun = job.begin(settings, asked)
    state = until(begun, lambda state: False)
    assert state.status == "done", (state.error, (begun.folder / "log.txt").read_text())
    result = begun.result("planner")
    assert result is not None
    assert {change["group"]: change["of"] for change in result["changes"]} == {
        "fixed": 4,
        "learned": 3,
    }
    assert result["promoted"] == result["better"]
    versions = Versions(settings)
    version, shipped = versions.all("planner")
    assert (version.id, version.start, shipped.id) == (begun.id, SHIPPED, SHIPPED)
    assert versions.chosen()["planner"] == (version.id if result["promoted"] else SHIPPED)
    assert version.sha256 != shipped.sha256
    assert version.data == {"labels": 3, "shipped examples": 40}

    versions.use("planner", version.id, "by hand", NOW)
    chosen = with_versions(settings)
    assert Path(chosen.planner).parent.name == version.id
    tools = SIXTEEN.only(["get_phone_number", "send_sms"])
    plan = load_planner(chosen).plan("Text Sid that I'm late", tools, NOW).plan
    assert [call.tool for call in plan] == ["get_phone_number", "send_sms"]
