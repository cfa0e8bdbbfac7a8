"""The page in a real Chromium, against a small stand-in for the server. Calls have no sound here."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.page.calling import call, fails_with, is_in, response, state, transcription
from tests.page.standin import Standin

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def test_a_server_that_tells_no_ice_servers_is_called_all_the_same(page: Page, standin: Standin) -> None:
    """They are for the few whom nothing else reaches."""
    standin.ice_servers = None
    await call(page)


async def test_the_page_uses_the_ice_servers_that_it_is_told(page: Page, standin: Standin) -> None:
    """With their credentials, as they come."""
    told = {"urls": ["turn:127.0.0.1:9?transport=udp"], "username": "a", "credential": "b"}
    standin.ice_servers = [told]
    await call(page)
    used = await page.evaluate("window.antiphon.call.pc.getConfiguration()")
    assert {name: used["iceServers"][0][name] for name in told} == told
    assert used["iceTransportPolicy"] == "all"


# What fails


async def test_a_full_server_is_explained_in_its_own_words(page: Page, standin: Standin) -> None:
    """HTTP 503 shows the server's sentence, and the next try may succeed."""
    standin.refusal = (503, {"error": {"code": "at_capacity", "message": "All 20 lines are taken."}})
    await page.click("#call")
    await fails_with(page, "All lines are busy.", "All 20 lines are taken.")
    standin.refusal = None
    await call(page)
    await expect(page.locator("#notice")).to_be_hidden()


async def test_an_error_without_a_sentence_has_one(page: Page, standin: Standin) -> None:
    """A proxy's 502 has no JSON of ours."""
    standin.refusal = (502, {})
    await page.click("#call")
    await fails_with(page, "The server did not take the call.")


async def test_a_server_that_is_gone(page: Page, standin: Standin) -> None:
    """A request that breaks off says that the server cannot be reached."""
    standin.gone = True
    await page.click("#call")
    await fails_with(page, "The server cannot be reached.")


@pytest.mark.parametrize("permissions", [[]])
async def test_a_refused_microphone_leaves_typing(page: Page, standin: Standin) -> None:
    """The person learns where to allow it, and can go on without it at once."""
    await page.click("#call")
    await fails_with(page, "The microphone is blocked.")
    await page.click("#remedy")
    await expect(page.locator(".agent-name")).to_have_text("Marta")
    await expect(page.locator("#mute")).to_have_attribute("aria-pressed", "true")
    await page.fill("#typed", "Is the kettle in stock?")
    await page.press("#typed", "Enter")
    assert (await standin.hears("text"))["text"] == "Is the kettle in stock?"
    await page.click("#mute")
    await expect(page.locator("#notice")).to_contain_text("The microphone is blocked.")
    await is_in(page, "listening")


async def test_a_microphone_that_does_not_open(page: Page) -> None:
    """Each of the browser's reasons has its sentence."""
    reasons = {
        "NotFoundError": "No microphone was found.",
        "NotReadableError": "The microphone is busy.",
        "UnknownError": "The microphone did not start.",
    }
    for name, sentence in reasons.items():
        await page.evaluate(
            "name => { navigator.mediaDevices.getUserMedia = async () => { throw new DOMException('', name) } }", name
        )
        await page.click("#call")
        await fails_with(page, sentence)
        await expect(page.locator("#remedy")).to_have_text("Call without a microphone")


async def test_a_page_without_https(page: Page) -> None:
    """Browsers hide the microphone from insecure pages; the person learns why."""
    await page.evaluate(
        """() => {
            Object.defineProperty(navigator, "mediaDevices", { value: undefined });
            Object.defineProperty(window, "isSecureContext", { value: false });
        }"""
    )
    await page.click("#call")
    await fails_with(page, "This page cannot use the microphone.", "https")


# A call


