"""How the page measures and shows the time that answers took."""

import pytest
from playwright.async_api import Page, expect

from tests.page.calling import call, state
from tests.page.standin import Standin

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


async def test_the_last_answer_s_latency(page: Page, standin: Standin) -> None:
    """The page shows one line for the last answer and its stages on demand, without stages that did not happen."""
    await call(page)
    standin.say({"type": "metrics", "reply": 1, "endpoint_ms": 231.4, "first_packet_ms": 1412.2})
    await expect(page.locator("#latency summary")).to_have_text("answered in 1.4 s")
    await page.click("#latency summary")
    await expect(page.locator("#latency dt")).to_have_text(["you were done", "the answer was sent"])
    await page.click("#hangup")
    await expect(page.locator("#summary")).to_contain_text("One answer, in 1.4 s.")


async def test_typed_and_spoken_answers_are_counted_apart(page: Page, standin: Standin) -> None:
    """The summary has the typical time of each kind, because an answer to typed words always comes sooner."""
    await call(page)
    for reply, ms in ((1, 400), (2, 900), (3, 500)):
        standin.say(state("hearing"), {"type": "metrics", "reply": reply, "first_packet_ms": ms})
    await expect(page.locator("#latency summary")).to_have_text("answered in 0.5 s")
    await page.fill("#typed", "Are you there?")
    await page.press("#typed", "Enter")
    standin.say({"type": "metrics", "reply": 4, "first_packet_ms": 20})
    await expect(page.locator("#latency summary")).to_have_text("answered in 0.1 s")
    await page.click("#hangup")
    said = "3 answers, typically in 0.5 s. One answer to typed words, in 0.1 s."
    await expect(page.locator("#summary")).to_contain_text(said)


async def test_the_gap_is_measured_as_it_is_heard(page: Page) -> None:
    """The gap is measured from the end of speech to the answer; a click or a pause inside the answer does not count."""
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


async def test_the_figures_of_one_exchange_are_joined(page: Page) -> None:
    """The gap belongs to the answer whose server figure is about the same; a typed message has no gap."""
    figures = await page.evaluate(
        """async () => {
            const { Exchange } = await import("/exchange.js");
            const exchange = new Exchange();
            const told = [];
            const tell = (figures) => told.push(figures && [figures.reply, figures.gapMs]);
            exchange.begin(true);
            tell(exchange.metrics({ reply: 1, first_packet_ms: 400 }));
            tell(exchange.gap(450)); tell(exchange.gap(460));
            exchange.begin(true);
            tell(exchange.gap(500)); tell(exchange.metrics({ reply: 2, first_packet_ms: 480 }));
            exchange.begin(true);
            tell(exchange.gap(3000)); tell(exchange.metrics({ reply: 3, first_packet_ms: 480 }));
            exchange.begin(false);
            tell(exchange.gap(500)); tell(exchange.metrics({ reply: 4, first_packet_ms: 480 }));
            tell(exchange.metrics({ reply: 5 }));
            return told;
        }"""
    )
    assert figures == [[1, None], [1, 450], None, None, [2, 500], None, [3, None], None, [4, None], None]
