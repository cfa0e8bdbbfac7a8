"""Two real RTP sessions talk over a bad network. The clock jumps, so each run gives the same result."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
from aiortc.rtp import RtcpPacket

from server.media.counters import MediaCounters
from server.media.frame import HEARD_SAMPLES, SPOKEN_BYTES, Frame
from server.media.inbound import Codec
from server.media.opus import has_copy
from server.media.rtp import build
from server.media.rtp_session import MAX_REPORTS_PER_S, REPORT_TICKS, Negotiated, RtpSession
from server.media.tones import tone
from tests.media.link import Clock, Impairment, Link
from tests.voices import speak

OPUS, EVENT = 111, 110
CODECS = {OPUS: Codec("opus", 48_000), EVENT: Codec("telephone-event", 48_000)}
SPEECH = speak("Good morning, what are your opening hours please? I would like to come today.", rate_hz=24_000)
WORDS = [SPEECH[i : i + SPOKEN_BYTES] for i in range(0, len(SPEECH) - SPOKEN_BYTES, SPOKEN_BYTES)]
TONE = (8_000 * np.sin(2 * np.pi * 400 * np.arange(SPOKEN_BYTES // 2) / 24_000)).astype(np.int16).tobytes()


class End:
    """One side of a call. It notes what it hears and when. Its packets go over `link` to `other`."""

    def __init__(
        self, clock: Clock, link: Link, ssrc: int, codecs: dict[int, Codec] = CODECS, uses_copies: bool = True
    ) -> None:
        self._clock, self._link = clock, link
        self.other: End | None = None
        self.heard: list[tuple[float, Frame]] = []
        self.digits: list[str] = []
        self.counters = MediaCounters()
        self.reports: list[bytes] = []
        self.payloads: list[bytes] = []
        self.session = RtpSession(Negotiated(codecs, ssrc, "me", uses_copies=uses_copies), self, self, self.counters)

    def hear(self, frame: Frame) -> None:
        self.heard.append((self._clock.now_ms, frame))

    def digit(self, digit: str) -> None:
        self.digits.append(digit)

    def send_rtp(self, packet: bytes) -> None:
        self.payloads.append(packet[12:])
        for at_ms in self._link.arrivals_ms(self._clock.now_ms):
            self._clock.at(at_ms, lambda: self._other.session.receive_rtp(packet, self._clock.now_ms / 1000))

    def send_rtcp(self, packet: bytes) -> None:
        self.reports.append(packet)
        for at_ms in self._link.arrivals_ms(self._clock.now_ms):
            self._clock.at(at_ms, lambda: self._other.session.receive_rtcp(packet, self._clock.now_ms / 1000))

    @property
    def _other(self) -> "End":
        assert self.other is not None
        return self.other

    def ages_ms(self, since: int = 0) -> list[float]:
        """How old each frame was when it was heard. Frame number n was sent at n × 20 ms."""
        return [at_ms - frame.start_samples // HEARD_SAMPLES * 20 for at_ms, frame in self.heard[since:]]


def talk(
    bad: Impairment,
    frames: Sequence[bytes | None],
    seed: int = 1,
    codecs: dict[int, Codec] = CODECS,
    uses_copies: bool = True,
) -> tuple[End, End]:
    """One end says the frames, and the other hears them over the bad network. Their ticks are 10 ms apart."""
    clock = Clock()
    speaker, hearer = (
        End(clock, Link(bad, seed), 1, codecs, uses_copies),
        End(clock, Link(Impairment(), seed), 2, codecs),
    )
    speaker.other, hearer.other = hearer, speaker

    def tick(number: int) -> None:
        speaker.session.speak(frames[number], number, clock.now_ms / 1000)
        speaker.session.hear(clock.now_ms / 1000)
        if number + 1 < len(frames):
            clock.at(20.0 * (number + 1), lambda: tick(number + 1))

    def hear(number: int) -> None:
        hearer.session.hear(clock.now_ms / 1000)
        hearer.session.speak(None, number, clock.now_ms / 1000)
        if number + 1 < len(frames):
            clock.at(20.0 * (number + 1) + 10, lambda: hear(number + 1))

    clock.at(0, lambda: tick(0))
    clock.at(10, lambda: hear(0))
    clock.run()
    return speaker, hearer


@pytest.mark.parametrize("kind", ["opus", "pcmu", "pcma"])
def test_a_clear_line_adds_nothing(kind: str) -> None:
    """On a good network each frame is heard when its packet arrives, without further delay."""
    codecs = {111: Codec(kind, 48_000 if kind == "opus" else 8_000)}
    _, hearer = talk(Impairment(), WORDS, codecs=codecs)
    assert hearer.ages_ms() == [0.0] * len(WORDS)


def test_one_lost_packet_costs_40_ms_once() -> None:
    """The frames before and after a lost packet come 40 ms apart. All later frames are heard without delay again."""
    _, hearer = talk(Impairment(cuts_ms=((1_000.0, 1_010.0),)), WORDS)
    times = [at_ms for at_ms, _ in hearer.heard]
    assert max(later - earlier for earlier, later in pairwise(times)) == 40
    assert sorted(hearer.ages_ms())[-1] == 20
    assert hearer.ages_ms(since=52) == [0.0] * (len(WORDS) - 52)


@pytest.mark.parametrize("loss", [0.01, 0.05, 0.1, 0.2, 0.4])
def test_all_that_arrives_is_heard_at_any_loss(loss: float) -> None:
    """At any loss, no packet that arrives is dropped, and the median delay stays at its least."""
    _, hearer = talk(Impairment(loss=loss), WORDS * 4, seed=7)
    counters = hearer.counters
    assert counters.late + counters.duplicate + counters.malformed + counters.too_fast == 0
    ages = sorted(hearer.ages_ms())
    assert ages[len(ages) // 2] == ages[0]


def test_a_network_that_reorders_is_waited_for() -> None:
    """With 5 % of packets out of order and 2 % duplicated, 98 % of what arrives is used, within the longest wait."""
    _, hearer = talk(Impairment(reorder=0.05, duplicate=0.02, jitter_ms=20), WORDS * 8, seed=5)
    counters = hearer.counters
    assert counters.late < 0.02 * counters.received
    assert counters.reordered > counters.late
    assert max(hearer.ages_ms()) <= 20 + 60 + 20


def test_a_cut_line_heals() -> None:
    """If nothing arrives for two seconds, these two seconds are silent. Later sound is heard at its own time."""
    _, hearer = talk(Impairment(cuts_ms=((1_000.0, 3_000.0),)), [TONE] * 250)
    ages = hearer.ages_ms()
    assert len(ages) == 250
    assert ages[-50:] == [0.0] * 50


def test_a_sender_that_pauses_keeps_its_time() -> None:
    """Between two sentences hardly a packet is sent. The second sentence is still heard at its own time."""
    _, hearer = talk(Impairment(), [*WORDS, *[None] * 100, *WORDS])
    assert hearer.ages_ms()[-len(WORDS) :] == [0.0] * len(WORDS)
    starts = [frame.start_samples for _, frame in hearer.heard]
    assert starts == [HEARD_SAMPLES * n for n in range(len(starts))]


def test_each_end_tells_the_other_how_much_it_loses() -> None:
    """The last report of an end says which share of the other's packets was lost in the last second."""
    _, hearer = talk(Impairment(loss=0.2), [TONE] * (4 * REPORT_TICKS), seed=2)
    report, _ = RtcpPacket.parse(hearer.reports[-1])
    assert 0.05 < report.reports[0].fraction_lost / 256 < 0.35


