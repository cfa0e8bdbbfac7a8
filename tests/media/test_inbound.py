from collections.abc import Iterable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.media.counters import MediaCounters
from server.media.frame import HEARD_RATE, HEARD_SAMPLES, SILENCE, SPOKEN_BYTES, Frame
from server.media.g711 import G711Encoder
from server.media.inbound import MAX_CONCEALED, MAX_HELD_BACK_S, STARVED_TICKS, Codec, Inbound
from server.media.opus import OpusEncoder, has_copy
from server.media.rtp import RtpPacket
from tests.media.link import Impairment, Link
from tests.media.test_opus import with_fec
from tests.voices import speak

OPUS, PCMU, EVENT = 111, 0, 110
CODECS = {OPUS: Codec("opus", 48_000), PCMU: Codec("pcmu", 8_000), EVENT: Codec("telephone-event", 48_000)}


class Hearing:
    """An Inbound, and what came out of it."""

    def __init__(self) -> None:
        self.frames: list[Frame] = []
        self.digits: list[str] = []
        self.counters = MediaCounters()
        self.inbound = Inbound(CODECS, self.frames.append, self.digits.append, self.counters)

    def take(self, packets: Iterable[tuple[float, RtpPacket]]) -> "Hearing":
        """Packets with their times of arrival in ms."""
        for now_ms, packet in packets:
            self.inbound.receive(packet, now_ms)
        return self

    @property
    def levels(self) -> list[int]:
        """The loudest sample of each frame."""
        return [int(np.abs(np.frombuffer(frame.pcm, np.int16).astype(int)).max()) for frame in self.frames]


