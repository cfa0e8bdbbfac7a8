"""What a call's sound costs: CPU, memory and threads a call, beside plain aiortc.

    python -m bench.media_cost --calls 10 --seconds 20

The callers send Opus all the time, as browsers do. The answering process, which is measured, hands 16 kHz frames to
nobody and speaks half of the time (conversing) or never (idle). Plain aiortc does so as in its examples, with a track
of PCM frames and a loop that reads. No VAD, no speech-to-text: the media path alone. JSON goes to standard output, a
table to standard error.
"""

import argparse
import asyncio
import fractions
import json
import sys
import threading
import time
from dataclasses import replace
from typing import Any

import av
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from bench.ends import Speaker, accept, caller, offer, speech_packets
from bench.figures import show
from bench.processes import tree_usage
from server.media.frame import HEARD_RATE, SPOKEN_BYTES, SPOKEN_RATE, SPOKEN_SAMPLES, Frame
from server.media.pacer import Pacer
from server.media.peer import Peer
from tests.loopback import SETTINGS, answered, keep_to_loopback
from tests.voices import speak

TEXT = "Good morning, what are your opening hours please?"
SPEAKS_FRAMES = 100
"""Two seconds of speech, two of silence."""


class Voice:
    """What the agent says, frame by frame; None in silence."""

    def __init__(self, talks: bool) -> None:
        pcm = speak(TEXT, rate_hz=SPOKEN_RATE)
        self._frames = [pcm[i : i + SPOKEN_BYTES] for i in range(0, len(pcm) - SPOKEN_BYTES, SPOKEN_BYTES)]
        self._talks = talks
        self._number = 0

    def next(self) -> bytes | None:
        self._number += 1
        if not self._talks or self._number // SPEAKS_FRAMES % 2:
            return None
        return self._frames[self._number % len(self._frames)]


class OurCall:
    def __init__(self, pacer: Pacer, talks: bool) -> None:
        self._voice = Voice(talks)
        self._peer = Peer(self, pacer, replace(SETTINGS, vanished_s=60))

    async def answer(self, sdp: str) -> str:
        return await answered(self._peer, sdp)

    def next_frame(self) -> bytes | None:
        return self._voice.next()

    def hear(self, frame: Frame) -> None:
        pass

    def ready(self) -> None:
        pass

    def digit(self, digit: str) -> None:
        pass

    def receive_text(self, text: str | bytes) -> None:
        pass

    def lost(self) -> None:
        pass


class PlainVoice(MediaStreamTrack):
    """A track of PCM, at its own pace."""

    kind = "audio"

    def __init__(self, talks: bool) -> None:
        super().__init__()
        self._voice = Voice(talks)
        self._start_s: float | None = None
        self._number = 0

    async def recv(self) -> av.AudioFrame:
        loop = asyncio.get_running_loop()
        self._start_s = self._start_s or loop.time()
        await asyncio.sleep(max(0.0, self._start_s + self._number * 0.02 - loop.time()))
        samples = np.frombuffer(self._voice.next() or bytes(SPOKEN_BYTES), np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate, frame.time_base = SPOKEN_RATE, fractions.Fraction(1, SPOKEN_RATE)
        frame.pts = self._number * SPOKEN_SAMPLES
        self._number += 1
        return frame


class PlainCall:
    def __init__(self, pacer: Pacer, talks: bool) -> None:
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._pc.addTrack(PlainVoice(talks))
        self._pc.on("track", self._on_track)

    async def answer(self, sdp: str) -> str:
        await self._pc.setRemoteDescription(RTCSessionDescription(sdp, "offer"))
        await self._pc.setLocalDescription(await self._pc.createAnswer())
        return str(self._pc.localDescription.sdp)

    def _on_track(self, track: MediaStreamTrack) -> None:
        self._reading = asyncio.get_running_loop().create_task(self._read(track), name="plain-track")

    async def _read(self, track: MediaStreamTrack) -> None:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=HEARD_RATE)
        while True:
            for frame in resampler.resample(await track.recv()):
                frame.to_ndarray().tobytes()


async def answer_calls(kind: str, talks: bool) -> None:
    """The process that is measured: an offer a line in, an answer a line out; an empty line asks for what was used."""
    loop, pacer, calls = asyncio.get_running_loop(), Pacer(), list[OurCall | PlainCall]()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        if line.strip():
            calls.append(OurCall(pacer, talks) if kind == "Antiphon" else PlainCall(pacer, talks))
            print(json.dumps(await calls[-1].answer(json.loads(line))), flush=True)
        else:
            print(json.dumps({"cpu_s": time.process_time(), "threads": threading.active_count()}), flush=True)


async def cost(kind: str, talks: bool, calls: int, seconds: float) -> dict[str, Any]:
    """Of one kind of answering process, for each call and second."""
    command = ["-m", "bench.media_cost", "--answer", kind, *(["--talks"] if talks else [])]
    child = await asyncio.create_subprocess_exec(
        sys.executable, *command, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert child.stdin is not None
    assert child.stdout is not None
    stdin, stdout, packets = child.stdin, child.stdout, speech_packets(TEXT)

    async def ask(line: str) -> Any:
        stdin.write(line.encode() + b"\n")
        return json.loads(await stdout.readline())

    callers = []
    try:
        await ask("")
        empty_mb = tree_usage(child.pid).memory_mb
        for _ in range(calls):
            pc = caller(Speaker(packets))
            callers.append(pc)
            await accept(pc, await ask(json.dumps(await offer(pc))))
        await asyncio.sleep(2)
        before = await ask("")
        await asyncio.sleep(seconds)
        after = await ask("")
        return {
            "cpu_ms_per_call_second": round(1000 * (after["cpu_s"] - before["cpu_s"]) / calls / seconds, 2),
            "memory_mb_per_call": round((tree_usage(child.pid).memory_mb - empty_mb) / calls, 2),
            "threads": after["threads"],
        }
    finally:
        stdin.close()
        await child.wait()
        for pc in callers:
            await pc.close()


async def measure(calls: int, seconds: float) -> dict[str, dict[str, Any]]:
    found = {}
    for talks in (True, False):
        for kind in ("Antiphon", "aiortc"):
            found[f"{'conversing' if talks else 'idle'}, {kind}"] = await cost(kind, talks, calls, seconds)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.media_cost", description="Measure what a call's sound costs."
    )
    parser.add_argument("--calls", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--answer", help=argparse.SUPPRESS)
    parser.add_argument("--talks", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    keep_to_loopback()
    if given.answer:
        asyncio.run(answer_calls(given.answer, given.talks))
        return
    found = asyncio.run(measure(given.calls, given.seconds))
    header = ("calls", "CPU, ms per call-second", "memory, MB a call", "threads")
    show("The media path alone", header, [(name, *values.values()) for name, values in found.items()])
    print(json.dumps(found))


if __name__ == "__main__":
    main()
