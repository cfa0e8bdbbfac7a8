"""Where the weights of `server/call/turns/cadence.py` come from, and how well they tell an end from a pause.

    python -m bench.turns.teaching

The weights are learned from the lessons, in eSpeak NG's voices and in two of Flite's. They are tested on the corpus of
`bench.turns.pauses`, in other voices of both. Ends and pauses have the same weight in total, and so do the two engines.
Ends with a rising tune are left out, because there the words tell that the caller is done. Tables go to standard error,
the weights as JSON to standard output.
"""

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from bench.common.figures import show
from bench.common.pool import share_out
from bench.common.rehearsal import in_a_room
from bench.turns.corpus import ScriptedUtterance, corpus
from bench.turns.flite import HELD_OUT_VOICES, TAUGHT_VOICES, flite_parts
from bench.turns.lessons import ROUNDS, lessons
from bench.turns.listening import Say, by_espeak, sound
from server.call.ears.voicing import Voicing, VoicingSettings
from server.call.turns.cadence import LEARNED, Cadence, Ending, Weights
from server.media.frame import FRAME_MS
from server.speech.vad import CallVad, Silero

JUDGED_AT_MS = 80
"""The silence after which an ending is looked at. At this time the server prepares its answer."""
SHRINKAGE = 0.01
"""How strongly the weights are drawn towards 0, as a share of the evidence. A few voices tell little of all voices."""
STEPS = 30
"""The steps of Newton's method, which needs about ten."""
Numbers = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Example:
    """How the voice sounded before a silence."""

    ending: Ending
    place: str
    """The kind of pause, or "end", and the punctuation before it."""
    over: bool
    """Whether the utterance was over."""


def examples(spoken: ScriptedUtterance, silero: Silero, say: Say) -> Iterator[Example]:
    """The endings that the server's ears would hear in an utterance. A pause that VAD does not notice has none."""
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


def taught(share: Sequence[tuple[ScriptedUtterance, str]]) -> list[list[Example]]:
    """The examples of each utterance. The Flite voice that comes with it says it, or eSpeak NG if there is none."""
    silero = Silero()
    return [list(examples(spoken, silero, by_flite(voice) if voice else by_espeak)) for spoken, voice in share]


def by_flite(voice: str) -> Say:
    """The text-to-speech engine Flite with one of its voices."""
    return partial(flite_parts, voice=voice)


def gathered(said: Sequence[ScriptedUtterance], voice: str, jobs: int) -> list[Example]:
    """The examples of all utterances, without ends that rise, made by `jobs` processes."""
    found = share_out(taught, [(spoken, voice) for spoken in said], jobs)
    return [example for each in found for example in each if example.place != "end?"]


# Learning


def learned(groups: Sequence[Sequence[Example]]) -> Weights:
    """The weights that tell ends from pauses best: logistic regression on standardised figures, by Newton's method."""
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
    """Weights for the examples of a group, so that all its ends together weigh as much as all its pauses."""
    return np.asarray(np.where(over > 0, 0.5 / over.sum(), 0.5 / (1 - over).sum()))


# Testing


def told_apart(weights: Weights, group: Sequence[Example], wanted: Callable[[Example], bool]) -> float | None:
    """How often an end sounds more like an end than a wanted pause does: 0.5 is chance, 1 is always.

    None when the group has no ends or no wanted pauses.
    """
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
    parser = argparse.ArgumentParser(
        prog="python -m bench.turns.teaching", description="Learn the weights of the cadence."
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes that speak and listen")
    jobs = parser.parse_args().jobs
    lessons_once = lessons()[: len(lessons()) // ROUNDS]
    corpus_once = corpus()
    own = {"eSpeak NG, lessons": gathered(lessons(), "", jobs)}
    own |= {f"Flite {voice}, lessons": gathered(lessons_once, voice, jobs) for voice in TAUGHT_VOICES}
    weights = learned(list(own.values()))
    new = {"eSpeak NG, corpus": gathered(corpus_once, "", jobs)}
    new |= {
        f"Flite {voice}, corpus": gathered(corpus_once, voice, jobs) for voice in (*TAUGHT_VOICES, *HELD_OUT_VOICES)
    }
    header = ("", "ends", "pauses", "told apart", "clause only", "p at ends", "p at pauses")
    show("Taught", header, [_row(name, weights, group) for name, group in own.items()])
    show("Tested on other sentences and voices", header, [_row(name, weights, group) for name, group in new.items()])
    show("The same with the weights of the server", header, [_row(name, LEARNED, group) for name, group in new.items()])
    print(json.dumps(asdict(weights)))


if __name__ == "__main__":
    main()
