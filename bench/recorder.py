"""Records what a call hears: every RTP packet with its time of arrival, before any jitter buffer."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

import av
import numpy as np
from aiortc import RTCPeerConnection

from bench.tape import Heard

LOUD_RMS = 300.0
"""Of 32767: above the noise of a codec, below any voice."""


class Recorder:
    """Taps the receivers of a connection. aiortc shows packets to nobody, so its own method is wrapped."""

    def __init__(self, pc: RTCPeerConnection) -> None:
        self._packets: list[tuple[float, int, bytes]] = []
        for transceiver in pc.getTransceivers():
            self._tap(transceiver.receiver)

    def _tap(self, receiver: Any) -> None:
        handle = receiver._handle_rtp_packet

        async def tapped(packet: Any, *rest: Any, **named: Any) -> None:
            self._packets.append((time.perf_counter(), packet.timestamp, packet.payload))
            await handle(packet, *rest, **named)

        receiver._handle_rtp_packet = tapped

    def heard(self) -> list[Heard]:
        """Decodes; to be asked when the call is over."""
        return list(judged(self._packets))


def judged(packets: Iterable[tuple[float, int, bytes]]) -> Iterator[Heard]:
    """Which of the Opus packets, each with its arrival in s and its RTP time, have a voice in them."""
    decoder = av.CodecContext.create("libopus", "r")
    for at_s, rtp_time, payload in packets:
        yield Heard(at_s, rtp_time, _rms(decoder, payload) > LOUD_RMS)


def _rms(decoder: av.AudioCodecContext, payload: bytes) -> float:
    try:
        frames = decoder.decode(av.Packet(payload))
    except av.FFmpegError:
        return 0.0
    sounds = [frame.to_ndarray().astype(np.float64) * _scale(frame) for frame in frames]
    return max((float(np.sqrt(np.mean(sound**2))) for sound in sounds), default=0.0)


def _scale(frame: av.AudioFrame) -> float:
    return 32_767.0 if frame.format.name.startswith("flt") else 1.0
