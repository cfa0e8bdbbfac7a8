"""The bench of sound inwards."""

from types import SimpleNamespace

import pytest

from bench import media


class _Used:
    """An answerer that used all but one."""

    def used(self, arrived: int) -> int:
        return arrived - 1


def test_the_age_of_sound_is_from_its_packet_to_the_application() -> None:
    """Of ten packets, the first unheard for want of keys, each is 5 ms old, but one that came 40 ms late."""
    ear, speaker = media.Ear(lambda: 0.0), SimpleNamespace(sent_s=[0.02 * n for n in range(10)])
    ear.arrived, ear.first = list(range(10)), 1
    ear.heard = [(0.02 * (n + 1) + (0.045 if n == 5 else 0.005), n) for n in range(9)]
    found = media.figures(ear, speaker, _Used())  # type: ignore[arg-type]
    assert (found["age_p50_ms"], found["age_at_the_end_ms"]) == (5.0, 5.0)
    assert found["age_p99_ms"] == pytest.approx(42.2, abs=1)
    assert found["longest_gap_ms"] == 60.0
    assert found["used_percent"] == 100.0


def test_sound_that_was_put_in_makes_what_follows_no_younger() -> None:
    """When an application has got more than was sent, its sound is older by that than its count says."""
    ear, speaker = media.Ear(lambda: 0.0), SimpleNamespace(sent_s=[0.02 * n for n in range(10)])
    ear.arrived, ear.first = list(range(10)), 0
    ear.heard = [(0.02 * n, n + 2) for n in range(10)]
    assert media.figures(ear, speaker, _Used())["age_p50_ms"] == 0.0  # type: ignore[arg-type]
