"""Fixtures: Chromium for the tests of a file."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.chromium import Chromium


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chromium]:
    with sync_playwright() as playwright:
        made = Chromium(playwright, tmp_path_factory.mktemp("chromium"))
        yield made
        made.close()
