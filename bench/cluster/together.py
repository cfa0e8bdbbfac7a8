"""Whether Whisper finds the words of eight callers sooner when it hears them together than one after the other.

    python -m bench.cluster.together --recordings bench/recordings/people --model models/whisper/tiny.en

The replica is the real one, `Recognizer`, without Ray around it. In each round every size of a batch gets the same
eight utterances twice: in turn, each after the answer to the one before it, and at once. The order of the ways changes
from round to round, so that other work on the machine disturbs all of them alike, and each round has its own ratio.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.common.figures import quantile, show
from bench.speech.recordings import Clip, people
from server.cluster.speech.asked import Utterance, Words
from server.cluster.speech.recognizer import Recognizer

CALLERS = 8
BATCHES = (1, 4, 8)
LONGEST_S = 8.0
"""Utterances up to this length are heard: nearly all that callers say. All of them fit Whisper's shortest window."""


@dataclass(frozen=True, slots=True)
class Took:
    """What eight utterances took."""

    seconds: float
    wait_s: float
    """How long one caller waited, on average."""
    cpu_s: float
    texts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Way:
    """How eight utterances are heard."""

    batch: int
    at_once: bool

    @property
    def title(self) -> str:
        return f"batch {self.batch}, {'at once' if self.at_once else 'in turn'}"


async def words(replica: Recognizer, clip: Clip, waits_s: list[float]) -> str:
    began_s = time.perf_counter()
    found = await replica.hear(Utterance(clip.pcm, "en"))
    assert isinstance(found, Words), found
    waits_s.append(time.perf_counter() - began_s)
    return found.text


async def eight(replica: Recognizer, clips: Sequence[Clip], at_once: bool) -> Took:
    began_s, began_cpu_s, waits_s = time.perf_counter(), time.process_time(), list[float]()
    if at_once:
        texts = await asyncio.gather(*(words(replica, clip, waits_s) for clip in clips))
    else:
        texts = [await words(replica, clip, waits_s) for clip in clips]
    seconds, cpu_s = time.perf_counter() - began_s, time.process_time() - began_cpu_s
    return Took(seconds, sum(waits_s) / len(waits_s), cpu_s, tuple(texts))


async def measure(model: Path, clips: Sequence[Clip], rounds: int, options: dict[str, object]) -> dict[Way, list[Took]]:
    replicas = {batch: Recognizer("whisper", str(model), options | {"batch": batch}) for batch in BATCHES}
    ways = [Way(batch, at_once) for batch in BATCHES for at_once in (False, True)]
    took: dict[Way, list[Took]] = {way: [] for way in ways}
    chance = random.Random(1)
    for number in range(rounds + 1):
        chosen = chance.sample(clips, CALLERS)
        for way in chance.sample(ways, len(ways)):
            found = await eight(replicas[way.batch], chosen, way.at_once)
            if number:  # the first round warms up
                took[way].append(found)
    return took


def median(values: Sequence[float]) -> float:
    return quantile(sorted(values), 0.5)


def other_words(took: dict[Way, list[Took]], way: Way) -> int:
    """How many utterances got other words than alone."""
    alone = took[Way(1, False)]
    return sum(
        one != other
        for mine, theirs in zip(took[way], alone, strict=True)
        for one, other in zip(mine.texts, theirs.texts, strict=True)
    )


def main() -> None:
    arguments = argparse.ArgumentParser(
        prog="python -m bench.cluster.together", description=(__doc__ or "").splitlines()[0]
    )
    arguments.add_argument("--recordings", type=Path, required=True, help="a folder as bench/speech/recordings.py says")
    arguments.add_argument("--model", type=Path, required=True, help="a CTranslate2 Whisper model")
    arguments.add_argument("--rounds", type=int, default=20)
    arguments.add_argument("--device", default="cpu")
    arguments.add_argument("--threads", type=int, default=1)
    given = arguments.parse_args()
    clips = [clip for clip in people(given.recordings) if clip.seconds <= LONGEST_S]
    print(f"{len(clips)} utterances, {median([clip.seconds for clip in clips]):.1f} s (median)", file=sys.stderr)
    options = {"device": given.device, "threads": given.threads}
    took = asyncio.run(measure(given.model, clips, given.rounds, options))
    in_turn = took[Way(1, False)]
    rows, figures = [], {}
    for way, found in took.items():
        faster = [alone.seconds / each.seconds for each, alone in zip(found, in_turn, strict=True)]
        cpu = [each.cpu_s / alone.cpu_s for each, alone in zip(found, in_turn, strict=True)]
        utterances = CALLERS * given.rounds
        rows.append(
            (
                way.title,
                f"{median([each.seconds for each in found]):.2f}",
                f"{median([each.wait_s for each in found]):.2f}",
                f"{median(faster):.2f}",
                f"{min(faster):.2f}–{max(faster):.2f}",
                f"{median(cpu):.2f}",
                f"{other_words(took, way)} of {utterances}",
            )
        )
        figures[way.title] = {
            "seconds": round(median([each.seconds for each in found]), 3),
            "wait_s": round(median([each.wait_s for each in found]), 3),
            "throughput": round(median(faster), 3),
            "cpu": round(median(cpu), 3),
            "other_words": other_words(took, way),
        }
    header = ["", "s for eight", "mean wait, s", "throughput", "least and most", "CPU", "other words"]
    show("Eight utterances; throughput and CPU relative to batch 1, in turn, in the same round", header, rows)
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
