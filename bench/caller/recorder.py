"""Records what a caller hears: every RTP packet with its time of arrival, before any jitter buffer."""

import time
from collections.abc import Iterable, Iterator
from typing import Any

import av
import numpy as np
from aiortc import RTCPeerConnection

from bench.caller.tape import HeardPacket

LOUD_RMS = 300.0
"""Louder than this there is a voice in a packet, where full scale is 32767: above a codec's noise, below any voice."""


class PacketRecorder:
    """Keeps every packet that a connection receives. aiortc has no hook for that, so its own method is wrapped."""

    def __init__(self, pc: RTCPeerConnection, decode: bool = True) -> None:
        """Without `decode` no packet is handed on to aiortc, which saves the CPU time of its decoder and its thread."""
        self._packets: list[tuple[float, int, bytes]] = []
        self._decode = decode
        for transceiver in pc.getTransceivers():
            self._tap(transceiver.receiver)

    def _tap(self, receiver: Any) -> None:
        handle = receiver._handle_rtp_packet

        async def tapped(packet: Any, *rest: Any, **named: Any) -> None:
            self._packets.append((time.perf_counter(), packet.timestamp, packet.payload))
            if self._decode:
                await handle(packet, *rest, **named)

        receiver._handle_rtp_packet = tapped

    def heard(self) -> list[HeardPacket]:
        """All packets so far. Decodes them, so call it only when the call is over."""
        return list(decoded(self._packets))


def decoded(packets: Iterable[tuple[float, int, bytes]]) -> Iterator[HeardPacket]:
    """Tell for each Opus packet whether it has a voice. An item is the arrival in s, the RTP time and the payload."""
    decoder = av.CodecContext.create("libopus", "r")
    for at_s, rtp_time, payload in packets:
        yield HeardPacket(at_s, rtp_time, _rms(decoder, payload) > LOUD_RMS)


def _rms(decoder: av.AudioCodecContext, payload: bytes) -> float:
    try:
        frames = decoder.decode(av.Packet(payload))
    except av.FFmpegError:
        return 0.0
    sounds = [frame.to_ndarray().astype(np.float64) * _scale(frame) for frame in frames]
    return max((float(np.sqrt(np.mean(sound**2))) for sound in sounds), default=0.0)


def _scale(frame: av.AudioFrame) -> float:
    return 32_767.0 if frame.format.name.startswith("flt") else 1.0
