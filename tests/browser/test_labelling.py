"""A new user's way from requests to a better model, all of it on the page."""

from __future__ import annotations

import csv
import json
import sqlite3
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PATIENCE, App, Ask, begin_anew
from tests.browser.contrast import faint, too_wide
from tests.browser.test_page import status
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
    "@Sid: the heating is on": ("Sid", "the heating is on"),
    "@Lutfi: the minutes are out": ("Lutfi", "the minutes are out"),
    "@Priya: the tickets came": ("Priya", "the tickets came"),
}
RETRAINED = 600_000
"""Milliseconds: training and comparing on a busy machine."""


def over(page: Page) -> None:
    """Wait until the newest run is over, passing over what it asks."""
    page.locator(".turn.over, form.question").last.wait_for(timeout=PATIENCE)
    if page.locator("form.question").count():
        page.locator('form.question [data-choice=""]').click()
        page.locator(".turn.over").wait_for(timeout=PATIENCE)


@pytest.mark.timeout(1800)
def test_ten_requests_are_labelled_exported_learned_and_put_in_use(
    app: App, page: Page, ask: Ask, tmp_path: Path
) -> None:
    for request in (*OTHERS, *HABIT):
        begin_anew(page)
        ask(request)
        page.locator(".said", has_text=request).wait_for(timeout=PATIENCE)
        over(page)

    label_in_the_queue(app, page)
    label_the_habit(app, page)
    export_everything(app, page, tmp_path)
    retrain(app, page)

    page.goto(app.url)
    begin_anew(page)
    ask("@Sid: the plumber came")
    status(page, "approval")
    expect(page.locator("form.approval .what")).to_contain_text("E-mail")
    page.keyboard.press("Escape")
    page.locator(".turn.over").wait_for()

    page.goto(f"{app.url}/models")
    page.locator('[data-part="toolrag"] [data-use="shipped"]').click()
    expect(page.locator('[data-version="shipped"] .pill').first).to_have_text("in use")
    expect(page.locator(".history li").first).to_contain_text("by hand")


def label_in_the_queue(app: App, page: Page) -> None:
    """By keys alone: the least sure run first, and from each to the next."""
    page.goto(f"{app.url}/traces")
    page.locator("table.runs tbody tr").nth(9).wait_for()
    page.keyboard.press("l")
    page.locator("form.labelling").wait_for()
    assert faint(page) == []
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
    """Each gets its right plan; one of them is left unsaved in between, and is there again."""
    for request, (name, words) in HABIT.items():
        page.goto(f"{app.url}/traces?words={request.split()[-1]}")
        page.locator("table.runs td a", has_text=request).click()
        page.locator("form.labelling").wait_for()
        page.keyboard.press("2")
        expect(page.locator('.labelling [value="missing"]')).to_be_checked()
        page.keyboard.press("p")
        plan = page.locator(".labelling [name=plan]")
        mail = f'2. compose_new_email(["$1"], [], "", "{words}")\n3. join()'
        plan.fill(f'1. get_phone_number("{name}")\n{mail}')
        expect(page.locator(".labelling .problems li").first).to_be_visible()
        plan.fill(f'1. get_email_address("{name}")\n{mail}')
        expect(page.locator(".labelling .problems li")).to_have_count(0)
        drawn = page.locator(".labelling .graph")
        expect(drawn).to_have_attribute("data-nodes", "1:waiting 2:waiting")
        if name == "Sid":
            page.reload()
            expect(page.locator(".labelling .unsaved")).to_be_visible()
            expect(plan).to_have_value(f'1. get_email_address("{name}")\n{mail}')
        page.keyboard.press("Control+Enter")
        expect(page.locator(".labels li").first).to_contain_text("bad (missing)")
        expect(page.locator(".labelling .unsaved")).to_be_hidden()


def export_everything(app: App, page: Page, folder: Path) -> None:
    page.goto(f"{app.url}/traces?label=bad")
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
        assert [row["compose_new_email"] for row in csv.DictReader(table)] == ["1"] * 3
    for name in ("planner", "openai", "otel"):
        lines = found[name].read_text("utf-8").splitlines()
        assert len([json.loads(line) for line in lines]) == 3
    assert found["parquet"].read_bytes()[:4] == b"PAR1"
    assert json.loads((folder / "run.ipynb").read_text("utf-8"))["nbformat"] == 4


def retrain(app: App, page: Page) -> None:
    """As small as it may be to learn three labels; it is cancelled once, and goes on."""
    page.goto(f"{app.url}/models")
    expect(page.locator(".retrain p").first).to_contain_text("to learn from")
    page.locator(".retrain [name=rows]").fill("480")
    page.locator(".retrain [name=fixed]").fill("4")
    page.locator(".retrain .primary").click()
    page.locator('.job[data-status="running"] [data-cancel]').click()
    page.locator('.job[data-status="cancelled"] [data-resume]').click()
    page.locator(".loss polyline").wait_for(timeout=RETRAINED)
    page.locator('.job[data-status="done"]').wait_for(timeout=RETRAINED)
    expect(page.locator(".result.better .why")).to_contain_text("It is in use now")
    expect(page.locator(".result .changes tbody tr")).not_to_have_count(0)
    used = page.locator('[data-part="toolrag"] tr', has=page.locator(".pill"))
    assert used.get_attribute("data-version") != "shipped"
    assert faint(page) == []
    assert too_wide(page) == []