def test_the_report_is_about_the_sender_that_is_heard() -> None:
    """Packets of a sender that is not heard change nothing in our reports."""
    hearer = End(Clock(), Link(Impairment()), 2)
    for n in range(100):
        for ssrc in (7, 8) if n == 0 else (8, 7):
            hearer.session.receive_rtp(build(OPUS, n, 960 * n, ssrc, b"\xd8"), 0.02 * n)
    hearer.session.speak(None, 0, 2.0)
    report, _ = RtcpPacket.parse(hearer.reports[-1])
    [block] = report.reports
    assert (block.ssrc, block.packets_lost, block.highest_sequence) == (8, 0, 99)


@pytest.mark.parametrize("loss", [0.05, 0.1, 0.2])
def test_a_client_that_loses_packets_gets_copies(loss: float) -> None:
    """From the first report of losses on, most lost sound is recovered, if the client can use copies."""
    speaker, hearer = talk(Impairment(loss=loss), WORDS * 8, seed=3)
    _, deaf = talk(Impairment(loss=loss), WORDS * 8, seed=3, uses_copies=False)
    assert speaker.counters.lost_percent == pytest.approx(100 * loss, abs=0.3 * 100 * loss)
    assert hearer.counters.recovered > 0.6 * hearer.counters.lost
    assert hearer.counters.concealed_ms < 0.5 * deaf.counters.concealed_ms
    assert deaf.counters.recovered == 0


