"""The agent's own voice in the caller's microphone, by eSpeak NG and through a made room."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.loudspeaker import Loudspeaker
from server.call.ears.echo import Echo
from server.media.frame import HEARD_BYTES, SPOKEN_BYTES, SPOKEN_RATE
from tests.voices import silence, speak

AGENT = speak(
    "We are open from nine in the morning until six in the evening, from Monday to Friday.", rate_hz=SPOKEN_RATE
)
PERSONS = ("en-gb+f3", "en-us+m3", "en-us")
UTTERANCES = ("where is my order", "can you call me back tomorrow", "that's not what I asked")
OPENS = 3
"""So many voiced frames in a row open an utterance, about."""
VOICED_RMS = 40.0
UNKNOWN_FRAMES = 30
"""The path is known when so many frames of echo have been heard."""


def frames(pcm: bytes, size: int) -> list[bytes]:
    return [pcm[start : start + size].ljust(size, b"\0") for start in range(0, len(pcm), size)]


def softer(pcm: bytes, db: float) -> bytes:
    return (np.frombuffer(pcm, "<i2") * 10 ** (db / 20)).astype("<i2").tobytes()


def voiced(pcm: bytes) -> bool:
    return float(np.sqrt(np.mean(np.frombuffer(pcm, "<i2").astype(float) ** 2))) > VOICED_RMS


def heard(
    echo: Echo, person: bytes, level_db: float | None, delay_ms: int = 110, said: bytes = AGENT
) -> Iterator[tuple[bool, bool]]:
    """For each frame that the agent says: whether a voice is heard, and whether it is taken for the agent's own."""
    path = Loudspeaker(-100 if level_db is None else level_db, delay_ms, len(said) / 2 / SPOKEN_RATE)
    person_frames = frames(person, HEARD_BYTES)
    for number, frame in enumerate(frames(said, SPOKEN_BYTES)):
        sound = np.frombuffer(path.hear(), "<i2").astype(float)
        if number < len(person_frames):
            sound = sound + np.frombuffer(person_frames[number], "<i2")
        pcm = np.clip(sound, -32_768, 32_767).astype("<i2").tobytes()
        yield voiced(pcm), echo.hear(pcm, voiced(pcm))
        echo.say(frame)
        path.say(frame)


def longest_foreign(found: list[tuple[bool, bool]]) -> int:
    """The longest run of frames with a voice that is not the agent's."""
    longest = run = 0
    for is_voiced, own in found:
        run = run + 1 if is_voiced and not own else 0
        longest = max(longest, run)
    return longest


@settings(max_examples=15, deadline=None)
@given(st.floats(-30, -14), st.integers(40, 400))
def test_echo_is_known_by_its_sound(level_db: float, delay_ms: int) -> None:
    """At any level and delay, half a second of it is enough; from then on it opens no utterance."""
    echo = Echo()
    found = list(heard(echo, b"", level_db, delay_ms))
    assert echo.path is not None
    assert abs(20 * echo.path.delay - delay_ms) <= 40
    assert longest_foreign(found[delay_ms // 20 + UNKNOWN_FRAMES :]) < OPENS


@pytest.mark.parametrize("voice", PERSONS)
@pytest.mark.parametrize("level_db", [0, -12])
def test_a_person_is_not_the_agents_echo(voice: str, level_db: float) -> None:
    """Without an echo everything is theirs, even with the agent's own voice, and softer than it."""
    for words in UTTERANCES:
        echo = Echo()
        found = list(heard(echo, silence(1) + softer(speak(words, voice), level_db), None))
        assert sum(own for _, own in found) <= 2


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(PERSONS), st.sampled_from(UTTERANCES), st.floats(-30, -14), st.integers(40, 400))
def test_who_speaks_over_the_echo_is_heard(voice: str, words: str, level_db: float, delay_ms: int) -> None:
    """Talk over a known echo opens an utterance, and is theirs for a good part even if the agent were not ducked."""
    person = speak(words, voice)
    echo = Echo()
    found = list(heard(echo, silence(2) + person, level_db, delay_ms))
    assert longest_foreign(found[100:]) >= OPENS
    over = [own for is_voiced, own in found[100 : 100 + len(person) // HEARD_BYTES] if is_voiced]
    assert sum(over) <= len(over) * 2 / 3


def test_a_delay_that_wanders_stays_known() -> None:
    """A jitter buffer grows by 40 ms, or shrinks again: the echo still opens no utterance."""
    echo = Echo()
    list(heard(echo, b"", -20, 100))
    assert longest_foreign(list(heard(echo, b"", -20, 140))) < OPENS
    assert longest_foreign(list(heard(echo, b"", -20, 100))) < OPENS


def test_a_louder_echo_is_learnt() -> None:
    """Who turns the volume up by 6 dB stays unheard."""
    echo = Echo()
    list(heard(echo, b"", -26))
    assert longest_foreign(list(heard(echo, b"", -20))[40:]) < OPENS


def test_an_echo_that_is_no_more_hides_nobody() -> None:
    """A caller who has put a headset on, and speaks as softly as the echo was, is heard."""
    echo = Echo()
    list(heard(echo, b"", -14))
    person = silence(0.5) + softer(speak("where is my order I have waited for a whole week for it", "en-us+m3"), -14)
    found = list(heard(echo, person, None))
    assert longest_foreign(found) >= OPENS


def test_who_is_as_loud_as_the_agent_is_no_echo() -> None:
    """The very same sound, no softer, is not believed: it would hide a person."""
    echo = Echo()
    list(heard(echo, b"", 6))
    assert echo.path is None


def test_while_the_agent_is_silent_nothing_is_its_own() -> None:
    """Half a second and a little after it has fallen silent everything is the person's; the path is remembered."""
    echo = Echo()
    list(heard(echo, b"", -14))
    path = echo.path
    for _ in range(100):
        echo.say(None)
    person = frames(speak("where is my order"), HEARD_BYTES)
    assert not any(echo.hear(pcm, voiced=True) for pcm in person)
    assert echo.path is path is not None


def test_silence_of_a_detached_line_is_no_echo() -> None:
    """Digital silence, in and out, finds nothing and divides by nothing."""
    echo = Echo()
    for _ in range(200):
        echo.say(bytes(SPOKEN_BYTES))
        assert not echo.hear(bytes(HEARD_BYTES), voiced=True)
    assert echo.path is None
