"""A real Chromium whose microphone is a WAV file, on the machine's network or in a namespace of its own."""

import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import ConsoleMessage, Page, sync_playwright

from tests.browser.namespace import Namespace
from tests.voices import speak

CHROMIUM = "/usr/bin/chromium"
ARGS = [
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
RATE_HZ = 48_000


def microphone(path: Path, *sentences: str, before_s: float, after_s: float, voice: str = "en-us") -> str:
    """Write a WAV: a wait for the greeting, then sentences with time to answer; returns its name for Chromium."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(bytes(2 * int(RATE_HZ * before_s)))
        for sentence in sentences:
            file.writeframes(speak(sentence, voice=voice, rate_hz=RATE_HZ, speed=140))
            file.writeframes(bytes(2 * int(RATE_HZ * after_s)))
    return f"{path}%noloop"


@contextmanager
def page_with(microphone_file: str, url: str, namespace: Namespace | None = None) -> Iterator[Page]:
    """The page in Chromium. An error on the console fails the test."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=namespace.program(CHROMIUM) if namespace else CHROMIUM,
            args=[*ARGS, f"--use-file-for-fake-audio-capture={microphone_file}"],
        )
        try:
            page = browser.new_page()
            errors: list[str] = []
            page.on("console", lambda message: errors.append(message.text) if _is_error(message) else None)
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(url)
            yield page
            assert not errors, errors
        finally:
            browser.close()


def _is_error(message: ConsoleMessage) -> bool:
    """Chromium itself logs requests that got no 200, such as one to end a call that has already ended."""
    return message.type == "error" and not message.text.startswith("Failed to load resource")


def lines(page: Page, role: str) -> list[str]:
    """The final captions of one side."""
    found = page.locator(f'#captions > [data-role={role}][data-final="true"] .words').all_inner_texts()
    return [text.strip() for text in found]


def ask(page: Page, text: str, limit_ms: float = 15_000) -> str:
    """Type to the agent; returns its whole answer."""
    answers = page.locator('#captions > [data-role=agent][data-final="true"] .words')
    before = answers.count()
    page.fill("#typed", text)
    page.press("#typed", "Enter")
    answers.nth(before).wait_for(timeout=limit_ms)
    return answers.nth(before).inner_text()


def wait_for_line(page: Page, line: str, limit_ms: float = 20_000) -> None:
    """Wait until the page shows how the call is carried: "", "slow" or "reconnecting"."""
    page.locator(f'html[data-line="{line}"]').wait_for(state="attached", timeout=limit_ms)
