"""Calls whose connection breaks, against the stand-in: what the page does, shows and sends. The test has its clock."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, Route, expect

from tests.page.calling import call, fails_with, is_in, response, transcription
from tests.page.standin import Standin

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

TONE = (b"\x00\x20" * 20 + b"\x00\xe0" * 20) * 40
"""100 ms of 400 Hz at 16 kHz."""


@pytest_asyncio.fixture(loop_scope="module")
async def page(clocked_page: Page) -> Page:
    return clocked_page


async def line_is(page: Page, line: str) -> None:
    await expect(page.locator("html")).to_have_attribute("data-line", line)


async def announced(page: Page, text: str) -> None:
    await expect(page.locator("#announcer")).to_have_text(text)


async def let_pass(page: Page, seconds: float) -> None:
    """Let time pass in small steps: a clock that jumps looks to the page like a computer that has slept."""
    for _ in range(round(seconds * 2)):
        await page.clock.run_for(500)


async def let_pass_until(page: Page, condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await page.clock.run_for(500)


async def until(page: Page, line: str, seconds: int) -> None:
    """Let time pass, at most so many seconds, until the page shows this line."""
    for _ in range(2 * seconds):
        if await page.locator(f'html[data-line="{line}"]').count():
            return
        await page.clock.run_for(500)
    await line_is(page, line)


async def call_on_the_slower_line(page: Page, standin: Standin) -> None:
    standin.walled = True
    await page.click("#call")
    await let_pass_until(page, lambda: len(standin.starts) == 1)
    await line_is(page, "slow")


async def test_a_lost_connection_is_made_anew(page: Page, standin: Standin) -> None:
    """A new offer names the call and the conversation; the captions stay, and text that was typed meanwhile arrives."""
    await call(page)
    standin.say(transcription(1, "My name is Anna.", final=True), response(1, "Hello, Anna.", final=True))
    await announced(page, "Marta: Hello, Anna.")
    standin.refusal = (503, {})
    await standin.drop()
    await line_is(page, "reconnecting")
    await announced(page, "The connection is lost. Reconnecting.")
    await expect(page.locator("#line")).to_have_text("Reconnecting…")
    await expect(page.locator("#status")).to_contain_text("One moment")
    await page.fill("#typed", "Are you there?")
    await page.press("#typed", "Enter")
    standin.refusal = None
    await until(page, "", 5)
    await announced(page, "Connected again.")
    await expect(page.locator("#line")).to_be_hidden()
    assert standin.offers[1]["pc_id"] == "pc 1"
    assert standin.offers[1]["requestData"] == {"session_id": "s", "resume": "token 1"}
    assert (await standin.hears("text"))["text"] == "Are you there?"
    await expect(page.locator("#captions [data-role=agent]")).to_contain_text("Hello, Anna.")
    await is_in(page, "listening")


async def test_a_peer_that_sends_nothing_any_more_is_lost(page: Page, standin: Standin) -> None:
    """After a few seconds without a pong the page sends a new offer, long before ICE itself gives up."""
    await call(page)
    standin.deaf = True
    await let_pass_until(page, lambda: len(standin.offers) == 2)
    await line_is(page, "")
    await announced(page, "Connected again.")


async def test_ice_servers_that_could_not_be_told_are_asked_for_again(page: Page, standin: Standin) -> None:
    """If a proxy answers 502 while the server restarts, the next connection asks for the ICE servers again, and says
    for which conversation."""
    standin.ice_servers = [{"urls": ["stun:127.0.0.1:9"]}]
    await page.route("**/api/ice-servers*", lambda route: route.fulfill(status=502))
    await call(page)
    await page.unroute("**/api/ice-servers*")
    await standin.drop()
    await announced(page, "Connected again.")
    assert await page.evaluate("antiphon.call.pc.getConfiguration().iceServers.length") == 1
    assert standin.servers_for == ["s"]


async def test_behind_a_wall_the_call_goes_on_by_websocket(page: Page, standin: Standin) -> None:
    """The same conversation goes on with its newest token, in the format that the page can play."""
    await call(page)
    standin.walled = True
    await standin.drop()
    await until(page, "slow", 8)
    await announced(page, "Connected, on a slower line.")
    await expect(page.locator("#line")).to_have_text("On a slower line")
    audio = {"encoding": "pcm16", "sample_rate": 16000}
    assert standin.starts == [("s", {"type": "start", "audio": audio, "resume": "token 1"})]
    await page.click("#hangup")
    assert await standin.hears("hangup")
    await is_in(page, "ended")


async def test_a_wall_from_the_start(page: Page, standin: Standin) -> None:
    """The call begins by WebSocket, and the WebRTC call that the server still waits for is given up."""
    await call_on_the_slower_line(page, standin)
    assert standin.starts == [("new", {"type": "start", "audio": {"encoding": "pcm16", "sample_rate": 16000}})]
    async with asyncio.timeout(5):
        await standin.hung_up.wait()
    await is_in(page, "listening")
    await announced(page, "Connected, on a slower line.")


async def test_neither_way(page: Page, standin: Standin) -> None:
    """If neither way gets through, the caller learns that it is the network."""
    standin.walled, standin.without_sockets = True, True
    await page.click("#call")
    async with asyncio.timeout(10):
        while not await page.locator("html[data-state=failed]").count():
            await page.clock.run_for(500)
    await fails_with(page, "No connection could be made.", "firewall")


async def test_back_to_webrtc_when_the_wall_is_gone(page: Page, standin: Standin) -> None:
    """The page tries WebRTC now and then; when it works, `superseded` on the older connection is no error."""
    await call_on_the_slower_line(page, standin)
    await let_pass_until(page, lambda: len(standin.offers) == 2)
    await let_pass(page, 4)
    await line_is(page, "slow")
    standin.walled = False
    await until(page, "", 20)
    assert standin.offers[2]["requestData"] == {"session_id": "s", "resume": "token 1"}
    assert await page.evaluate("antiphon.call.pc !== null")
    await is_in(page, "listening")
    await expect(page.locator("#notice")).to_be_hidden()


@pytest.mark.parametrize("end", ["hang up", "go on", "reload"])
async def test_only_who_hangs_up_closes_the_socket_for_good(page: Page, standin: Standin, end: str) -> None:
    """The page closes a WebSocket with 1000 when the caller hangs up, and with another code when the call goes on."""
    await call_on_the_slower_line(page, standin)
    if end == "hang up":
        await page.click("#hangup")
    elif end == "go on":
        standin.walled = False
        await until(page, "", 8)
    else:
        await page.reload()
    await let_pass_until(page, lambda: bool(standin.close_codes))
    expected = {"hang up": {1000}, "go on": {4001}, "reload": {4001, 1001}}[end]
    assert standin.close_codes[0] in expected


async def test_a_socket_that_breaks_is_made_anew(page: Page, standin: Standin) -> None:
    """A broken WebSocket is replaced by another one first, because WebRTC did not get through a moment ago."""
    await call_on_the_slower_line(page, standin)
    await standin.drop()
    await let_pass_until(page, lambda: len(standin.starts) == 2)
    await line_is(page, "slow")
    assert standin.starts[1][0] == "s"
    assert standin.starts[1][1]["resume"] == "token 1"


async def test_another_window_may_have_the_call(page: Page, standin: Standin) -> None:
    """When another window has taken the call, this one ends and does not take it back."""
    await call(page)
    standin.say({"type": "error", "code": "superseded", "message": "The call goes on elsewhere.", "final": True})
    await fails_with(page, "The call goes on elsewhere.")
    await let_pass(page, 5)
    assert len(standin.offers) == 1


async def test_a_server_that_goes_is_called_again(page: Page, standin: Standin) -> None:
    """After `reconnect` the page calls again; a `closed` that follows is about the server, not about the call."""
    await call(page)
    standin.say({"type": "reconnect"}, {"type": "state", "state": "closed"})
    await line_is(page, "reconnecting")
    await until(page, "", 3)
    assert standin.offers[1]["requestData"]["resume"] == "token 1"
    await is_in(page, "listening")


async def test_a_server_that_was_restarted_counts_anew(page: Page, standin: Standin) -> None:
    """The first answer of a restarted server does not replace the first answer of the server before it."""
    await call(page)
    standin.say(transcription(1, "My name is Anna.", final=True), response(1, "Hello, Anna.", final=True))
    await announced(page, "Marta: Hello, Anna.")
    await standin.drop()
    await announced(page, "Connected again.")
    standin.say(transcription(1, "What is my name?", final=True), response(1, "Anna.", final=True))
    told = ["My name is Anna.", "Hello, Anna.", "What is my name?", "Anna."]
    await expect(page.locator("#captions .words")).to_have_text(told)


async def test_what_was_cut_off_is_not_waited_for(page: Page, standin: Standin) -> None:
    """A line whose end nobody received becomes final when the next line begins or the call is over."""
    captions = page.locator("#captions p")
    await call(page)
    standin.say(transcription(1, "My name", final=False), response(1, "Good mor", final=False))
    await expect(captions).to_have_count(2)
    await standin.drop()
    await announced(page, "Connected again.")
    standin.say(transcription(1, "My name is", final=False), response(2, "Hello", final=False))
    await expect(captions).to_have_text(["You My name is", "Marta Good mor", "Marta Hello"])
    await finals(page, False, True, False)
    standin.say(transcription(2, "Are you", final=False))
    await expect(captions).to_have_count(4)
    await finals(page, True, True, False, False)
    await page.click("#hangup")
    await finals(page, True, True, True, True)


async def finals(page: Page, *expected: bool) -> None:
    found = page.locator("#captions p")
    for index, final in enumerate(expected):
        await expect(found.nth(index)).to_have_attribute("data-final", str(final).lower())


@pytest.mark.parametrize(("refusal", "tries"), [((404, {}), 4), ((503, {}), 15)])
async def test_the_page_gives_up_when_the_server_has(
    page: Page, standin: Standin, refusal: tuple[int, dict[str, Any]], tries: int
) -> None:
    """A conversation that the server does not know is soon over; other failures are tried again for a minute.

    The page's clock runs ahead of the network, so on a busy machine there are fewer tries in its minute.
    """
    await call(page)
    standin.refusal = refusal
    await standin.drop()
    await line_is(page, "reconnecting")
    async with asyncio.timeout(40):
        while not await page.locator("html[data-state=failed]").count():
            await page.clock.run_for(1000)
    await fails_with(page, "The connection was lost.")
    assert standin.refused >= tries
    await expect(page.locator("#summary")).to_contain_text("The call lasted")


async def test_a_page_that_is_loaded_anew_goes_on(page: Page, standin: Standin) -> None:
    """A reload goes on with the call, its captions and its muting; after the call it changes nothing."""
    await call(page)
    standin.say(response(1, "Good morning.", final=True), transcription(1, "My name is Anna.", final=True))
    standin.say(response(2, "Hello, Anna.", final=False))
    captions = page.locator("#captions .words")
    await expect(captions).to_have_text(["Good morning.", "My name is Anna.", "Hello, Anna."])
    await page.click("#mute")
    await page.reload()
    await announced(page, "You are back in your call.")
    await line_is(page, "")
    assert standin.offers[1]["requestData"] == {"session_id": "s", "resume": "token 1"}
    await expect(captions).to_have_text(["Good morning.", "My name is Anna.", "Hello, Anna."])
    await expect(page.locator("#captions .who")).to_have_text(["Marta", "You", "Marta"])
    await expect(page.locator("#mute")).to_have_attribute("aria-pressed", "true")
    standin.say(response(2, "Hello, Anna. How are you?", final=True))
    await expect(captions).to_have_text(["Good morning.", "My name is Anna.", "Hello, Anna. How are you?"])
    await page.click("#hangup")
    await page.reload()
    await is_in(page, "idle")
    assert len(standin.offers) == 2


async def test_a_call_that_is_gone_when_its_page_is_back(page: Page, standin: Standin) -> None:
    """A call that is gone after a reload was lost; the page does not say that it could not be started."""
    await call(page)
    standin.refusal = (404, {})
    await page.reload()
    await let_pass_until(page, lambda: standin.refused == 4)
    await fails_with(page, "The connection was lost.")


@pytest.mark.parametrize(("minutes", "face", "tries"), [(0.5, "listening", 2), (2, "failed", 1)])
async def test_a_page_that_the_browser_has_kept_comes_back(
    page: Page, standin: Standin, minutes: float, face: str, tries: int
) -> None:
    """When the back button shows a kept page, its call goes on, or is over if the caller was away too long."""
    await call(page)
    await page.evaluate("dispatchEvent(new PageTransitionEvent('pagehide', { persisted: true }))")
    await page.clock.fast_forward(int(60_000 * minutes))
    await page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    await let_pass_until(page, lambda: len(standin.offers) == tries)
    await is_in(page, face)
    await expect(page.locator("#call")).to_be_visible(visible=face == "failed")
    await expect(page.locator("#summary")).to_be_hidden()


# Sound by WebSocket


async def voice(standin: Standin, chunks: int) -> int:
    """The peak level in the next chunks from the page."""
    peaks = []
    async with asyncio.timeout(10):
        for _ in range(chunks):
            chunk = await standin.sound.get()
            assert len(chunk) == 640
            peaks.append(max(abs(sample) for sample in memoryview(chunk).cast("h")))
    return max(peaks)


async def test_the_microphone_is_sent_as_pcm(page: Page, standin: Standin) -> None:
    """The page sends 20 ms of 16 kHz PCM in a chunk, only zeros while muted, and another microphone's sound at once."""
    await call_on_the_slower_line(page, standin)
    assert await voice(standin, 100) > 1000
    await page.click("#mute")
    await expect(page.locator("#mute")).to_have_attribute("aria-pressed", "true")
    async with asyncio.timeout(5):
        while await voice(standin, 10) > 0:
            pass
    assert await voice(standin, 60) == 0
    await page.click("#mute")
    await page.select_option("#mic", await page.locator("#mic option").nth(1).get_attribute("value"))
    await page.wait_for_function(
        "id => localStorage.getItem('antiphon.microphone') === id", arg=await page.input_value("#mic")
    )
    while not standin.sound.empty():
        standin.sound.get_nowait()
    assert await voice(standin, 100) > 1000


