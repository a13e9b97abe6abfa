"""The Traces page: found by search and filter, opened by its URL, read as a notebook."""

from __future__ import annotations

import sqlite3

from playwright.sync_api import Page, expect

from tests.browser.conftest import App, Ask
from tests.browser.contrast import faint, too_wide
from tests.browser.test_page import NOTE, note, status


def test_find_a_run_and_read_it(app: App, page: Page, ask: Ask) -> None:
    ask(NOTE)
    status(page, "approval")
    card = page.locator("form.approval")
    card.locator("summary", has_text="Edit").first.click()
    card.locator('[data-argument="content"]').fill("oat milk <b>(two litres)</b>")
    page.keyboard.press("Control+Enter")
    status(page, "answered")
    with sqlite3.connect(app.traces) as traces:
        (run,) = traces.execute("select id from traces").fetchone()

    page.goto(f"{app.url}/traces")
    row = page.locator("table.runs tbody tr")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("append note content")
    expect(row.locator(".label")).to_have_text("bad")
    assert faint(page) == []
    assert too_wide(page) == []
    page.locator(".filters [name=words]").fill("no such words")
    page.keyboard.press("Enter")
    expect(page.locator(".traces .empty")).to_have_text("No run fits.")
    page.goto(f"{app.url}/traces?words=two+lit&label=bad")
    expect(page.locator(".filters [name=words]")).to_have_value("two lit")
    page.locator("table.runs td a").click()

    page.wait_for_url(f"**/traces?trace={run}")
    kinds = page.locator("[data-cell]")
    expect(kinds.first).to_contain_text(NOTE)
    shown = kinds.evaluate_all("cells => cells.map((cell) => cell.dataset.cell)")
    assert shown == ["request", "tools", "prompt", "plan", "approval", "call", "dag", "answer"]
    expect(page.locator('[data-cell="tools"] .with-threshold .bar')).to_have_count(16)
    expect(page.locator('[data-cell="dag"] .graph')).to_have_attribute("data-nodes", "1:done")
    expect(page.locator('[data-cell="approval"] ins')).to_contain_text("<b>(two litres)</b>")
    assert page.locator(".notebook b").count() == 0
    prompt = page.locator('[data-cell="prompt"]')
    expect(prompt.locator("pre")).to_be_hidden()
    prompt.locator("summary").click()
    expect(prompt.locator("pre")).to_be_visible()
    assert faint(page) == []
    assert too_wide(page) == []

    page.goto(f"{app.url}/traces?trace=nothing")
    expect(page.locator(".traces .empty")).to_contain_text("there is no trace nothing")


def test_do_it_again_from_a_cell_and_lay_two_runs_side_by_side(
    app: App, page: Page, ask: Ask
) -> None:
    ask(NOTE)
    status(page, "approval")
    page.keyboard.press("Escape")
    page.locator(".turn.over").wait_for()
    before = note(app)
    page.goto(f"{app.url}/traces")
    page.locator("table.runs td a").click()
    page.locator('[data-cell="tools"] [data-again]').click()
    expect(page.locator(".today")).to_contain_text("The plan is the same today.")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("[data-copy]").click()
    expect(page.locator('[data-cell="request"] .told')).to_have_text("copied")
    command = page.evaluate("navigator.clipboard.readText()")
    assert command.startswith(f"tinyagent ask '{NOTE}' --now ")

    page.locator('[data-cell="plan"] [data-again="run"]').click()
    page.wait_for_url("**/?run=*")
    status(page, "approval")
    assert note(app) == before
    page.keyboard.press("Control+Enter")
    status(page, "answered")
    assert note(app) != before

    page.goto(f"{app.url}/traces?order=unsure")
    rows = page.locator("table.runs tbody tr")
    expect(rows).to_have_count(2)
    expect(page.locator("th[aria-sort=ascending]")).to_have_text("Sure▴")
    page.locator("th a", has_text="When").click()
    page.wait_for_url("**order=newest")
    beside = page.locator("[data-beside]")
    expect(beside).to_be_disabled()
    for box in page.locator(".pick input").all():
        box.check()
    beside.click()
    expect(page.locator(".beside .notebook")).to_have_count(2)
    expect(page.locator(".plans h2")).to_have_text("Both plans are the same")
    assert faint(page) == []
    assert too_wide(page) == []
    expect(page.locator(".notebook [data-again]")).to_have_count(0)
