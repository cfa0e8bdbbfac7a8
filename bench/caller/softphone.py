"""How long callers wait for the agent's voice: in the page, and with a softphone (JsSIP) that calls by SIP.

    python -m bench.caller.softphone --rounds 4

Both are in Chromium, with the same WAV for a microphone, at the same server with its embedded engines. They call by
turns, so that what else this machine does is the same for both. The gap is measured by the page's own meter
(`static/levels.js`), from the microphone and from what is played. JSON goes to standard output, a table to standard
error. It needs npm.
"""

import argparse
import json
import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.common.figures import as_json, show
from tests.browser.chromium import microphone, page_with
from tests.browser.softphones import Softphone, phone_page
from tests.started import Started, started

QUESTIONS = (
    "What are your opening hours?",
    "What is seven times eight?",
    "Where is my order four two seven one?",
    "What is twelve plus thirty?",
    "Do you have a website?",
    "What is nine times six?",
)
GREETING_S, ANSWER_S = 7.0, 9.0
SILENT_S = 2.0
"""How long the caller is still there after the last answer."""
METER = """async (name) => {
    const { Levels } = await import("/levels.js");
    const phone = window[name];
    phone.gaps = [];
    const levels = new Levels((ms) => phone.gaps.push(ms));
    levels.setCaller(phone.pc.getSenders()[0].track);
    levels.setAgent(levels.source(phone.pc.getReceivers()[0].track));
}"""
_HEARD = re.compile(r"heard answer \d+ after (\d+) ms")
_SENT = re.compile(r"answers: reply=\d+ .*\bfirst_packet_ms=(\d+)")
Call = Callable[[Started, str, float], list[float]]


def by_page(server: Started, file: str, seconds: float) -> list[float]:
    """The gaps of one call of the page, which tells them to the server."""
    since = len(server.lines)
    with page_with(file, server.url) as page:
        page.click("#call")
        page.wait_for_timeout(seconds * 1000)
        page.click("#hangup")
    return numbers(_HEARD, server.lines[since:])


def by_jssip(server: Started, file: str, seconds: float) -> list[float]:
    """The gaps of one call of JsSIP."""
    with phone_page(server, file) as page:
        phone = Softphone(page, "JsSipPhone", f"{server.url.replace('http', 'ws')}/sip")
        if phone.do("registered") != "registered" or phone.do("call", "demo") != "confirmed":
            raise SystemExit("the softphone could not call")
        page.evaluate(METER, phone.name)
        page.wait_for_timeout(seconds * 1000)
        gaps: list[float] = phone.get("gaps")
        phone.do("hangUp")
    return gaps


WAYS: dict[str, Call] = {"page": by_page, "JsSIP": by_jssip}


def numbers(pattern: re.Pattern[str], lines: list[str]) -> list[float]:
    return [float(found[1]) for line in lines if (found := pattern.search(line))]


def measure(rounds: int) -> dict[str, dict[str, dict[str, float] | None]]:
    """For each way, the gaps that the caller heard, and after how long the server sent the answers. The rest is the way
    there and back; what else the machine does matters less for it."""
    gaps: dict[str, list[float]] = {way: [] for way in WAYS}
    sent: dict[str, list[float]] = {way: [] for way in WAYS}
    seconds = GREETING_S + (ANSWER_S + 2) * len(QUESTIONS) + SILENT_S
    with tempfile.TemporaryDirectory() as place, started() as server:
        file = microphone(Path(place) / "mic.wav", *QUESTIONS, before_s=GREETING_S, after_s=ANSWER_S)
        for number in range(rounds):
            order = list(WAYS) if number % 2 == 0 else list(reversed(WAYS))
            for way in order:
                since = len(server.lines)
                gaps[way] += WAYS[way](server, file, seconds)
                time.sleep(1)
                sent[way] += numbers(_SENT, server.lines[since:])
    return {
        way: {
            "gap_ms": as_json(gaps[way]),
            "first_packet_ms": as_json(sent[way]),
            "rest_ms": as_json(gap - first for gap, first in zip(gaps[way], sent[way], strict=False)),
        }
        for way in WAYS
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.caller.softphone", description="The page and a softphone.")
    parser.add_argument("--rounds", type=int, default=4, help="calls of each")
    found = measure(parser.parse_args().rounds)
    for what in ("gap_ms", "first_packet_ms", "rest_ms"):
        rows = [(way, *spread.values()) for way, each in found.items() if (spread := each[what])]
        show(what, ("ms", "count", "p50", "p95", "min", "max"), rows)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
