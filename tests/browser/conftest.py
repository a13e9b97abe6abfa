"""The page as a user has it: ``python app.py`` on the real models, in a real Chromium."""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

REPOSITORY = Path(__file__).parent.parent.parent
PATIENCE = 120_000
"""Milliseconds until something must have happened: a busy machine is no failure."""


@dataclass(frozen=True)
class App:
    """A served app, its address, and where it acts."""

    url: str
    workspace: Path
    traces: Path
    log: Path


@pytest.fixture
def configured() -> str:
    """The settings file that the app is started with."""
    return ""


@pytest.fixture
def app(tmp_path: Path, configured: str) -> Iterator[App]:
    """The app on a free port, with a sample workspace and traces of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    served = App(
        f"http://127.0.0.1:{port}",
        tmp_path / "workspace",
        tmp_path / "traces" / "traces.db",
        tmp_path / "app.log",
    )
    command = [sys.executable, "app.py", "--port", str(port), "--backend", "workspace"]
    settings = tmp_path / "settings.toml"
    settings.write_text(configured)
    command += ["--settings", str(settings)]
    command += ["--workspace", str(served.workspace), "--traces", str(served.traces)]
    with served.log.open("w") as log:
        process = subprocess.Popen(command, cwd=REPOSITORY, stdout=log, stderr=log)
    try:
        _wait(served, process)
        yield served
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture(scope="module")
def flags() -> list[str]:
    """More flags for the browser."""
    return []


@pytest.fixture(scope="module")
def browser(flags: list[str]) -> Iterator[Browser]:
    """The machine's Chromium or Chrome.

    One a module: Playwright's event loop would otherwise go on in this thread, and no test
    after these could run one of its own.
    """
    names = ("chromium", "google-chrome", "chromium-browser", "google-chrome-stable")
    found = next((path for name in names if (path := shutil.which(name))), None)
    assert found, "the browser tests need Chromium or Chrome on the PATH"
    own = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    own += ["--disable-component-update", "--disable-sync", "--no-first-run"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=own + flags)
        yield browser
        browser.close()


@pytest.fixture
def page(app: App, browser: Browser) -> Iterator[Page]:
    """The app's page, opened; at the end, no script on it may have failed."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.set_default_timeout(PATIENCE)
    expect.set_options(timeout=PATIENCE)
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    page.goto(app.url)
    page.locator(".request textarea").wait_for()
    page.locator("[data-example]").first.wait_for()
    yield page
    context.close()
    assert not failures


Ask = Callable[[str], None]


@pytest.fixture
def ask(page: Page) -> Ask:
    """Type a request and send it."""

    def send(request: str) -> None:
        page.locator(".request textarea").fill(request)
        page.keyboard.press("Enter")

    return send


def begin_anew(page: Page) -> None:
    """Leave the conversation, which the tab would otherwise show again, for an empty one."""
    with page.expect_navigation():
        page.locator("[data-new]").click()
    page.locator("[data-example]").first.wait_for()


def _wait(served: App, process: subprocess.Popen[bytes]) -> None:
    end = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < end and process.poll() is None:
        try:
            with urlopen(served.url, timeout=5):
                return
        except OSError:
            time.sleep(0.3)
    process.kill()
    raise AssertionError(f"the app did not start:\n{served.log.read_text()}")
