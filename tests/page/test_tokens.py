"""The page at a server that takes calls only with a token, and the calls that are recorded."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from tests.page.calling import call, fails_with, is_in
from tests.page.standin import Standin

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

GOOD = "eyJhbGciOiJIUzI1NiJ9.e30.good"
WITHOUT_MICROPHONE = """() => {
    navigator.mediaDevices.getUserMedia = async () => { window.asked = true; throw new Error(); };
}"""


@pytest_asyncio.fixture(loop_scope="module")
async def standin() -> AsyncIterator[Standin]:
    """A server that takes calls with the good token only."""
    standin = Standin()
    standin.token = GOOD
    standin.agent |= {"access": "token"}
    await standin.server.start_server()
    yield standin
    await standin.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(clocked_page: Page) -> Page:
    return clocked_page


async def open_with(page: Page, standin: Standin, query: str) -> None:
    await page.goto(str(standin.server.make_url("/")) + query)
    await expect(page.locator("h1")).to_have_text("The desk")


async def kept(page: Page) -> str:
    """Everything that the page has written down where another page could read it."""
    found: list[str] = await page.evaluate(
        "[location.href, document.cookie, JSON.stringify(localStorage), JSON.stringify(sessionStorage)]"
    )
    return json.dumps(found)


async def test_a_token_of_the_address_is_used_and_not_kept(page: Page, standin: Standin) -> None:
    """The token goes with every request of the call, and is gone from the address bar; nothing stores it."""
    await open_with(page, standin, f"?relayed=1&token={GOOD}#top")
    assert page.url.endswith("/?relayed=1#top")
    await call(page)
    assert GOOD not in await kept(page)
    async with asyncio.timeout(5):
        await standin.ended.wait()
    await page.click("#hangup")
    async with asyncio.timeout(5):
        await standin.hung_up.wait()
    assert standin.tokenless == []
    await call(page)
    assert standin.tokens == []


async def test_without_a_token_the_caller_learns_how_to_get_one(page: Page, standin: Standin) -> None:
    """The page says so in plain words, before it asks for the microphone and before it asks the server."""
    await page.evaluate(WITHOUT_MICROPHONE)
    await page.click("#call")
    await fails_with(page, "A call needs a token here.", "Open this page from the site that invited you")
    assert not await page.evaluate("window.asked")
    assert standin.tokenless == []
    await expect(page.locator("#remedy")).to_be_hidden()


async def test_a_token_is_fetched_before_each_call(page: Page, standin: Standin) -> None:
    """Where the server names an address for it, the page asks there for a token, without saying who asks."""
    standin.agent |= {"token_url": "/token"}
    await page.context.add_cookies([{"name": "secret", "value": "cookie", "url": str(standin.server.make_url("/"))}])
    await open_with(page, standin, "")
    for number in (1, 2):
        await call(page)
        await page.click("#hangup")
        await is_in(page, "ended")
        assert len(standin.tokens) == number
    assert all("Cookie" not in headers for headers in standin.tokens)
    assert standin.tokenless == []


async def test_a_token_that_cannot_be_fetched_is_explained(page: Page, standin: Standin) -> None:
    """If that address gives no token, the page says so, and does not ask for the microphone."""
    standin.agent |= {"token_url": "/token/nowhere"}
    await open_with(page, standin, "")
    await page.evaluate(WITHOUT_MICROPHONE)
    await page.click("#call")
    await fails_with(page, "There is no token for this call.")
    assert not await page.evaluate("window.asked")


async def test_a_refused_token_is_told_in_the_servers_words(page: Page, standin: Standin) -> None:
    """The caller reads what the server says of the token."""
    await open_with(page, standin, "?token=old")
    await page.click("#call")
    await fails_with(page, "The server did not take the call.", "The token has expired.")


async def test_the_websocket_has_the_token_too(page: Page, standin: Standin) -> None:
    """Where WebRTC does not get through, the call begins by WebSocket with the same token."""
    standin.agent |= {"token_url": "/token"}
    await open_with(page, standin, "")
    standin.walled = True
    await page.click("#call")
    async with asyncio.timeout(10):
        while not standin.starts:
            await page.clock.run_for(500)
    await is_in(page, "listening")
    assert standin.tokenless == []
    assert len(standin.tokens) == 1


async def drop_and_come_back(page: Page, standin: Standin, offers: int) -> None:
    """Break the connection, and let time pass until the page has made its offer number `offers` and is connected."""
    await page.evaluate("announcer.textContent = ''")
    await standin.drop()
    async with asyncio.timeout(10):
        while len(standin.offers) < offers:
            await page.clock.run_for(500)
    await expect(page.locator("#announcer")).to_have_text("Connected again.")


async def test_a_call_goes_on_with_its_token_or_a_new_one(page: Page, standin: Standin) -> None:
    """A connection that is made anew has the token. If the server refuses it meanwhile, the page fetches a new one."""
    standin.agent |= {"token_url": "/token"}
    await open_with(page, standin, "")
    await call(page)
    await drop_and_come_back(page, standin, 2)
    assert (len(standin.tokens), standin.tokenless) == (1, [])
    standin.token = f"{GOOD}-newer"
    await drop_and_come_back(page, standin, 3)
    assert standin.tokenless.count("POST /api/offer") == 1
    assert len(standin.tokens) == 2


async def test_a_page_that_is_loaded_again_has_no_token(page: Page, standin: Standin) -> None:
    """The token of the address is not in the tab's storage: after a reload the page needs another one, and says so."""
    await open_with(page, standin, f"?token={GOOD}")
    await call(page)
    await page.reload()
    await fails_with(page, "A call needs a token here.")
    assert GOOD not in await kept(page)


async def test_an_open_server_gets_no_token_request(page: Page, standin: Standin) -> None:
    """Where everybody may call, the page asks nobody for a token."""
    standin.token = ""
    standin.agent |= {"access": "open", "token_url": "/token"}
    await open_with(page, standin, "")
    await call(page)
    assert standin.tokens == []


async def test_a_recorded_call_says_so(page: Page, standin: Standin) -> None:
    """While the call is recorded the page shows it, and screen readers say it. Afterwards and otherwise it does not."""
    await open_with(page, standin, f"?token={GOOD}")
    await expect(page.locator("#recorded")).to_be_hidden()
    standin.recorded = True
    await call(page)
    await expect(page.locator("#recorded")).to_be_visible()
    await expect(page.locator("#recorded")).to_have_text("This call is recorded.")
    await expect(page.locator("#announcer")).to_have_text("Connected. This call is recorded.")
    await page.click("#hangup")
    await expect(page.locator("#recorded")).to_be_hidden()
    standin.recorded = False
    await call(page)
    await expect(page.locator("#recorded")).to_be_hidden()
