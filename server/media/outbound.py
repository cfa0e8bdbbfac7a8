"""Turns what the agent says into RTP packets: one every 20 ms while it speaks, and hardly any while it is silent.

A packet's timestamp is that of its tick, so it goes on during silence, too. The first packet after silence has the
marker bit (RFC 3551, section 4.1). Where the client takes keys as events (RFC 4733), it gets events in place of the
tones of the keys that the agent presses.

Measured in Chromium 156, over 16 pauses of up to 3 s, some in the middle of a word: with these packets of silence the
browser conceals (makes up) no sample. If nothing at all is sent in a pause, it conceals 5.5 s, which one can hear. A
packet of silence every 20 ms is no better than this.
"""

import secrets

from server.media.counters import MediaCounters
from server.media.dtmf import KeyPackets
from server.media.frame import FRAME_MS, SPOKEN_BYTES
from server.media.g711 import G711Encoder, Law, law
from server.media.g722 import G722Encoder
from server.media.opus import SILENCE_PACKET, OpusEncoder
from server.media.rtcp import Sent
from server.media.rtp import build
from server.media.tones import key_of

HANGOVER_FRAMES = 3
"""How many frames of silence are encoded after the last sound. The codec fades out in them, and encoder and decoder
reach the same state, so that the next sound is decoded correctly. (If the encoder is reset instead, the next sound is
too soft or too loud at first.)"""
KEEP_ALIVE_TICKS = 400 // FRAME_MS
"""How often Opus sends a packet in silence: one byte every 400 ms, as a sender with DTX does (RFC 7587, section
3.1.3)."""
_SILENT_CODE = {"PCMU": 0xFF, "PCMA": 0xD5}


class OpusVoice:
    """Encodes with Opus. Its RTP clock has 48 kHz. In silence it sends one small packet every 400 ms (DTX)."""

    clock_rate = 48_000

    def __init__(self) -> None:
        self._encoder = OpusEncoder()

    def encode(self, pcm: bytes) -> bytes:
        return self._encoder.encode(pcm)

    def expect_loss(self, percent: int) -> None:
        self._encoder.expect_loss(percent)

    def silence(self, silent_ticks: int) -> bytes | None:
        return SILENCE_PACKET if silent_ticks % KEEP_ALIVE_TICKS == 1 else None


class G711Voice:
    """Encodes with PCMU or PCMA. They have no packet for silence, so each tick sends a packet of silent samples."""

    clock_rate = 8_000

    def __init__(self, law: Law) -> None:
        self._encoder = G711Encoder(law)
        self._silence = bytes([_SILENT_CODE[law]]) * (self.clock_rate * FRAME_MS // 1000)

    def encode(self, pcm: bytes) -> bytes:
        return self._encoder.encode(pcm)

    def expect_loss(self, percent: int) -> None:
        """Do nothing: G.711 cannot carry copies."""

    def silence(self, silent_ticks: int) -> bytes | None:
        return self._silence


class G722Voice:
    """Encodes with G.722. Its RTP clock has 8 kHz. In silence it encodes on, because the decoder adapts to it."""

    clock_rate = 8_000

    def __init__(self) -> None:
        self._encoder = G722Encoder()

    def encode(self, pcm: bytes) -> bytes:
        return self._encoder.encode(pcm)

    def expect_loss(self, percent: int) -> None:
        """Do nothing: G.722 cannot carry copies."""

    def silence(self, silent_ticks: int) -> bytes | None:
        return self._encoder.encode(bytes(SPOKEN_BYTES))


Voice = OpusVoice | G711Voice | G722Voice


def voice_of(codec: str) -> Voice:
    """The encoder for a codec, by its SDP name in lower case."""
    if codec == "opus":
        return OpusVoice()
    return G722Voice() if codec == "g722" else G711Voice(law(codec))


class Outbound:
    """Makes the packets of one call's agent.

    The sequence number and the timestamp start at random values (RFC 3550, section 5.1). The sequence number starts in
    the lower half of its range. If it wrapped among the first packets and these were lost, the receiver's SRTP would
    count the wraps wrong.
    """

    def __init__(
        self,
        voice: Voice,
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
        self._packets = self._octets = 0
        self.key_type: int | None = None
        """The payload type of keys as events, whose clock is that of the voice. None: keys go as tones."""
        self._keys = KeyPackets(self._samples(1))
        self._unused: int | None = None
        """The newest tick, if nothing was sent in it."""

    def next(self, pcm: bytes | None, tick: int) -> list[bytes]:
        """Make the packets of this tick. `pcm` is 20 ms of 24 kHz PCM, or None for silence.

        There is one, or none if nothing is to be sent. Just after a key that went as an event, there may be two.
        """
        if self.key_type is None:
            return self._voice_packets(pcm, tick)
        key = None if pcm is None else key_of(pcm)
        pressed = self._keys.next(key, self._timestamp(tick))
        packets = []
        if pressed is not None:
            packets = [self._packet(self.key_type, pressed.payload, pressed.timestamp, pressed.begins)]
        if key is None:
            return [*packets, *self._voice_packets(pcm, tick)]
        self._silent_ticks, self._unused = self._silent_ticks + 1, None
        return packets

    def _voice_packets(self, pcm: bytes | None, tick: int) -> list[bytes]:
        begins, payload = False, None
        if pcm is not None:
            begins, self._silent_ticks = self._silent_ticks > 0, 0
            payload = self._voice.encode(pcm)
        else:
            self._silent_ticks += 1
            payload = self._silence()
        self._unused = tick if payload is None else None
        if payload is None:
            return []
        return [self._packet(self._payload_type, payload, self._timestamp(tick), begins)]

    def expect_loss(self, percent: int) -> None:
        """Encode for a line that loses this many percent of the packets."""
        self._voice.expect_loss(percent)

    @property
    def may_begin(self) -> bool:
        """Whether a reply may begin before the next tick. It may if nothing was sent in the newest tick."""
        return self._unused is not None

    def begin(self, pcm: bytes) -> bytes:
        """Make the first packet of a reply, as the packet of the newest tick. It is less than 20 ms late for it."""
        tick, self._unused, self._silent_ticks = self._unused, None, 0
        assert tick is not None, "because `may_begin` is true"
        return self._packet(self._payload_type, self._voice.encode(pcm), self._timestamp(tick), begins=True)

    def sent(self, tick: int) -> Sent:
        """The numbers for the sender's report: the RTP time of `tick`, and how much was sent so far."""
        return Sent(self._ssrc, self._timestamp(tick), self._packets, self._octets)

    def _silence(self) -> bytes | None:
        if self._silent_ticks <= HANGOVER_FRAMES:
            return self._voice.encode(bytes(SPOKEN_BYTES))
        payload = self._voice.silence(self._silent_ticks - HANGOVER_FRAMES)
        self._counters.sent_silence += payload is not None
        return payload

    def _packet(self, payload_type: int, payload: bytes, timestamp: int, begins: bool) -> bytes:
        packet = build(payload_type, self._sequence, timestamp, self._ssrc, payload, begins)
        self._sequence += 1
        self._counters.sent += 1
        self._counters.sent_bytes += len(payload)
        self._packets += 1
        self._octets += len(payload)
        return packet

    def _timestamp(self, tick: int) -> int:
        return (self._origin + self._samples(tick)) & 0xFFFFFFFF

    def _samples(self, ticks: int) -> int:
        """So many frames of 20 ms, in units of the RTP clock."""
        return ticks * self._voice.clock_rate * FRAME_MS // 1000
