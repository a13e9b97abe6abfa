"""Approval on the page: what to be wary of, not to be asked again, revoking, and undo."""

from __future__ import annotations

import json

from playwright.sync_api import Page, expect

from tests.browser.conftest import App, Ask, begin_anew
from tests.browser.contrast import faint, too_wide
from tests.browser.test_page import NOTE, contents, note, status

LATE = "Text Sid that I'm running ten minutes late"


def test_remember_revoke_and_be_asked_again(app: App, page: Page, ask: Ask) -> None:
    ask(LATE)
    status(page, "approval")
    expect(page.locator(".warnings")).to_have_count(0)
    page.locator("[data-remember]").select_option(label="do not ask for a week")
    page.keyboard.press("Control+Enter")
    status(page, "answered")
    expect(page.locator(".decided")).to_contain_text("remembered until")
    assert json.loads((app.traces.parent / "remembered.json").read_text())[0]["tool"] == "send_sms"

    page.goto(app.url)
    begin_anew(page)
    ask(LATE)
    status(page, "answered")
    expect(page.locator(".decided")).to_contain_text("Not asked about")
    assert len(list(app.workspace.glob("messages/*.json"))) == 2

    page.goto(f"{app.url}/approvals")
    row = page.locator("[data-remembered]")
    expect(row).to_contain_text("send sms")
    assert faint(page) == []
    assert too_wide(page) == []
    row.locator("[data-revoke]").click()
    page.locator(".panel .empty", has_text="Nothing is remembered").wait_for()

    page.goto(app.url)
    begin_anew(page)
    ask(LATE)
    status(page, "approval")


def test_what_is_to_be_known_is_in_sight_and_undo_takes_it_back(
    app: App, page: Page, ask: Ask
) -> None:
    before = contents(app.workspace)
    ask(NOTE)
    status(page, "approval")
    expect(page.locator(".acts-on")).to_have_text("On the note “Groceries” in “Notes”")
    assert faint(page) == []
    page.keyboard.press("Control+Enter")
    status(page, "answered")
    assert "oat milk" in note(app)
    undo = page.locator("[data-undo]")
    undo.click()
    expect(undo).to_contain_text("Really take it back?")
    assert "oat milk" in note(app)
    undo.click()
    page.locator(".earlier-turns .turn").wait_for()
    expect(page.locator(".current .answer")).to_contain_text("Undone: Added to the note")
    assert contents(app.workspace) == before

    ask("Email Sid what my Groceries note says")
    status(page, "approval")
    expect(page.locator(".warnings")).to_contain_text("It holds text that was read")
    assert faint(page) == []
    expect(page.locator("[data-remember]")).to_have_count(0)
