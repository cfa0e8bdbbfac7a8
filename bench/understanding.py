"""How well an embedded speech-to-text engine and the demo agent together understand callers.

    python -m bench.understanding                   sentences in eSpeak NG's voices
    python -m bench.understanding --snr 20          the same sentences in noise
    python -m bench.understanding --recordings DIR  WAV files
    python -m bench.understanding --engine whisper --model models/whisper/tiny.en \\
        --voice-engine piper --voice-model models/piper/en_US-joe-medium.onnx

DIR/transcripts.txt has a line of "file.wav and its words" for each recording. eSpeak NG has many voices, and each says
some of the sentences. The voice of Piper or hibari says all of them.

Every sentence goes through Opus at 32 kb/s. A request is understood when the agent does what it would do for the exact
words: it calls the same tool with the same arguments, or gives the same answer. Any other sentence is understood when
the agent says that it can't help. The wordings in `HELD_OUT` are not among the agent's phrases, so they tell how far
the language model generalises.
"""

import argparse
import random
import time
import wave
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import quantiles

import av
import numpy as np

from bench.common.opus import opus_encoder, opus_packets
from bench.speech.speakers import VOICE_ENGINES, Speaker, speaker
from bench.speech.word_errors import edits
from server.agent.demo import rules
from server.agent.demo.phrases import front_desk_phrases
from server.call.turns.lexicon.english_writing import spoken
from server.errors import ConfigError
from server.speech.engine import SpeechToTextEngine
from tests.voices import resample, silence, speak

_RATE_HZ = 16_000
_OPUS_HZ = 48_000
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
    """The voice that says it, or the name of its recording."""
    text: str
    pcm: bytes
    """16 kHz, as the server hears it."""


@dataclass(frozen=True, slots=True)
class HearingResult:
    """What became of one utterance."""

    sample: Sample
    heard: str
    understood: bool
    decode_s: float
    """How long speech-to-text computed in total."""
    finish_s: float
    """How long it computed after the last sound."""


def synthetic(per_voice: int, snr_db: float | None) -> Iterator[Sample]:
    """`per_voice` sentences of each group in every voice, with noise if `snr_db` is given."""
    chance = random.Random(0)
    for voice in VOICES:
        for group, texts in _sentences():
            for text in chance.sample(texts, min(per_voice, len(texts))):
                speech = speak(text, voice, _RATE_HZ, chance.choice(_SPEEDS), chance.choice((40, 50, 60)))
                yield Sample(group, voice, text, _heard(speech, snr_db))


def said_by(say: Speaker, voice: str, snr_db: float | None) -> Iterator[Sample]:
    """Every sentence once, in one voice."""
    for group, texts in _sentences():
        for text in texts:
            yield Sample(group, voice, text, _heard(say(text), snr_db))


def _sentences() -> Iterator[tuple[str, list[str]]]:
    """The sentences of each group."""
    for group, sentences in (("asked", ASKED), ("held out", HELD_OUT), ("other", OTHER)):
        yield group, [text.strip() for text in sentences.split("|") if text.strip()]


def _heard(speech: bytes, snr_db: float | None) -> bytes:
    """The speech between two silences, through Opus, with noise if `snr_db` is given."""
    pcm = silence(0.25) + speech + silence(0.2)
    return through_opus(in_noise(pcm, snr_db) if snr_db is not None else pcm)


def recorded(folder: Path) -> Iterator[Sample]:
    """The recordings in a folder. A sentence that the agent can't help with is in the group "other"."""
    for line in (folder / "transcripts.txt").read_text().splitlines():
        name, _, text = line.partition(" ")
        if not name or name.startswith("#"):
            continue
        with wave.open(str(folder / name)) as file:
            samples = np.frombuffer(file.readframes(file.getnframes()), "<i2")
            mono = samples.reshape(-1, file.getnchannels()).mean(axis=1).astype("<i2").tobytes()
            pcm = resample(mono, file.getframerate(), _RATE_HZ)
        group = "other" if _action(text).startswith("Sorry") else "recordings"
        yield Sample(group, Path(name).stem, text, through_opus(silence(0.25) + pcm + silence(0.2)))


