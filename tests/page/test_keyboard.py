"""The page for callers who see no screen or use no mouse."""

import pytest
from playwright.async_api import Page, expect

from tests.page.calling import call, is_in, response, state
from tests.page.standin import Standin

EXAMPLES = ("Have you a kettle?", "When do you close?", "Where is my order?", "Call me back.")

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def test_a_call_by_keyboard_alone(page: Page) -> None:
    """Tab reaches everything in reading order, Enter and Space press, and Escape goes back one step at a time."""
    focused = page.locator(":focus")
    await page.keyboard.press("Tab")
    await expect(focused).to_have_id("call")
    await page.keyboard.press("Enter")
    await expect(page.locator(".agent-name")).to_have_text("Marta")
    await is_in(page, "listening")
    await page.keyboard.press("Tab")
    await expect(focused).to_have_id("captions")
    for sentence in EXAMPLES:
        await page.keyboard.press("Tab")
        await expect(focused).to_have_text(sentence)
    for element in ("typed", "send", "mute"):
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


async def test_a_button_that_goes_leaves_the_focus_at_the_status(page: Page, standin: Standin) -> None:
    """When a focused button disappears, the status gets the focus; a screen reader would else start at the top."""
    await call(page)
    standin.say(state("speaking"))
    await page.focus("#interrupt")
    await page.keyboard.press("Enter")
    assert await standin.hears("interrupt")
    standin.say(state("listening"))
    await is_in(page, "listening")
    await expect(page.locator("#status")).to_be_focused()


async def test_escape_closes_the_stages_and_clears_the_text_first(page: Page, standin: Standin) -> None:
    """Escape first closes the stages, then clears the typed text, and only then hangs up."""
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


async def test_a_key_that_is_held_down_counts_once(page: Page, standin: Standin) -> None:
    """A held key presses one button only: after Hang up it does not also press Call, which then has the focus."""
    await call(page)
    await page.fill("#typed", "half a sent")
    await hold(page, "Escape")
    await expect(page.locator("#typed")).to_have_value("")
    await is_in(page, "listening")
    await page.focus("#hangup")
    await hold(page, "Enter")
    await is_in(page, "ended")
    assert len(standin.offers) == 1


async def hold(page: Page, key: str) -> None:
    """Hold the key so that it repeats."""
    for _ in range(3):
        await page.keyboard.down(key)
    await page.keyboard.up(key)


async def test_only_whole_answers_are_announced(page: Page, standin: Standin) -> None:
    """A screen reader hears whole answers, not partial words."""
    await call(page)
    standin.say(response(1, "We", final=False), response(1, "We have", final=False))
    await expect(page.locator("#captions [data-role=agent]")).to_contain_text("We have")
    await expect(page.locator("#announcer")).to_have_text("Connected.")
    standin.say(response(1, "We have three.", final=True))
    await expect(page.locator("#announcer")).to_have_text("Marta: We have three.")
