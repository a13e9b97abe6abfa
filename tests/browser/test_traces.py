"""The Traces page: found by search and filter, opened by its URL, read as a notebook."""

from __future__ import annotations

import sqlite3

from playwright.sync_api import Page, expect

from tests.browser.conftest import App, Ask
from tests.browser.test_page import NOTE, status


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
    page.locator(".filters [name=words]").fill("no such words")
    page.keyboard.press("Enter")
    expect(page.locator(".traces .empty")).to_have_text("No run fits.")
    page.goto(f"{app.url}/traces?words=two+lit&label=bad")
    expect(page.locator(".filters [name=words]")).to_have_value("two lit")
    page.locator("table.runs a").click()

    page.wait_for_url(f"**/traces?trace={run}")
    kinds = page.locator("[data-cell]")
    expect(kinds.first).to_contain_text(NOTE)
    shown = kinds.evaluate_all("cells => cells.map((cell) => cell.dataset.cell)")
    assert shown == ["request", "tools", "prompt", "plan", "approval", "call", "answer"]
    expect(page.locator('[data-cell="tools"] .bar')).to_have_count(16)
    expect(page.locator('[data-cell="approval"] ins')).to_contain_text("<b>(two litres)</b>")
    assert page.locator(".notebook b").count() == 0
    prompt = page.locator('[data-cell="prompt"]')
    expect(prompt.locator("pre")).to_be_hidden()
    prompt.locator("summary").click()
    expect(prompt.locator("pre")).to_be_visible()

    page.goto(f"{app.url}/traces?trace=nothing")
    expect(page.locator(".traces .empty")).to_contain_text("there is no trace nothing")