def through_opus(pcm: bytes) -> bytes:
    """The sound, encoded at 32 kb/s and decoded again: what a server hears of it."""
    encoder, decoder = opus_encoder(_OPUS_HZ), av.CodecContext.create("libopus", "r")
    assert isinstance(decoder, av.AudioCodecContext)
    decoder.sample_rate, decoder.layout = _OPUS_HZ, "mono"
    to_s16 = av.AudioResampler("s16", "mono", _OPUS_HZ)
    samples = np.frombuffer(resample(pcm, _RATE_HZ, _OPUS_HZ), "<i2")
    samples = np.pad(samples, (0, -len(samples) % (_OPUS_HZ // 50)))
    packets = [*opus_packets(encoder, samples), *encoder.encode(None)]
    frames = (out for packet in packets for frame in decoder.decode(packet) for out in to_s16.resample(frame))
    return resample(b"".join(frame.to_ndarray().tobytes() for frame in frames), _OPUS_HZ, _RATE_HZ)


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
    begin = time.perf_counter()
    for start in range(0, len(sample.pcm), _FRAME_BYTES):
        utterance.feed(sample.pcm[start : start + _FRAME_BYTES])
    end = time.perf_counter()
    heard = utterance.finish()
    finished = time.perf_counter()
    right = _action(heard).startswith("Sorry") if sample.group == "other" else _action(heard) == _action(sample.text)
    return HearingResult(sample, heard, right, finished - begin, finished - end)


def _action(text: str) -> str:
    """What the agent does when it hears `text`, as a string for comparison."""
    answer = rules.decide([text])
    return f"{answer.tool} {answer.args}" if answer.tool else answer.text


def report(results: Sequence[HearingResult], voices: bool, misheard: bool) -> None:
    """Print a line for each group, and more lines if they are asked for."""
    for group in dict.fromkeys(result.sample.group for result in results):
        _line(group, [result for result in results if result.sample.group == group])
    if voices:
        for voice in dict.fromkeys(result.sample.voice for result in results):
            _line(f"  {voice}", [one for one in results if one.sample.voice == voice and one.sample.group != "other"])
    if misheard:
        for one in results:
            if not one.understood:
                print(f"{one.sample.voice:18} {one.sample.text} → {one.heard}")
    seconds = sum(len(one.sample.pcm) for one in results) / (2 * _RATE_HZ)
    lags_ms = [1_000 * one.finish_s for one in results]
    p50, p95 = (quantiles(lags_ms, n=20)[place] for place in (9, 18)) if len(lags_ms) > 1 else lags_ms * 2
    print(f"real-time factor {sum(one.decode_s for one in results) / seconds:.3f}")
    print(f"finish p50 {p50:.0f} ms, p95 {p95:.0f} ms")


def _line(name: str, results: Sequence[HearingResult]) -> None:
    if not results:
        return
    words = sum(len(spoken(one.sample.text)) for one in results)
    errors = sum(edits(spoken(one.sample.text), spoken(one.heard)) for one in results)
    right = sum(one.understood for one in results)
    print(f"{name:20} {right:4}/{len(results):<4} {right / len(results):6.1%}   word error {errors / words:6.1%}")


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--engine", choices=("pocketsphinx", "whisper"), default="pocketsphinx", help="speech-to-text")
    options.add_argument("--model", help="the directory of Whisper's model")
    options.add_argument("--voice-engine", choices=VOICE_ENGINES, default="espeak", help="who says the sentences")
    options.add_argument("--voice-model", help="the .onnx file of Piper's voice")
    options.add_argument("--recordings", type=Path, help="a directory of WAV files with transcripts.txt")
    options.add_argument("--per-voice", type=int, default=6, help="sentences of each group by every eSpeak voice")
    options.add_argument("--snr", type=float, help="add noise this many dB below speech")
    options.add_argument("--voices", action="store_true", help="a line for every voice")
    options.add_argument("--misheard", action="store_true", help="print what was not understood")
    chosen = options.parse_args()
    try:
        results = _results(chosen)
    except ConfigError as error:  # no model, or a wrong one
        raise SystemExit(str(error)) from error
    report(results, chosen.voices, chosen.misheard)


def _results(chosen: argparse.Namespace) -> list[HearingResult]:
    """Every utterance that is asked for, heard by the chosen engine."""
    make = import_module(f"server.speech.engines.{chosen.engine}").Engine
    engine: SpeechToTextEngine = make(chosen.model) if chosen.model else make()
    phrases = front_desk_phrases()
    engine.start(phrases, "en").discard()
    if chosen.recordings:
        samples = recorded(chosen.recordings)
    elif chosen.voice_engine == "espeak":
        samples = synthetic(chosen.per_voice, chosen.snr)
    else:
        samples = said_by(speaker(chosen.voice_engine, chosen.voice_model), chosen.voice_engine, chosen.snr)
    return [hear(engine, phrases, sample) for sample in samples]


if __name__ == "__main__":
    main()
