"""A new user's way from requests to labels and what is made from them, all of it on the page."""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PATIENCE, App, Ask
from tinyagent.evaluation.sets import read_test_set
from tinyagent.traces.exports import FORMATS

OTHERS = (
    "What is my mom's phone number?",
    "What is Priya's email address?",
    "Turn up the heating in the bedroom",
    "Show me the Harbour Grill on the map",
    "Open my Groceries note",
    "What's the number of the dentist?",
    "Where is the Q4 forecast?",
)
HABIT = {
    "park: renew my passport": "renew my passport",
    "park: book the ferry": "book the ferry",
    "park: clean the gutters": "clean the gutters",
}


def over(page: Page) -> None:
    """Wait until the newest run is over, passing over what it asks."""
    page.locator(".turn.over, form.question").last.wait_for(timeout=PATIENCE)
    if page.locator("form.question").count():
        page.locator('form.question [data-choice=""]').click()
        page.locator(".turn.over").wait_for(timeout=PATIENCE)


@pytest.mark.timeout(900)
def test_ten_requests_are_labelled_and_exported(
    app: App, page: Page, ask: Ask, tmp_path: Path
) -> None:
    for request in (*OTHERS, *HABIT):
        page.locator("[data-new]").click()
        page.locator(".welcome").wait_for()
        ask(request)
        page.locator(".said", has_text=request).wait_for(timeout=PATIENCE)
        over(page)

    label_in_the_queue(app, page)
    label_the_habit(app, page)
    export_everything(app, page, tmp_path)


def label_in_the_queue(app: App, page: Page) -> None:
    """By keys alone: the least sure run first, and from each to the next."""
    page.goto(f"{app.url}/traces")
    page.locator("table.runs tbody tr").nth(9).wait_for()
    page.keyboard.press("l")
    page.locator("form.labelling").wait_for()
    expect(page.locator(".queue")).to_contain_text("10 without a label")
    first = page.locator(".notebook").get_attribute("data-trace")
    page.keyboard.press("s")
    expect(page.locator(".labelling .error")).to_have_text("Say good or bad first (G, B).")
    page.keyboard.press("g")
    page.keyboard.press("n")
    page.keyboard.type("goes as it should")
    page.keyboard.press("Control+Enter")
    expect(page.locator(".queue")).to_contain_text("9 without a label")
    assert page.locator(".notebook").get_attribute("data-trace") != first
    with sqlite3.connect(app.traces) as traces:
        said = traces.execute("select trace, verdict, note from labels").fetchall()
    assert said == [(first, "good", "goes as it should")]
    page.go_back()
    expect(page.locator(".labels li")).to_contain_text("goes as it should")
    page.keyboard.press("u")
    expect(page.locator(".labels li").first).to_contain_text("taken back")


def label_the_habit(app: App, page: Page) -> None:
    for request, what in HABIT.items():
        page.goto(f"{app.url}/traces?words={request.split()[-1]}")
        page.locator("table.runs td a", has_text=request).click()
        page.locator("form.labelling").wait_for()
        page.keyboard.press("2")
        expect(page.locator('.labelling [value="missing"]')).to_be_checked()
        page.keyboard.press("p")
        plan = page.locator(".labelling [name=plan]")
        plan.fill('1. create_reminder("x", "some day")\n2. join()')
        expect(page.locator(".labelling .problems li")).to_contain_text("some day")
        plan.fill(f'1. create_reminder("{what}")\n2. join()')
        expect(page.locator(".labelling .problems li")).to_have_count(0)
        drawn = page.locator(".labelling .graph")
        expect(drawn).to_have_attribute("data-nodes", "1:waiting")
        page.keyboard.press("Control+Enter")
        expect(page.locator(".labels li")).to_contain_text("bad (missing)")


def export_everything(app: App, page: Page, folder: Path) -> None:
    page.goto(f"{app.url}/traces?words=park")
    page.locator("form.export").wait_for()
    found: dict[str, Path] = {}
    for name in FORMATS:
        if name == "notebook":
            continue
        page.locator("form.export select").select_option(name)
        with page.expect_download() as waiting:
            page.locator("form.export button").click()
        found[name] = folder / waiting.value.suggested_filename
        waiting.value.save_as(found[name])
    page.locator("table.runs td a").first.click()
    with page.expect_download() as waiting:
        page.locator("a", has_text="Jupyter").click()
    waiting.value.save_as(folder / "run.ipynb")

    assert {item.query for item in read_test_set(found["testset"])} == set(HABIT)
    with found["toolrag"].open(newline="") as table:
        assert [row["create_reminder"] for row in csv.DictReader(table)] == ["1"] * 3
    for name in ("planner", "openai", "otel"):
        lines = found[name].read_text("utf-8").splitlines()
        assert len([json.loads(line) for line in lines]) == 3
    assert found["parquet"].read_bytes()[:4] == b"PAR1"
    assert json.loads((folder / "run.ipynb").read_text("utf-8"))["nbformat"] == 4
