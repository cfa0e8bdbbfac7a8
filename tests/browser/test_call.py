"""The real thing: Chromium speaks sentences to a started server with the embedded engines, and hears its answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.chromium import lines, microphone, page_with
from tests.started import Started, started

pytestmark = pytest.mark.browser

GREETING_S = 5.0
ANSWER_S = 7.0


@pytest.fixture(scope="module")
def server() -> Iterator[Started]:
    with started() as running:
        yield running


def sound(page: Page) -> float:
    """The energy of all sound that came back so far (W3C webrtc-stats, totalAudioEnergy)."""
    energy: float = page.evaluate(
        """async () => {
            const stats = await window.antiphon.call.pc.getStats();
            const inbound = [...stats.values()].find((s) => s.type === "inbound-rtp" && s.kind === "audio");
            return inbound ? inbound.totalAudioEnergy : 0;
        }"""
    )
    return energy


def test_a_spoken_conversation(server: Started, tmp_path: Path) -> None:
    """Spoken requests are captioned, answered rightly by the tool that knows, and the answer is audible."""
    sentences = ("Where is my order four two seven one?", "Goodbye.")
    file = microphone(tmp_path / "mic.wav", *sentences, before_s=GREETING_S, after_s=ANSWER_S)
    with page_with(file, server.url) as page:
        page.click("#call")
        agent = page.locator('#captions > [data-role=agent][data-final="true"]')
        agent.nth(0).wait_for(timeout=15_000)
        before = sound(page)
        agent.nth(1).wait_for(timeout=20_000)
        assert sound(page) > before + 0.01
        page.locator("html[data-state=ended]").wait_for(timeout=30_000)
        heard, said = lines(page, "caller"), lines(page, "agent")
        aside = agent.nth(1).inner_text()
    assert heard[0] == "where is my order four two seven one"
    assert "4271" in said[1].replace(" ", "") or "four two seven one" in said[1].lower(), said
    assert "order" in aside.lower()
    assert "heard after" in aside, "the gap as it was heard here is shown"
    assert any("heard answer 2 after" in line for line in server.lines), "and told to the server"
    assert "bye" in said[-1].lower()
