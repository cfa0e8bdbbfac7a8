"""A real Chromium whose microphone is a WAV file, on the machine's network or in a namespace of its own."""

import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright

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


class Chromium:
    """Pages of Chromium, each with storage of its own. Those whose microphone is silent share one browser."""

    def __init__(self, playwright: Playwright, folder: Path) -> None:
        self._playwright = playwright
        self._silence = microphone(folder / "silence.wav", before_s=1, after_s=0)
        self._silent: Browser | None = None

    @contextmanager
    def page(self, url: str, microphone_file: str = "", namespace: Namespace | None = None) -> Iterator[Page]:
        """The page. An error on its console fails the test."""
        alone = microphone_file != "" or namespace is not None
        browser = self._launch(microphone_file or self._silence, namespace) if alone else self._shared()
        context = browser.new_context(reduced_motion="reduce")
        try:
            page = context.new_page()
            errors: list[str] = []
            page.on("console", lambda message: errors.append(message.text) if _is_error(message) else None)
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(url)
            yield page
            assert not errors, errors
        finally:
            context.close()
            if alone:
                browser.close()

    def close(self) -> None:
        if self._silent is not None:
            self._silent.close()

    def _shared(self) -> Browser:
        if self._silent is None:
            self._silent = self._launch(self._silence)
        return self._silent

    def _launch(self, microphone_file: str, namespace: Namespace | None = None) -> Browser:
        return self._playwright.chromium.launch(
            executable_path=namespace.program(CHROMIUM) if namespace else CHROMIUM,
            args=[*ARGS, f"--use-file-for-fake-audio-capture={microphone_file}"],
        )


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
