"""The agent's own voice in the caller's microphone: voices of eSpeak NG, heard through a simulated room."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.overlap.loudspeaker import Loudspeaker
from server.call.ears.echo import QUIET_FRAMES, UNKNOWN_FRAMES, Echo
from server.media.frame import HEARD_BYTES, SPOKEN_BYTES, SPOKEN_RATE
from server.media.tones import tone
from tests.voices import silence, speak

AGENT = speak(
    "We are open from nine in the morning until six in the evening, from Monday to Friday.", rate_hz=SPOKEN_RATE
)
CALLERS = ("en-gb+f3", "en-us+m3", "en-us")
UTTERANCES = ("where is my order", "can you call me back tomorrow", "that's not what I asked")
OPENS = 3
"""About this many voiced frames in a row open an utterance."""
VOICED_RMS = 40.0
LEARNT_FRAMES = 30
"""The path is known after this many frames of echo."""


def frames(pcm: bytes, size: int) -> list[bytes]:
    return [pcm[start : start + size].ljust(size, b"\0") for start in range(0, len(pcm), size)]


def softer(pcm: bytes, db: float) -> bytes:
    return (np.frombuffer(pcm, "<i2") * 10 ** (db / 20)).astype("<i2").tobytes()


def voiced(pcm: bytes) -> bool:
    return float(np.sqrt(np.mean(np.frombuffer(pcm, "<i2").astype(float) ** 2))) > VOICED_RMS


def heard(
    echo: Echo, caller: bytes, level_db: float | None, delay_ms: int = 110, said: bytes = AGENT
) -> Iterator[tuple[bool, bool]]:
    """For each frame that the agent says: whether a voice is heard, and whether it is taken for the agent's own.

    `caller`: the sound of the caller meanwhile, at 16 kHz. `level_db`: the level of the echo; None: there is no echo.
    """
    path = Loudspeaker(-100 if level_db is None else level_db, delay_ms, len(said) / 2 / SPOKEN_RATE)
    caller_frames = frames(caller, HEARD_BYTES)
    for number, frame in enumerate(frames(said, SPOKEN_BYTES)):
        sound = np.frombuffer(path.hear(), "<i2").astype(float)
        if number < len(caller_frames):
            sound = sound + np.frombuffer(caller_frames[number], "<i2")
        pcm = np.clip(sound, -32_768, 32_767).astype("<i2").tobytes()
        yield voiced(pcm), echo.hear(pcm, voiced(pcm))
        echo.say(frame)
        path.say(frame)


def longest_foreign(found: list[tuple[bool, bool]]) -> int:
    """The length of the longest run of frames with a voice that is not taken for the agent's."""
    longest = run = 0
    for is_voiced, own in found:
        run = run + 1 if is_voiced and not own else 0
        longest = max(longest, run)
    return longest


