"""Voices near and far, as frames of noise at given levels: only their level counts."""

import numpy as np
import pytest

from server.call.ears.nearness import FAR_DB, LISTENED, MOST_MS, OTHERS_MS, PAUSE_MS, TURNED_MS, Nearness
from server.media.frame import FRAME_MS, HEARD_SAMPLES

NEAR_DB = 60.0


def frame(level_db: float) -> bytes:
    """20 ms of noise at this level."""
    noise = np.random.default_rng(0).normal(0, 1, HEARD_SAMPLES)
    return (noise / noise.std() * 10 ** (level_db / 20)).astype("<i2").tobytes()


def far_ms(nearness: Nearness, level_db: float, ms: float, agents_turn: bool = False) -> int:
    """How much of `ms` of voice at this level is taken for far."""
    pcm = frame(level_db)
    return sum(FRAME_MS * nearness.hear(pcm, True, agents_turn) for _ in range(round(ms / FRAME_MS)))


def be_silent(nearness: Nearness, ms: float, agents_turn: bool = False) -> None:
    for _ in range(round(ms / FRAME_MS)):
        assert not nearness.hear(frame(0), False, agents_turn)


def say(nearness: Nearness, level_db: float, ms: float = 1_000) -> None:
    """The caller says something at this level, and it is answered."""
    nearness.begin()
    far_ms(nearness, level_db, ms)
    nearness.rest()
    nearness.answered()
    be_silent(nearness, 400)


def acquainted(level_db: float = NEAR_DB) -> Nearness:
    nearness = Nearness()
    say(nearness, level_db)
    return nearness


def test_of_a_stranger_every_voice_is_near() -> None:
    """Before the caller's first answered words nothing is known of their voice, so no voice is far."""
    assert far_ms(Nearness(), 20, 5_000, agents_turn=True) == 0


@pytest.mark.parametrize(("softer_db", "far"), [(0, 0), (FAR_DB - 1, 0), (FAR_DB + 1, 1_000), (15, 1_000)])
def test_a_much_softer_voice_is_far_in_the_agents_turn(softer_db: float, far: int) -> None:
    """While it is the agent's turn a voice that is much softer than the caller's is far."""
    assert far_ms(acquainted(), NEAR_DB - softer_db, 1_000, agents_turn=True) == far


def test_a_caller_who_speaks_softly_is_heard_when_nobody_speaks() -> None:
    """In silence every voice opens an utterance, and in it the voice is as loud as it is."""
    nearness = acquainted()
    assert far_ms(nearness, NEAR_DB - 20, 1_000) == 0
    nearness.begin()
    assert far_ms(nearness, NEAR_DB - 20, 5_000) == 0


def test_a_radio_does_not_hold_an_utterance_open() -> None:
    """Inside an utterance, far voice is silence after a while, and at once where others are known to speak."""
    nearness = Nearness()
    nearness.begin()
    far_ms(nearness, NEAR_DB, 1_000)
    assert far_ms(nearness, NEAR_DB - 15, 5_000) == pytest.approx(5_000 - TURNED_MS, abs=400)
    nearness.rest()
    nearness.answered()
    nearness.begin()
    far_ms(nearness, NEAR_DB, 1_000)
    assert far_ms(nearness, NEAR_DB - 15, 5_000) == pytest.approx(5_000, abs=400)


def test_who_turns_away_for_a_moment_is_not_cut_off() -> None:
    """A softer part of an utterance is the caller's."""
    nearness = Nearness()
    nearness.begin()
    for _ in range(5):
        assert far_ms(nearness, NEAR_DB, 1_000) == 0
        assert far_ms(nearness, NEAR_DB - 12, TURNED_MS) == 0


def test_a_clatter_or_a_shout_does_not_make_the_caller_far() -> None:
    """A loud short sound changes nothing, and one shout hardly."""
    nearness = acquainted()
    far_ms(nearness, NEAR_DB + 20, 100)
    assert far_ms(nearness, NEAR_DB, 500, agents_turn=True) == 0
    say(nearness, NEAR_DB + 8)
    assert far_ms(nearness, NEAR_DB, 500, agents_turn=True) == 0


def test_a_radio_opens_no_utterance_once_it_has_gone_on_over_the_agent() -> None:
    """Far voice that goes on while the agent speaks is that of others, and then opens nothing in silence either."""
    nearness = acquainted()
    far_ms(nearness, NEAR_DB - 15, OTHERS_MS, agents_turn=True)
    assert far_ms(nearness, NEAR_DB - 15, 2_000) == 2_000
    assert far_ms(nearness, NEAR_DB, 1_000) == 0


def test_others_are_forgotten() -> None:
    """When they have listened to the agent, or the agent has asked a silent caller, a far voice may be the caller's."""
    nearness = acquainted()
    far_ms(nearness, NEAR_DB - 15, MOST_MS, agents_turn=True)
    be_silent(nearness, LISTENED * (MOST_MS - OTHERS_MS) - 10 * FRAME_MS, agents_turn=True)
    assert far_ms(nearness, NEAR_DB - 15, 20, agents_turn=True) == 20
    assert far_ms(nearness, NEAR_DB - 15, 400) == 400
    be_silent(nearness, LISTENED * 420 + 20 * FRAME_MS, agents_turn=True)
    assert far_ms(nearness, NEAR_DB - 15, 20, agents_turn=True) == 20
    assert far_ms(nearness, NEAR_DB - 15, 400) == 0
    far_ms(nearness, NEAR_DB - 15, MOST_MS, agents_turn=True)
    nearness.doubt()
    assert far_ms(nearness, NEAR_DB - 15, 400) == 0


@pytest.mark.parametrize(("silence_ms", "far"), [(600, 1_000), (PAUSE_MS - FRAME_MS, 1_000), (PAUSE_MS, 0), (5_000, 0)])
def test_a_far_voice_that_has_waited_is_heard(silence_ms: int, far: int) -> None:
    """When nobody speaks, a voice that was silent for a second opens an utterance: it may be another person's."""
    nearness = acquainted()
    far_ms(nearness, NEAR_DB - 15, MOST_MS, agents_turn=True)
    be_silent(nearness, silence_ms)
    assert far_ms(nearness, NEAR_DB - 15, 1_000) == far


def test_a_loud_beginning_is_soon_forgotten() -> None:
    """A caller who was 10 dB louder at first is near again after two answers, but a radio at 15 dB is not."""
    for softer_db, far in ((10, 0), (15, 500)):
        nearness = acquainted()
        for _ in range(2):
            say(nearness, NEAR_DB - softer_db)
        assert far_ms(nearness, NEAR_DB - softer_db, 500, agents_turn=True) == far


def test_a_caller_who_has_moved_away_becomes_near() -> None:
    """A caller who stays softer than before is soon known by that level."""
    nearness = acquainted()
    for _ in range(10):
        say(nearness, NEAR_DB - 12)
    assert far_ms(nearness, NEAR_DB - 12, 500, agents_turn=True) == 0


def test_a_radio_that_was_answered_first_is_not_taken_for_the_caller() -> None:
    """The first words of the caller, which are louder, put things right."""
    nearness = acquainted(NEAR_DB - 15)
    say(nearness, NEAR_DB)
    assert far_ms(nearness, NEAR_DB - 15, 1_000, agents_turn=True) > 600
