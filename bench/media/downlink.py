"""How much of the agent's voice callers lose, when the network loses packets on the way to them.

    python -m bench.media.downlink --seconds 60

The callers are connections of one real Chromium, whose own figures are read (W3C webrtc-stats). Each listens to the
same voice over a network that loses a share of the packets, one by one or two in a row. On each network, one caller
says that it uses copies of lost sound (in-band FEC), and gets them as the server decides; the other says that it does
not. JSON goes to standard output, a table to standard error. `bench.media.codec` measures how the sound is.
"""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

from aiohttp import web
from playwright.async_api import Page, async_playwright

from bench.common.figures import percent, show
from bench.media.answerers import AntiphonAnswerer
from server.media.frame import SPOKEN_BYTES, SPOKEN_RATE
from server.media.pacer import Pacer
from tests.browser.chromium import ARGS, CHROMIUM
from tests.loopback import keep_to_loopback
from tests.media.link import Impairment, Link, LossySender
from tests.natural_voice import say

TEXTS = (
    "Good morning, this is Riverside Books. What can I do for you today?",
    "Your order number four two seven one has left our store. It should arrive on Thursday between nine and eleven.",
    "I am sorry, that book is not in stock. Shall I order it for you? It costs twenty four dollars.",
    "We are open from ten in the morning until six in the evening, and on Saturdays until four.",
)
PAUSE_FRAMES = 50
NETWORKS = {
    "clear": Impairment(),
    "5 % lost": Impairment(loss=0.05),
    "10 % lost": Impairment(loss=0.1),
    "20 % lost": Impairment(loss=0.2),
    "10 % lost, two in a row": Impairment(loss=0.1, burst=2),
    "20 % lost, two in a row": Impairment(loss=0.2, burst=2),
}
COPIES = ("without copies", "with copies")
SETTLE_S = 15.0
"""How long the calls last before the measurement begins. Chromium reports every 5 s, and its buffer adapts."""
PAGE = Path(__file__).with_suffix(".html")


def voice() -> list[bytes | None]:
    """What the agent says: 24 kHz PCM, frame by frame, and None in the pauses."""
    frames: list[bytes | None] = []
    for text in TEXTS:
        pcm = say(text, SPOKEN_RATE)
        frames += [pcm[i : i + SPOKEN_BYTES] for i in range(0, len(pcm) - SPOKEN_BYTES, SPOKEN_BYTES)]
        frames += [None] * PAUSE_FRAMES
    return frames


class Server:
    """Answers the callers of the page, and speaks to each over the network in its name."""

    def __init__(self) -> None:
        self.calls: dict[str, AntiphonAnswerer] = {}
        self._frames = voice()
        self._pacer = Pacer()

    @property
    def app(self) -> web.Application:
        app = web.Application()
        app.add_routes([web.get("/", self._page), web.post("/offer", self._offer)])
        return app

    async def close(self) -> None:
        for call in self.calls.values():
            await call.close()

    async def _page(self, request: web.Request) -> web.FileResponse:
        return web.FileResponse(PAGE)

    async def _offer(self, request: web.Request) -> web.Response:
        given = await request.json()
        network, copies = given["name"].split(": ")
        sdp = given["sdp"] if copies == "with copies" else given["sdp"].replace("useinbandfec=1", "useinbandfec=0")
        call = self.calls[given["name"]] = AntiphonAnswerer(_nothing, _nothing, self._pacer, self._speaker())
        answer = await call.answer(sdp)
        session: Any = call.peer._rtp
        session._sender = LossySender(session._sender, Link(NETWORKS[network]))
        return web.Response(text=answer)

    def _speaker(self) -> Callable[[], bytes | None]:
        frames = cycle(self._frames)
        return lambda: next(frames)


def _nothing(*_: object) -> None:
    """Called for what this bench does not count."""


def figures(before: dict[str, Any], after: dict[str, Any], call: AntiphonAnswerer) -> dict[str, float | None]:
    """Sum up one caller, by the browser's figures at two times, and by what the server knows of it."""

    def grown(name: str) -> float:
        return float(after.get(name, 0)) - float(before.get(name, 0))

    counters = call.peer.counters
    audible = grown("concealedSamples") - grown("silentConcealedSamples")
    seconds = (after["timestamp"] - before["timestamp"]) / 1000
    return {
        "lost_percent": percent(int(grown("packetsLost")), int(grown("packetsLost") + grown("packetsReceived"))),
        "concealed_percent": percent(int(audible), int(grown("totalSamplesReceived"))),
        "copies_used": grown("fecPacketsReceived") - grown("fecPacketsDiscarded"),
        "buffer_ms": round(1000 * grown("jitterBufferDelay") / grown("jitterBufferEmittedCount"), 1),
        "kbit_per_s": round(8 * grown("bytesReceived") / 1000 / seconds, 1),
        "reported_percent": round(counters.lost_percent, 1),
        "round_trip_ms": None if counters.round_trip_ms is None else round(counters.round_trip_ms, 1),
    }


async def listen(page: Page, server: Server, seconds: float) -> dict[str, dict[str, float | None]]:
    """Let all callers listen at the same time, and sum each of them up."""
    names = [f"{network}: {copies}" for network in NETWORKS for copies in COPIES]
    for name in names:
        await page.evaluate("listen", name)
    await asyncio.sleep(SETTLE_S)
    before = [await page.evaluate("figures", name) for name in names]
    await asyncio.sleep(seconds)
    after = [await page.evaluate("figures", name) for name in names]
    found = zip(names, before, after, strict=True)
    return {name: figures(early, late, server.calls[name]) for name, early, late in found}


@asynccontextmanager
async def serving(server: Server) -> AsyncIterator[str]:
    """Run the server on a free port. Gives its URL."""
    runner = web.AppRunner(server.app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    finally:
        await server.close()
        await runner.cleanup()


async def measure(seconds: float) -> dict[str, dict[str, float | None]]:
    """The figures of every caller, by its name."""
    server = Server()
    async with serving(server) as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        try:
            page = await browser.new_page()
            await page.goto(url)
            return await listen(page, server, seconds)
        finally:
            await browser.close()


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.media.downlink", description="How much of the agent's voice callers lose."
    )
    parser.add_argument("--seconds", type=float, default=60.0, help="how long all callers listen")
    given = parser.parse_args()
    keep_to_loopback()
    found = asyncio.run(measure(given.seconds))
    header = (
        "network",
        "lost %",
        "made up %",
        "copies used",
        "buffer ms",
        "kbit/s",
        "reported lost %",
        "round trip ms",
    )
    show("The agent's voice at a Chromium", header, [(name, *values.values()) for name, values in found.items()])
    print(json.dumps(found))


if __name__ == "__main__":
    main()
