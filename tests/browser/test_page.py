"""A person at the page: asks, looks, corrects, approves or rejects."""

from __future__ import annotations

import hashlib
import sqlite3
from http.client import HTTPConnection
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PATIENCE, App, Ask
from tests.browser.contrast import faint, too_wide

NOTE = "Add oat milk to my Groceries note"


def status(page: Page, wanted: str) -> None:
    """Wait until the newest run stands there."""
    page.locator(f'.turn[data-status="{wanted}"]').last.wait_for(timeout=PATIENCE)


def note(app: App) -> str:
    return next(app.workspace.glob("notes/**/Groceries.md")).read_text("utf-8")


def contents(root: Path) -> dict[str, str]:
    """Every file of the workspace that a tool can write, and its hash."""
    return {
        str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def test_ask_look_edit_approve(app: App, page: Page, ask: Ask) -> None:
    ask(NOTE)
    status(page, "approval")
    bars = page.locator(".bar")
    expect(bars).to_have_count(16)
    expect(page.locator('.bar.picked[data-tool="append_note_content"]')).to_be_visible()
    expect(page.locator(".graph")).to_have_attribute("data-nodes", "1:waiting")
    expect(page.locator(".plan")).to_contain_text("append_note_content")
    assert "oat milk" not in note(app)

    card = page.locator("form.approval")
    card.locator("summary", has_text="Edit").first.click()
    field = card.locator('[data-argument="content"]')
    assert "oat milk" in field.input_value().lower()
    field.fill("oat milk (two litres)")
    page.keyboard.press("Control+Enter")
    status(page, "answered")
    expect(page.locator(".graph")).to_have_attribute("data-nodes", "1:done")
    assert faint(page) == []
    assert too_wide(page) == []
    assert "oat milk (two litres)" in note(app)

    with sqlite3.connect(app.traces) as traces:
        request, state = traces.execute("select request, status from traces").fetchone()
    assert (request, state) == (NOTE, "answered")


def test_reject_changes_nothing(app: App, page: Page, ask: Ask) -> None:
    before = contents(app.workspace)
    ask(NOTE)
    status(page, "approval")
    page.locator("[data-reject]").click()
    page.locator("form.approval").wait_for(state="detached", timeout=PATIENCE)
    page.locator(".turn.over").wait_for()
    assert contents(app.workspace) == before


def test_a_reload_keeps_the_pending_approval(app: App, page: Page, ask: Ask) -> None:
    ask(NOTE)
    status(page, "approval")
    page.reload()
    status(page, "approval")
    expect(page.locator(".bar")).to_have_count(16)
    page.locator("form.approval .primary").click()
    status(page, "answered")
    assert "oat milk" in note(app)


def test_two_people_fit_and_the_person_is_asked(app: App, page: Page, ask: Ask) -> None:
    ask("Text Alex that lunch is at noon")
    page.locator("form.question [data-choice]").first.wait_for()
    assert faint(page) == []
    page.locator("form.question .choices [data-choice]").first.click()
    status(page, "approval")
    assert not list(app.workspace.glob("messages/*.json"))
    page.locator("form.approval .primary").click()
    status(page, "answered")
    assert list(app.workspace.glob("messages/*"))


def test_only_its_own_server_is_asked(app: App, page: Page, ask: Ask) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.reload()
    ask("What is my mom's phone number?")
    status(page, "answered")
    own = (app.url, app.url.replace("http", "ws"), "data:", "blob:")
    assert asked
    assert [url for url in asked if not url.startswith(own)] == []
    for path in (
        "/gradio_api/file=/etc/passwd",
        f"/gradio_api/file={app.traces}",
        "/gradio_api/file=app.py",
        "/ui/../server.py",
        "/ui/%2e%2e/server.py",
        "/files/%2e%2e/traces/traces.db",
    ):
        connection = HTTPConnection(app.url.removeprefix("http://"))
        connection.request("GET", path)
        assert connection.getresponse().status in (403, 404), path


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({"Host": "evil.example"}, 400),
        ({"Origin": "http://evil.example"}, 403),
        ({}, 200),
    ],
)
def test_other_hosts_and_origins_are_refused(
    app: App, headers: dict[str, str], refused: int
) -> None:
    connection = HTTPConnection(app.url.removeprefix("http://"))
    for path in ("/", "/config", "/gradio_api/info"):
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        response.read()
        assert response.status == refused


@pytest.mark.parametrize(
    "request_text",
    [
        "🎉🎉🎉",
        "Was ist die Hauptstadt von Australien?",
        "Turn up the heating in the bedroom",
        "x" * 10_001,
        " ",
    ],
)
def test_what_cannot_be_done_gets_an_answer(
    app: App, page: Page, ask: Ask, request_text: str
) -> None:
    before = contents(app.workspace)
    ask(request_text)
    page.locator(".turn .answer, .turn form").first.wait_for()
    assert page.locator(".turn").last.inner_text().strip()
    assert contents(app.workspace) == before
    with sqlite3.connect(app.traces) as traces:
        assert traces.execute("select count(*) from traces").fetchone() == (1,)


def test_markup_in_a_request_is_text(page: Page, ask: Ask) -> None:
    ask("Make a note called <img src=x onerror=alert(1)> saying <b>hello</b>")
    page.locator(".said", has_text="<img src=x").wait_for()
    page.locator('.turn:not([data-status="planning"]):not([data-status="selecting"])').wait_for()
    assert page.locator(".turn img").count() == 0
    assert page.locator(".turn b").count() == 0
