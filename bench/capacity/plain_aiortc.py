"""The plainest server that aiortc allows: aiortc's own jitter buffer, decoder and encoder, and a tone as the answer.

    python -m bench.capacity.plain_aiortc --port 8081

It tells by loudness when the caller falls silent, and answers 240 ms later. It has no VAD, no speech-to-text and no
model, so it costs what aiortc alone costs. Any server that uses aiortc without changes costs more.
"""

import argparse
import asyncio
import fractions
import time

import aioice.ice
import numpy as np
from aiohttp import web
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av import AudioFrame

from bench.caller.microphone import FRAME, RATE
from bench.caller.recorder import LOUD_RMS
from bench.provider import tone

SILENCE_FRAMES = 12
"""How many silent frames end the caller's utterance: 240 ms, as long as Antiphon waits after a complete sentence."""
ANSWER_FRAMES = 80
"""How many frames the tone sounds: 1.6 s."""


class ToneTrack(MediaStreamTrack):
    """Sends silence, and after each call of `answer` the tone."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        samples = np.repeat(np.frombuffer(tone(0.02), "<i2"), 2)  # from 24 to 48 kHz; the quality does not matter
        self._tone, self._silence = samples[None], np.zeros((1, FRAME), np.int16)
        self._left = 0
        self._frames = 0
        self._start_s = 0.0

    def answer(self) -> None:
        self._left = ANSWER_FRAMES

    async def recv(self) -> AudioFrame:
        self._start_s = self._start_s or time.perf_counter()
        await asyncio.sleep(max(0.0, self._start_s + self._frames * 0.02 - time.perf_counter()))
        frame = AudioFrame.from_ndarray(self._tone if self._left else self._silence, format="s16", layout="mono")
        frame.sample_rate, frame.time_base = RATE, fractions.Fraction(1, RATE)
        frame.pts = self._frames * FRAME
        self._left = max(0, self._left - 1)
        self._frames += 1
        return frame


async def listen(track: MediaStreamTrack, tones: ToneTrack) -> None:
    """Read the caller's track until it ends, and answer each time when the caller has spoken and falls silent."""
    silent = SILENCE_FRAMES + 1
    while True:
        try:
            frame = await track.recv()
        except MediaStreamError:
            return
        assert isinstance(frame, AudioFrame)
        samples = frame.to_ndarray().astype(np.float32)
        silent = 0 if float(np.sqrt(np.mean(samples**2))) > LOUD_RMS else silent + 1
        if silent == SILENCE_FRAMES:
            tones.answer()


class PlainServer:
    """Answers offers, and holds the calls until they end."""

    def __init__(self) -> None:
        self._calls: set[RTCPeerConnection] = set()
        self._tasks: set[asyncio.Task[None]] = set()  # the event loop itself holds tasks only weakly

    async def offer(self, request: web.Request) -> web.Response:
        offered = await request.json()
        pc, tones = RTCPeerConnection(RTCConfiguration(iceServers=[])), ToneTrack()
        self._calls.add(pc)

        @pc.on("track")
        def on_track(track: MediaStreamTrack) -> None:
            task = asyncio.create_task(listen(track, tones), name="listen")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

        @pc.on("connectionstatechange")
        async def on_state() -> None:
            if pc.connectionState in ("failed", "closed"):
                self._calls.discard(pc)
                await pc.close()

        pc.addTrack(tones)
        await pc.setRemoteDescription(RTCSessionDescription(offered["sdp"], offered["type"]))
        await pc.setLocalDescription(await pc.createAnswer())
        return web.json_response({"sdp": pc.localDescription.sdp, "type": pc.localDescription.type})


def application() -> web.Application:
    """The server's HTTP application, with `POST /api/offer`."""
    app = web.Application()
    app.router.add_post("/api/offer", PlainServer().offer)
    return app


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.capacity.plain_aiortc", description="A plain aiortc server.")
    parser.add_argument("--port", type=int, default=8081)
    # tests.loopback does the same, but loads the server, which would change what this process costs.
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"] if use_ipv4 else []
    web.run_app(application(), host="127.0.0.1", port=parser.parse_args().port, access_log=None)


if __name__ == "__main__":
    main()
