"""How well the end of a sentence is told from the same words inside a longer one.

    python -m bench.pauses.phrases --recordings DIR

DIR/phrases has pairs of recordings NAME_short_VOICE.flac and NAME_long_VOICE.flac, each with a Praat .TextGrid of its
words. The long sentence begins with the words of the short one. It is cut after these words, where the speaker is not
done. The figures are areas under the curve (0.5 is chance, 1 is perfect) for the end of the short sentence, and that of
the long one, against the cut: by the endpoint model alone, by the words as speech-to-text hears them, and by the
server's endpoint, which has both. All have 80 ms of silence, as when a call asks. The last line is JSON.
"""

import argparse
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.common.figures import show
from bench.common.opus import through_opus
from bench.pauses.listening import faded
from bench.speech.recordings import as_16_khz
from server.call.turns.endpoint import EndpointSettings, Pause, enough_silence_ms
from server.call.turns.lexicon.english import ENGLISH
from server.media.frame import HEARD_RATE
from server.speech.engines import smart_turn, whisper
from server.speech.models.disk import find
from tests.voices import silence

MODELS = Path("models")
_SILENCE_S = 0.08
_UNBOUNDED = EndpointSettings(shortest_ms=0, longest_ms=100_000)
"""The server's evidence without its bounds, behind which all waits are equal."""
_WORD = re.compile(r'xmax = ([\d.]+)\s+text = "([^"]+)"')


@dataclass(frozen=True, slots=True)
class Judged:
    """How surely each judge takes a recording for an end."""

    sound: float
    """The endpoint model's probability."""
    words: float
    """Minus the wait in ms that the words alone ask for."""
    both: float
    """Minus the wait in ms that the server would ask for if it had no bounds."""


class Judges:
    """Speech-to-text, the endpoint model and the server's endpoint."""

    def __init__(self, models: Path) -> None:
        """Raises SystemExit when a model is missing."""
        stt, turn = find(models, "whisper"), find(models, "smart-turn")
        if stt is None or turn is None:
            raise SystemExit(f"this bench needs a Whisper and a Smart Turn in {models}: antiphon models pull")
        self._stt, self._turn = whisper.Engine(str(stt)), smart_turn.Engine(str(turn))

    def judge(self, pcm: bytes) -> Judged:
        """`pcm` is 16 kHz and ends with the silence at which a call asks."""
        recognition = self._stt.start([], "en")
        recognition.feed(pcm)
        ending, over, settings = ENGLISH.ending(recognition.finish()), self._turn.probability(pcm), _UNBOUNDED
        words, both = (enough_silence_ms(Pause(ending, over=each), settings) for each in (None, over))
        return Judged(over, -words, -both)


def pairs(folder: Path) -> Iterator[tuple[bytes, bytes, bytes]]:
    """16 kHz PCM of each short sentence, of the long one, and of the long one cut after the words of the short one."""
    for short in sorted(folder.glob("*_short_*.flac")):
        long = short.with_name(short.name.replace("_short_", "_long_"))
        if not long.is_file():
            continue
        words, timed = _words(short), _words(long)
        cut_s = timed[len(words) - 1][0]
        yield _heard(as_16_khz(short)), _heard(as_16_khz(long)), _heard(as_16_khz(long)[: _bytes(cut_s)])


def _words(recording: Path) -> list[tuple[float, str]]:
    """The words of a recording, each with the second at which it ends."""
    tier = recording.with_suffix(".TextGrid").read_text(encoding="utf-8").split("item [2]")[0]
    return [(float(end), text) for end, text in _WORD.findall(tier)]


def _heard(pcm: bytes) -> bytes:
    """The sound without the silence at its end, as it comes through Opus, and the silence at which a call asks."""
    samples = np.frombuffer(pcm, "<i2")
    loud = np.flatnonzero(np.abs(samples) > 200)
    return through_opus(silence(0.3) + faded(samples[: loud[-1] + 1].tobytes()) + silence(_SILENCE_S))


def _bytes(seconds: float) -> int:
    return 2 * round(seconds * HEARD_RATE)


def auc(ends: Sequence[float], cuts: Sequence[float]) -> float:
    """The probability that an end is surer than a cut; a draw counts half."""
    wins = sum((end > cut) + (end == cut) / 2 for end in ends for cut in cuts)
    return round(wins / (len(ends) * len(cuts)), 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recordings", type=Path, metavar="DIR", required=True, help="a directory with recordings")
    parser.add_argument("--models", type=Path, default=MODELS, help="the directory of models")
    given = parser.parse_args()
    found = list(pairs(given.recordings / "phrases"))
    if not found:
        raise SystemExit(f"there are no phrases in {given.recordings}")
    judges = Judges(given.models)
    short, long, cut = ([judges.judge(pcm) for pcm in group] for group in zip(*found, strict=True))
    figures = {
        name: {
            judge: auc([getattr(each, judge) for each in ends], [getattr(each, judge) for each in cut])
            for judge in ("words", "sound", "both")
        }
        for name, ends in (("short_end", short), ("long_end", long))
    }
    show(
        "Ends against cuts (area under the curve)",
        ("", "words", "sound", "both"),
        ((name, *row.values()) for name, row in figures.items()),
    )
    print(json.dumps({"n": len(cut)} | figures))


if __name__ == "__main__":
    main()
