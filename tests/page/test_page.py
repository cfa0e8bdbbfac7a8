"""The page in a real Chromium, against a small stand-in for the server. These calls have no sound."""

import asyncio

import pytest
from playwright.async_api import Page, expect

from tests.page.calling import call, fails_with, is_in, response, state, transcription
from tests.page.standin import Standin

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def test_a_server_that_tells_no_ice_servers_is_called_all_the_same(page: Page, standin: Standin) -> None:
    """The page calls without ICE servers, because most networks do not need them."""
    standin.ice_servers = None
    await call(page)


async def test_the_page_uses_the_ice_servers_that_it_is_told(page: Page, standin: Standin) -> None:
    """The page uses the server's ICE servers and their credentials unchanged."""
    told = {"urls": ["turn:127.0.0.1:9?transport=udp"], "username": "a", "credential": "b"}
    standin.ice_servers = [told]
    await call(page)
    used = await page.evaluate("window.antiphon.call.pc.getConfiguration()")
    assert {name: used["iceServers"][0][name] for name in told} == told
    assert used["iceTransportPolicy"] == "all"


async def test_a_browser_without_timeouts_of_requests(page: Page, standin: Standin) -> None:
    """A browser without AbortSignal.timeout, such as Safari 15, can still call and learns of the ICE servers."""
    await page.evaluate("delete AbortSignal.timeout")
    standin.ice_servers = [{"urls": ["stun:127.0.0.1:9"]}]
    await call(page)
    assert await page.evaluate("antiphon.call.pc.getConfiguration().iceServers.length") == 1


# Failures


async def test_a_full_server_is_explained_in_its_own_words(page: Page, standin: Standin) -> None:
    """On HTTP 503 the page shows the server's sentence, and the next try may succeed."""
    standin.refusal = (503, {"error": {"code": "at_capacity", "message": "All 20 lines are taken."}})
    await page.click("#call")
    await fails_with(page, "All lines are busy.", "All 20 lines are taken.")
    standin.refusal = None
    await call(page)
    await expect(page.locator("#notice")).to_be_hidden()


async def test_an_error_without_a_sentence_has_one(page: Page, standin: Standin) -> None:
    """The page has its own sentence for an error without our JSON, such as a proxy's 502."""
    standin.refusal = (502, {})
    await page.click("#call")
    await fails_with(page, "The server did not take the call.")


async def test_a_server_that_is_gone(page: Page, standin: Standin) -> None:
    """When the request breaks off, the page says that the server cannot be reached."""
    standin.gone = True
    await page.click("#call")
    await fails_with(page, "The server cannot be reached.")


@pytest.mark.parametrize("permissions", [[]])
async def test_a_refused_microphone_leaves_typing(page: Page, standin: Standin) -> None:
    """The caller learns where to allow the microphone, and can go on without it at once."""
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


async def test_a_microphone_that_is_refused_after_the_call_is_no_matter(page: Page) -> None:
    """The caller hangs up while the browser still asks for the microphone; refusing it afterwards shows no error."""
    await page.click("#without")
    await is_in(page, "listening")
    await page.evaluate(
        """() => {
            const asked = new Promise((_, reject) => {
                window.refuse = () => reject(new DOMException("", "NotAllowedError"));
            });
            navigator.mediaDevices.getUserMedia = () => asked;
        }"""
    )
    await page.click("#mute")
    await page.click("#hangup")
    await is_in(page, "ended")
    await page.evaluate("() => { refuse(); return new Promise((done) => setTimeout(done)); }")
    await expect(page.locator("#notice")).to_be_hidden()


async def test_a_microphone_that_does_not_open(page: Page) -> None:
    """Each of the browser's reasons has its own sentence."""
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
    """Browsers hide the microphone from insecure pages; the caller learns why."""
    await page.evaluate(
        """() => {
            Object.defineProperty(navigator, "mediaDevices", { value: undefined });
            Object.defineProperty(window, "isSecureContext", { value: false });
        }"""
    )
    await page.click("#call")
    await fails_with(page, "This page cannot use the microphone.", "https")


# A call that works


async def test_signaling_ends_what_it_began(page: Page, standin: Standin) -> None:
    """Candidates follow the answer and end with an empty one; hanging up is told by message and by HTTP."""
    await call(page)
    async with asyncio.timeout(5):
        await standin.ended.wait()
    found = [candidate["candidate"] for candidate in standin.candidates]
    assert len(found) > 1
    assert found.index("") == len(found) - 1
    await page.click("#hangup")
    await is_in(page, "ended")
    await expect(page.locator("#summary")).to_contain_text("You hung up. The call lasted 0:0")
    assert await standin.hears("hangup")
    async with asyncio.timeout(5):
        await standin.hung_up.wait()


