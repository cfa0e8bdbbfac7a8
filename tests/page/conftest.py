"""Fixtures: the page in a real Chromium, against the stand-in server."""

import shutil
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    ViewportSize,
    async_playwright,
    expect,
)

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
    "--process-per-site",
]
PATIENCE_MS = 20_000
"""How long a test waits for what the page does at once, on a machine that is busy with other tests."""
expect.set_options(timeout=PATIENCE_MS)
VIEWPORT: ViewportSize = {"width": 360, "height": 740}


class Contexts:
    """The contexts of a browser, one for each set of permissions. A page in one that is there costs half as much.

    In each, one page stays, so that the process lives on that renders all pages of a site: to start it takes as long as
    to load a page.
    """

    def __init__(self, browser: Browser) -> None:
        self._browser = browser
        self._made: dict[tuple[str, ...], BrowserContext] = {}

    async def get(self, permissions: list[str], of_the_site: str) -> BrowserContext:
        key = tuple(permissions)
        if key not in self._made:
            self._made[key] = await self._browser.new_context(viewport=VIEWPORT, permissions=permissions)
            await (await self._made[key].new_page()).goto(of_the_site)
        return self._made[key]


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


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def contexts(browser: Browser) -> Contexts:
    return Contexts(browser)


@pytest.fixture
def permissions() -> list[str]:
    return ["microphone"]


@pytest_asyncio.fixture(loop_scope="module")
async def page(contexts: Contexts, standin: Standin, permissions: list[str]) -> AsyncIterator[Page]:
    context = await contexts.get(permissions, str(standin.server.make_url("/states.css")))
    async for page in page_of(context, standin):
        yield page


@pytest_asyncio.fixture(loop_scope="module")
async def clocked_page(browser: Browser, standin: Standin, permissions: list[str]) -> AsyncIterator[Page]:
    """The same in a context of its own, in which the test itself lets the page's time pass."""
    context = await browser.new_context(viewport=VIEWPORT, permissions=permissions)
    await context.clock.install()
    async for page in page_of(context, standin):
        yield page
    await context.close()


async def page_of(context: BrowserContext, standin: Standin) -> AsyncIterator[Page]:
    """The loaded page. Nothing is left there of an earlier test.

    After each test: the page had no errors, the CSP stopped nothing, and no request went to another host.
    """
    page = await context.new_page()
    page.set_default_timeout(PATIENCE_MS)
    origin = str(standin.server.make_url("/"))
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if is_fault(message) else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: None if request.url.startswith(origin) else faults.append(request.url))
    await context.clear_cookies()
    browser = await context.new_cdp_session(page)
    await browser.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
    await page.goto(origin)
    yield page
    await page.close()
    assert faults == []


def is_fault(message: ConsoleMessage) -> bool:
    """Chromium itself logs requests without a 200 and sockets that broke. Tests of failures cause these on purpose."""
    asked_for = message.text.startswith(("Failed to load resource", "WebSocket connection to"))
    return message.type in ("error", "warning") and not asked_for
