"""How the page looks in each of its states."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.page.calling import call, is_in, response, state, transcription
from tests.page.standin import Standin

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def everything(page: Page, standin: Standin) -> AsyncIterator[str]:
    """Bring the page into each of its states, one after the other."""
    await expect(page.locator("#examples button")).to_have_count(4)
    yield "idle"
    standin.recorded = True
    await call(page)
    await expect(page.locator("#recorded")).to_be_visible()
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


@pytest.mark.parametrize(
    ("width", "height"), [(360, 640), (360, 740), (390, 844), (740, 360), (640, 360), (580, 360), (1280, 860)]
)
async def test_it_fits_a_telephone(page: Page, standin: Standin, width: int, height: int) -> None:
    """On a telephone, upright or sideways, and on a desk nothing sticks out; only captions and examples scroll."""
    await page.set_viewport_size({"width": width, "height": height})
    async for face in everything(page, standin):
        size = await page.evaluate("(({ scrollWidth, scrollHeight }) => [scrollWidth, scrollHeight])(document.body)")
        assert size[0] <= width, face
        assert size[1] <= height, face
        assert await page.evaluate("captions.scrollWidth <= captions.clientWidth"), face
        narrow = await page.evaluate(
            """() => [...document.querySelectorAll("button:not(#examples *), input, select, #examples")]
                .map((element) => [element.id, element.getBoundingClientRect()])
                .filter(([, { width, right }]) => width && (right > innerWidth || width < 44)).map(([id]) => id)"""
        )
        assert narrow == [], face


async def test_words_run_as_their_script_does(page: Page, standin: Standin) -> None:
    """Arabic words run from right to left, so that the last sign does not stand before the first word."""
    await call(page)
    standin.say(transcription(1, "مرحبا!", final=True), response(1, "Hello!", final=True))
    await expect(page.locator("#captions p")).to_have_count(2)
    await page.fill("#typed", "مرحبا!")
    directions = "captions => [...captions, typed].map((element) => getComputedStyle(element).direction)"
    assert await page.locator("#captions .words").evaluate_all(directions) == ["rtl", "ltr", "rtl"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_text_stands_out(page: Page, standin: Standin, scheme: Any) -> None:
    """Every visible text has a contrast of 4.5 or more in both colour schemes (WCAG AA)."""
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
