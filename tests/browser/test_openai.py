"""OpenAI's library for voice agents in pages, `@openai/agents-realtime`, unmodified, calls a server by WebRTC."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.browser.bundles import bundle, needs_npm
from tests.browser.chromium import ARGS, CHROMIUM, microphone
from tests.started import started

pytestmark = [pytest.mark.browser, needs_npm]

QUESTION, CUT_IN = "what is the weather like", "please stop and tell me something else"


def test_a_call(tmp_path: Path) -> None:
    """It is heard, runs its function, hears the answer, is interrupted by voice, and hangs up."""
    file = microphone(tmp_path / "mic.wav", QUESTION, CUT_IN, before_s=1, after_s=2.2)
    with started(ANTIPHON_MODEL="test") as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*ARGS, f"--use-file-for-fake-audio-capture={file}"]
        )
        try:
            # zod asks once whether it may make functions from text. While Playwright loads the script it may, and later
            # our page's own policy forbids it.
            page = browser.new_context(bypass_csp=True).new_page()
            page.goto(server.url)
            page.evaluate(bundle("agents_page.js"))

            def until(true: Callable[[], object]) -> None:
                end = time.monotonic() + 30
                while not true():
                    assert time.monotonic() < end, page.evaluate("[seen, told()]")
                    page.wait_for_timeout(50)

            page.evaluate("dial(location.origin)")
            until(lambda: page.evaluate("seen.cities"))
            silent = page.evaluate("energy()")
            until(lambda: page.evaluate("energy()") > silent + 0.01)
            until(lambda: "output_audio_buffer.cleared" in page.evaluate("seen.events"))
            until(lambda: len(page.evaluate("told()")) == 6)
            question, call, clock, answer, cut_in, second = page.evaluate("told()")
            assert question["words"].startswith("what is")
            assert (call["type"], call["name"], page.evaluate("seen.cities.length")) == ("function_call", "weather", 1)
            assert (clock["output"], page.evaluate("seen.clocks")) == ("noon", 1)
            assert (answer["role"], answer["status"]) == ("assistant", "incomplete")
            assert 0 < len(answer["words"]) < len(call["output"]) / 2, "only what was heard"
            assert (cut_in["role"], second["role"]) == ("user", "assistant")
            page.evaluate("session.close()")
            until(lambda: "is over" in server.lines[-1])
            assert page.evaluate("seen.errors") == []
        finally:
            browser.close()
