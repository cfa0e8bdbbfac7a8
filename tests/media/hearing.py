"""An Inbound under test, and the packets to feed it with."""

from collections.abc import Iterable

import numpy as np

from server.media.counters import MediaCounters
from server.media.frame import HEARD_SAMPLES, SPOKEN_BYTES, Frame
from server.media.g711 import G711Encoder
from server.media.inbound import Codec, Inbound
from server.media.opus import OpusEncoder
from server.media.rtp import RtpPacket

OPUS, PCMU, EVENT, NOISE = 111, 0, 110, 13
CODECS = {
    OPUS: Codec("opus", 48_000), PCMU: Codec("pcmu", 8_000), EVENT: Codec("telephone-event", 48_000),
    NOISE: Codec("cn", 8_000),
}  # fmt: skip


class Hearing:
    """An Inbound, with everything that comes out of it."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.digits: list[str] = []
        self.counters = MediaCounters()
        self.inbound = Inbound(CODECS, self.frames.append, self.digits.append, self.counters)

    def take(self, packets: Iterable[tuple[float, RtpPacket]]) -> "Hearing":
        """Feed packets, each with its time of arrival in ms."""
        for now_ms, packet in packets:
            self.inbound.receive(packet, now_ms)
        return self

    @property
    def levels(self) -> list[int]:
        """The loudest sample of each frame."""
        return [int(np.abs(np.frombuffer(frame.pcm, np.int16).astype(int)).max()) for frame in self.frames]


def tone(frames: int = 1) -> bytes:
    """So many frames of a tone of 440 Hz, as 24 kHz PCM."""
    time = np.arange(frames * SPOKEN_BYTES // 2) / 24_000
    return (8_000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16).tobytes()


def sent(count: int, kind: int = OPUS, pcm: bytes | None = None, first: int = 0, at: int = 0) -> list[RtpPacket]:
    """Make packets of sound. Their sequence starts at `first`, their timestamp at the time of packet number `at`."""
    pcm = pcm or tone(count)
    encoder = OpusEncoder() if kind == OPUS else G711Encoder("PCMU")
    units = CODECS[kind].clock_rate // 50
    return [
        RtpPacket(
            kind,
            (first + n) & 0xFFFF,
            (at + n) * units & 0xFFFFFFFF,
            7,
            encoder.encode(pcm[n * SPOKEN_BYTES : (n + 1) * SPOKEN_BYTES]),
        )
        for n in range(count)
    ]


def timed(packets: list[RtpPacket]) -> list[tuple[float, RtpPacket]]:
    """Let the packets arrive 20 ms apart."""
    return [(20.0 * n, packet) for n, packet in enumerate(packets)]


def starts(frames: list[Frame]) -> list[int]:
    """Where each frame starts, counted in frames."""
    return [frame.start_samples // HEARD_SAMPLES for frame in frames]