async def test_the_agent_hangs_up(page: Page, standin: Standin) -> None:
    """The state `closed` ends the call normally; a final error ends it as a failure."""
    await call(page)
    standin.say(state("closed"))
    await is_in(page, "ended")
    await expect(page.locator("#summary")).to_contain_text("Marta ended the call.")
    await call(page)
    standin.say({"type": "error", "code": "idle", "message": "Nobody spoke for a while.", "final": True})
    await fails_with(page, "Nobody spoke for a while.")


async def test_a_ping_is_answered_and_the_unknown_ignored(page: Page, standin: Standin) -> None:
    """The page answers a ping, and ignores messages and states of a newer server."""
    await call(page)
    standin.say({"type": "future"}, {"type": "state", "state": "dreaming"}, {"type": "ping", "t": 7})
    assert (await standin.hears("pong"))["t"] == 7
    await is_in(page, "listening")


async def test_the_stage_shows_who_speaks(page: Page, standin: Standin) -> None:
    """The page shows a word for each state of the call."""
    await call(page)
    for name, word in {"hearing": "You", "thinking": "Thinking", "speaking": "Speaking", "overlap": "Both"}.items():
        standin.say(state(name))
        await is_in(page, name)
        await expect(page.locator("#status")).to_contain_text(word)


async def test_captions_grow_until_they_are_final(page: Page, standin: Standin) -> None:
    """A later message with the same number replaces the earlier one, and a noise is removed."""
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
    """Typed words show at once, and not again when the server sends them back."""
    await call(page)
    await page.fill("#typed", " Good morning ")
    await page.click("#send")
    caller = page.locator("#captions [data-role=caller]")
    await expect(caller).to_contain_text("Good morning")
    assert (await standin.hears("text"))["text"] == "Good morning"
    standin.say(transcription(1, "Good morning", final=True), response(1, "Hello.", final=True))
    await expect(page.locator("#captions [data-role=agent]")).to_be_visible()
    await expect(caller).to_have_count(1)


async def test_a_sound_that_is_held_back_comes_with_the_next_click(page: Page, standin: Standin) -> None:
    """A click anywhere plays a blocked sound, because another notice may have replaced the button for it."""
    await page.evaluate(
        """() => {
            window.RTCPeerConnection = class extends RTCPeerConnection {
                async setRemoteDescription(answer) {
                    await super.setRemoteDescription(answer);
                    const [receiver] = this.getReceivers();
                    this.ontrack({ receiver, track: receiver.track }); // The stand-in sends no sound.
                }
            };
            HTMLMediaElement.prototype.play = async () => {
                if (!window.playing) throw new DOMException("", "NotAllowedError");
                window.playing = "yes";
            };
        }"""
    )
    await call(page)
    await expect(page.locator("#remedy")).to_have_text("Turn the sound on")
    standin.say({"type": "error", "code": "engine_failed", "message": "The stock system did not answer."})
    await expect(page.locator("#notice")).to_contain_text("The stock system")
    await page.evaluate("window.playing = 'may'")
    await page.click("#mute")
    await page.wait_for_function("() => window.playing === 'yes'")
    await expect(page.locator("#notice")).to_contain_text("The stock system")


async def test_stop_interrupts(page: Page, standin: Standin) -> None:
    """The Stop button shows only while the agent speaks, and interrupts it."""
    await call(page)
    await expect(page.locator("#interrupt")).to_be_hidden()
    standin.say(state("speaking"))
    await page.click("#interrupt")
    assert await standin.hears("interrupt")


async def test_the_microphone_can_be_changed_in_the_call(page: Page) -> None:
    """The page sends the chosen microphone at once, and remembers the choice."""
    await call(page)
    for index in (1, 2):
        option = page.locator("#mic option").nth(index)
        chosen = await option.get_attribute("value")
        await page.select_option("#mic", chosen)
        await page.wait_for_function(SENT, arg=await option.inner_text())
        await page.wait_for_function("id => localStorage.getItem('antiphon.microphone') === id", arg=chosen)


async def test_another_microphone_stands_in_for_one_that_is_gone(page: Page) -> None:
    """If the remembered microphone is not there, the call uses the default one."""
    await page.evaluate("localStorage.setItem('antiphon.microphone', 'left at home')")
    await call(page)
    await page.wait_for_function(SENT, arg="Fake Default Audio Input")
    await expect(page.locator("#mic")).to_have_value("")


async def test_without_storage_the_choice_of_a_microphone_lasts_as_long_as_the_page(page: Page) -> None:
    """Without storage, the chosen microphone stays chosen in the list and in the page's next call."""
    await page.evaluate(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('', 'SecurityError'); } })"
    )
    await call(page)
    chosen = page.locator("#mic option").nth(2)
    value, label = await chosen.get_attribute("value"), await chosen.inner_text()
    await page.select_option("#mic", value)
    await page.wait_for_function(SENT, arg=label)
    await page.click("#hangup")
    await call(page)
    await page.wait_for_function(SENT, arg=label)
    await expect(page.locator("#mic")).to_have_value(value or "-")


SENT = "label => window.antiphon?.call.pc?.getSenders()[0].track?.label === label"
