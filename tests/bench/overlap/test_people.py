"""The bench with recordings of people: what is played, and how it is counted."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from bench.common.rehearsal import Stage
from bench.overlap.outcome import SceneOutcome
from bench.overlap.people import (
    BACKCHANNELS,
    COMMANDS,
    RADIO_LEVEL,
    TAKES,
    kind_of,
    radio_of,
    scenes_of_people,
    scenes_of_voices,
)
from bench.overlap.radio import NO_ANSWER_MS, QUESTIONS, QUIET_MS, Caller, RadioScene, play_radio
from bench.overlap.report import by_kind, in_short, radio_in_short, wrong
from bench.overlap.scenes import Scene
from bench.speech.levels import level
from bench.speech.recordings import Clip
from server.media.frame import FRAME_MS, HEARD_BYTES, SPOKEN_BYTES
from tests.bench.recordings import write_flac, write_utterances
from tests.voices import hum, silence, speak

LOUD = b"\x00\x20" * (SPOKEN_BYTES // 2)


@pytest.mark.parametrize(
    ("text", "seconds", "kind"),
    [
        ("go forward ten meters", 1.0, "interruption"),
        ("go forward ten meters", 0.5, ""),
        ("Excuse me!", 0.6, "command of a person"),
        ("stop", 0.3, "command of a person"),
        ("okay", 0.3, "backchannel of a person"),
        ("of course", 1.0, "backchannel of a person"),
        ("seven", 0.4, "word"),
        ("", 2.0, "interruption, order"),
    ],
)
def test_the_kind_of_a_recording_is_known_by_its_words_and_its_length(text: str, seconds: float, kind: str) -> None:
    """Commands and backchannels may be short, and what people ask for has some words and takes some time."""
    assert kind_of(Clip("a", "set", text, silence(0.5) + hum([120] * round(50 * seconds)) + silence(0.5))) == kind


def test_people_interrupt_at_several_places(tmp_path: Path) -> None:
    """Each interruption is played more than once, at other places of the answer. It begins with its first sound."""
    entries = [{"id": "a", "text": "go forward ten meters"}, {"id": "b", "text": "seven"}]
    tone = hum([120] * 50)
    write_utterances(tmp_path, entries, [silence(1) + tone, tone])
    found = list(scenes_of_people(tmp_path, "all"))
    assert [scene.kind for scene in found] == ["interruption"] * TAKES + ["word"]
    assert len({scene.onset_ms for scene in found[:TAKES]}) == TAKES
    assert found[0].end_ms - found[0].onset_ms < 1_200


def test_each_voice_says_every_command() -> None:
    """There are as many commands and backchannels in each voice, and commands shall stop the agent."""
    found = list(scenes_of_voices({"one": speak, "other": speak}))
    assert sum(scene.interrupts for scene in found) == 2 * len(COMMANDS)
    assert sum(scene.kind == "backchannel" for scene in found) == 2 * len(BACKCHANNELS)
    assert all(scene.pcm for scene in found)


def test_the_radio_is_meetings_or_else_utterances(tmp_path: Path) -> None:
    """All of its recordings are equally loud."""
    write_utterances(tmp_path, [{"id": "a", "text": "seven"}], [hum([120] * 50, level=1_000)])
    assert level(radio_of(tmp_path, "all")) == pytest.approx(RADIO_LEVEL, rel=0.01)
    write_flac(tmp_path / "meetings" / "talk.flac", hum([120] * 150, level=9_000))
    (tmp_path / "meetings" / "talk.rttm").write_text("SPEAKER talk 1 0 3 <NA> <NA> ann <NA> <NA>\n")
    radio = radio_of(tmp_path, "all")
    assert len(radio) == len(silence(3))
    assert level(radio) == pytest.approx(RADIO_LEVEL, rel=0.01)


def test_a_caller_waits_for_the_answer_before_the_next_question() -> None:
    """The caller asks when the agent has been silent for a while, or when no answer comes."""
    caller, question = Caller([hum([120] * 50)]), 50
    greeting, answer = [LOUD] * 100, [LOUD] * 200
    quiet = [None] * (QUIET_MS // FRAME_MS)
    nothing = [None] * (NO_ANSWER_MS // FRAME_MS)
    said = [*greeting, *quiet, *[None] * question, *answer, *quiet, *[None] * question, *nothing, None]
    spoken = [caller.say(number * FRAME_MS, heard) for number, heard in enumerate(said)]
    begins = [asking.begin_ms // FRAME_MS for asking in caller.asked]
    assert begins == pytest.approx([100 + 75, 100 + 75 + 50 + 200 + 75, len(said) - 1], abs=3)
    assert [asking.text for asking in caller.asked] == [QUESTIONS[0][0]] * 3
    assert sum(frame != bytes(HEARD_BYTES) for frame in spoken) == 2 * question + 3
    assert all(one.end_ms < other.begin_ms for one, other in pairwise(caller.asked))


def test_figures_are_of_what_the_agent_shall_do() -> None:
    """Commands count apart from other interruptions. A word that is neither right nor wrong counts nowhere."""

    def found(kind: str, decided_ms: float | None) -> SceneOutcome:
        return SceneOutcome(Scene(kind, kind, 0, b""), "", None, decided_ms and 200, decided_ms, 0, 0, False)

    outcomes = [
        found("interruption", 700),
        found("interruption, order", None),
        found("command of a person", 500),
        found("backchannel", None),
        found("cough", 900),
        found("word", 900),
    ]
    short = in_short(outcomes)
    assert {name: (of["n"], of["stopped_percent"]) for name, of in short.items()} == {
        "interruptions": (2, 50.0),
        "commands": (1, 100.0),
        "decoys": (2, 50.0),
    }
    assert short["interruptions"]["p50_ms"] == 200
    assert [row[1] for row in wrong(outcomes)] == ["interruption, order", "cough"]
    assert dict(by_kind(outcomes))["word"]["stopped"] == 1


def test_a_question_beside_a_radio_is_answered_by_the_real_session() -> None:
    """With nobody else in the room, the caller hears the whole answer, and is counted beside the calls with a radio."""
    question = speak("what is seven times eight", "en-us")
    quiet = RadioScene("eSpeak", (question,), b"", 0.0, 12)
    scene = replace(quiet, questions=(question,) * len(QUESTIONS))
    call = play_radio(scene, Stage())
    assert [each.answered for each in call.asked] == [True] * len(call.asked) != []
    found = radio_in_short([call])
    assert found["questions"] == 0
    assert found["levels"]["none"]["answered"] == len(call.asked)
