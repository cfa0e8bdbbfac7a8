"""RTP packets become frames and digits."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.media.frame import HEARD_RATE, HEARD_SAMPLES, SILENCE, SPOKEN_BYTES
from server.media.g711 import G711Encoder
from server.media.inbound import MAX_CONCEALED, MAX_DIGITS_AT_ONCE, MAX_HELD_BACK_S, MAX_NEW_SENDERS, STARVED_TICKS
from server.media.opus import has_copy
from server.media.rtp import RtpPacket
from tests.media.hearing import EVENT, NOISE, OPUS, PCMU, Hearing, sent, starts, timed, tone
from tests.media.link import Impairment, Link
from tests.media.test_opus import with_fec
from tests.voices import speak


@pytest.mark.parametrize("kind", [OPUS, PCMU])
def test_each_packet_is_a_frame_at_its_time(kind: int) -> None:
    """A second of a tone goes in, and a second of it comes out, without delay and at its level."""
    hearing = Hearing().take(timed(sent(50, kind)))
    assert starts(hearing.frames) == list(range(50))
    assert all(7_000 < level < 9_000 for level in hearing.levels[5:])


@pytest.mark.parametrize("kind", [OPUS, PCMU])
def test_a_lost_packet_is_made_up_at_once(kind: int) -> None:
    """When the packet after a lost one comes, its time is filled with sound. All other sound keeps its place."""
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
    """Of twelve lost packets, five are made up and the rest is silence."""
    packets = timed(sent(40, kind))
    del packets[20:32]
    hearing = Hearing().take(packets)
    assert starts(hearing.frames) == list(range(40))
    assert hearing.levels[20] > 2_000
    assert set(hearing.levels[20 + MAX_CONCEALED + 1 : 30]) == {0}
    assert hearing.counters.concealed_ms == 20 * MAX_CONCEALED
    assert hearing.counters.silent_ms == 20 * (12 - MAX_CONCEALED)


def test_what_was_lost_is_heard_from_its_copy() -> None:
    """If the sender uses in-band FEC, a lost packet is recovered, not made up. Of two in a row, the second is."""
    payloads = with_fec(speak("Good morning, what are your opening hours please?"))
    packets = timed([RtpPacket(OPUS, n, 960 * n, 7, payload) for n, payload in enumerate(payloads)])
    copied = [n for n in range(20, 60) if has_copy(payloads[n + 1])]
    kept = [packet for n, packet in enumerate(packets) if n not in (copied[0], copied[10] - 1, copied[10])]
    hearing = Hearing().take(kept)
    assert starts(hearing.frames) == list(range(len(packets)))
    assert (hearing.counters.lost, hearing.counters.recovered, hearing.counters.concealed_ms) == (3, 2, 20)


def test_a_pause_of_the_sender_takes_its_time() -> None:
    """If only the timestamp jumps and no sequence number is missing, it is a pause: sound after it is at its time."""
    packets = sent(10) + sent(10, first=10, at=25)
    hearing = Hearing().take((20.0 * (n if n < 10 else n + 15), packet) for n, packet in enumerate(packets))
    assert starts(hearing.frames) == list(range(35))
    assert hearing.counters.lost == 0
    assert hearing.levels[20] == 0


def test_silence_is_handed_on_while_nothing_comes() -> None:
    """After 100 ms without a packet, each tick gives a frame. When the sender comes back, its sound is at its time."""
    hearing = Hearing().take(timed(sent(10)))
    for tick in range(10, 60):
        hearing.inbound.poll(20.0 * tick)
    assert len(hearing.frames) == 60 - (STARVED_TICKS - 1)
    assert all(frame.pcm == SILENCE for frame in hearing.frames[10 + MAX_CONCEALED + 1 :])
    hearing.take([(1_200.0, packet) for packet in sent(1, first=10, at=60)])
    assert starts(hearing.frames) == list(range(61))


def test_words_that_the_network_held_back_are_heard() -> None:
    """After a stall of the network, the packets that come late are used. Time goes on without a step back."""
    hearing = Hearing().take(timed(sent(50))[:20])
    for tick in range(20, 40):
        hearing.inbound.poll(20.0 * tick)
    stalled = len(hearing.frames)
    hearing.take((800.0, packet) for packet in sent(50)[20:40])
    assert len(hearing.frames) == stalled + 20
    assert min(hearing.levels[stalled + 2 :]) > 7_000
    assert starts(hearing.frames) == list(range(stalled + 20))


def test_a_stall_of_ours_puts_no_silence_in() -> None:
    """After this process has stalled, ticks may come before packets that wait in the socket. No silence is added."""
    hearing, packets = Hearing(), sent(50)
    hearing.take(timed(packets)[:20])
    for _ in range(3):
        hearing.inbound.poll(1_000.0)
    hearing.take((1_000.0, packet) for packet in packets[20:])
    assert starts(hearing.frames) == list(range(50))
    assert hearing.counters.silent_ms == hearing.counters.concealed_ms == 0


def test_a_new_start_of_the_clock_is_no_pause() -> None:
    """If the timestamp jumps far away, the sender has a new clock, and no gap is filled.

    If the sequence number jumps far away, too, the first such packet is dropped, because it may be just very late.
    """
    packets = sent(5) + sent(5, first=5, at=500_000) + sent(5, first=40_000, at=3)
    assert len(Hearing().take(timed(packets)).frames) == 14


def test_time_goes_on_across_the_wraps() -> None:
    """When the sequence number and the timestamp wrap, nothing is lost."""
    hearing = Hearing().take(timed(sent(10, first=65_531, at=(2**32 // 960) - 4)))
    assert starts(hearing.frames) == list(range(10))
    assert hearing.counters.lost == 0


def test_another_sender_begins_anew() -> None:
    """Packets of another SSRC are heard after those of the first one."""
    others = [RtpPacket(p.payload_type, p.sequence, p.timestamp, 8, p.payload) for p in sent(5, first=900, at=900)]
    assert starts(Hearing().take(timed(sent(5) + others)).frames) == list(range(10))


def of(ssrc: int, packets: list[RtpPacket]) -> list[RtpPacket]:
    """The same packets from another sender."""
    return [packet._replace(ssrc=ssrc) for packet in packets]


def test_a_sender_that_was_replaced_is_heard_again_after_silence() -> None:
    """Packets of the sender before are dropped, until the new one has been silent for 100 ms."""
    hearing, old = Hearing(), sent(20)
    hearing.take(timed(old[:5] + of(8, sent(5)) + old[5:10]))
    assert len(hearing.frames) == 10
    assert (hearing.counters.unheard, hearing.inbound.sender) == (5, 8)
    for tick in range(STARVED_TICKS):
        hearing.inbound.poll(300.0 + 20 * tick)
    heard = len(hearing.frames)
    hearing.take((400.0 + 20 * n, packet) for n, packet in enumerate(old[10:]))
    assert len(hearing.frames) == heard + 10
    assert (hearing.counters.unheard, hearing.inbound.sender) == (5, 7)


@pytest.mark.parametrize("senders", [2, 3, 100])
def test_senders_that_take_turns_build_few_decoders(senders: int) -> None:
    """However many senders alternate, each of them begins once at most, and later ones wait."""
    packets = [packet for n in range(10) for ssrc in range(senders) for packet in of(ssrc, sent(1, first=n, at=n))]
    hearing, streams = Hearing(), []
    for packet in packets:
        hearing.take([(0.0, packet)])
        streams.append(hearing.inbound._stream)
    assert len(set(map(id, streams))) == min(senders, MAX_NEW_SENDERS)
    assert hearing.inbound.sender == min(senders, MAX_NEW_SENDERS) - 1


def test_a_change_of_codec_builds_nothing_anew() -> None:
    """A sender that changes its codec with every packet keeps its two decoders."""
    hearing, decoders = Hearing(), []
    for n in range(40):
        hearing.take([(20.0 * n, sent(1, (OPUS, PCMU)[n % 2], first=n, at=n)[0])])
        decoders.append(hearing.inbound._stream.decoder)  # type: ignore[union-attr]
    assert len(set(map(id, decoders))) == 2


def test_keys_of_another_sender_take_no_turn() -> None:
    """Keys may have an SSRC of their own. The sound between them is heard without a gap."""
    key = [RtpPacket(EVENT, n, 2**20 + 9_000 * n, 9, bytes([n, 10, 0, 160])) for n in range(10)]
    hearing = Hearing().take(timed([packet for pair in zip(sent(10), key, strict=True) for packet in pair]))
    assert hearing.digits == list("0123456789")
    assert starts(hearing.frames) == list(range(10))
    assert hearing.counters.unheard == 0


def test_keys_come_at_the_pace_of_a_machine_at_most() -> None:
    """Of a hundred keys at once a burst is heard; then one every 80 ms."""
    hearing = Hearing()
    hearing.take((0.0, RtpPacket(EVENT, n, 9_000 * n, 7, bytes([5, 10, 0, 160]))) for n in range(100))
    assert len(hearing.digits) == MAX_DIGITS_AT_ONCE
    hearing.take((20.0 * n, RtpPacket(EVENT, n, 9_000 * n, 7, bytes([5, 10, 0, 160]))) for n in range(100, 200))
    assert len(hearing.digits) == MAX_DIGITS_AT_ONCE + 49
    assert hearing.counters.too_fast == 200 - len(hearing.digits)


def test_packets_of_any_length() -> None:
    """A packet of 60 ms gives three frames, and a lost one is filled with three frames."""
    encoder, pcm, packets = G711Encoder("PCMU"), tone(30), []
    for n in range(10):
        payload = encoder.encode(pcm[3 * n * SPOKEN_BYTES : 3 * (n + 1) * SPOKEN_BYTES])
        packets.append((60.0 * n, RtpPacket(PCMU, n, 480 * n, 7, payload)))
    del packets[5]
    hearing = Hearing().take(packets)
    assert starts(hearing.frames) == list(range(30))
    assert hearing.counters.concealed_ms == 60


def test_a_packet_that_is_no_sound_is_counted_and_concealed() -> None:
    """A packet of garbage is filled as if it was lost, and the next packet is heard."""
    packets = timed(sent(10))
    packets[5] = (100.0, RtpPacket(OPUS, 5, 5 * 960, 7, b"\xff\xff\xff"))
    hearing = Hearing().take(packets)
    assert starts(hearing.frames) == list(range(10))
    assert hearing.counters.malformed == 1


def test_a_key_is_heard_and_costs_no_sound() -> None:
    """Telephone events between packets of sound give one digit. They are not a loss, and are silent while they last."""
    events = [RtpPacket(EVENT, 5 + n, 5 * 960, 7, bytes([5, 10]) + (960 * n).to_bytes(2, "big")) for n in range(5)]
    hearing = Hearing().take(timed(sent(5) + events + sent(5, first=10, at=10)))
    assert hearing.digits == ["5"]
    assert hearing.counters.lost == 0
    assert starts(hearing.frames) == list(range(15))


def test_time_passes_while_a_key_is_held() -> None:
    """While a key is held, the sender sends no sound: silent frames come, and the next sound is at its own time."""
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
    """The timestamps of a sender begin at random, so they may look older than those of the sender before."""
    sound = sent(4)
    first, other = (RtpPacket(EVENT, 9, at, ssrc, bytes([5, 10, 0, 160])) for at, ssrc in ((2**30, 8), (2**20, 9)))
    between = [sound[0], first, sound[1], first, sound[2], other, sound[3], other]
    assert Hearing().take(timed(between)).digits == ["5", "5"]


def test_the_hint_is_handed_on() -> None:
    """A frame has the voice hint of its packet. A frame that is made up has none."""
    packets = [RtpPacket(p.payload_type, p.sequence, p.timestamp, 7, p.payload, voice=True) for p in sent(4)]
    del packets[2]
    assert [frame.voice for frame in Hearing().take(timed(packets)).frames] == [True, True, None, True]


def test_more_sound_than_time_is_refused() -> None:
    """A client that sends ten times as fast as real time is heard for as much as a network may hold back. After that it
    is heard at most at 1.1 times real time."""
    packets = sent(1_000, pcm=bytes(1_000 * SPOKEN_BYTES))
    hearing = Hearing().take((2.0 * n, packet) for n, packet in enumerate(packets))
    assert hearing.counters.too_fast > 600
    assert len(hearing.frames) * 0.02 < MAX_HELD_BACK_S + 2 * 1.1 + 1.0


def test_packets_of_an_unknown_codec_are_nothing() -> None:
    """Packets of a codec that was not negotiated are not heard."""
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
    """On any network, frames follow each other without a hole or a step back, and every packet in time is heard."""
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
    """At 20 % loss, every packet that arrives is used, and every lost one is filled."""
    link, hearing = Link(Impairment(loss=0.2), seed=3), Hearing()
    for n, packet in enumerate(SPEECH):
        if link.arrivals_ms(20.0 * n):
            hearing.inbound.receive(packet, 20.0 * n)
    counters = hearing.counters
    assert len(hearing.frames) == counters.received + counters.lost
    assert (counters.late, counters.duplicate, counters.malformed, counters.too_fast) == (0, 0, 0, 0)
    assert (counters.concealed_ms, counters.silent_ms) == (20 * counters.lost, 0)


def test_comfort_noise_is_silence() -> None:
    """A telephone that sends comfort noise (RFC 3389) is silent: nothing is made up, and nothing is lost."""
    hearing = Hearing()
    for now_ms, packet in timed(sent(10, PCMU)):
        hearing.take([(now_ms, packet)]).inbound.poll(now_ms)
    hearing.take([(200.0, RtpPacket(NOISE, 10, 10 * 160, 7, b"\x40"))])
    for tick in range(10, 40):
        hearing.inbound.poll(20.0 * tick)
    assert set(hearing.levels[12:]) == {0}
    assert len(hearing.frames) >= 35
    assert (hearing.counters.concealed_ms, hearing.counters.lost, hearing.counters.malformed) == (0, 0, 0)
    hearing.take([(800.0 + 20 * n, packet) for n, packet in enumerate(sent(5, PCMU, first=11, at=40))])
    assert hearing.levels[-1] > 2_000


@pytest.mark.parametrize(("payload_type", "payload"), [(NOISE, b"\x40"), (NOISE, b"\x40\x01\x02"), (PCMU, b"")])
@pytest.mark.parametrize("every", [1, 4, 10])
def test_time_passes_however_often_silence_is_told(payload_type: int, payload: bytes, every: int) -> None:
    """Some telephones send comfort noise for the whole of a pause, and others nothing in their packets."""
    hearing = Hearing()
    for now_ms, packet in timed(sent(10, PCMU)):
        hearing.take([(now_ms, packet)]).inbound.poll(now_ms)
    told = 0
    for tick in range(10, 110):
        if tick % every == 0:
            packet = RtpPacket(payload_type, 10 + told, tick * 160, 7, payload)
            hearing.take([(20.0 * tick, packet)])
            told += 1
        hearing.inbound.poll(20.0 * tick)
    assert len(hearing.frames) == 110 - STARVED_TICKS + 2
    assert set(hearing.levels[10 + MAX_CONCEALED + 1 :]) == {0}
    hearing.take([(2200.0 + 20 * n, packet) for n, packet in enumerate(sent(5, PCMU, first=10 + told, at=110))])
    assert starts(hearing.frames) == list(range(115))
    assert hearing.levels[-1] > 2_000


def test_a_caller_who_has_sent_nothing_yet_is_silent() -> None:
    """Time passes for a caller without a microphone, too."""
    hearing = Hearing()
    for tick in range(50):
        hearing.inbound.poll(20.0 * tick)
    assert len(hearing.frames) == 50 - STARVED_TICKS + 1
    assert set(hearing.levels) == {0}
