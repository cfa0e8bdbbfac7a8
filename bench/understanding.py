"""How well an embedded speech-to-text engine and the demo agent together understand callers.

    python -m bench.understanding --recordings DIR          people
    python -m bench.understanding                           sentences in eSpeak NG's voices
    python -m bench.understanding --snr 20                  the same sentences in noise
    python -m bench.understanding --voice-engine hibari     the same sentences in hibari's voice, or in Piper's

The engine is the one that a server chooses with the models in --models: the best Whisper there, and PocketSphinx where
there is none. bench/speech/recordings.py says what DIR has. eSpeak NG has many voices, and each says some of the
sentences. The voice of Piper or hibari says all of them.

Every sentence goes through Opus at 32 kb/s. A request is understood when the agent does what it would do for the exact
words: it calls the same tool with the same arguments, or gives the same answer. Any other sentence is understood when
the agent says that it can't help. The wordings in `HELD_OUT` are not among the agent's phrases, so they tell how far
the language model generalises. Most of what people say in recordings is no request, but may sound like one when it is
misheard: then the agent answers what was not asked.

A table goes to standard error. The last line is JSON: for each group of sentences "n", "understood_percent",
"word_error_percent" and "exact_percent", which is how many had no wrong word; and the CPU time that the engine took.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from bench.common.figures import as_json, percent, show
from bench.common.halves import Half, add_half
from bench.common.opus import through_opus as through_opus
from bench.speech.recordings import utterances
from bench.speech.speakers import VOICE_ENGINES, Speaker, speaker
from bench.speech.word_errors import Errors, word_errors
from server.agent.demo import rules
from server.agent.demo.phrases import front_desk_phrases
from server.errors import ConfigError
from server.speech.engine import SpeechToTextEngine
from server.speech.local_engines import speech_to_text_engines
from server.speech.models.disk import find
from tests.voices import silence, speak

_RATE_HZ = 16_000
_FRAME_BYTES = _RATE_HZ // 50 * 2
_SPEEDS = (130, 150, 170, 190)

VOICES = """
    en-us en-us+m1 en-us+m3 en-us+m5 en-us+m7 en-us+f1 en-us+f2 en-us+f3 en-us+f4 en-gb en-gb+m2 en-gb+m7 en-gb+f1
    en-gb+f3 en-gb-scotland en-gb-scotland+f2 en-029 en-029+m4
""".split()

ASKED = """
    what are your opening hours | are you open on sunday | when do you close today | are you open now
    where is my order | where is order four two seven one | my order number is one eight three five | nine zero four six
    what is the status of order seven seven three three | can you call me back | call me back tomorrow at ten
    could you call me back on monday at three | cancel my callback | what time is it | what day is it today
    what is twelve plus thirty | what is seven times eight | how much is one hundred minus forty
    what is twenty percent of fifty | my name is anna | do you know my name | what did i just say | can you repeat that
    hello | can you hear me | are you a robot | what can you do | thank you | goodbye | that's all thank you
""".replace("\n", " | ")
HELD_OUT = """
    tell me when you open on thursday | until what time are you open tomorrow | does the shop open on saturday
    i need the opening hours for the weekend | are you closed right now | hey where has my order got to
    could you find order number three five one eight for me | i think my order number is two six oh five
    please tell me where order eighty two fifteen is | can i know if order six zero nine four was shipped
    i'd like you to call me on wednesday at eleven | could someone give me a ring tomorrow afternoon at four
    actually please cancel the callback | sorry what time is it now | please tell me what day it is
    and how much is nine plus sixteen | what do you get with six times seven | could you do eighty divided by four
    hi there my name is peter | can you still remember my name | sorry can you say that again | what was it i asked you
    so what can you do for me | okay thanks very much goodbye | no thanks that's all bye
""".replace("\n", " | ")
OTHER = """
    go forward ten meters | seven of clubs | turn on the living room lamp | how tall is the eiffel tower
    the weather in london is going to be terrible | play some music by the beatles | my dog has eaten my homework
    i would like to buy a train ticket to paris | the quick brown fox jumps over the lazy dog
    which restaurant has the best pizza | who was the first president | what is the capital of france