async def test_signaling_ends_what_it_began(page: Page, standin: Standin) -> None:
    """Candidates follow the answer, up to the empty one; hanging up says so on both ways."""
    await call(page)
    async with asyncio.timeout(5):
        await standin.ended.wait()
    found = [candidate["candidate"] for candidate in standin.candidates]
    assert len(found) > 1
    assert found.index("") == len(found) - 1
    await page.click("#hangup")
    await is_in(page, "ended")
    await expect(page.locator("#summary")).to_contain_text("You hung up. You talked for 0:0")
    assert await standin.hears("hangup")
    async with asyncio.timeout(5):
        await standin.hung_up.wait()


async def test_the_agent_hangs_up(page: Page, standin: Standin) -> None:
    """`closed` is a good end, an error that is final is not."""
    await call(page)
    standin.say(state("closed"))
    await is_in(page, "ended")
    await expect(page.locator("#summary")).to_contain_text("Marta ended the call.")
    await call(page)
    standin.say({"type": "error", "code": "idle", "message": "Nobody spoke for a while.", "final": True})
    await fails_with(page, "Nobody spoke for a while.")


async def test_a_ping_is_answered_and_the_unknown_ignored(page: Page, standin: Standin) -> None:
    """What a newer server may send does no harm."""
    await call(page)
    standin.say({"type": "future"}, {"type": "state", "state": "dreaming"}, {"type": "ping", "t": 7})
    assert (await standin.hears("pong"))["t"] == 7
    await is_in(page, "listening")


async def test_the_stage_shows_who_speaks(page: Page, standin: Standin) -> None:
    """Each state has its word."""
    await call(page)
    for name, word in {"hearing": "You", "thinking": "Thinking", "speaking": "Marta", "overlap": "Both"}.items():
        standin.say(state(name))
        await is_in(page, name)
        await expect(page.locator("#status")).to_contain_text(word)


async def test_captions_grow_until_they_are_final(page: Page, standin: Standin) -> None:
    """A later message of the same number replaces the earlier; a noise is withdrawn."""
    caller, agent = page.locator("#captions [data-role=caller]"), page.locator("#captions [data-role=agent]")
    await call(page)
    standin.say(transcription(1, "Have you", final=False), transcription(2, "Hm", final=False))
    await expect(caller).to_have_count(2)
    await expect(caller.first).to_have_attribute("data-final", "false")
    standin.say(transcription(2, "", final=True), transcription(1, "Have you a kettle?", final=True))
    await expect(caller).to_have_count(1)
    await expect(caller).to_have_attribute("data-final", "true")
    await expect(caller).to_contain_text("Have you a kettle?")
    standin.say(response(1, "We have", final=False, tools=["check_stock"]))
    await expect(agent).to_contain_text("used check stock")
    standin.say(response(1, "We have three,", final=True, interrupted=True, tools=["check_stock"]))
    await expect(agent).to_contain_text("We have three —")
    await expect(agent).to_contain_text("you cut in")


async def test_typed_words_show_once(page: Page, standin: Standin) -> None:
    """At once, and not again when the server says them back."""
    await call(page)
    await page.fill("#typed", " Good morning ")
    await page.click("#send")
    caller = page.locator("#captions [data-role=caller]")
    await expect(caller).to_contain_text("Good morning")
    assert (await standin.hears("text"))["text"] == "Good morning"
    standin.say(transcription(1, "Good morning", final=True), response(1, "Hello.", final=True))
    await expect(page.locator("#captions [data-role=agent]")).to_be_visible()
    await expect(caller).to_have_count(1)


async def test_stop_interrupts(page: Page, standin: Standin) -> None:
    """The button is there while the agent speaks, and only then."""
    await call(page)
    await expect(page.locator("#interrupt")).to_be_hidden()
    standin.say(state("speaking"))
    await page.click("#interrupt")
    assert await standin.hears("interrupt")


