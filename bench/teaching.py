"""Where the weights of `server/call/turns/cadence.py` come from, and how well they tell an end from a pause.

    python -m bench.teaching

Learned from the lessons in eSpeak NG's voices and in two of Flite's; tested on the corpus of `bench.pauses` in other
voices of both. Ends and pauses weigh the same, and so do synthesizers. Ends that rise are left out: the words tell
them. Tables go to standard error, the weights as JSON to standard output.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench import flite
from bench.corpus import Spoken, corpus
from bench.figures import show
from bench.lessons import ROUNDS, lessons
from bench.listening import Say, by_espeak, sound
from bench.pool import share_out
from bench.rehearsal import in_a_room
from server.call.ears.voicing import Voicing, VoicingSettings
from server.call.turns.cadence import LEARNED, Cadence, Ending, Weights
from server.media.frame import FRAME_MS
from server.speech.vad import CallVad, Silero

JUDGED_AT_MS = 80
"""Silence after which an ending is looked at: when the server prepares its answer."""
SHRINKAGE = 0.01
"""Of the weights towards 0, as a share of the evidence: few voices tell little of all voices."""
STEPS = 30
"""Newton's method needs about ten."""
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """An ending, where it was, and whether the utterance was over."""

    ending: Ending
    place: str
    over: bool


def examples(spoken: Spoken, silero: Silero, say: Say) -> Iterator[Example]:
    """The endings that the server's ears would hear; a pause that VAD bridges has none."""
    pcm, parts_ms = sound(spoken, say)
    vad, voicing, cadence = CallVad(silero), Voicing(VoicingSettings()), Cadence()
    for number, frame in enumerate(in_a_room(pcm), 1):
        voicing.receive(vad.probability(frame))
        if voicing.voiced:
            cadence.hear(frame)
        elif voicing.active and voicing.silence_ms == JUDGED_AT_MS and (ending := cadence.ending()) is not None:
            part = sum(end_ms <= number * FRAME_MS for _, end_ms in parts_ms) - 1
            if part >= 0:
                places = [pause.place for pause in spoken.pauses]
                yield Example(ending, [*places, "end"][part] + spoken.marks[part], part == len(places))


def taught(share: Sequence[tuple[Spoken, str]]) -> list[list[Example]]:
    """Examples of each sentence, said by the Flite voice that is named with it, or else by eSpeak NG."""
    silero = Silero()
    return [list(examples(spoken, silero, by_flite(voice) if voice else by_espeak)) for spoken, voice in share]


def by_flite(voice: str) -> Say:
    return partial(flite.speak_parts, voice=voice)


def gathered(said: Sequence[Spoken], voice: str, jobs: int) -> list[Example]:
    """All but ends that rise."""
    found = share_out(taught, [(spoken, voice) for spoken in said], jobs)
    return [example for each in found for example in each if example.place != "end?"]


# Learning


def learned(groups: Sequence[Sequence[Example]]) -> Weights:
    """Logistic regression by Newton's method over standardised figures."""
    table = np.concatenate([_table(group) for group in groups])
    over = np.concatenate([_overs(group) for group in groups])
    weight = np.concatenate([_balance(_overs(group)) for group in groups])
    weight *= len(weight) / weight.sum()
    middle, scale = table.mean(axis=0), table.std(axis=0)
    found = _newton(np.c_[(table - middle) / scale, np.ones(len(table))], over, weight)
    slopes = found[:-1] / scale
    bias, above_low, range_, unpitched_s = (round(float(each), 3) for each in (found[-1] - slopes @ middle, *slopes))
    return Weights(bias, above_low, range_, unpitched_s)


def _newton(table: Numbers, over: Numbers, weight: Numbers) -> Numbers:
    found = np.zeros(table.shape[1])
    shrink = np.eye(len(found)) * SHRINKAGE * len(over)
    shrink[-1, -1] = 0
    for _ in range(STEPS):
        probability = 1 / (1 + np.exp(-table @ found))
        slope = table.T @ (weight * (over - probability)) - shrink @ found
        bend = (table * (weight * probability * (1 - probability))[:, None]).T @ table + shrink
        found = found + np.linalg.solve(bend, slope)
    return found


def _table(group: Sequence[Example]) -> Numbers:
    endings = [example.ending for example in group]
    return np.array([(each.above_low, each.range, each.unpitched_ms / 1000) for each in endings])


def _overs(group: Sequence[Example]) -> Numbers:
    return np.array([float(example.over) for example in group])


def _balance(over: Numbers) -> Numbers:
    return np.where(over > 0, 0.5 / over.sum(), 0.5 / (1 - over).sum())


# Testing


def told_apart(weights: Weights, group: Sequence[Example], wanted: Callable[[Example], bool]) -> float | None:
    """How often an end sounds more like one than a pause of the wanted places does: 0.5 is chance, 1 is always."""
    ends = np.array([weights.over(example.ending) for example in group if example.over])
    pauses = np.array([weights.over(example.ending) for example in group if not example.over and wanted(example)])
    if not len(ends) or not len(pauses):
        return None
    difference = ends[:, None] - pauses[None, :]
    return float((difference > 0).mean() + (difference == 0).mean() / 2)


def _row(name: str, weights: Weights, group: Sequence[Example]) -> tuple[object, ...]:
    ends = [weights.over(example.ending) for example in group if example.over]
    pauses = [weights.over(example.ending) for example in group if not example.over]
    return (
        name,
        len(ends),
        len(pauses),
        _share(told_apart(weights, group, lambda example: True)),
        _share(told_apart(weights, group, lambda example: example.place.startswith("clause"))),
        _share(float(np.mean(ends))),
        _share(float(np.mean(pauses))),
    )


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.teaching", description="The cadence's weights.")
    parser.add_argument("--jobs", type=int, default=2, help="processes that speak and listen")
    jobs = parser.parse_args().jobs
    lessons_once = lessons()[: len(lessons()) // ROUNDS]
    corpus_once = corpus()
    own = {"eSpeak NG, lessons": gathered(lessons(), "", jobs)}
    own |= {f"Flite {voice}, lessons": gathered(lessons_once, voice, jobs) for voice in flite.TAUGHT_VOICES}
    weights = learned(list(own.values()))
    new = {"eSpeak NG, corpus": gathered(corpus_once, "", jobs)}
    new |= {
        f"Flite {voice}, corpus": gathered(corpus_once, voice, jobs)
        for voice in (*flite.TAUGHT_VOICES, *flite.HELD_OUT_VOICES)
    }
    header = ("", "ends", "pauses", "told apart", "clause only", "p at ends", "p at pauses")
    show("Taught", header, [_row(name, weights, group) for name, group in own.items()])
    show("Tested on other sentences and voices", header, [_row(name, weights, group) for name, group in new.items()])
    show("The same with the weights of the server", header, [_row(name, LEARNED, group) for name, group in new.items()])
    print(json.dumps(asdict(weights)))


if __name__ == "__main__":
    main()