""".replace("\n", " | ")


@dataclass(frozen=True, slots=True)
class Sample:
    """One utterance."""

    group: str
    """The kind of sentence."""
    voice: str
    """The voice that says it, or the set of its recording."""
    name: str
    """The name of the recording; "" when there is none."""
    text: str
    pcm: bytes
    """16 kHz, as the server hears it."""


@dataclass(frozen=True, slots=True)
class HearingResult:
    """What became of one utterance."""

    sample: Sample
    heard: str
    errors: Errors
    understood: bool
    decode_s: float
    """How long speech-to-text computed in total. All times are CPU time."""
    finish_s: float
    """How long it computed after the last sound."""


def synthetic(per_voice: int, snr_db: float | None) -> Iterator[Sample]:
    """`per_voice` sentences of each group in every voice, with noise if `snr_db` is given."""
    chance = random.Random(0)
    for voice in VOICES:
        for group, texts in _sentences():
            for text in chance.sample(texts, min(per_voice, len(texts))):
                speech = speak(text, voice, _RATE_HZ, chance.choice(_SPEEDS), chance.choice((40, 50, 60)))
                yield Sample(group, voice, "", text, _heard(speech, snr_db))


def said_by(say: Speaker, voice: str, snr_db: float | None) -> Iterator[Sample]:
    """Every sentence once, in one voice."""
    for group, texts in _sentences():
        for text in texts:
            yield Sample(group, voice, "", text, _heard(say(text), snr_db))


def _sentences() -> Iterator[tuple[str, list[str]]]:
    """The sentences of each group."""
    for group, sentences in (("asked", ASKED), ("held out", HELD_OUT), ("other", OTHER)):
        yield group, [text.strip() for text in sentences.split("|") if text.strip()]


def _heard(speech: bytes, snr_db: float | None) -> bytes:
    """The speech between two silences, through Opus, with noise if `snr_db` is given."""
    pcm = silence(0.25) + speech + silence(0.2)
    return through_opus(in_noise(pcm, snr_db) if snr_db is not None else pcm)


def recorded(folder: Path, half: Half) -> Iterator[Sample]:
    """What people said: "request" is what the demo agent can help with, "other" is what it has to refuse."""
    for clip in utterances(folder, half):
        group = "other" if _refused(clip.text) else "request"
        yield Sample(group, clip.kind, clip.name, clip.text, _heard(clip.pcm, None))


def in_noise(pcm: bytes, snr_db: float) -> bytes:
    """The sound with white noise, which is `snr_db` softer than the voiced samples."""
    samples = np.frombuffer(pcm, "<i2").astype(float)
    voiced = samples[np.abs(samples) > 200]
    level = float(np.sqrt(np.mean(voiced**2))) if len(voiced) else 1.0
    noise = np.random.default_rng(0).normal(0, level / 10 ** (snr_db / 20), len(samples))
    return np.clip(samples + noise, -32_768, 32_767).astype("<i2").tobytes()


def hear(engine: SpeechToTextEngine, phrases: Sequence[str], sample: Sample) -> HearingResult:
    """Feed the engine frame by frame, as a call does, and compare what the agent's rules make of the words."""
    utterance = engine.start(phrases, "en")
    begin_s = time.process_time()
    for start in range(0, len(sample.pcm), _FRAME_BYTES):
        utterance.feed(sample.pcm[start : start + _FRAME_BYTES])
    end_s = time.process_time()
    heard = utterance.finish()
    finished_s = time.process_time()
    right = _refused(heard) if sample.group == "other" else _action(heard) == _action(sample.text)
    return HearingResult(
        sample, heard, word_errors(sample.text, heard), right, finished_s - begin_s, finished_s - end_s
    )


def _refused(text: str) -> bool:
    return _action(text).startswith("Sorry")


def _action(text: str) -> str:
    """What the agent does when it hears `text`, as a string for comparison."""
    answer = rules.decide([text])
    return f"{answer.tool} {answer.args}" if answer.tool else answer.text


