"""Calls from Firefox: a voice comes out of its microphone, and the answer is heard."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from tests.browser import pulse
from tests.browser.firefox import FIREFOX, Firefox, Preferences
from tests.browser.pulse import Pulse
from tests.started import Started, started
from tests.voices import silence, speak

pytestmark = [
    pytest.mark.browser,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(FIREFOX is None, reason="no Firefox here"),
    pytest.mark.skipif(pulse.MISSING != [], reason=f"no {', '.join(pulse.MISSING)} here"),
]

WITHOUT_LOOPBACK = {"media.peerconnection.ice.loopback": False}
"""Firefox then finds no address from which it could reach the server by WebRTC."""
COUNT_LATENCY_READS = """() => {
    const { get } = Object.getOwnPropertyDescriptor(AudioContext.prototype, "outputLatency");
    window.latencyReads = 0;
    Object.defineProperty(AudioContext.prototype, "outputLatency", {
        get() {
            window.latencyReads += 1;
            return get.call(this);
        },
    });
}"""
HEARD = "antiphon.call.levels().agent > 0.3"
QUESTION = "Where is my order four two seven one?"
TIMES = 4
"""How often the caller says something, as people do who are not understood. On a busy machine the sound may stutter."""


@pytest.fixture(scope="module")
def server() -> Iterator[Started]:
    with started(ANTIPHON_STT="pocketsphinx", ANTIPHON_TTS="espeak") as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def microphone() -> AsyncIterator[Pulse]:
    made = Pulse()
    try:
        await made.start()
        yield made
    finally:
        await made.close()


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def firefox(request: pytest.FixtureRequest, microphone: Pulse) -> AsyncIterator[Firefox]:
    """Started once for all tests with the same preferences, because that takes as long as a call."""
    preferences: Preferences = getattr(request, "param", {})
    firefox = Firefox(microphone.environment, preferences)
    try:
        await firefox.start()
        await firefox.before_each_page(COUNT_LATENCY_READS)
        yield firefox
    finally:
        await firefox.close()


@pytest_asyncio.fixture(loop_scope="module")
async def page(server: Started, firefox: Firefox) -> AsyncIterator[Firefox]:
    """The page in Firefox. An error on the console fails the test."""
    await firefox.open(server.url)
    yield firefox
    assert firefox.faults == []


async def call(page: Firefox) -> None:
    """Call, and hear the greeting."""
    await page.evaluate("document.getElementById('call').click()")
    await page.wait_for(f"window.antiphon && {HEARD}")
    await page.wait_for(f"{count('agent')} === 1")


def count(role: str) -> str:
    return f"document.querySelectorAll('#captions [data-role={role}][data-final=true]').length"


async def lines(page: Firefox, role: str) -> list[str]:
    """The final captions of one side."""
    words = f"document.querySelectorAll('#captions [data-role={role}][data-final=true] .words')"
    found: list[str] = await page.evaluate(f"[...{words}].map((line) => line.textContent)")
    return found


async def send(page: Firefox, text: str) -> None:
    await page.evaluate(f"(typed.value = {text!r}, document.getElementById('type').requestSubmit())")


async def ask(page: Firefox, text: str) -> str:
    """Type to the agent; returns its whole answer."""
    before = len(await lines(page, "agent"))
    await send(page, text)
    await page.wait_for(f"{count('agent')} > {before}")
    return (await lines(page, "agent"))[before]


async def say(microphone: Pulse, sentence: str) -> None:
    rate_hz = pulse.RATE_HZ
    await microphone.play(speak(sentence, rate_hz=rate_hz, speed=140) + silence(0.5, rate_hz))


async def answer(page: Firefox, microphone: Pulse) -> str:
    """Ask aloud for the order, until the agent has understood; returns its answer."""
    for _ in range(TIMES):
        before = len(await lines(page, "agent"))
        await say(microphone, QUESTION)
        await page.wait_for(f"{count('agent')} > {before} && document.documentElement.dataset.state === 'listening'")
        said = await lines(page, "agent")
        if "order four two seven one" in said[-1].lower():
            return said[-1]
    raise AssertionError(f"never understood: {await lines(page, 'caller')}")


async def test_a_spoken_call(server: Started, page: Firefox, microphone: Pulse) -> None:
    """A question that is spoken into Firefox's microphone is captioned, answered and heard, by WebRTC."""
    await call(page)
    assert await page.evaluate("antiphon.call.pc !== null")
    assert "shipped" in await answer(page, microphone)
    assert "four two seven one" in (await lines(page, "caller"))[-1]
    await page.wait_for("document.querySelector('#latency summary').textContent.startsWith('answered in')")
    assert server.logs("heard answer"), "the page has told the gap that it heard"
    await page.evaluate("hangup.click()")
    await page.wait_for("document.documentElement.dataset.state === 'ended'")


async def test_the_caller_cuts_in(page: Firefox, microphone: Pulse) -> None:
    """A voice stops the agent in the middle of an answer."""
    await call(page)
    for _ in range(TIMES):
        before = len(await lines(page, "agent"))
        await send(page, "What are your opening hours?")
        await page.wait_for(f"document.documentElement.dataset.state === 'speaking' && {HEARD}")
        await say(microphone, "Wait a moment please, I have another question.")
        await page.wait_for(f"{count('agent')} > {before}")
        if await page.evaluate("document.querySelectorAll('#captions [data-interrupted=true]').length"):
            return
    raise AssertionError(f"never stopped: {await lines(page, 'agent')}")


async def test_a_page_that_is_loaded_anew_is_back_in_its_call(page: Firefox) -> None:
    """After a reload the captions are still there, the agent knows what was said, and is heard."""
    await call(page)
    await ask(page, "My name is Anna.")
    before = await lines(page, "agent")
    await page.reload()
    await page.wait_for("announcer.textContent === 'You are back in your call.'")
    assert (await lines(page, "agent"))[: len(before)] == before
    await send(page, "What is my name?")
    await page.wait_for(HEARD)
    await page.wait_for(f"{count('agent')} > {len(before)}")
    assert "Anna" in (await lines(page, "agent"))[-1]


@pytest.mark.parametrize("firefox", [WITHOUT_LOOPBACK], indirect=True)
async def test_a_call_by_websocket(page: Firefox, microphone: Pulse) -> None:
    """Where WebRTC gets through nowhere, the call goes by WebSocket, and the page does not freeze.

    It would in some calls, if the page read `outputLatency` there: see static/speaker.js.
    """
    await call(page)
    assert await page.evaluate("document.documentElement.dataset.line") == "slow"
    assert "shipped" in await answer(page, microphone)
    assert "Anna" in await ask(page, "My name is Anna.")
    assert await page.evaluate("latencyReads") == 0