def test_a_client_on_a_good_line_gets_no_copies() -> None:
    """Without losses the voice is encoded for a good line: no packet has a copy."""
    speaker, hearer = talk(Impairment(delay_ms=40), WORDS * 2)
    assert (hearer.counters.lost, speaker.counters.lost_percent) == (0, 0)
    assert speaker.counters.reports > 2
    assert len(speaker.payloads) > 100
    assert not any(map(has_copy, speaker.payloads))


def test_the_round_trip_is_measured() -> None:
    """Over a line with 40 ms there and none back, the round trip is 40 ms, whatever the time between two reports is."""
    speaker, hearer = talk(Impairment(delay_ms=40), WORDS * 4)
    assert speaker.counters.round_trip_ms == pytest.approx(40, abs=1)
    assert hearer.counters.round_trip_ms == pytest.approx(40, abs=1)
    assert speaker.counters.jitter_ms < 1


def test_a_flood_of_reports_is_not_read() -> None:
    """Of a hundred reports in one second, only a few are read."""
    speaker, hearer = talk(Impairment(), WORDS)
    before = speaker.counters.reports
    for number in range(100):
        speaker.session.receive_rtcp(hearer.reports[-1], 1_000 + number / 100)
    assert speaker.counters.reports - before <= 2 * MAX_REPORTS_PER_S


def test_a_key_is_heard_once_over_a_bad_line() -> None:
    """A digit that is sent in thirteen packets, of which half are lost, is heard once."""
    clock, link = Clock(), Link(Impairment(loss=0.5, duplicate=0.3, reorder=0.3), seed=3)
    hearer = End(clock, link, 2)
    for n in range(13):
        payload = bytes([7, 10 | 0x80 * (n > 9)]) + (960 * min(n, 10)).to_bytes(2, "big")
        packet = build(EVENT, 100 + n, 5_000, 1, payload)
        for at_ms in link.arrivals_ms(20.0 * n):
            clock.at(at_ms, lambda packet=packet: hearer.session.receive_rtp(packet, clock.now_ms / 1000))  # type: ignore[misc]
    clock.run()
    assert hearer.digits == ["7"]


@pytest.mark.parametrize("codecs", [CODECS, {8: Codec("pcma", 8_000), 101: Codec("telephone-event", 8_000)}])
def test_keys_of_the_agent_reach_the_other_side(codecs: dict[int, Codec]) -> None:
    """Keys whose tones the agent plays are heard as keys, on a line that loses packets, too."""
    sound = b"".join(tone(sign) for sign in "42w2#")
    frames = [sound[at : at + SPOKEN_BYTES] for at in range(0, len(sound), SPOKEN_BYTES)]
    _, hearer = talk(Impairment(loss=0.1), [*frames, *[None] * 50], codecs=codecs)
    assert "".join(hearer.digits) == "422#"


def test_keys_are_tones_where_no_event_has_the_clock_of_the_voice() -> None:
    """An event with another clock than the voice would need a stream of its own."""
    agreed = Negotiated({OPUS: Codec("opus", 48_000), 126: Codec("telephone-event", 8_000)}, 1, "me")
    assert agreed.key_type is None
    assert Negotiated(CODECS, 1, "me").key_type == EVENT
