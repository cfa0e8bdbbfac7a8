"""Turns the RTP packets of one caller into 20 ms frames and digits, in order, on the sender's clock.

The time of a frame is that of its RTP timestamp. If sound is missing, the decoder makes up 100 ms of it at most; after
that, the frames are silent. If the sender pauses, the frames are silent for as long as the pause is.

If no packets come, silent frames go out as time passes, so that the endpoint can see that the caller is silent. Words
that come late are still used, and time goes on from there.

One sender (SSRC) is heard at a time. A new one is heard at once, in place of the one before. A sender that was heard
before is heard again when nobody else has been for 100 ms. So two senders that take turns cost no more than one.
"""

from collections.abc import Callable, Mapping

from server.media.codecs import COMFORT_NOISE, TELEPHONE_EVENT, Codec
from server.media.counters import MediaCounters
from server.media.dtmf import TelephoneEvents
from server.media.frame import FRAME_MS, HEARD_BYTES, HEARD_RATE, HEARD_SAMPLES, Frame
from server.media.g711 import G711Decoder, law
from server.media.g722 import G722Decoder
from server.media.jitter import JitterBuffer, Ready
from server.media.opus import OpusDecoder, has_copy
from server.media.rtp import RtpPacket
from server.pace import Pace

MAX_CONCEALED = 5
"""How many frames in a row are made up: 100 ms. A voice that is made up for longer sounds like a robot; silence is more
honest."""
MAX_GAP_MS = 400
"""How far ahead of the last packet a timestamp may be. If it is further ahead, the sender has a new clock: it is not a
pause, because pauses are filled with silence while they last."""
STARVED_TICKS = 100 // FRAME_MS
"""How long no packet may come until silent frames go out: 100 ms. This is more than a network's jitter, and less than
the shortest silence that an endpoint waits for.

It is counted in ticks, not in time: after this process has stalled, packets are waiting in the socket, not yet read."""
MAX_PACE = 1.1
"""How many seconds of sound may come per second, on average. No sender's clock is ten per cent too fast."""
MAX_HELD_BACK_S = 3.0
"""How many seconds of sound may come at once, after a network has held packets back. More is an attack on the CPU."""

MAX_NEW_SENDERS = 64
"""How many senders may come in at once, in place of the one that is heard. All later ones wait until it is silent."""
MAX_DIGITS_PER_S, MAX_DIGITS_AT_ONCE = 12.5, 32
"""How many keys may be pressed. The fastest machines press one every 80 ms (ITU-T Q.24); the rest is room for a burst
after a stall."""