def tone(frames: int = 1) -> bytes:
    time = np.arange(frames * SPOKEN_BYTES // 2) / 24_000
    return (8_000 * np.sin(2 * np.pi * 440 * time)).astype(np.int16).tobytes()


def sent(count: int, kind: int = OPUS, pcm: bytes | None = None, first: int = 0, at: int = 0) -> list[RtpPacket]:
    """Packets of sound: their sequence from `first`, their timestamp from that of the `at`-th packet's time."""
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
    return [(20.0 * n, packet) for n, packet in enumerate(packets)]


def starts(frames: list[Frame]) -> list[int]:
    return [frame.start_samples // HEARD_SAMPLES for frame in frames]


@pytest.mark.parametrize("kind", [OPUS, PCMU])
def test_each_packet_is_a_frame_at_its_time(kind: int) -> None:
    """A second in is a second out, at once, with a tone's level."""
    hearing = Hearing().take(timed(sent(50, kind)))
    assert starts(hearing.frames) == list(range(50))
    assert all(7_000 < level < 9_000 for level in hearing.levels[5:])


@pytest.mark.parametrize("kind", [OPUS, PCMU])
def test_a_lost_packet_is_made_up_at_once(kind: int) -> None:
    """With the packet after it its time is filled, with sound, and everything else keeps its place."""
    packets = timed(sent(20, kind))
    del packets[10]
    hearing = Hearing().take(packets[:10])
    before = len(hearing.frames)
    hearing.take(packets[10:11])
    assert len(hearing.frames) == before + 2
    hearing.take(packets[11:])
    assert starts(hearing.frames) == list(range(20))
    assert hearing.levels[10] > 2_000
    assert (hearing.counters.lost, hearing.counters.concealed_ms) == (1, 20)


@pytest.mark.parametrize("kind", [OPUS, PCMU])
def test_a_long_gap_is_concealed_and_then_silent(kind: int) -> None:
    """Of twelve lost packets five are made up, and the rest is silence."""
    packets = timed(sent(40, kind))
    del packets[20:32]
    hearing = Hearing().take(packets)
    assert starts(hearing.frames) == list(range(40))
    assert hearing.levels[20] > 2_000
    assert set(hearing.levels[20 + MAX_CONCEALED + 1 : 30]) == {0}
    assert hearing.counters.concealed_ms == 20 * MAX_CONCEALED
    assert hearing.counters.silent_ms == 20 * (12 - MAX_CONCEALED)


def test_what_was_lost_is_heard_from_its_copy() -> None:
    """From a sender with in-band FEC a lost packet is not made up but recovered, and of two in a row the second."""
    payloads = with_fec(speak("Good morning, what are your opening hours please?"))
    packets = timed([RtpPacket(OPUS, n, 960 * n, 7, payload) for n, payload in enumerate(payloads)])
    copied = [n for n in range(20, 60) if has_copy(payloads[n + 1])]
    kept = [packet for n, packet in enumerate(packets) if n not in (copied[0], copied[10] - 1, copied[10])]
    hearing = Hearing().take(kept)
    assert starts(hearing.frames) == list(range(len(packets)))
    assert (hearing.counters.lost, hearing.counters.recovered, hearing.counters.concealed_ms) == (3, 2, 20)


def test_a_pause_of_the_sender_takes_its_time() -> None:
    """Without sequence numbers missing, a jump of the timestamp is a pause: what comes after is at its own time."""
    packets = sent(10) + sent(10, first=10, at=25)
    hearing = Hearing().take((20.0 * (n if n < 10 else n + 15), packet) for n, packet in enumerate(packets))
    assert starts(hearing.frames) == list(range(35))
    assert hearing.counters.lost == 0
    assert hearing.levels[20] == 0


def test_silence_is_handed_on_while_nothing_comes() -> None:
    """After 100 ms without a packet each tick gives a frame, and a sender that comes back is at its true time."""
    hearing = Hearing().take(timed(sent(10)))
    for tick in range(10, 60):
        hearing.inbound.poll(20.0 * tick)
    assert len(hearing.frames) == 60 - (STARVED_TICKS - 1)
    assert all(frame.pcm == SILENCE for frame in hearing.frames[10 + MAX_CONCEALED + 1 :])
    hearing.take([(1_200.0, packet) for packet in sent(1, first=10, at=60)])
    assert starts(hearing.frames) == list(range(61))


def test_words_that_the_network_held_back_are_heard() -> None:
    """After a stall of the network whatever comes late is used, and time goes on from there without a step back."""
    hearing = Hearing().take(timed(sent(50))[:20])
    for tick in range(20, 40):
        hearing.inbound.poll(20.0 * tick)
    stalled = len(hearing.frames)
    hearing.take((800.0, packet) for packet in sent(50)[20:40])
    assert len(hearing.frames) == stalled + 20
    assert min(hearing.levels[stalled + 2 :]) > 7_000
    assert starts(hearing.frames) == list(range(stalled + 20))


def test_a_stall_of_ours_puts_no_silence_in() -> None:
    """When we were held up, ticks come before the packets that wait in the socket, and everything keeps its time."""
    hearing, packets = Hearing(), sent(50)
    hearing.take(timed(packets)[:20])
    for _ in range(3):
        hearing.inbound.poll(1_000.0)
    hearing.take((1_000.0, packet) for packet in packets[20:])
    assert starts(hearing.frames) == list(range(50))
    assert hearing.counters.silent_ms == hearing.counters.concealed_ms == 0


def test_a_new_start_of_the_clock_is_no_pause() -> None:
    """A timestamp that has jumped far away is another clock: nothing is filled.

    The first packet of a sequence that has jumped far away, too, may be a straggler, and is left out.
    """
    packets = sent(5) + sent(5, first=5, at=500_000) + sent(5, first=40_000, at=3)
    assert len(Hearing().take(timed(packets)).frames) == 14


def test_time_goes_on_across_the_wraps() -> None:
    """Sequence and timestamp wrap without a trace."""
    hearing = Hearing().take(timed(sent(10, first=65_531, at=(2**32 // 960) - 4)))
    assert starts(hearing.frames) == list(range(10))
    assert hearing.counters.lost == 0


def test_another_sender_begins_anew() -> None:
    """Packets of another SSRC are heard after the ones before."""
    others = [RtpPacket(p.payload_type, p.sequence, p.timestamp, 8, p.payload) for p in sent(5, first=900, at=900)]
    assert starts(Hearing().take(timed(sent(5) + others)).frames) == list(range(10))


def test_packets_of_any_length() -> None:
    """60 ms in a packet are three frames, and a lost one is filled with three."""
    encoder, pcm, packets = G711Encoder("PCMU"), tone(30), []
    for n in range(10):
        payload = encoder.encode(pcm[3 * n * SPOKEN_BYTES : 3 * (n + 1) * SPOKEN_BYTES])
        packets.append((60.0 * n, RtpPacket(PCMU, n, 480 * n, 7, payload)))
    del packets[5]
    hearing = Hearing().take(packets)
    assert starts(hearing.frames) == list(range(30))
    assert hearing.counters.concealed_ms == 60


def test_a_packet_that_is_no_sound_is_counted_and_concealed() -> None:
    """Garbage takes its time, and the next packet is heard."""
    packets = timed(sent(10))
    packets[5] = (100.0, RtpPacket(OPUS, 5, 5 * 960, 7, b"\xff\xff\xff"))
    hearing = Hearing().take(packets)
    assert starts(hearing.frames) == list(range(10))
    assert hearing.counters.malformed == 1


def test_a_key_is_heard_and_costs_no_sound() -> None:
    """Telephone events among the sound are one digit, no loss, and silence for as long as they last."""
    events = [RtpPacket(EVENT, 5 + n, 5 * 960, 7, bytes([5, 10]) + (960 * n).to_bytes(2, "big")) for n in range(5)]
    hearing = Hearing().take(timed(sent(5) + events + sent(5, first=10, at=10)))
    assert hearing.digits == ["5"]
    assert hearing.counters.lost == 0
    assert starts(hearing.frames) == list(range(15))


def test_time_passes_while_a_key_is_held() -> None:
    """A sender has no sound for so long: it is silence as it passes, and what follows stands at its time."""
    events = [
        RtpPacket(EVENT, 5 + n, 5 * 960, 7, bytes([5, 10]) + min(960 * n, 0xFFFF).to_bytes(2, "big"))
        for n in range(100)
    ]
    hearing = Hearing()
    for now_ms, packet in timed(sent(5) + events):
        hearing.take([(now_ms, packet)]).inbound.poll(now_ms)
    assert len(hearing.frames) >= 105 - STARVED_TICKS
    hearing.take([(2_100.0 + 20 * n, packet) for n, packet in enumerate(sent(5, first=105, at=105))])
    assert starts(hearing.frames) == list(range(110))


def test_another_senders_keys_are_heard_whatever_its_clock_says() -> None:
    """Its timestamps begin at random, and so may look older than those of the sender before."""
    sound = sent(4)
    first, other = (RtpPacket(EVENT, 9, at, ssrc, bytes([5, 10, 0, 160])) for at, ssrc in ((2**30, 8), (2**20, 9)))
    between = [sound[0], first, sound[1], first, sound[2], other, sound[3], other]
    assert Hearing().take(timed(between)).digits == ["5", "5"]


def test_the_hint_is_handed_on() -> None:
    """A frame says what its packet said about a voice; what is made up says nothing."""
    packets = [RtpPacket(p.payload_type, p.sequence, p.timestamp, 7, p.payload, voice=True) for p in sent(4)]
    del packets[2]
    assert [frame.voice for frame in Hearing().take(timed(packets)).frames] == [True, True, None, True]


def test_more_sound_than_time_is_refused() -> None:
    """Who sends ten times as fast as one speaks is heard for what a network may hold back, and then at pace."""
    packets = sent(1_000, pcm=bytes(1_000 * SPOKEN_BYTES))
    hearing = Hearing().take((2.0 * n, packet) for n, packet in enumerate(packets))
    assert hearing.counters.too_fast > 600
    assert len(hearing.frames) * 0.02 < MAX_HELD_BACK_S + 2 * 1.1 + 1.0


def test_packets_of_an_unknown_codec_are_nothing() -> None:
    """What was not negotiated is not heard."""
    hearing = Hearing().take([(0.0, RtpPacket(99, 0, 0, 7, b"x"))])
    assert hearing.frames == []
    assert hearing.counters.received == 0


NETWORKS = st.builds(
    Impairment,
    loss=st.floats(0, 0.4),
    jitter_ms=st.floats(0, 150),
    reorder=st.floats(0, 0.2),
    duplicate=st.floats(0, 0.2),
    cuts_ms=st.sampled_from([(), ((500.0, 900.0),), ((300.0, 1_500.0),)]),
)
SPEECH = sent(
    100, pcm=speak("Good morning, what are your opening hours please?", rate_hz=24_000).ljust(100 * SPOKEN_BYTES)
)


@settings(max_examples=40, deadline=None)
@given(NETWORKS, st.integers(0, 1_000))
def test_any_network(bad: Impairment, seed: int) -> None:
    """Frames follow each other without a hole or a step back, and every packet in time is heard."""
    link, hearing = Link(bad, seed), Hearing()
    arrivals = [(at_ms, packet) for n, packet in enumerate(SPEECH) for at_ms in link.arrivals_ms(20.0 * n)]
    ticks: list[tuple[float, RtpPacket | None]] = [(20.0 * n + 7, None) for n in range(120)]
    for now_ms, packet in sorted([*arrivals, *ticks], key=lambda item: item[0]):
        if packet is None:
            hearing.inbound.poll(now_ms)
        else:
            hearing.inbound.receive(packet, now_ms)
    assert [frame.start_samples for frame in hearing.frames] == [HEARD_SAMPLES * n for n in range(len(hearing.frames))]
    counters = hearing.counters
    assert counters.malformed == counters.too_fast == 0
    used = counters.received - counters.late - counters.duplicate
    made_up_ms = counters.concealed_ms + counters.silent_ms + 20 * counters.recovered
    assert len(hearing.frames) * 20 == used * 20 + made_up_ms
    assert len(hearing.frames) * HEARD_SAMPLES / HEARD_RATE < 2.0 + 2.4


def test_a_fifth_lost_leaves_all_that_came() -> None:
    """At 20 % loss every packet that arrives is used, and what is lost is filled."""
    link, hearing = Link(Impairment(loss=0.2), seed=3), Hearing()
    for n, packet in enumerate(SPEECH):
        if link.arrivals_ms(20.0 * n):
            hearing.inbound.receive(packet, 20.0 * n)
    counters = hearing.counters
    assert len(hearing.frames) == counters.received + counters.lost
    assert (counters.late, counters.duplicate, counters.malformed, counters.too_fast) == (0, 0, 0, 0)
    assert (counters.concealed_ms, counters.silent_ms) == (20 * counters.lost, 0)