async def test_a_call_without_a_microphone_sends_none(page: Page, standin: Standin) -> None:
    """A call without a microphone sends typed words by WebSocket, and no sound."""
    standin.walled = True
    await page.click("#without")
    await until(page, "slow", 8)
    await page.fill("#typed", "Good morning")
    await page.press("#typed", "Enter")
    assert (await standin.hears("text"))["text"] == "Good morning"
    assert standin.sound.empty()


async def test_an_answer_is_played_and_told_of(page: Page, standin: Standin) -> None:
    """The page's `played` reports grow while the answer is heard, up to the end of what came."""
    await call_on_the_slower_line(page, standin)
    for _ in range(6):
        standin.play(3, TONE)
    played = [await standin.hears("played") for _ in range(3)]
    assert {report["reply"] for report in played} == {3}
    told = [report["ms"] for report in played]
    assert told == sorted(told)
    assert 150 <= told[0] <= 300
    assert 450 <= told[-1] <= 600
    assert await page.evaluate("antiphon.call.levels().agent >= 0")


async def test_an_interrupted_answer_is_silent_at_once(page: Page, standin: Standin) -> None:
    """The page drops the rest of an interrupted answer, and reports at once how much was heard."""
    await call_on_the_slower_line(page, standin)
    for _ in range(50):
        standin.play(3, TONE)
    first = await standin.hears("played")
    standin.say({"type": "interrupted", "reply": 3})
    standin.play(4, TONE * 4)
    told = [first]
    while (report := await standin.hears("played"))["reply"] == 3:
        told.append(report)
    assert told[-1]["ms"] < 2_000
    steps = [later["ms"] - sooner["ms"] for sooner, later in itertools.pairwise(told)]
    assert min(steps) < 200, "told at once, and not at the next 200 ms"


async def test_a_microphone_that_opens_while_the_call_reconnects_is_heard(page: Page, standin: Standin) -> None:
    """A microphone that opens during a reconnection is sent, even while the ICE servers are still unknown."""
    answered = asyncio.Event()
    answered.set()

    async def hold(route: Route) -> None:
        await answered.wait()
        await route.abort()

    await page.route("**/api/ice-servers*", hold)
    await page.click("#without")
    await is_in(page, "listening")
    answered.clear()
    await standin.drop()
    await line_is(page, "reconnecting")
    await page.click("#mute")
    await expect(page.locator("#mute")).to_have_attribute("aria-pressed", "false")
    answered.set()
    await until(page, "", 8)
    assert "Fake" in await page.evaluate("antiphon.call.pc.getSenders()[0].track.label")