async def test_the_last_answer_s_latency(page: Page, standin: Standin) -> None:
    """One line, its stages on demand; a stage that was not is not shown."""
    await call(page)
    standin.say({"type": "metrics", "reply": 1, "endpoint_ms": 231.4, "first_packet_ms": 1412.2})
    await expect(page.locator("#latency summary")).to_have_text("answered in 1.4 s")
    await page.click("#latency summary")
    await expect(page.locator("#latency dt")).to_have_text(["you were done", "the answer was sent"])
    await page.click("#hangup")
    await expect(page.locator("#summary")).to_contain_text("One answer, in 1.4 s.")


async def test_the_gap_is_measured_as_it_is_heard(page: Page) -> None:
    """From the end of speech to the answer, not to a click, nor over a pause inside the answer."""
    gaps = await page.evaluate(
        """async () => {
            const { GapMeter } = await import("/gap.js");
            const meter = new GapMeter(10);
            const gaps = [];
            const play = (ms, caller, agent) => {
                for (let at = 0; at < ms; at += 10) gaps.push(meter.push(caller, agent));
            };
            play(500, 0.0005, 0);
            play(1000, 0.1, 0);
            play(300, 0.0005, 0);
            play(20, 0.1, 0); // a click
            play(180, 0.0005, 0);
            play(500, 0.0005, 0.1);
            play(300, 0.0005, 0); // a pause inside the answer
            play(500, 0.0005, 0.1);
            return gaps.filter((gap) => gap !== null);
        }"""
    )
    assert gaps == [510]


# By keyboard


async def test_a_call_by_keyboard_alone(page: Page) -> None:
    """Tab reaches everything in reading order, Enter and Space press, Escape goes back one step at a time."""
    focused = page.locator(":focus")
    await page.keyboard.press("Tab")
    await expect(focused).to_have_id("call")
    await page.keyboard.press("Enter")
    await expect(page.locator(".agent-name")).to_have_text("Marta")
    await is_in(page, "listening")
    for element in ("captions", "typed", "send", "mute"):
        await page.keyboard.press("Tab")
        await expect(focused).to_have_id(element)
    await page.keyboard.press("Space")
    await expect(page.locator("#mute")).to_have_attribute("aria-pressed", "true")
    assert await page.evaluate("antiphon.call.pc.getSenders()[0].track.enabled") is False
    await page.keyboard.press("Space")
    await expect(page.locator("#mute")).to_have_attribute("aria-pressed", "false")
    for element in ("mic", "hangup"):
        await page.keyboard.press("Tab")
        await expect(focused).to_have_id(element)
    await page.keyboard.press("Escape")
    await is_in(page, "ended")
    await expect(focused).to_have_id("call")


async def test_escape_closes_the_stages_and_clears_the_text_first(page: Page, standin: Standin) -> None:
    """Only then does it hang up."""
    await call(page)
    standin.say({"type": "metrics", "reply": 1, "first_packet_ms": 400})
    await page.click("#latency summary")
    await page.fill("#typed", "half a sent")
    await page.keyboard.press("Escape")
    await expect(page.locator("#latency dl")).to_be_hidden()
    await page.keyboard.press("Escape")
    await expect(page.locator("#typed")).to_have_value("")
    await is_in(page, "listening")
    await page.keyboard.press("Escape")
    await is_in(page, "ended")


async def test_only_whole_answers_are_announced(page: Page, standin: Standin) -> None:
    """A screen reader hears no partial words."""
    await call(page)
    standin.say(response(1, "We", final=False), response(1, "We have", final=False))
    await expect(page.locator("#captions [data-role=agent]")).to_contain_text("We have")
    await expect(page.locator("#announcer")).to_have_text("Connected.")
    standin.say(response(1, "We have three.", final=True))
    await expect(page.locator("#announcer")).to_have_text("Marta: We have three.")


