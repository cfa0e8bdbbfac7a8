"""Real softphones of browsers: JsSIP and SIP.js, unmodified, call a started server by SIP over WebSocket."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.browser.chromium import microphone
from tests.browser.softphones import Softphone, needs_npm, phone_page
from tests.started import Started, started

pytestmark = [pytest.mark.browser, needs_npm]

QUESTION = "Where is my order four two seven one?"


@pytest.fixture(scope="module")
def server() -> Iterator[Started]:
    with started() as running:
        yield running


def sip(server: Started, path: str = "/sip") -> str:
    return f"{server.url.replace('http', 'ws')}{path}"


def wait_until(true: Callable[[], object], limit_s: float = 15.0) -> None:
    end = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_jssip_calls_and_hangs_up(server: Started, tmp_path: Path) -> None:
    quiet = microphone(tmp_path / "quiet.wav", before_s=60, after_s=0)
    with phone_page(server, quiet) as page:
        phone = Softphone(page, "JsSipPhone", sip(server))
        assert phone.do("registered") == "registered"
        assert phone.do("call", "demo") == "confirmed"
        wait_until(lambda: phone.do("energy") > 0.01)
        phone.do("key", "5")
        phone.do("text", "What is seven times eight?")
        time.sleep(5)
        phone.do("hangUp")
        assert phone.do("over") == "ended Terminated"
        print(*server.lines, sep="\n")
