"""The bench of sounds over the agent: noises, scenes, a loudspeaker, and what they do to an answer."""

from dataclasses import replace

import numpy as np
import pytest

from bench.caller.microphone import trimmed
from bench.common.rehearsal import Stage
from bench.overlap import noises
from bench.overlap.loudspeaker import Loudspeaker
from bench.overlap.outcome import first_change, last_sound_ms, lost_ms
from bench.overlap.play import outcome, play
from bench.overlap.scenes import Scene, scenes
from server.media.frame import FRAME_MS, SPOKEN_BYTES
from tests.voices import silence, speak

LOUD = b"\x00\x20" * (SPOKEN_BYTES // 2)
SOFT = b"\x00\x10" * (SPOKEN_BYTES // 2)


def test_what_changes_and_what_is_lost_is_seen_frame_by_frame() -> None:
    """The first change is where the answer gets softer. A frame that was never loud is lost; one that fades is not."""
    noise = np.random.default_rng(0).normal(0, 5_000, (50, SPOKEN_BYTES // 2))
    answer = [frame.astype(np.int16).tobytes() for frame in noise]
    softer = [(frame * np.linspace(1, 0.5, len(frame))).astype(np.int16).tobytes() for frame in noise]
    heard = [*answer[:10], SOFT, *[None] * 10, *answer[11:]]
    assert first_change(heard, answer, 5 * FRAME_MS) == 5 * FRAME_MS
    assert lost_ms(heard, answer) == FRAME_MS
    assert lost_ms([*answer[:10], SOFT, *[None] * 10, *answer[10:]], answer) == 0
    assert lost_ms([*answer[:10], softer[10], *answer[11:]], answer) == 0
    assert first_change(answer, answer, 0) is None
    assert lost_ms([*answer[:10], SOFT, *answer[11:], answer[10]], [*answer, answer[10]]) == FRAME_MS


def test_the_last_sound_is_audible() -> None:
    """Neither digital silence nor a missing frame counts as the end of the answer."""
    heard = [LOUD, LOUD, bytes(SPOKEN_BYTES), None, LOUD]
    assert last_sound_ms(heard, 4 * FRAME_MS) == 2 * FRAME_MS
    assert last_sound_ms(heard, 1_000) == 5 * FRAME_MS
    assert last_sound_ms([None], 1_000) == 0


def test_noises_are_always_the_same_and_as_loud_as_a_voice() -> None:
    """The same seed makes the same sound, and another seed another one. Each lasts from 0.2 to 2 s."""
    for make in (noises.hum, noises.cough, noises.door, noises.keys):
        assert make(1) == make(1) != make(2)
        assert 0.2 < len(make(1)) / 32_000 < 2
        assert max(memoryview(make(1)).cast("h")) > 1_000


def test_scenes_are_of_every_kind() -> None:
    """There are interruptions, backchannels, noises and echoes, and enough of each to count percents."""
    found = scenes()
    kinds = {"interruption", "backchannel", "hum", "cough", "door", "keys", "echo", "echo, all at once"}
    assert {scene.kind for scene in found} == kinds | {"interruption in echo", "backchannel in echo"}
    assert sum(scene.interrupts for scene in found) >= 80
    assert sum(not scene.interrupts for scene in found) >= 100
    assert all(scene.pcm or scene.echo_db is not None for scene in found)
    assert Scene("cough", "", 1_000, bytes(32_000)).end_ms == 2_000
    assert len(trimmed(silence(1) + speak("hello") + silence(1))) < len(speak("hello")) + 1


def test_the_loudspeaker_gives_back_what_was_said_later_and_softer() -> None:
    """A tone of 2 kHz is in the microphone 100 ms later and 20 dB softer. The room sounds on for a short time."""
    tone = (8_000 * np.sin(np.arange(4_800) * 2 * np.pi / 12)).astype("<i2").tobytes()
    said = [tone[start : start + SPOKEN_BYTES] for start in range(0, len(tone), SPOKEN_BYTES)]
    path, levels = Loudspeaker(-20, 100, seconds=2), []
    for frame in [*said, *[None] * 40]:
        levels.append(float(np.abs(np.frombuffer(path.hear(), "<i2").astype(float)).max()))
        path.say(frame)
    assert max(levels[:4]) < 40 < levels[5]
    assert 400 < max(levels) < 1_600
    assert 0 < levels[16] < max(levels) / 2
    assert max(levels[-10:]) == 0


def test_a_loudspeaker_that_is_heard_at_once_is_refused() -> None:
    """A delay that is shorter than the bench can compute raises an error."""
    with pytest.raises(ValueError, match="40 ms late"):
        Loudspeaker(-20, 20, seconds=1)


def test_the_agents_own_voice_does_not_stop_it() -> None:
    """Through the real session, VAD and speech-to-text, the agent says the whole answer in spite of its echo.

    An echo that was there from the beginning does not even hold the agent back.
    """
    stage = Stage()
    undisturbed = play(None, stage).heard
    always = Scene("echo", "", 0, echo_db=-20.0, echo_delay_ms=230)
    found = outcome(always, play(always, stage), undisturbed)
    assert (found.stopped, found.held_ms, found.lost_ms, found.answered) == (False, 0, 0, False)
    later = replace(always, echo_from_ms=3_000)
    found = outcome(later, play(later, stage), undisturbed)
    assert (found.stopped, found.answered) == (False, False)
