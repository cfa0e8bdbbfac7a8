"""The real thing: Chromium speaks sentences to a started server with the embedded engines, and hears its answers."""

import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.relay import SECRET, needs_coturn, relay
from tests.started import Started, started
from tests.voices import speak

pytestmark = pytest.mark.browser

CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--allow-loopback-in-peer-connection",
    "--autoplay-policy=no-user-gesture-required",
]
GREETING_S = 5.0
ANSWER_S = 7.0


@pytest.fixture(scope="module")
def server() -> Iterator[Started]:
    with started() as running:
        yield running


def microphone(path: Path, *sentences: str, voice: str = "en-us") -> str:
    """A WAV that waits for the greeting, then says the sentences with time to answer after each."""
    rate = 48_000
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(bytes(int(2 * rate * GREETING_S)))
        for sentence in sentences:
            file.writeframes(speak(sentence, voice=voice, rate_hz=rate, speed=140))
            file.writeframes(bytes(int(2 * rate * ANSWER_S)))
    return f"{path}%noloop"


@contextmanager
def page_with(microphone_file: str, url: str) -> Iterator[Page]:
    """The page in Chromium; a message of the console that is an error fails the test."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=[*CHROMIUM, f"--use-file-for-fake-audio-capture={microphone_file}"],
        )
        try:
            page = browser.new_page()
            errors: list[str] = []
            page.on("console", lambda message: errors.append(message.text) if message.type == "error" else None)
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(url)
            yield page
            assert errors == []
        finally:
            browser.close()


def lines(page: Page, role: str) -> list[str]:
    """The final captions of one side."""
    found = page.locator(f'#captions > [data-role={role}][data-final="true"] .words').all_inner_texts()
    return [text.strip() for text in found]


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
    file = microphone(tmp_path / "mic.wav", "Where is my order four two seven one?", "Goodbye.")
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
    assert "bye" in said[-1].lower()


@needs_coturn
def test_a_call_through_the_relay_alone(tmp_path: Path) -> None:
    """With `?relay` the page uses nothing but the TURN server that it is told of, and the conversation is the same."""
    file = microphone(tmp_path / "mic.wav", "Goodbye.")
    with relay(tmp_path, "--allow-loopback-peers", "--allowed-peer-ip=127.0.0.1") as turn:
        options = ("--turn-urls", turn.url, "--turn-secret", SECRET)
        with started(*options) as running, page_with(file, f"{running.url}/?relay") as page:
            page.click("#call")
            page.locator('#captions > [data-role=agent][data-final="true"]').first.wait_for(timeout=15_000)
            assert ways(page) == ["relay"]
            assert sound(page) > 0.01
            page.locator("html[data-state=ended]").wait_for(timeout=30_000)
            assert "bye" in lines(page, "agent")[-1].lower()


def ways(page: Page) -> list[str]:
    """The types of all candidates that the page gathered."""
    found: list[str] = page.evaluate(
        """async () => {
            const stats = await window.antiphon.call.pc.getStats();
            return [...stats.values()].filter((s) => s.type === "local-candidate").map((s) => s.candidateType);
        }"""
    )
    return sorted(set(found))
