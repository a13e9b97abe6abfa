"""A person whose browser does not let the page use the microphone."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Ask
from tests.browser.test_page import status


@pytest.fixture(scope="module")
def flags() -> list[str]:
    """There is a microphone; a headless browser refuses what it would ask a person about."""
    return ["--use-fake-device-for-media-stream"]


def test_the_page_says_so_and_works_on(page: Page, ask: Ask) -> None:
    for _ in range(2):
        page.locator("[data-speak]").click()
        expect(page.locator(".microphone .error")).to_contain_text("Allow it beside the address")
        expect(page.locator("[data-speak]")).to_be_enabled()
    ask("What is my mom's phone number?")
    status(page, "answered")
