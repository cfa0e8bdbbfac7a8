"""What a caller's packets say: RTP → 20 ms frames and digits, in order, on the sender's clock.

A frame's time is its RTP timestamp. What is missing is made up as far as it can be, then it is silence; a sender that
pauses is silent for as long as it paused. When nothing comes, silence is handed on as time passes, so that who waits
for the end of a sentence hears it; words that come after all are used, and time goes on from there.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from server.media.counters import MediaCounters
from server.media.dtmf import TelephoneEvents
from server.media.frame import FRAME_MS, HEARD_BYTES, HEARD_RATE, HEARD_SAMPLES, Frame
from server.media.g711 import G711Decoder, law
from server.media.guard import RateLimit
from server.media.jitter import JitterBuffer, Ready
from server.media.opus import OpusDecoder, has_copy
from server.media.rtp import RtpPacket

MAX_CONCEALED = 5
"""So many frames are made up; beyond 100 ms a made-up voice is a robot, and silence is more honest."""
MAX_GAP_MS = 400
"""A timestamp further ahead is another clock, not a pause: pauses are filled while they last."""
STARVED_TICKS = 100 // FRAME_MS
"""After so long without a packet silence is handed on: more than a network's jitter, less than an endpoint's wait.

Counted in ticks, because after a stall of ours the packets are there, and only not read yet."""
MAX_PACE = 1.1
"""So much sound may come in a second, on average: a sender's clock is never ten per cent fast."""
MAX_HELD_BACK_S = 3.0
"""And so much at once, after a network held it back. More is an attack on the CPU."""

TELEPHONE_EVENT = "telephone-event"


@dataclass(frozen=True, slots=True)
class Codec:
    """By its name in SDP, in lower case, and its RTP clock."""

    name: str
    clock_rate: int


