"""What the page says and offers to somebody who has never called."""

import pytest
from playwright.async_api import Page, expect

from tests.page.calling import call, fails_with, is_in, response, state, transcription
from tests.page.standin import Standin

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

EXAMPLES = ["Have you a kettle?", "When do you close?", "Where is my order?", "Call me back."]


async def test_the_page_says_who_answers_and_what_to_ask(page: Page) -> None:
    """Before the call the page shows the agent's name, what it can do, and four sentences to say."""
    await expect(page.locator("h1")).to_have_text("The desk")
    await expect(page.locator("#about")).to_have_text("It knows the stock of the shop.")
    await expect(page.locator("#examples button")).to_have_text(EXAMPLES)
    await expect(page.locator("#mic-choice")).to_be_hidden()


async def test_a_server_that_does_not_say_who_answers(page: Page, standin: Standin) -> None:
    """The page can call a server that tells nothing of its agent."""
    await page.route("**/api/agent", lambda route: route.fulfill(status=404))
    await page.reload()
    await expect(page.locator("h1")).to_have_text("Call, and be answered.")
    await expect(page.locator("#examples")).to_be_hidden()
    await call(page)


async def test_an_example_is_asked_in_the_call(page: Page, standin: Standin) -> None:
    """In a call an example is sent as typed text. What was tapped or said is not offered again; the focus stays."""
    await call(page)
    await page.locator("#examples button").nth(1).focus()
    await page.keyboard.press("Enter")
    assert (await standin.hears("text"))["text"] == "When do you close?"
    await expect(page.locator("#captions [data-role=caller]")).to_contain_text("When do you close?")
    await expect(page.locator("#examples button:visible")).to_have_count(3)
    await expect(page.locator("#status")).to_be_focused()
    standin.say(transcription(7, "call me back", final=True))
    await expect(page.locator("#examples button:visible")).to_have_text(["Have you a kettle?", "Where is my order?"])
    await page.click("#hangup")
    await call(page)
    await expect(page.locator("#examples button:visible")).to_have_count(4)


async def test_an_example_begins_a_call(page: Page, standin: Standin) -> None:
    """Before a call an example begins one, and is asked when the agent has said its greeting."""
    standin.greets = True
    await page.click("text=Where is my order?")
    await is_in(page, "speaking")
    await expect(page.locator("#captions [data-role=caller]")).to_have_count(0)
    standin.say(response(1, "Hello.", final=True), state("listening"))
    assert (await standin.hears("text"))["text"] == "Where is my order?"
    standin.say(state("listening"))
    await expect(page.locator("#captions .words")).to_have_text(["Hello.", "Where is my order?"])


@pytest.mark.parametrize("permissions", [[]])
async def test_an_example_survives_a_refused_microphone(page: Page, standin: Standin) -> None:
    """When the microphone is refused, the call without one still asks what was tapped."""
    await page.click("text=Where is my order?")
    await fails_with(page, "The microphone is blocked.")
    await expect(page.locator("#without")).to_be_hidden()
    await page.click("#remedy")
    assert (await standin.hears("text"))["text"] == "Where is my order?"


async def test_the_agent_s_name_is_shown_once(page: Page, standin: Standin) -> None:
    """In a call the name stands at the agent's side and nowhere else; screen readers still hear it with each line."""
    await call(page)
    standin.say(state("speaking"), response(1, "Hello.", final=True), response(2, "How can I help?", final=True))
    await expect(page.locator("#captions p")).to_have_text(["Marta Hello.", "Marta How can I help?"])
    shown = await page.evaluate(
        """() => [...document.querySelectorAll("body *")].filter((element) => element.checkVisibility()
            && getComputedStyle(element).clipPath === "none" && !element.closest("[class=hidden]")
            && [...element.childNodes].some((node) => node.nodeType === 3 && node.data.includes("Marta"))).length"""
    )
    assert shown == 1


async def test_the_disc_covers_no_arc(page: Page) -> None:
    """On every screen the button stays between the inner arcs, before and after a call."""
    for width, height in ((360, 640), (390, 844), (740, 360), (1280, 860)):
        await page.set_viewport_size({"width": width, "height": height})
        await page.reload()
        for face in ("idle", "ended"):
            room = await page.evaluate(
                """() => {
                    const inner = (side) => document.querySelector(`.voices .${side} path`).getBoundingClientRect();
                    const disc = call.getBoundingClientRect();
                    return Math.min(disc.left - inner("caller").left, inner("agent").right - disc.right);
                }"""
            )
            assert room > 4, (face, width)
            if face == "idle":
                await call(page)
                await page.click("#hangup")
                await is_in(page, "ended")
