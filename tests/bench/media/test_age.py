"""The bench of how old sound is when the application gets it."""

from types import SimpleNamespace

import pytest

from bench.media.age import ArrivalLog, figures


class _Used:
    """An answerer that used all packets but one."""

    def used(self, arrived: int) -> int:
        return arrived - 1


def test_the_age_of_sound_is_from_its_packet_to_the_application() -> None:
    """Of ten packets the first was lost because keys were missing. One is 45 ms old, and all others are 5 ms old."""
    log, speaker = ArrivalLog(lambda: 0.0), SimpleNamespace(sent_s=[0.02 * n for n in range(10)])
    log.arrived, log.first = list(range(10)), 1
    log.heard = [(0.02 * (n + 1) + (0.045 if n == 5 else 0.005), n) for n in range(9)]
    found = figures(log, speaker, _Used())  # type: ignore[arg-type]
    assert (found["age_p50_ms"], found["age_at_the_end_ms"]) == (5.0, 5.0)
    assert found["age_p99_ms"] == pytest.approx(42.2, abs=1)
    assert found["longest_gap_ms"] == 60.0
    assert found["used_percent"] == 100.0


def test_silence_that_was_put_in_makes_later_sound_no_younger() -> None:
    """When an application has got more frames than were sent, its sound is older than their number lets expect."""
    log, speaker = ArrivalLog(lambda: 0.0), SimpleNamespace(sent_s=[0.02 * n for n in range(10)])
    log.arrived, log.first = list(range(10)), 0
    log.heard = [(0.02 * n, n + 2) for n in range(10)]
    assert figures(log, speaker, _Used())["age_p50_ms"] == 0.0  # type: ignore[arg-type]