class Inbound:
    """One call's sound. Its callbacks are called from `receive` and `poll`, in order."""

    def __init__(
        self,
        codecs: Mapping[int, Codec],
        on_frame: Callable[[Frame], None],
        on_digit: Callable[[str], None],
        counters: MediaCounters,
    ) -> None:
        self._codecs = codecs
        self._on_frame = on_frame
        self._on_digit = on_digit
        self._counters = counters
        self._stream: _Stream | None = None
        self._events = TelephoneEvents()
        self._presser: int | None = None
        """Whose events they are (SSRC): timestamps of two senders do not compare."""
        self._pace = RateLimit(MAX_PACE * HEARD_RATE, MAX_HELD_BACK_S * HEARD_RATE)
        self._quiet_ticks = 0
        self._samples = 0
        """Heard so far, at 16 kHz: where the next sound begins."""
        self._pcm = b""

    def receive(self, packet: RtpPacket, now_ms: float) -> None:
        """Take a packet as it comes."""
        codec = self._codecs.get(packet.payload_type)
        if codec is None:
            return
        self._counters.received += 1
        if self._stream is None or self._stream.ssrc != packet.ssrc:
            self._stream = _Stream(packet.ssrc, self._counters)
        if codec.name == TELEPHONE_EVENT:
            self._press(packet)
        else:
            self._quiet_ticks = 0
        self._play(self._stream, self._stream.jitter.push(packet, now_ms), now_ms)

    def poll(self, now_ms: float) -> None:
        """Time passes; to be called every 20 ms."""
        if self._stream is None:
            return
        self._play(self._stream, self._stream.jitter.poll(now_ms), now_ms)
        self._quiet_ticks += 1
        if self._quiet_ticks >= STARVED_TICKS:
            self._fill(self._stream, HEARD_SAMPLES)

    def _press(self, packet: RtpPacket) -> None:
        if packet.ssrc != self._presser:
            self._presser, self._events = packet.ssrc, TelephoneEvents()
        if digit := self._events.receive(packet.timestamp, packet.payload):
            self._on_digit(digit)

    def _play(self, stream: "_Stream", ready: list[Ready], now_ms: float) -> None:
        for item in ready:
            try:
                self._play_one(stream, item, now_ms)
            except Exception:  # whatever one packet does to a decoder, the next one may be good
                self._counters.malformed += 1

    def _play_one(self, stream: "_Stream", item: Ready, now_ms: float) -> None:
        packet, codec = item.packet, self._codecs[item.packet.payload_type]
        if codec.name == TELEPHONE_EVENT or not packet.payload:
            return
        decoder = stream.decoder_of(codec)
        gap = stream.gap_before(packet, codec, self._samples)
        if not self._pace.admits(now_ms / 1000, gap + stream.samples):
            self._counters.too_fast += 1
            return
        if item.missing and gap >= stream.samples and isinstance(decoder, OpusDecoder) and has_copy(packet.payload):
            self._fill(stream, gap - stream.samples)
            self._push(decoder.recover(packet.payload, stream.samples))
            self._counters.recovered += 1
        else:
            self._fill(stream, gap)
        pcm = decoder.decode(packet.payload)
        stream.follow(packet, codec, self._samples, len(pcm) // 2)
        self._push(pcm, packet.voice)

    def _fill(self, stream: "_Stream", samples: int) -> None:
        """Make up what is missing, for as long as that is possible."""
        while samples > 0:
            piece = min(samples, HEARD_SAMPLES)
            if piece == HEARD_SAMPLES and stream.decoder is not None and stream.concealed < MAX_CONCEALED:
                stream.concealed += 1
                self._counters.concealed_ms += FRAME_MS
                self._push(stream.decoder.conceal())
            else:
                self._counters.silent_ms += piece * 1000 // HEARD_RATE
                self._push(bytes(2 * piece))
            samples -= piece

    def _push(self, pcm: bytes, voice: bool | None = None) -> None:
        self._samples += len(pcm) // 2
        self._pcm += pcm
        while len(self._pcm) >= HEARD_BYTES:
            start = self._samples - len(self._pcm) // 2
            frame, self._pcm = Frame(self._pcm[:HEARD_BYTES], start, voice), self._pcm[HEARD_BYTES:]
            self._on_frame(frame)


class _Stream:
    """What is known of one sender (SSRC)."""

    def __init__(self, ssrc: int, counters: MediaCounters) -> None:
        self.ssrc = ssrc
        self.jitter = JitterBuffer(counters)
        self.decoder: OpusDecoder | G711Decoder | None = None
        """The one that was used last."""
        self.samples = 0
        """What the last packet had."""
        self.concealed = 0
        """Frames made up since then."""
        self._decoders: dict[str, OpusDecoder | G711Decoder] = {}
        self._anchor: tuple[int, int] | None = None
        """A timestamp, and the sample of ours that it is."""

    def decoder_of(self, codec: Codec) -> OpusDecoder | G711Decoder:
        decoder = self._decoders.get(codec.name)
        if decoder is None:
            decoder = OpusDecoder() if codec.name == "opus" else G711Decoder(law(codec.name))
            self._decoders[codec.name] = decoder
        self.decoder = decoder
        return decoder

    def gap_before(self, packet: RtpPacket, codec: Codec, heard: int) -> int:
        """Samples between what was heard and the packet; 0 when its clock has nothing to do with ours."""
        if self._anchor is None:
            return 0
        timestamp, sample = self._anchor
        since = (packet.timestamp - timestamp + 0x80000000) % 2**32 - 0x80000000
        gap = sample + since * HEARD_RATE // codec.clock_rate - heard
        return gap if 0 < gap <= MAX_GAP_MS * HEARD_RATE // 1000 else 0

    def follow(self, packet: RtpPacket, codec: Codec, start: int, samples: int) -> None:
        """The packet begins at our sample `start`."""
        self._anchor = (packet.timestamp, start)
        self.samples, self.concealed = samples, 0