def figures(results: Sequence[HearingResult]) -> dict[str, Any]:
    """What the last line says."""
    sound_s = sum(len(one.sample.pcm) for one in results) / (2 * _RATE_HZ)
    return {
        **_by(lambda sample: sample.group, results),
        "by_voice": _by(lambda sample: sample.voice, results),
        "finish_ms": as_json(1_000 * one.finish_s for one in results),
        "real_time_factor": round(sum(one.decode_s for one in results) / sound_s, 3) if sound_s else None,
    }


def _by(key: Callable[[Sample], str], results: Sequence[HearingResult]) -> dict[str, dict[str, Any]]:
    names = dict.fromkeys(key(one.sample) for one in results)
    return {name: _summary([one for one in results if key(one.sample) == name]) for name in names}


def _summary(results: Sequence[HearingResult]) -> dict[str, Any]:
    understood, exact = sum(one.understood for one in results), sum(not one.errors.wrong for one in results)
    wrong, words = sum(one.errors.wrong for one in results), sum(one.errors.words for one in results)
    return {
        "n": len(results),
        "understood": understood,
        "understood_percent": percent(understood, len(results)),
        "words": words,
        "word_error_percent": percent(wrong, words),
        "exact_percent": percent(exact, len(results)),
    }


def report(results: Sequence[HearingResult], found: dict[str, Any], misheard: bool) -> None:
    """Show a line for each group and each voice, and what was not understood if that is asked for."""
    columns = ("n", "understood", "understood_percent", "word_error_percent", "exact_percent")
    header = ("", *(name.replace("_percent", " %").replace("_", " ") for name in columns))
    groups = {name: of for name, of in found.items() if isinstance(of, dict) and "understood" in of}
    for title, rows in (("Understood", groups), ("By voice, or by set of recordings", found["by_voice"])):
        show(title, header, ([name, *(of[column] for column in columns)] for name, of in rows.items()))
    for one in results if misheard else ():
        if one.errors.wrong or not one.understood:
            what = "misheard" if one.understood else "not understood"
            name = one.sample.name or one.sample.voice
            print(f"{what:15} {name:18} {one.sample.text} → {one.heard}", file=sys.stderr)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--recordings", type=Path, metavar="DIR", help="a directory with recordings of people")
    add_half(options)
    options.add_argument("--engine", choices=("auto", "pocketsphinx", "whisper"), default="auto", help="speech-to-text")
    options.add_argument("--models", type=Path, default=Path("models"), help="the directory of models")
    options.add_argument("--voice-engine", choices=VOICE_ENGINES, default="espeak", help="who says the sentences")
    options.add_argument("--per-voice", type=int, default=6, help="sentences of each group by every eSpeak voice")
    options.add_argument("--snr", type=float, help="add noise this many dB below speech")
    options.add_argument("--misheard", action="store_true", help="show what was misheard or not understood")
    chosen = options.parse_args()
    try:
        results = _results(chosen)
    except ConfigError as error:  # no model, or a wrong one
        raise SystemExit(str(error)) from error
    found = figures(results)
    report(results, found, chosen.misheard)
    print(json.dumps(found))


def _results(chosen: argparse.Namespace) -> list[HearingResult]:
    """Every utterance that is asked for, heard by the chosen engine."""
    here = speech_to_text_engines(chosen.engine, chosen.models)[0]
    print(f"speech-to-text: {here.title}", file=sys.stderr)
    make = import_module(f"server.speech.engines.{here.name}").Engine
    engine: SpeechToTextEngine = make(str(here.model)) if here.model else make()
    phrases = front_desk_phrases()
    engine.start(phrases, "en").discard()
    if chosen.recordings:
        samples = recorded(chosen.recordings, chosen.half)
    elif chosen.voice_engine == "espeak":
        samples = synthetic(chosen.per_voice, chosen.snr)
    else:
        model = find(chosen.models, "piper") if chosen.voice_engine == "piper" else None
        samples = said_by(speaker(chosen.voice_engine, model), chosen.voice_engine, chosen.snr)
    return [hear(engine, phrases, sample) for sample in samples]


if __name__ == "__main__":
    main()
