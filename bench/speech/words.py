"""How many words Whisper gets wrong, how long callers wait for their last words, and what it makes of noises.

    python -m bench.speech.words --recordings DIR --model models/whisper/tiny.en

Each recording is heard in three ways in the same run: by Antiphon's engine in one pass, by the same engine with drafts
while the caller speaks, and by faster-whisper's own `transcribe`, which is the measure. bench/speech/recordings.py says
what DIR has. The lag is the time from the last sound to the words, on one core and with no other call. With drafts,
it includes what is left of a draft that runs at that moment.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from faster_whisper import WhisperModel

from bench.common.figures import percent, show, spread
from bench.speech.noises import noises
from bench.speech.recordings import Clip, people
from bench.speech.word_errors import word_errors
from server.media.frame import HEARD_RATE
from server.speech.engines.whisper import Engine

_STEP_BYTES = 2 * HEARD_RATE * 60 // 1000
"""A call sends 60 ms at once."""
SHORT_S = 5.0
"""The lag is told for sentences up to this length: nearly all that callers say."""
_DIGITS = ("digit", "order")
_APART = (*_DIGITS, "noise")
"""Kinds that are told apart from sentences: digits alone, and what has no words."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What became of one clip."""

    clip: Clip
    text: str
    lag_ms: float
    work_ms: float
    """All computing for this clip."""


Way = Callable[[Clip], Heard]


def in_one_pass(engine: Engine) -> Way:
    def hear(clip: Clip) -> Heard:
        recognition = engine.start([], "en")
        recognition.feed(clip.pcm)
        text, took_ms = _timed(recognition.finish)
        return Heard(clip, text, took_ms, took_ms)

    return hear


def with_drafts(engine: Engine) -> Way:
    """The engine is busy for as long as a draft takes, as the worker of one call is."""

    def hear(clip: Clip) -> Heard:
        recognition = engine.start([], "en")
        busy_until_ms = work_ms = 0.0
        for at in range(0, len(clip.pcm), _STEP_BYTES):
            recognition.feed(clip.pcm[at : at + _STEP_BYTES])
            now_ms = (at + _STEP_BYTES) / (2 * HEARD_RATE) * 1000
            if now_ms >= busy_until_ms:
                _, took_ms = _timed(recognition.draft)
                busy_until_ms = now_ms + took_ms
                work_ms += took_ms
        text, took_ms = _timed(recognition.finish)
        rest_ms = max(0.0, busy_until_ms - clip.seconds * 1000)
        return Heard(clip, text, rest_ms + took_ms, work_ms + took_ms)

    return hear


def plain(model: Path) -> Way:
    whisper = WhisperModel(str(model), device="cpu", compute_type="int8", cpu_threads=1, local_files_only=True)

    def transcribe(clip: Clip) -> str:
        samples = np.frombuffer(clip.pcm, "<i2").astype(np.float32) / 32768
        segments, _ = whisper.transcribe(samples, language="en")
        return " ".join(segment.text.strip() for segment in segments)

    def hear(clip: Clip) -> Heard:
        text, took_ms = _timed(lambda: transcribe(clip))
        return Heard(clip, text, took_ms, took_ms)

    return hear


def _timed(work: Callable[[], str | None]) -> tuple[str, float]:
    begin_s = time.perf_counter()
    result = work()
    return result or "", 1000 * (time.perf_counter() - begin_s)


def report(ways: dict[str, Sequence[Heard]]) -> None:
    """Show a line for each way."""
    rows = []
    for name, heard in ways.items():
        errors = [word_errors(one.clip.text, one.text) for one in heard if one.clip.kind not in _APART]
        lags = spread(one.lag_ms for one in heard if one.clip.kind not in _APART and one.clip.seconds <= SHORT_S)
        spoken_s = sum(one.clip.seconds for one in heard if one.clip.kind != "noise")
        work_ms = sum(one.work_ms for one in heard if one.clip.kind != "noise")
        rows.append(
            [
                name,
                f"{percent(sum(e.wrong for e in errors), sum(e.words for e in errors))} %",
                *(_right([one for one in heard if one.clip.kind == kind]) for kind in _DIGITS),
                _with_words([one for one in heard if one.clip.kind == "noise"]),
                lags.p50 if lags else "",
                lags.p95 if lags else "",
                round(work_ms / spoken_s, 1) if spoken_s else "",
            ]
        )
    header = [
        "",
        "word errors",
        "digits",
        "four digits",
        "noises with words",
        "lag p50",
        "lag p95",
        "ms per s of speech",
    ]
    show("Words", header, rows)


def _right(heard: Sequence[Heard]) -> str:
    return f"{sum(word_errors(one.clip.text, one.text).wrong == 0 for one in heard)}/{len(heard)}"


def _with_words(heard: Sequence[Heard]) -> str:
    return f"{sum(any(map(str.isalnum, one.text)) for one in heard)}/{len(heard)}"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--recordings", type=Path, help="a directory with recordings of people")
    options.add_argument("--model", type=Path, required=True, help="a directory with a CTranslate2 Whisper model")
    options.add_argument(
        "--texts", action="store_true", help="print what was heard, where it differs from what was said"
    )
    options.add_argument("--without-plain", action="store_true", help="leave out faster-whisper's own `transcribe`")
    chosen = options.parse_args()
    clips = [*(people(chosen.recordings) if chosen.recordings else ()), *(Clip(n, "noise", "", s) for n, s in noises())]
    engine = Engine(str(chosen.model))
    ways = {"one pass": in_one_pass(engine), "with drafts": with_drafts(engine)}
    if not chosen.without_plain:
        ways["transcribe()"] = plain(chosen.model)
    heard: dict[str, list[Heard]] = {name: [] for name in ways}
    for clip in clips:  # the ways take turns, so that the load of the machine is the same for each
        for name, hear in ways.items():
            heard[name].append(hear(clip))
    report(heard)
    if chosen.texts:
        for name, results in heard.items():
            for one in results:
                if word_errors(one.clip.text, one.text).wrong:
                    print(f"{name:12} {one.clip.name:16} {one.clip.text} → {one.text}")


if __name__ == "__main__":
    main()
