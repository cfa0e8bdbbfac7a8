"""A real call: Chromium speaks sentences to a started server with the embedded engines, and hears its answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.browser.chromium import Chromium, lines, microphone
from tests.relay import SECRET, needs_coturn, relay
from tests.started import Started, started

pytestmark = pytest.mark.browser

GREETING_S = 5.0
ANSWER_S = 12.0
QUESTION = "Where is my order four two seven one?"
FAREWELLS = ("Goodbye.",) * 3
"""The caller says goodbye three times, because on a busy machine Chromium's microphone may swallow a word."""


@pytest.fixture(scope="module")
def server() -> Iterator[Started]:
    with started() as running:
        yield running


def sound(page: Page) -> float:
    """The energy of all sound that the page has received so far (W3C webrtc-stats, totalAudioEnergy)."""
    energy: float = page.evaluate(
        """async () => {
            const stats = await window.antiphon.call.pc.getStats();
            const inbound = [...stats.values()].find((s) => s.type === "inbound-rtp" && s.kind === "audio");
            return inbound ? inbound.totalAudioEnergy : 0;
        }"""
    )
    return energy


def test_a_spoken_conversation(server: Started, chromium: Chromium, tmp_path: Path) -> None:
    """A spoken request is captioned, answered rightly by the tool that knows, and the answer is audible.

    On a busy machine a delay in the sound may change a word. A caller who is misheard calls again.
    """
    file = microphone(tmp_path / "mic.wav", QUESTION, *FAREWELLS, before_s=GREETING_S, after_s=ANSWER_S)
    for _ in range(2):
        heard, said, told = converse(chromium, server, file)
        if heard[0] == QUESTION.lower().rstrip("?"):
            break
    assert heard[0] == "where is my order four two seven one"
    assert "4271" in said[1].replace(" ", "") or "four two seven one" in said[1].lower(), said
    assert "order" in said[1].lower()
    assert told.startswith("answered in")
    assert server.logs("heard answer 2 after"), "the page has told the gap that it heard"
    assert "bye" in said[-1].lower()


def converse(chromium: Chromium, server: Started, file: str) -> tuple[list[str], list[str], str]:
    """Hold a call to its end. Returns what the page shows of the caller, of the agent, and of the latency."""
    with chromium.page(server.url, file) as page:
        page.click("#call")
        agent = page.locator('#captions > [data-role=agent][data-final="true"]')
        agent.nth(0).wait_for(timeout=15_000)
        before = sound(page)
        agent.nth(1).wait_for(timeout=20_000)
        assert sound(page) > before + 0.01
        page.locator("html[data-state=ended]").wait_for(timeout=30_000)
        return lines(page, "caller"), lines(page, "agent"), page.inner_text("#latency summary")


def test_an_example_begins_a_call_and_is_answered(server: Started, chromium: Chromium) -> None:
    """The page names the agent and offers what the server says; a tap on it calls, hears the greeting, and asks."""
    with chromium.page(server.url) as page:
        page.locator("h1", has_text="Riverside Books").wait_for()
        page.click("text=What is seven times eight?")
        page.locator('#captions > [data-role=agent][data-final="true"]').nth(1).wait_for(timeout=30_000)
        assert lines(page, "caller") == ["What is seven times eight?"]
        said = lines(page, "agent")
        page.click("#hangup")
        told = page.inner_text("#summary")
    assert said[0].startswith("Hello, this is Riverside Books.")
    assert "fifty six" in said[1]
    assert "One answer to typed words" in told


@needs_coturn
def test_a_call_through_the_relay_alone(chromium: Chromium, tmp_path: Path) -> None:
    """With `?relay` the page uses only the TURN server that it is told of, and the call works the same."""
    file = microphone(tmp_path / "mic.wav", *FAREWELLS, before_s=GREETING_S, after_s=ANSWER_S)
    with relay(tmp_path, "--allow-loopback-peers", peers=("127.0.0.1",)) as turn:
        options = ("--turn-urls", turn.url, "--turn-secret", SECRET)
        with started(*options) as running, chromium.page(f"{running.url}/?relay", file) as page:
            page.click("#call")
            page.locator('#captions > [data-role=agent][data-final="true"]').first.wait_for(timeout=15_000)
            assert ways(page) == ["relay"]
            assert sound(page) > 0.01
            page.locator("html[data-state=ended]").wait_for(timeout=30_000)
            assert "bye" in lines(page, "agent")[-1].lower()


def ways(page: Page) -> list[str]:
    """The types of all candidates that the page has gathered."""
    found: list[str] = page.evaluate(
        """async () => {
            const stats = await window.antiphon.call.pc.getStats();
            return [...stats.values()].filter((s) => s.type === "local-candidate").map((s) => s.candidateType);
        }"""
    )
    return sorted(set(found))
