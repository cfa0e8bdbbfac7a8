"""How often the agent cuts in on people in their pauses, and how long people wait for it at the end.

    python -m bench.pauses.people --recordings DIR --model models/whisper/tiny.en --smart-turn FILE

DIR has `orders.json`, a list of {"id": …, "speech_ms": [[start, end], …], "pauses_ms": […]}, and `orders/ID.flac`. Each
recording goes through Opus, the real ears and the real judge. Whisper and Smart Turn answer after LAG_MS and MODEL_MS,
as on a machine that is not busy. A pause is cut off when the judge takes it for the end.

The last line is JSON: for each policy the number of pauses `n`, `cut_percent`, and the wait `p50_ms` and `p95_ms` from
the end of the speech to the endpoint, of recordings that were not cut off.
"""

import argparse
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from bench.common.figures import percent, show, spread
from bench.speech.recordings import as_16_khz
from bench.understanding import through_opus
from server.call.ears.ears import Ears
from server.call.ears.voicing import VoicingSettings
from server.call.events import Endpoint
from server.call.options import Patience
from server.call.turns.endpoint import EndpointSettings
from server.call.turns.judge import JudgeSetup, View
from server.call.turns.lexicon.english import ENGLISH
from server.call.turns.overlap import OverlapSettings
from server.call.turns.patience import endpoint_of
from server.call.turns.turn_judge import TurnJudge
from server.media.frame import FRAME_MS, HEARD_BYTES, Frame
from server.speech.engines import smart_turn, whisper
from server.speech.vad import CallVad, Silero
from tests.voices import silence

LAG_MS = 100
"""How long the words take."""
MODEL_MS = 60
"""How long an endpoint model takes."""
Hear = Callable[[bytes], str]
"""Gives the words in 16 kHz PCM."""
JudgeSound = Callable[[bytes], float]
"""Gives the probability that the speaker is done at the end of 16 kHz PCM."""

_AFTER_S = 2.5
_LONGEST_MS = 30_000


@dataclass(frozen=True, slots=True)
class Order:
    """What one person says, with pauses. `pcm` is 16 kHz."""

    pcm: bytes
    end_ms: int
    """Where the speech ends."""
    pauses: int


@dataclass(frozen=True, slots=True)
class Policy:
    """How the endpoint is found."""

    settings: EndpointSettings
    model: bool = False
    """Smart Turn judges the sound."""


def _silence(ms: int) -> EndpointSettings:
    waits = "complete_ms asking_ms question_ms begun_ms single_ms number_ms open_ms nothing_ms usual_ms".split()
    return EndpointSettings(**(dict.fromkeys(waits, ms) | {"asked_ms": 0, "sound_weight": 0}))


def policies() -> Iterator[tuple[str, Policy]]:
    """Each policy with its name."""
    patience: tuple[Patience, ...] = ("quick", "normal", "patient")
    for each in patience:
        yield f"Smart Turn, {each}", Policy(endpoint_of(each, EndpointSettings()), model=True)
    yield "words alone", Policy(EndpointSettings(sound_weight=0))
    for ms in (350, 500, 800):
        yield f"silence of {ms} ms", Policy(_silence(ms))


def orders(folder: Path) -> Iterator[Order]:
    """The recordings in the folder, with silence after them."""
    for entry in json.loads((folder / "orders.json").read_text(encoding="utf-8")):
        pcm = as_16_khz(folder / "orders" / f"{entry['id']}.flac")
        yield Order(through_opus(pcm + silence(_AFTER_S)), entry["speech_ms"][-1][1], len(entry["pauses_ms"]))


class Later:
    """Answers of engines that are due at a later frame."""

    def __init__(self) -> None:
        self.now_ms = 0
        self._due: list[tuple[int, Callable[[], None]]] = []

    def after(self, ms: int, call: Callable[[], None]) -> None:
        self._due.append((self.now_ms + ms, call))

    def tick(self) -> None:
        self.now_ms += FRAME_MS
        due = [call for at_ms, call in self._due if at_ms <= self.now_ms]
        self._due = [(at_ms, call) for at_ms, call in self._due if at_ms > self.now_ms]
        for call in due:
            call()


