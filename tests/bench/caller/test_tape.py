"""What the benches find on tapes of what a caller heard, whose figures are known."""

from dataclasses import replace

import pytest

from bench.caller import tape
from bench.caller.microphone import FRAME, FRAME_S, script, trimmed
from bench.caller.tape import HeardPacket, SpokenSpan

PACKET_MS = FRAME_S * 1000


def taped(*loud_s: tuple[float, float], until_s: float = 10.0, late_s: float = 0.0) -> list[HeardPacket]:
    """A packet every 20 ms. It is loud within the spans, and every second packet is `late_s` late."""
    times = [number * FRAME_S for number in range(round(until_s / FRAME_S))]
    return [
        HeardPacket(at_s + late_s * (number % 2), number * 960, any(start <= at_s < end for start, end in loud_s))
        for number, at_s in enumerate(times)
    ]


def test_the_gap_is_from_the_end_of_speech_to_the_first_audible_packet() -> None:
    """Each utterance has a gap. A sound before its end, or after the next utterance begins, is not its answer."""
    said = [SpokenSpan(0.5, 1.0), SpokenSpan(4.0, 5.0), SpokenSpan(7.0, 8.0)]
    gaps = tape.gaps_ms(taped((0.0, 0.4), (1.4, 3.0), (5.3, 6.0)), said)
    assert gaps[:2] == pytest.approx([400, 300], abs=PACKET_MS)
    assert gaps[2] is None


def test_an_answer_to_the_next_utterance_is_not_one_to_this() -> None:
    """An utterance is unanswered when the first sound comes after the caller's next utterance."""
    assert tape.gaps_ms(taped((5.3, 6.0)), [SpokenSpan(0.5, 1.0), SpokenSpan(4.0, 5.0)])[0] is None


def test_a_cut_in_is_timed_to_the_last_audible_packet() -> None:
    """A short silence between words is not the end of an answer. A later answer does not belong to the one before."""
    heard = taped((1.0, 2.0), (2.1, 2.3), (4.0, 5.0))
    assert tape.stop_ms(heard, 1.5) == pytest.approx(800, abs=PACKET_MS)


def test_a_caller_who_cuts_into_silence_stops_nothing() -> None:
    """There is no time to stop when the agent was not speaking."""
    assert tape.stop_ms(taped((1.0, 2.0)), 3.0) is None


def test_lateness_is_what_arrival_differs_from_the_rtp_clock() -> None:
    """Packets on time have none. When every second packet is late, the packets after them seem early."""
    assert tape.lateness_ms(taped((0.0, 1.0))) == pytest.approx([0.0] * 49)
    assert {round(late) for late in tape.lateness_ms(taped((0.0, 1.0), late_s=0.005))} == {5, -5}


def test_how_far_behind_is_counted_from_the_earliest_packet() -> None:
    """A late packet does not make the next one early. RTP time may wrap around."""
    heard = taped((0.0, 1.0), until_s=1.0, late_s=0.005)
    wrapped = [HeardPacket(each.at_s, (each.rtp_time + 2**32 - 9_600) % 2**32, each.loud) for each in heard]
    assert tape.behind_ms(heard) == pytest.approx([0, 5] * 25)
    assert tape.behind_ms(wrapped) == pytest.approx([0, 5] * 25)
    assert tape.behind_ms([]) == []


def test_an_answer_that_begins_between_ticks_is_not_late() -> None:
    """The first packet of an answer comes when the answer is ready, so it does not count. All others count."""
    heard = taped((0.0, 1.0), until_s=1.0)
    begun = heard[:20] + [replace(each, at_s=each.at_s + 0.015 * (n == 0)) for n, each in enumerate(heard[30:])]
    assert tape.behind_ms(begun) == pytest.approx([0] * (len(begun) - 1), abs=1e-6)


def test_the_microphone_knows_where_speech_begins_and_ends() -> None:
    """Silence around a recording is not speech, and every piece of a script is a whole number of packets."""
    tone = b"\x00\x10" * (FRAME * 10)
    made = script([1.0, bytes(4_000) + tone + bytes(4_000), 0.5])
    assert made.spoken == [(50, 60)]
    assert len(made.packets) == 85
    assert trimmed(bytes(100)) == b""
