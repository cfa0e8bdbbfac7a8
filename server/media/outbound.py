"""What the agent says, as RTP packets: one every 20 ms while it speaks, hardly any while it does not.

The timestamp is the tick's, so silence takes time though nothing is sent; a talkspurt begins with the marker bit (RFC
3551, section 4.1). Measured in Chromium 156, over 16 pauses of up to 3 s, some in the middle of a word: with this no
sample is concealed; when nothing at all is sent 5.5 s are, audibly; silence at full rate gains nothing over this.
"""

import secrets

from server.media.counters import MediaCounters
from server.media.frame import FRAME_MS, SPOKEN_BYTES
from server.media.g711 import G711Encoder, Law
from server.media.opus import SILENCE_PACKET, OpusEncoder
from server.media.rtcp import Sent
from server.media.rtp import build

HANGOVER_FRAMES = 3
"""Silence that is encoded after the last sound: the codec fades out, and both ends are in the same state after it, from
which the next talkspurt is decoded as meant. (An encoder that is reset instead is too soft or too loud at first.)"""
KEEP_ALIVE_TICKS = 400 // FRAME_MS
"""Opus in silence: so often a packet of one byte, as a sender with DTX does (RFC 7587, section 3.1.3)."""
_SILENT_CODE = {"PCMU": 0xFF, "PCMA": 0xD5}


class OpusVoice:
    """Opus at 48 kHz RTP time, with silence as DTX has it."""

    clock_rate = 48_000

    def __init__(self) -> None:
        self._encoder = OpusEncoder()

    def encode(self, pcm: bytes) -> bytes:
        return self._encoder.encode(pcm)

    def silence(self, silent_ticks: int) -> bytes | None:
        return SILENCE_PACKET if silent_ticks % KEEP_ALIVE_TICKS == 1 else None


class G711Voice:
    """PCMU or PCMA, which know no silence: the same packet is sent all the time."""

    clock_rate = 8_000

    def __init__(self, law: Law) -> None:
        self._encoder = G711Encoder(law)
        self._silence = bytes([_SILENT_CODE[law]]) * (self.clock_rate * FRAME_MS // 1000)

    def encode(self, pcm: bytes) -> bytes:
        return self._encoder.encode(pcm)

    def silence(self, silent_ticks: int) -> bytes | None:
        return self._silence


class Outbound:
    """One call's voice. Sequence and timestamp begin at random (RFC 3550, section 5.1), below the wrap of SRTP's."""

    def __init__(
        self,
        voice: OpusVoice | G711Voice,
        payload_type: int,
        ssrc: int,
        counters: MediaCounters,
        sequence: int | None = None,
    ) -> None:
        self._voice = voice
        self._payload_type = payload_type
        self._ssrc = ssrc
        self._counters = counters
        self._sequence = secrets.randbelow(0x8000) if sequence is None else sequence
        self._origin = secrets.randbits(32)
        self._silent_ticks = HANGOVER_FRAMES
        self._octets = 0
        self._unused: int | None = None
        """The newest tick, when nothing was sent in it."""

    def next(self, pcm: bytes | None, tick: int) -> bytes | None:
        """The packet of this tick for 20 ms of 24 kHz PCM, or for silence; None when nothing is to be sent."""
        begins, payload = False, None
        if pcm is not None:
            begins, self._silent_ticks = self._silent_ticks > 0, 0
            payload = self._voice.encode(pcm)
        else:
            self._silent_ticks += 1
            payload = self._silence()
        self._unused = tick if payload is None else None
        if payload is None:
            return None
        return self._packet(payload, tick, begins)

    @property
    def may_begin(self) -> bool:
        """Nothing was sent in the newest tick, so what is said now may still be its sound."""
        return self._unused is not None

    def begin(self, pcm: bytes) -> bytes:
        """The first packet of an answer, within the newest tick: late for it by less than 20 ms, and early for none."""
        tick, self._unused, self._silent_ticks = self._unused, None, 0
        assert tick is not None, "because the caller has asked whether it may"
        return self._packet(self._voice.encode(pcm), tick, begins=True)

    def sent(self, tick: int) -> Sent:
        """For the sender's report: the RTP time of `tick`, and totals."""
        return Sent(self._ssrc, self._timestamp(tick), self._counters.sent, self._octets)

    def _silence(self) -> bytes | None:
        if self._silent_ticks <= HANGOVER_FRAMES:
            return self._voice.encode(bytes(SPOKEN_BYTES))
        payload = self._voice.silence(self._silent_ticks - HANGOVER_FRAMES)
        self._counters.sent_silence += payload is not None
        return payload

    def _packet(self, payload: bytes, tick: int, begins: bool) -> bytes:
        packet = build(self._payload_type, self._sequence, self._timestamp(tick), self._ssrc, payload, begins)
        self._sequence += 1
        self._counters.sent += 1
        self._octets += len(payload)
        return packet

    def _timestamp(self, tick: int) -> int:
        return (self._origin + tick * self._voice.clock_rate * FRAME_MS // 1000) & 0xFFFFFFFF
