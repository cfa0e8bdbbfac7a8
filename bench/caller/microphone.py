"""The caller's microphone: a script of speech and near-silence, encoded before the call so that calls are cheap."""

import asyncio
import fractions
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import av
import numpy as np
from aiortc import MediaStreamTrack

from bench.caller.tape import SpokenSpan
from bench.common.opus import opus_encoder, opus_packets

RATE = 48_000
"""Samples a second of what the caller says."""
FRAME = RATE // 50
"""Samples in a frame of 20 ms."""
FRAME_S = 0.02
ROOM_RMS = 3.0
"""The noise in the caller's silences, where full scale is 32767. No real room is digitally silent, and a server may
take digital silence for a call that nobody is in."""
QUIET = 200
"""Samples up to this value at the ends of a recording are not speech."""


@dataclass(slots=True)
class Script:
    """What a caller says in a call: Opus packets of 20 ms in their order."""

    packets: list[bytes] = field(default_factory=list)
    spoken: list[tuple[int, int]] = field(default_factory=list)
    """For each utterance the number of its first packet, and of the one after its last."""

    @property
    def seconds(self) -> float:
        return len(self.packets) * FRAME_S

    def spans(self, start_s: float) -> list[SpokenSpan]:
        """When each utterance was spoken, if the first packet left at `start_s`.

        A packet holds what was said in the 20 ms before it left.
        """
        left_s = [start_s + number * FRAME_S for number in range(len(self.packets))]
        return [SpokenSpan(left_s[first] - FRAME_S, left_s[after - 1]) for first, after in self.spoken]


def script(pieces: Sequence[bytes | float]) -> Script:
    """Encode a script. A piece is speech as 48 kHz PCM, or the length of a silence in seconds."""
    made, encoder, room = Script(), opus_encoder(RATE), np.random.default_rng(0)
    for piece in pieces:
        first = len(made.packets)
        if isinstance(piece, bytes):
            samples = np.frombuffer(_padded(trimmed(piece)), "<i2")
        else:
            samples = room.normal(0, ROOM_RMS, round(piece / FRAME_S) * FRAME).astype("<i2")
        made.packets += map(bytes, opus_packets(encoder, samples))
        if isinstance(piece, bytes):
            made.spoken.append((first, len(made.packets)))
    return made


def trimmed(pcm: bytes) -> bytes:
    """The sound without the silence before and after it, because the gap is counted from the end of the sound."""
    loud = np.flatnonzero(np.abs(np.frombuffer(pcm, "<i2").astype(int)) > QUIET)
    return pcm[2 * loud[0] : 2 * loud[-1] + 2] if len(loud) else b""


def load_wav(path: str) -> bytes:
    """Any sound file that PyAV reads, as 48 kHz mono PCM."""
    with av.open(path) as container:
        resampler = av.AudioResampler(format="s16", layout="mono", rate=RATE)
        frames = [piece for frame in container.decode(audio=0) for piece in resampler.resample(frame)]
        return b"".join(frame.to_ndarray().tobytes() for frame in [*frames, *resampler.resample(None)])


def _padded(pcm: bytes) -> bytes:
    """The sound, made longer by silence to a whole number of frames."""
    return pcm + bytes(-len(pcm) % (2 * FRAME))


class ScriptedMicrophone(MediaStreamTrack):
    """A track for aiortc that sends a script, one packet every 20 ms, and notes when it said what."""

    kind = "audio"

    def __init__(self, made: Script) -> None:
        super().__init__()
        self.finished = asyncio.Event()
        self._script = made
        self._sent = 0
        self._start_s = 0.0

    @property
    def said(self) -> list[SpokenSpan]:
        return self._script.spans(self._start_s)

    async def recv(self) -> "av.Packet[Any]":
        self._start_s = self._start_s or time.perf_counter()
        await asyncio.sleep(max(0.0, self._start_s + self._sent * FRAME_S - time.perf_counter()))
        packets = self._script.packets
        packet = av.Packet(packets[min(self._sent, len(packets) - 1)])
        packet.pts = packet.dts = self._sent * FRAME
        packet.time_base = fractions.Fraction(1, RATE)
        self._sent += 1
        if self._sent >= len(packets):
            self.finished.set()
        return packet
