"""The caller's microphone: a script of speech and near-silence, encoded beforehand so that calling costs little."""

import asyncio
import fractions
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import av
import numpy as np
from aiortc import MediaStreamTrack

from bench.tape import Said

RATE = 48_000
FRAME = RATE // 50
FRAME_S = 0.02
ROOM_RMS = 3.0
"""Nobody's room is digitally silent, and a server may treat that as no call at all."""
QUIET = 200
"""Samples below this at the ends of a recording are not speech."""


@dataclass(slots=True)
class Script:
    """Packets in the order of speaking, and where in it the caller's utterances are."""

    packets: list[bytes] = field(default_factory=list)
    spoken: list[tuple[int, int]] = field(default_factory=list)
    """First packet of each utterance, and the one after its last."""

    @property
    def seconds(self) -> float:
        return len(self.packets) * FRAME_S


def script(pieces: Sequence[bytes | float]) -> Script:
    """Pieces are speech as 48 kHz PCM, or seconds of silence."""
    made, encoder, room = Script(), _encoder(), np.random.default_rng(0)
    for piece in pieces:
        first = len(made.packets)
        if isinstance(piece, bytes):
            samples = np.frombuffer(_padded(trimmed(piece)), "<i2")
        else:
            samples = room.normal(0, ROOM_RMS, round(piece / FRAME_S) * FRAME).astype("<i2")
        made.packets += _encode(encoder, samples)
        if isinstance(piece, bytes):
            made.spoken.append((first, len(made.packets)))
    return made


def trimmed(pcm: bytes) -> bytes:
    """From the first sound to the last, because that is what the gap is counted from."""
    loud = np.flatnonzero(np.abs(np.frombuffer(pcm, "<i2").astype(int)) > QUIET)
    return pcm[2 * loud[0] : 2 * loud[-1] + 2] if len(loud) else b""


def load_wav(path: str) -> bytes:
    """Any file that PyAV reads, as 48 kHz mono."""
    with av.open(path) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        frames = [piece for frame in container.decode(audio=0) for piece in resampler.resample(frame)]
        return b"".join(frame.to_ndarray().tobytes() for frame in [*frames, *resampler.resample(None)])


def _encoder() -> av.AudioCodecContext:
    encoder = av.CodecContext.create("libopus", "w")
    encoder.sample_rate, encoder.layout, encoder.format, encoder.bit_rate = RATE, "mono", "s16", 32_000
    return encoder


def _encode(encoder: av.AudioCodecContext, samples: np.ndarray) -> list[bytes]:
    packets = []
    for start in range(0, len(samples), FRAME):
        frame = av.AudioFrame.from_ndarray(samples[None, start : start + FRAME], format="s16", layout="mono")
        frame.sample_rate, frame.time_base = RATE, fractions.Fraction(1, RATE)
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    return packets


def _padded(pcm: bytes) -> bytes:
    return pcm + bytes(-len(pcm) % (2 * FRAME))


class Microphone(MediaStreamTrack):
    """Sends a script, 20 ms at a time, and notes when it said what."""

    kind = "audio"

    def __init__(self, made: Script) -> None:
        super().__init__()
        self.finished = asyncio.Event()
        self._script = made
        self._sent = 0
        self._start_s = 0.0

    @property
    def said(self) -> list[Said]:
        """A packet holds what was said in the 20 ms before it left."""
        return [Said(self._left_s(first) - FRAME_S, self._left_s(after - 1)) for first, after in self._script.spoken]

    def _left_s(self, packet: int) -> float:
        return self._start_s + packet * FRAME_S

    async def recv(self) -> av.Packet:
        self._start_s = self._start_s or time.perf_counter()
        await asyncio.sleep(max(0.0, self._left_s(self._sent) - time.perf_counter()))
        packets = self._script.packets
        packet = av.Packet(packets[min(self._sent, len(packets) - 1)])
        packet.pts = packet.dts = self._sent * FRAME
        packet.time_base = fractions.Fraction(1, RATE)
        self._sent += 1
        if self._sent >= len(packets):
            self.finished.set()
        return packet
