"""Scenes with recordings of people, and with voices that Whisper understands as well as people.

An utterance of a person is an interruption when it has at least LEAST_WORDS words and LEAST_MS of sound, a command or a
backchannel when it is one of those, and otherwise, if it has one or two words, a "word": it is played and shown, but it
is neither right nor wrong to stop for it. Orders are interruptions as well. A recording is as loud as it was recorded.
"""

from collections.abc import Iterator
from itertools import cycle
from pathlib import Path

from bench.common.halves import Half
from bench.common.opus import through_opus
from bench.overlap.radio import QUESTIONS, RadioScene
from bench.overlap.scenes import ONSETS_MS, Scene, backchannels_of_espeak, echoes, noises_of_all_kinds, over_echo
from bench.speech.levels import level, louder, speech_of
from bench.speech.recordings import Clip, meetings, orders, utterances
from bench.speech.speakers import Speaker
from server.call.turns.lexicon.english_writing import spoken
from server.media.frame import HEARD_RATE

LEAST_WORDS, LEAST_MS = 3, 800
"""What an utterance has at least that is an interruption. People ask for nothing with less, unless it is a command."""
LONGEST_MS = 8_000
"""An utterance is cut off after this time; it has long been decided by then."""
TAKES = 2
"""How often each utterance interrupts, each time at another place of the answer."""
WORDS = 20
"""How many single words are played at most."""
RADIO_LEVEL = 1_000.0
"""Each recording of the radio is brought to this level, so that all are equally loud."""
COMMANDS = (
    "stop", "wait", "no", "sorry", "excuse me", "hello", "hold on", "hang on", "cancel", "listen", "pause", "help",
)  # fmt: skip
"""Each of them stops the agent by itself."""
BACKCHANNELS = (
    "uh-huh", "mm-hmm", "right", "okay", "yeah", "yes", "I see", "all right", "got it", "sure", "oh okay", "great",
    "of course", "yeah yeah",
)  # fmt: skip


def scenes_of_people(folder: Path, half: Half) -> Iterator[Scene]:
    """What people say, over the agent."""
    onsets, words = cycle(ONSETS_MS), 0
    for clip in [*utterances(folder, half), *orders(folder, half)]:
        kind = kind_of(clip)
        if not kind or (kind == "word" and words == WORDS):
            continue
        words += kind == "word"
        pcm = through_opus(speech_of(clip.pcm)[: 2 * HEARD_RATE * LONGEST_MS // 1000])
        for _ in range(TAKES if kind == "interruption" else 1):
            yield Scene(kind, f"{clip.name}: {clip.text}".strip(": "), next(onsets), pcm)


def kind_of(clip: Clip) -> str:
    """The kind of scene that the recording makes, and "" if it makes none."""
    words, long = spoken(clip.text), len(speech_of(clip.pcm)) >= 2 * HEARD_RATE * LEAST_MS // 1000
    if not words:
        return "interruption, order" if long else ""
    if words in _spoken(COMMANDS):
        return "command of a person"
    if words in _spoken(BACKCHANNELS):
        return "backchannel of a person"
    if len(words) >= LEAST_WORDS:
        return "interruption" if long else ""
    return "word"


def _spoken(texts: tuple[str, ...]) -> set[tuple[str, ...]]:
    return {spoken(text) for text in texts}


def scenes_of_voices(voices: dict[str, Speaker]) -> Iterator[Scene]:
    """Commands and backchannels, each in every voice."""
    onsets = cycle(ONSETS_MS)
    for kind, texts in (("command", COMMANDS), ("backchannel", BACKCHANNELS)):
        for voice, say in voices.items():
            for text in texts:
                yield Scene(kind, f"{text} ({voice})", next(onsets), speech_of(say(f"{text.capitalize()}.")))


def all_scenes(folder: Path, half: Half, voices: dict[str, Speaker]) -> list[Scene]:
    """Everything that is played with recordings of people. They are the same every time."""
    people, natural = list(scenes_of_people(folder, half)), list(scenes_of_voices(voices))
    backchannels = [scene for scene in natural if scene.kind == "backchannel"]
    interruptions = [scene for scene in people if scene.kind == "interruption"][::TAKES]
    return [
        *people,
        *natural,
        *backchannels_of_espeak(),
        *noises_of_all_kinds(),
        *echoes(),
        *over_echo([*interruptions, *backchannels]),
    ]


def radio_scenes(
    folder: Path, half: Half, voices: dict[str, Speaker], levels_db: list[float], seconds: int
) -> Iterator[RadioScene]:
    """A call for each level of the radio and each voice, and for each voice a call without a radio."""
    radio = radio_of(folder, half)
    for voice, say in voices.items():
        questions = tuple(speech_of(say(f"{text.capitalize()}?")) for text, _ in QUESTIONS)
        for db in levels_db:
            yield RadioScene(voice, questions, radio, db, seconds)
        yield RadioScene(voice, questions, b"", 0.0, seconds)


def radio_of(folder: Path, half: Half) -> bytes:
    """People who talk: the meetings in the folder, or its utterances if it has no meetings, one after the other."""
    clips = [*meetings(folder, half)] or [*utterances(folder, half)]
    return b"".join(louder(clip.pcm, RADIO_LEVEL / (level(clip.pcm) or RADIO_LEVEL)) for clip in clips)
