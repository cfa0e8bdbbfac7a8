"""Fixtures: the console in a real Chromium, on a server as an operator starts it, with conversations."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page, async_playwright

from server.media.frame import HEARD_RATE, HEARD_SAMPLES, SILENCE, SPOKEN_BYTES, Frame
from server.media.recordings import Recordings
from server.record.conversation import Conversation
from server.record.stores.sqlite import SqliteStore
from tests.conversations import conversation
from tests.page.conftest import ARGS, CHROMIUM, is_fault
from tests.started import Started, started

TOKEN = "the operator's own token"
SOUND_S, VOICE_S = 10, 2
"""How long the recording is, and how long the caller is heard at its beginning."""


@dataclass(frozen=True, slots=True)
class Console:
    """The server of the console. `page` is the console's address."""

    server: Started
    recorded: str
    """The conversation with a recording."""

    @property
    def page(self) -> str:
        return f"{self.server.url}/console/"


@pytest.fixture(scope="module")
def console(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Console]:
    directory = tmp_path_factory.mktemp("console")
    store, recordings = directory / "conversations.db", directory / "recordings"
    asyncio.run(fill(store, recordings))
    with started(
        ANTIPHON_STORE=str(store), ANTIPHON_RECORDINGS_DIR=str(recordings), ANTIPHON_ADMIN_TOKEN=TOKEN
    ) as running:
        yield Console(running, "call0")


async def fill(path: Path, directory: Path, count: int = 60) -> None:
    """Keep conversations of the last days, an hour apart. The newest, `call0`, was recorded."""
    store, recordings = SqliteStore(str(path)), Recordings(directory)
    await store.open()
    for number in range(count):
        await store.save(kept(number))
    recorder = recordings.recorder("call0")
    tone = (8_000 * np.sin(2 * np.pi * 300 * np.arange(HEARD_SAMPLES) / HEARD_RATE)).astype(np.int16).tobytes()
    for tick in range(SOUND_S * 50):
        recorder.heard(Frame(tone if tick < VOICE_S * 50 else SILENCE, tick * HEARD_SAMPLES))
        recorder.spoken(bytes(SPOKEN_BYTES))
    recorder.close()
    await recordings.close()
    await store.close()


def kept(number: int) -> Conversation:
    """A conversation that began `number` hours ago."""
    began_ms = int(time.time() * 1000) - (3_600 * number + 600) * 1000
    one = conversation(f"call{number}", 1 + number % 3, began_ms)
    agent = "Olive" if number % 4 == 3 else one.agent
    return replace(
        one, agent=agent, caller=f"caller {number % 5}", ended_ms=began_ms + 95_000, end_reason="caller_hung_up"
    )


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium here")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        await browser.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, console: Console) -> AsyncIterator[Page]:
    """The console before anybody has signed in.

    After each test: the page had no errors, the CSP stopped nothing, and no request went to another host.
    """
    context = await browser.new_context(viewport={"width": 1280, "height": 860}, accept_downloads=True)
    page = await context.new_page()
    page.set_default_timeout(10_000)
    faults: list[str] = []
    page.on("console", lambda message: faults.append(message.text) if is_fault(message) else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    mine = (console.server.url, f"blob:{console.server.url}")
    page.on("request", lambda request: None if request.url.startswith(mine) else faults.append(request.url))
    await page.goto(console.page)
    yield page
    await context.close()
    assert faults == []


@pytest_asyncio.fixture(loop_scope="module")
async def operator(page: Page) -> Page:
    """The console of an operator who has signed in."""
    await page.fill("#token", TOKEN)
    await page.click("#sign-in button")
    await page.locator("nav").wait_for()
    return page