@settings(max_examples=15, deadline=None)
@given(st.floats(-30, -14), st.integers(40, 400))
def test_echo_is_known_by_its_sound(level_db: float, delay_ms: int) -> None:
    """After half a second, echo of any level and delay is known, and opens no utterance."""
    echo = Echo()
    found = list(heard(echo, b"", level_db, delay_ms))
    assert echo.path is not None
    assert abs(20 * echo.path.delay - delay_ms) <= 40
    assert longest_foreign(found[delay_ms // 20 + LEARNT_FRAMES :]) < OPENS


@pytest.mark.parametrize("voice", CALLERS)
@pytest.mark.parametrize("level_db", [0, -12])
def test_a_caller_is_not_the_agents_echo(voice: str, level_db: float) -> None:
    """Without echo, a caller is not taken for the agent, not even with the agent's own voice and more softly."""
    for words in UTTERANCES:
        echo = Echo()
        found = list(heard(echo, silence(1) + softer(speak(words, voice), level_db), None))
        assert sum(own for _, own in found) <= 2


@settings(max_examples=15, deadline=None)
@given(st.sampled_from(CALLERS), st.sampled_from(UTTERANCES), st.floats(-30, -14), st.integers(40, 400))
def test_a_caller_who_speaks_over_the_echo_is_heard(voice: str, words: str, level_db: float, delay_ms: int) -> None:
    """Speech over a known echo opens an utterance. At least a third of it is heard as the caller's, without a duck."""
    caller = speak(words, voice)
    echo = Echo()
    found = list(heard(echo, silence(2) + caller, level_db, delay_ms))
    assert longest_foreign(found[100:]) >= OPENS
    over = [own for is_voiced, own in found[100 : 100 + len(caller) // HEARD_BYTES] if is_voiced]
    assert sum(over) <= len(over) * 2 / 3


def test_a_delay_that_wanders_stays_known() -> None:
    """When a jitter buffer grows by 40 ms, or shrinks again, the echo still opens no utterance."""
    echo = Echo()
    list(heard(echo, b"", -20, 100))
    assert longest_foreign(list(heard(echo, b"", -20, 140))) < OPENS
    assert longest_foreign(list(heard(echo, b"", -20, 100))) < OPENS


def test_a_louder_echo_is_learnt() -> None:
    """When the caller turns the volume up by 6 dB, the louder echo soon opens no utterance."""
    echo = Echo()
    list(heard(echo, b"", -26))
    assert longest_foreign(list(heard(echo, b"", -20))[40:]) < OPENS


def test_an_echo_that_is_no_more_hides_nobody() -> None:
    """A caller who has put on a headset, and speaks as softly as the echo was, is heard."""
    echo = Echo()
    list(heard(echo, b"", -14))
    caller = silence(0.5) + softer(speak("where is my order I have waited for a whole week for it", "en-us+m3"), -14)
    found = list(heard(echo, caller, None))
    assert longest_foreign(found) >= OPENS


def test_sound_as_loud_as_the_agent_is_no_echo() -> None:
    """The agent's own sound at full level is not taken for echo, because such a path would hide a caller."""
    echo = Echo()
    list(heard(echo, b"", 6))
    assert echo.path is None


def test_while_the_agent_is_silent_nothing_is_its_own() -> None:
    """A second after the agent has fallen silent, every sound is the caller's. The path stays known."""
    echo = Echo()
    list(heard(echo, b"", -14))
    path = echo.path
    for _ in range(100):
        echo.say(None)
    caller = frames(speak("where is my order"), HEARD_BYTES)
    assert not any(echo.hear(pcm, voiced=True) for pcm in caller)
    assert echo.path is path is not None


def test_silence_of_a_detached_line_is_no_echo() -> None:
    """With digital silence in both directions, no path is found, and nothing is divided by zero."""
    echo = Echo()
    for _ in range(200):
        echo.say(bytes(SPOKEN_BYTES))
        assert not echo.hear(bytes(HEARD_BYTES), voiced=True)
    assert echo.path is None


def test_echo_is_possible_until_the_agent_has_said_enough() -> None:
    """At first the agent's voice may come back. After two seconds of it without a path, it does not."""
    echo = Echo()
    for number in range(UNKNOWN_FRAMES):
        assert echo.possible
        echo.say(AGENT[:SPOKEN_BYTES])
        echo.hear(silence(0.02), voiced=number == QUIET_FRAMES // 2)
        echo.say(None)
    assert not echo.possible


def test_where_no_voice_is_heard_at_first_there_is_no_echo() -> None:
    """When the agent has spoken for a second and nothing was heard, a later voice is not taken for its echo."""
    echo = Echo()
    for _ in range(QUIET_FRAMES):
        assert echo.possible
        echo.say(AGENT[:SPOKEN_BYTES])
        echo.hear(silence(0.02), voiced=False)
    echo.hear(silence(0.02), voiced=True)
    assert not echo.possible


def test_echo_stays_possible_where_there_is_a_path() -> None:
    """A known path makes echo possible for as long as it is known."""
    echo = Echo()
    list(heard(echo, b"", -20))
    assert echo.path is not None
    assert echo.possible


@pytest.mark.parametrize("keys", ["1234567890*#", "1111111111", "0,1,2,3,4,5"])
@pytest.mark.parametrize("level_db", [-14, -30])
def test_the_tones_of_pressed_keys_are_the_agents_own(keys: str, level_db: float) -> None:
    """When the agent presses keys after it has spoken, their echo opens no utterance."""
    echo, tones = Echo(), b"".join(map(tone, keys))
    found = list(heard(echo, b"", level_db, said=AGENT + tones))
    assert longest_foreign(found[LEARNT_FRAMES:]) < OPENS