async def test_the_microphone_can_be_changed_in_the_call(page: Page) -> None:
    """The choice is sent at once, and remembered."""
    await call(page)
    before = await page.evaluate("antiphon.call.pc.getSenders()[0].track.id")
    chosen = await page.locator("#mic option").nth(1).get_attribute("value")
    await page.select_option("#mic", chosen)
    await page.wait_for_function("before => antiphon.call.pc.getSenders()[0].track.id !== before", arg=before)
    await page.wait_for_function("id => localStorage.getItem('antiphon.microphone') === id", arg=chosen)


# How it looks


async def everything(page: Page, standin: Standin) -> AsyncIterator[str]:
    """The page's faces, one after the other."""
    yield "idle"
    await call(page)
    standin.say(
        transcription(1, "Donaudampfschifffahrtsgesellschaftskapitän " * 8, final=False),
        response(1, "x" * 200, final=True, interrupted=True, tools=["check_stock", "delivery_date"]),
        {"type": "metrics", "reply": 1, "endpoint_ms": 231, "transcript_ms": 260, "first_packet_ms": 9412},
        {"type": "error", "code": "engine_failed", "message": "The stock system did not answer."},
        state("speaking"),
    )
    await page.click("#latency summary")
    await expect(page.locator("#interrupt")).to_be_visible()
    yield "call"
    standin.refusal = (503, {})
    await standin.drop()
    await expect(page.locator("#line")).to_have_text("Reconnecting…")
    yield "reconnecting"
    await page.click("#hangup")
    yield "ended"
    await page.click("#call")
    await is_in(page, "failed")
    yield "failed"


@pytest.mark.parametrize(("width", "height"), [(360, 740), (740, 360)])
async def test_it_fits_a_telephone(page: Page, standin: Standin, width: int, height: int) -> None:
    """Upright or on its side: nothing sticks out, and only the captions scroll."""
    await page.set_viewport_size({"width": width, "height": height})
    async for face in everything(page, standin):
        size = await page.evaluate("(({ scrollWidth, scrollHeight }) => [scrollWidth, scrollHeight])(document.body)")
        assert size[0] <= width, face
        assert size[1] <= height, face
        assert await page.evaluate("captions.scrollWidth <= captions.clientWidth"), face
        narrow = await page.evaluate(
            """() => [...document.querySelectorAll("button, input, select")]
                .map((element) => [element.id, element.getBoundingClientRect()])
                .filter(([, { width, right }]) => width && (right > innerWidth || width < 44)).map(([id]) => id)"""
        )
        assert narrow == [], face


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_text_stands_out(page: Page, standin: Standin, scheme: Any) -> None:
    """WCAG AA: every text that shows has a contrast of 4.5 or more, in both schemes."""
    await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    measured = 0
    async for face in everything(page, standin):
        contrasts = await page.evaluate(CONTRASTS)
        measured += len(contrasts)
        assert [entry for entry in contrasts if entry[1] < 4.5] == [], face
    assert measured > 20


CONTRASTS = """() => {
    const rgb = (text) => text.match(/[\\d.]+/g).map(Number);
    const linear = (part) => (part /= 255) <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
    const luminance = ([r, g, b]) => 0.2126 * linear(r) + 0.7152 * linear(g) + 0.0722 * linear(b);
    const ground = (element) => {
        for (let at = element; at; at = at.parentElement) {
            const colour = rgb(getComputedStyle(at).backgroundColor);
            if (colour[3] !== 0) return colour;
        }
    };
    const contrast = (one, other) => {
        const [low, high] = [luminance(one), luminance(other)].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05);
    };
    const speaks = (element) => [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const name = (element) => element.id || element.className || element.tagName;
    const shown = [...document.body.querySelectorAll("*")].filter((element) => element.checkVisibility());
    const texts = shown.filter(speaks).map((element) => [element, null]);
    const hints = shown.filter((element) => element.placeholder).map((element) => [element, "::placeholder"]);
    return [...texts, ...hints].map(([element, part]) =>
        [name(element), contrast(rgb(getComputedStyle(element, part).color), ground(element))]);
}"""