class Inbound:
    """Decodes the sound of one call. `receive` and `poll` call `on_frame` and `on_digit`, in order."""

    def __init__(
        self,
        codecs: Mapping[int, Codec],
        on_frame: Callable[[Frame], None],
        on_digit: Callable[[str], None],
        counters: MediaCounters,
    ) -> None:
        self.codecs = codecs
        """The codecs by payload type. They may change in the call."""
        self._on_frame = on_frame
        self._on_digit = on_digit
        self._counters = counters
        self._stream: _Stream | None = None
        """The sender that is heard."""
        self._heard: set[int] = set()
        """The senders that were heard so far."""
        self._events = TelephoneEvents()
        self._presser: int | None = None
        """The sender (SSRC) of the events in `_events`. Timestamps of two senders cannot be compared."""
        self._pace = Pace(MAX_PACE * HEARD_RATE, MAX_HELD_BACK_S * HEARD_RATE)
        """Limits the sound that is decoded. Its tokens are 16 kHz samples."""
        self._digit_rate = Pace(MAX_DIGITS_PER_S, MAX_DIGITS_AT_ONCE)
        self._quiet_ticks = 0
        self._samples = 0
        """How many 16 kHz samples were heard so far: where the next sound begins."""
        self._pcm = b""
        """Sound that does not fill a frame yet."""

    def receive(self, packet: RtpPacket, now_ms: float) -> None:
        """Take a packet when it arrives."""
        codec = self.codecs.get(packet.payload_type)
        if codec is None:
            return
        self._counters.received += 1
        self._counters.received_bytes += len(packet.payload)
        if codec.name == TELEPHONE_EVENT:
            self._press(packet, now_ms)  # the keys may have an SSRC of their own
        else:
            self._listen_to(packet.ssrc)
        if self._stream is None or self._stream.ssrc != packet.ssrc:
            self._counters.unheard += codec.name != TELEPHONE_EVENT
            return
        if packet.payload and codec.name not in (TELEPHONE_EVENT, COMFORT_NOISE):
            self._quiet_ticks = 0  # comfort noise may come as often as sound does, and time passes meanwhile
        self._play(self._stream, self._stream.jitter.push(packet, now_ms), now_ms)

    @property
    def sender(self) -> int | None:
        """The SSRC of the sender that is heard. None before the first sound."""
        return None if self._stream is None else self._stream.ssrc

    @property
    def window_ms(self) -> float:
        """How long a packet is waited for at present that is missing."""
        return 0.0 if self._stream is None else self._stream.jitter.window_ms

    def poll(self, now_ms: float) -> None:
        """Give up packets that are too late, and hand on silence if no packets come. Call it every 20 ms."""
        if self._stream is not None:
            self._play(self._stream, self._stream.jitter.poll(now_ms), now_ms)
        self._quiet_ticks += 1
        if self._quiet_ticks >= STARVED_TICKS:
            self._fill(self._stream, HEARD_SAMPLES)

    def _listen_to(self, ssrc: int) -> None:
        """Sound of this sender has come: hear it from now on, if its turn has come."""
        if self._stream is not None:
            if self._stream.ssrc == ssrc:
                return
            new = ssrc not in self._heard and len(self._heard) < MAX_NEW_SENDERS
            if not new and self._quiet_ticks < STARVED_TICKS:
                return
        if len(self._heard) < MAX_NEW_SENDERS:
            self._heard.add(ssrc)
        self._stream = _Stream(ssrc, self._counters)

    def _press(self, packet: RtpPacket, now_ms: float) -> None:
        if packet.ssrc != self._presser:
            self._presser, self._events = packet.ssrc, TelephoneEvents()
        if digit := self._events.receive(packet.timestamp, packet.payload):
            if self._digit_rate.admits(now_ms / 1000):
                self._on_digit(digit)
            else:
                self._counters.too_fast += 1

    def _play(self, stream: "_Stream", ready: list[Ready], now_ms: float) -> None:
        for item in ready:
            try:
                self._play_one(stream, item, now_ms)
            except Exception:  # a packet may make a decoder raise anything, and the next packet may be good
                self._counters.malformed += 1

    def _play_one(self, stream: "_Stream", item: Ready, now_ms: float) -> None:
        packet, codec = item.packet, self.codecs[item.packet.payload_type]
        if codec.name == COMFORT_NOISE:
            stream.concealed = MAX_CONCEALED  # the sender says that it is silent: nothing is missing until it speaks
            return
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
        stream.follow(packet, self._samples, len(pcm) // 2)
        self._push(pcm, packet.voice)

    def _fill(self, stream: "_Stream | None", samples: int) -> None:
        """Fill a gap of `samples` samples: with made-up sound for at most MAX_CONCEALED frames, then with silence."""
        while samples > 0:
            piece = min(samples, HEARD_SAMPLES)
            decoder = None if stream is None else stream.decoder
            if piece == HEARD_SAMPLES and stream and decoder is not None and stream.concealed < MAX_CONCEALED:
                stream.concealed += 1
                self._counters.concealed_ms += FRAME_MS
                self._push(decoder.conceal())
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


Decoder = OpusDecoder | G711Decoder | G722Decoder


def _decoder_of(codec: str) -> Decoder:
    """The decoder for a codec, by its SDP name in lower case."""
    if codec == "opus":
        return OpusDecoder()
    return G722Decoder() if codec == "g722" else G711Decoder(law(codec))


class _Stream:
    """The state of one sender (SSRC): its jitter buffer, its decoders and its clock."""

    def __init__(self, ssrc: int, counters: MediaCounters) -> None:
        self.ssrc = ssrc
        self.jitter = JitterBuffer(counters)
        self.decoder: Decoder | None = None
        """The decoder that was used last."""
        self.samples = 0
        """How many samples the last packet had."""
        self.concealed = 0
        """How many frames were made up since the last packet."""
        self._decoders: dict[str, Decoder] = {}
        self._anchor: tuple[int, int] | None = None
        """The RTP timestamp of the last packet, and the 16 kHz sample of ours at which that packet began."""

    def decoder_of(self, codec: Codec) -> Decoder:
        decoder = self._decoders.get(codec.name)
        if decoder is None:
            decoder = _decoder_of(codec.name)
            self._decoders[codec.name] = decoder
        self.decoder = decoder
        return decoder

    def gap_before(self, packet: RtpPacket, codec: Codec, heard: int) -> int:
        """How many samples are missing between the sound so far (`heard` samples) and the packet.

        Returns 0 if the packet's timestamp does not continue the clock of the last one.
        """
        if self._anchor is None:
            return 0
        timestamp, sample = self._anchor
        since = (packet.timestamp - timestamp + 0x80000000) % 2**32 - 0x80000000
        gap = sample + since * HEARD_RATE // codec.clock_rate - heard
        return gap if 0 < gap <= MAX_GAP_MS * HEARD_RATE // 1000 else 0

    def follow(self, packet: RtpPacket, start: int, samples: int) -> None:
        """Remember the packet as the last one. It begins at our sample `start` and has `samples` samples."""
        self._anchor = (packet.timestamp, start)
        self.samples, self.concealed = samples, 0
