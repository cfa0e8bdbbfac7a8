"""Softphones: JsSIP and SIP.js, unmodified, in a page of Chromium. npm fetches them once, by the hashes of the lock."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tests.browser.bundles import bundle
from tests.browser.chromium import ARGS, CHROMIUM
from tests.started import Started


class Softphone:
    """A phone in a page. `kind` is JsSipPhone or SipJsPhone."""

    def __init__(self, page: Page, kind: str, url: str, **options: Any) -> None:
        self.page = page
        self.name = f"phone{id(self)}"
        page.evaluate("([name, kind, url, options]) => { window[name] = new phones[kind](url, options); }",
                      [self.name, kind, url, options])  # fmt: skip

    def do(self, method: str, *given: Any) -> Any:
        """Call one method of the phone, and wait for what it gives."""
        return self.page.evaluate(
            "([name, method, given]) => window[name][method](...given)", [self.name, method, list(given)]
        )

    def get(self, name: str) -> Any:
        return self.page.evaluate("([name, field]) => window[name][field]", [self.name, name])


@contextmanager
def phone_page(server: Started, microphone_file: str) -> Iterator[Page]:
    """A page of the server's own origin, with the libraries loaded."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*ARGS, f"--use-file-for-fake-audio-capture={microphone_file}"]
        )
        try:
            page = browser.new_page()
            page.goto(server.url)
            page.evaluate(bundle("phones.js"))
            yield page
        finally:
            browser.close()