class DelayedModel:
    """An EndpointModel whose answer comes MODEL_MS later."""

    def __init__(self, judge: JudgeSound, later: Later) -> None:
        self._judge = judge
        self._later = later

    def judge(self, pcm: bytes, tell: Callable[[float], None]) -> None:
        probability = self._judge(pcm)
        self._later.after(MODEL_MS, lambda: tell(probability))


class Utterance:
    """The sound of one utterance, and its words as far as they are known."""

    def __init__(self, hear: Hear, later: Later) -> None:
        self.text = ""
        self.settled = False
        self._hear = hear
        self._later = later
        self._pcm = bytearray()
        self._pauses = 0
        self._asked = False

    def hear(self, pcm: bytes, voiced: bool) -> None:
        self._pcm += pcm
        if voiced and self._asked:
            self._pauses += 1
            self._asked = self.settled = False

    def ask(self) -> None:
        """Ask for the words, once in a pause. Words of an earlier pause come too late."""
        if not self._asked:
            self._asked = True
            words, pause = self._hear(bytes(self._pcm)), self._pauses
            self._later.after(LAG_MS, lambda: self._settle(words, pause))

    def _settle(self, words: str, pause: int) -> None:
        if pause == self._pauses:
            self.text, self.settled = words, True


def endpoints_ms(order: Order, policy: Policy, vad: CallVad, hear: Hear, judge_sound: JudgeSound) -> list[int]:
    """When the speaker is taken to be done, while the order is heard as a call hears it."""
    later, ends = Later(), []
    model = DelayedModel(judge_sound, later) if policy.model else None
    ears = Ears(vad, VoicingSettings(), policy.settings.prepare_ms, model)
    judge = TurnJudge(JudgeSetup(policy.settings, OverlapSettings(), _LONGEST_MS))
    utterance: Utterance | None = None
    for at in range(0, len(order.pcm) - HEARD_BYTES + 1, HEARD_BYTES):
        later.tick()
        ears.hear(Frame(order.pcm[at : at + HEARD_BYTES], at // 2))
        if utterance is None:
            if ears.voicing.active:
                utterance = Utterance(hear, later)
                ears.listen(utterance)
            continue
        if ears.pausing:
            ears.sound.ask()
            utterance.ask()
        if isinstance(judge.hearing(View(1, utterance.text, ENGLISH, utterance.settled, ears.voice)).event, Endpoint):
            ends.append(later.now_ms)
            ears.rest()
            utterance = None
    return ends


def report(found: dict[str, list[tuple[Order, list[int]]]]) -> None:
    """Show a line for each policy, and print all as JSON."""
    rows, figures = [], {}
    for name, results in found.items():
        pauses = sum(order.pauses for order, _ in results)
        cuts = sum(sum(end < order.end_ms for end in ends) for order, ends in results)
        waits = spread(
            ends[-1] - order.end_ms for order, ends in results if ends and not any(end < order.end_ms for end in ends)
        )
        figures[name] = {
            "n": pauses,
            "cut_percent": percent(cuts, pauses),
            "p50_ms": waits.p50 if waits else None,
            "p95_ms": waits.p95 if waits else None,
        }
        rows.append([name, *figures[name].values()])
    show("People's pauses", ["", "pauses", "cut off, %", "wait p50, ms", "p95"], rows)
    print(json.dumps(figures))


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--recordings", type=Path, required=True, help="a directory with recordings of people")
    options.add_argument("--model", type=Path, required=True, help="a directory with a CTranslate2 Whisper model")
    options.add_argument("--smart-turn", type=Path, required=True, help="the file of a Smart Turn model")
    chosen = options.parse_args()
    engine, turns, silero = whisper.Engine(str(chosen.model)), smart_turn.Engine(str(chosen.smart_turn)), Silero()

    @cache
    def hear(pcm: bytes) -> str:
        recognition = engine.start([], "en")
        recognition.feed(pcm)
        return recognition.finish()

    judge_sound = cache(turns.probability)
    all_orders = list(orders(chosen.recordings))
    report(
        {
            name: [(order, endpoints_ms(order, policy, CallVad(silero), hear, judge_sound)) for order in all_orders]
            for name, policy in policies()
        }
    )


if __name__ == "__main__":
    main()
