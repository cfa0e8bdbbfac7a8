"""Fixtures: the page in a real Chromium, against the stand-in server."""

import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Page, async_playwright

from tests.page.standin import Standin

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--allow-loopback-in-peer-connection",
    "--use-fake-device-for-media-stream",
    "--deny-permission-prompts",
]


@pytest_asyncio.fixture(loop_scope="module")
async def standin() -> AsyncIterator[Standin]:
    standin = Standin()
    await standin.server.start_server()
    yield standin
    await standin.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium here")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        await browser.close()


@pytest.fixture
def permissions() -> list[str]:
    return ["microphone"]


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, standin: Standin, permissions: list[str]) -> AsyncIterator[Page]:
    async for page in page_of(browser, standin, permissions):
        yield page


async def page_of(
    browser: Browser, standin: Standin, permissions: list[str], clock: bool = False
) -> AsyncIterator[Page]:
    """The loaded page. With `clock` the test itself lets the page's time pass.

    After each test: the page had no errors, the CSP stopped nothing, and no request went to another host.
    """
    context = await browser.new_context(viewport={"width": 360, "height": 740}, permissions=permissions)
    page = await context.new_page()
    page.set_default_timeout(5_000)
    origin = str(standin.server.make_url("/"))
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if is_fault(message) else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith(origin) else faults.append(request.url))
    if clock:
        await page.clock.install()
    await page.goto(origin)
    yield page
    await context.close()
    assert faults == []


def is_fault(message: ConsoleMessage) -> bool:
    """Chromium itself logs requests without a 200 and sockets that broke. Tests of failures cause these on purpose."""
    asked_for = message.text.startswith(("Failed to load resource", "WebSocket connection to"))
    return message.type in ("error", "warning") and not asked_for
