"""A person whose browser has no microphone for the page: it says why, and all else works."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Ask
from tests.browser.test_page import status
from tests.browser.test_voice import BOX

ANSWER = """() => {
  navigator.mediaDevices.getUserMedia = async () => { throw new DOMException(%s); };
}"""
"""The browser's answer, where a machine cannot be brought to give it."""
REFUSALS = {
    "'Could not start audio source', 'NotReadableError'": "Another program is using the microphone",
    "'Permission denied by system', 'NotAllowedError'": "the system's privacy settings",
    "'Starting audio input failed', 'AbortError'": "(Starting audio input failed)",
}


@pytest.fixture(scope="module", params=["denied", "absent"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def flags(kind: str) -> list[str]:
    """A headless browser refuses what it would ask a person about: the use of a microphone."""
    return ["--use-fake-device-for-media-stream"] if kind == "denied" else []


def test_the_page_says_so_and_works_on(page: Page, ask: Ask, kind: str) -> None:
    devices = "async () => (await navigator.mediaDevices.enumerateDevices()).map((d) => d.kind)"
    if kind == "absent" and "audioinput" in page.evaluate(devices):
        pytest.skip("this machine has a microphone")
    wanted = {"denied": "Allow it beside the address", "absent": "Connect one"}
    page.locator(BOX).fill("What is my mom's")
    for _ in range(2):
        page.locator("[data-speak]").click()
        expect(page.locator(".microphone .error")).to_contain_text(wanted[kind])
        expect(page.locator("[data-speak]")).to_be_enabled()
    expect(page.locator(BOX)).to_have_value("What is my mom's")
    ask("What is my mom's phone number?")
    status(page, "answered")


@pytest.mark.parametrize("kind", ["denied"], indirect=True, scope="module")
def test_whatever_the_browser_answers_has_a_cure(page: Page) -> None:
    for answer, words in REFUSALS.items():
        page.evaluate(ANSWER % answer)
        page.locator("[data-speak]").click()
        expect(page.locator(".microphone .error")).to_contain_text(words)
        expect(page.locator(".microphone .error")).to_contain_text("ress Speak again")
        expect(page.locator("[data-speak]")).to_be_enabled()
    page.evaluate(
        "() => Object.defineProperty(navigator, 'mediaDevices', { value: undefined }) && 0"
    )
    page.locator("[data-speak]").click()
    expect(page.locator(".microphone .error")).to_contain_text("Type, or choose a file")
