"""What callers hear, on tapes whose figures are known."""

from dataclasses import replace

import pytest

from bench import tape
from bench.microphone import FRAME, FRAME_S, script, trimmed
from bench.tape import Heard, Said

PACKET_MS = FRAME_S * 1000


def taped(*loud_s: tuple[float, float], until_s: float = 10.0, late_s: float = 0.0) -> list[Heard]:
    """A packet every 20 ms, loud within the spans; every second one `late_s` late."""
    times = [number * FRAME_S for number in range(round(until_s / FRAME_S))]
    return [
        Heard(at_s + late_s * (number % 2), number * 960, any(start <= at_s < end for start, end in loud_s))
        for number, at_s in enumerate(times)
    ]


def test_the_gap_is_from_the_end_of_speech_to_the_first_audible_packet() -> None:
    """Each utterance has its own; what comes before its end, or after the next begins, is not its answer."""
    said = [Said(0.5, 1.0), Said(4.0, 5.0), Said(7.0, 8.0)]
    gaps = tape.gaps_ms(taped((0.0, 0.4), (1.4, 3.0), (5.3, 6.0)), said)
    assert gaps[:2] == pytest.approx([400, 300], abs=PACKET_MS)
    assert gaps[2] is None


def test_an_answer_to_the_next_utterance_is_not_one_to_this() -> None:
    assert tape.gaps_ms(taped((5.3, 6.0)), [Said(0.5, 1.0), Said(4.0, 5.0)])[0] is None


def test_a_cut_in_is_timed_to_the_last_audible_packet() -> None:
    """Short silences between words are not the end; a new answer later is not the old one."""
    heard = taped((1.0, 2.0), (2.1, 2.3), (4.0, 5.0))
    assert tape.stop_ms(heard, 1.5) == pytest.approx(800, abs=PACKET_MS)


def test_who_cuts_into_silence_stops_nothing() -> None:
    assert tape.stop_ms(taped((1.0, 2.0)), 3.0) is None


def test_lateness_is_what_arrival_differs_from_the_rtp_clock() -> None:
    assert tape.lateness_ms(taped((0.0, 1.0))) == pytest.approx([0.0] * 49)
    assert {round(late) for late in tape.lateness_ms(taped((0.0, 1.0), late_s=0.005))} == {5, -5}


def test_how_far_behind_is_counted_from_the_earliest_packet() -> None:
    """A packet that is late does not make the next one early, and RTP time may wrap."""
    heard = taped((0.0, 1.0), until_s=1.0, late_s=0.005)
    wrapped = [Heard(each.at_s, (each.rtp_time + 2**32 - 9_600) % 2**32, each.loud) for each in heard]
    assert tape.behind_ms(heard) == pytest.approx([0, 5] * 25)
    assert tape.behind_ms(wrapped) == pytest.approx([0, 5] * 25)
    assert tape.behind_ms([]) == []


def test_an_answer_that_begins_between_ticks_is_not_late() -> None:
    """Its first packet comes when it is ready; all others count."""
    heard = taped((0.0, 1.0), until_s=1.0)
    begun = heard[:20] + [replace(each, at_s=each.at_s + 0.015 * (n == 0)) for n, each in enumerate(heard[30:])]
    assert tape.behind_ms(begun) == pytest.approx([0] * (len(begun) - 1), abs=1e-6)


def test_the_microphone_knows_where_speech_begins_and_ends() -> None:
    """Silence around a recording is not speech, and every piece is whole packets."""
    tone = b"\x00\x10" * (FRAME * 10)
    made = script([1.0, bytes(4_000) + tone + bytes(4_000), 0.5])
    assert made.spoken == [(50, 60)]
    assert len(made.packets) == 85
    assert trimmed(bytes(100)) == b""
