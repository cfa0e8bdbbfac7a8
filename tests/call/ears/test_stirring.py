import numpy as np

from server.call.ears.stirring import FRUITLESS_FRAMES, HELD_FRAMES, HISS_FRAMES, Stirring
from server.media.frame import FRAME_MS, HEARD_RATE, SILENCE
from tests.voices import speak

_TIME_S = np.arange(HEARD_RATE // 50) / HEARD_RATE
_NOISE = np.random.default_rng(0).normal(0, 1, HEARD_RATE // 50)
HISS = (600 * np.diff(_NOISE, prepend=0)).astype(np.int16).tobytes()
"""A sound like an s: noise with most of its power in the upper half of the spectrum."""
RUMBLE = (3_000 * np.sin(2 * np.pi * 300 * _TIME_S) + 200 * _NOISE).astype(np.int16).tobytes()


def signs(*sounds: tuple[bytes, bool], echoes: bool = False) -> list[bool]:
    """Whether each frame is a sign that the caller may be about to speak. Each sound tells whether it has a voice."""
    stirring = Stirring()
    return [stirring.hear(pcm, voiced, echoes) for pcm, voiced in sounds]


def test_the_first_frame_of_a_voice_is_a_sign() -> None:
    """The sign holds over short gaps in a voice, and ends within 100 ms when nothing follows."""
    told = signs((SILENCE, False), (RUMBLE, True), *[(SILENCE, False)] * 10)
    assert told == [False, *[True] * HELD_FRAMES, *[False] * (11 - HELD_FRAMES)]
    assert HELD_FRAMES * FRAME_MS <= 100


def test_a_sibilant_is_a_sign() -> None:
    """The s of "sorry" is a sign before the vowel is heard."""
    pcm = speak("sorry", rate_hz=HEARD_RATE)
    samples = np.frombuffer(pcm, np.int16)
    pcm = pcm[2 * int(np.flatnonzero(np.abs(samples) > 100)[0]) :]
    assert any(
        signs(*((pcm[start : start + len(SILENCE)], False) for start in range(0, 4 * len(SILENCE), len(SILENCE))))
    )
    assert signs(*[(HISS, False)] * HISS_FRAMES) == [*[False] * (HISS_FRAMES - 1), True]


def test_a_key_and_a_rumble_are_none() -> None:
    """A hiss that is very short, and a sound that is loud and low, are no signs."""
    assert not any(signs(*[(HISS, False), (SILENCE, False)] * 20))
    assert not any(signs(*[(RUMBLE, False)] * 20))


def test_what_goes_on_without_a_voice_is_none() -> None:
    """A hiss that goes on, such as a shower, is a sign only for a moment, and again after it has stopped."""
    shower = [(HISS, False)] * 50
    told = signs(*shower, *[(SILENCE, False)] * HELD_FRAMES, *shower)
    assert sum(told) == 2 * FRUITLESS_FRAMES
    assert not any(told[HISS_FRAMES + FRUITLESS_FRAMES : len(shower) + HELD_FRAMES])


def test_the_agents_own_hiss_is_none() -> None:
    """Where the agent's sound comes back, a hiss is no sign. Only a voice is."""
    assert not any(signs(*[(HISS, False)] * 20, echoes=True))
    assert all(signs(*[(HISS, True)] * HISS_FRAMES, echoes=True))
