"""What the sound of a call costs in CPU, memory and threads, beside plain aiortc.

    python -m bench.media.cost --calls 10 --seconds 20

The callers send Opus all the time, as browsers do. The answering process is measured. It makes 16 kHz frames of what it
hears and drops them, and it speaks half of the time (conversing) or never (idle). Plain aiortc does the same as in its
examples, with a track of PCM frames and a loop that reads. There is no VAD and no speech-to-text: this is the cost of
the media path alone. JSON goes to standard output, a table to standard error.
"""

import argparse
import asyncio
import fractions
import json
import sys
import threading
import time
from typing import Any

import av
import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from bench.common.figures import show
from bench.common.processes import tree_usage
from bench.media.answerers import AntiphonAnswerer, Speaker, accept, caller, offer, speech_packets
from server.media.frame import HEARD_RATE, SPOKEN_BYTES, SPOKEN_RATE, SPOKEN_SAMPLES
from server.media.pacer import Pacer
from tests.loopback import keep_to_loopback
from tests.voices import speak

TEXT = "Good morning, what are your opening hours please?"
SPEAKS_FRAMES = 100
"""How many frames the agent speaks, and then is silent, by turns: two seconds."""


class AgentSound:
    """What the agent says, frame by frame: 24 kHz PCM, or None in silence."""

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


def antiphon_call(pacer: Pacer, talks: bool) -> AntiphonAnswerer:
    """A call of Antiphon's that drops what it hears. All calls share the pacer, as in the server."""
    return AntiphonAnswerer(lambda number: None, lambda: None, pacer, AgentSound(talks).next)


class AiortcVoice(MediaStreamTrack):
    """What the agent says, as a track of PCM frames with a clock of its own."""

    kind = "audio"

    def __init__(self, talks: bool) -> None:
        super().__init__()
        self._sound = AgentSound(talks)
        self._start_s: float | None = None
        self._number = 0

    async def recv(self) -> av.AudioFrame:
        loop = asyncio.get_running_loop()
        self._start_s = self._start_s or loop.time()
        await asyncio.sleep(max(0.0, self._start_s + self._number * 0.02 - loop.time()))
        samples = np.frombuffer(self._sound.next() or bytes(SPOKEN_BYTES), np.int16)
        frame = av.AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate, frame.time_base = SPOKEN_RATE, fractions.Fraction(1, SPOKEN_RATE)
        frame.pts = self._number * SPOKEN_SAMPLES
        self._number += 1
        return frame


class AiortcCall:
    """A call of plain aiortc's that speaks a track and reads the caller's as 16 kHz PCM."""

    def __init__(self, talks: bool) -> None:
        self._pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self._pc.addTrack(AiortcVoice(talks))
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
            heard = await track.recv()
            assert isinstance(heard, av.AudioFrame)
            for frame in resampler.resample(heard):
                frame.to_ndarray().tobytes()


async def answer_calls(kind: str, talks: bool) -> None:
    """The process that is measured.

    It reads an offer a line from standard input and writes an answer a line to standard output. For an empty line it
    writes the CPU time and the threads that it has used.
    """
    loop, pacer, calls = asyncio.get_running_loop(), Pacer(), list[AntiphonAnswerer | AiortcCall]()
    lines = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while line := await lines.readline():
        if line.strip():
            calls.append(antiphon_call(pacer, talks) if kind == "Antiphon" else AiortcCall(talks))
            print(json.dumps(await calls[-1].answer(json.loads(line))), flush=True)
        else:
            print(json.dumps({"cpu_s": time.process_time(), "threads": threading.active_count()}), flush=True)


async def cost(kind: str, talks: bool, calls: int, seconds: float) -> dict[str, Any]:
    """The cost of one kind of answering process, for each call and, of CPU, for each second."""
    command = ["-m", "bench.media.cost", "--answer", kind, *(["--talks"] if talks else [])]
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
    """The cost of each kind of answering process, with an agent that speaks and with one that does not."""
    found = {}
    for talks in (True, False):
        for kind in ("Antiphon", "aiortc"):
            found[f"{'conversing' if talks else 'idle'}, {kind}"] = await cost(kind, talks, calls, seconds)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.media.cost", description="Measure what a call's sound costs."
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
