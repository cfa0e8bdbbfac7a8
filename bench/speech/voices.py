"""How long a text waits for its first sound, by engine and by the number of words.

    python -m bench.speech.voices --piper models/piper/en_US-lessac-medium.onnx

"unsplit" is Piper's own library, which makes a whole sentence at a time. Every engine has one thread. In the process
all engines take turns, so that each meets the same load of the machine. Through a worker each text goes over the
Wyoming protocol, as in a call.
"""

import argparse
import asyncio
import itertools
import json
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from piper import PiperConfig, PiperVoice

from bench.common.figures import as_json, quantile, show
from server.speech.engines import espeak, hibari, piper
from server.speech.engines.stepwise import session
from server.speech.supervisor import Supervisor
from server.speech.wyoming_tts import WyomingTextToSpeech

TEXTS = {
    3: ("Yes, of course.", "One moment please.", "Thank you, goodbye."),
    8: (
        "Your table is booked for seven this evening.",
        "I am afraid that we are closed today.",
        "Would you like anything else with your order?",
    ),
    20: (
        "I can see that your order left our warehouse this morning and should arrive at your house before Friday noon.",
        "The doctor has a free appointment on Wednesday at half past nine if that suits you better than the afternoon.",
        "We will send you a message as soon as the new part has come and the engineer can visit you.",
    ),
    40: (
        "I can see that your order left our warehouse this morning and should arrive at your house before the weekend "
        "starts and if nobody is at home then the driver will leave it with one of your neighbours down the road.",
        "The ticket that you have bought is valid on every train of that day except those that leave before nine in "
        "the morning and you may break your journey once if you tell the conductor so when he comes.",
    ),
}  # without commas inside, so that nothing cuts them into clauses

Chunks = Callable[[str], Iterator[tuple[bytes, int]]]
"""Speaks a text: chunks of s16le and their rate."""


@dataclass
class Figures:
    first_ms: list[float] = field(default_factory=list)
    first_cpu_ms: list[float] = field(default_factory=list)
    step_ms: list[float] = field(default_factory=list)
    """The longest time between two chunks, empty ones too: how long another text may have to wait."""
    missing_ms: list[float] = field(default_factory=list)
    """How long a player that starts with the first chunk would have been without sound."""
    work_s: float = 0
    sound_s: float = 0


def measure(speak: Chunks, text: str, figures: Figures) -> None:
    start, cpu = time.perf_counter(), time.process_time()
    player, last, longest = Player(), start, 0.0
    for chunk, rate in speak(text):
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
        if chunk and not player.started:
            figures.first_ms.append(1e3 * (now - start))
            figures.first_cpu_ms.append(1e3 * (time.process_time() - cpu))
        player.receive(len(chunk) / 2 / rate, now)
    figures.step_ms.append(1e3 * longest)
    figures.work_s += time.process_time() - cpu
    player.sum_up(figures)


class Player:
    """Plays from the first chunk on."""

    def __init__(self) -> None:
        self.started = False
        self._until = self._missing = self._sound = 0.0

    def receive(self, seconds: float, now: float) -> None:
        if not seconds:
            return
        if self.started:
            self._missing += max(now - self._until, 0)
        self._until = max(now, self._until if self.started else now) + seconds
        self._sound += seconds
        self.started = True

    def sum_up(self, figures: Figures) -> None:
        figures.missing_ms.append(1e3 * self._missing)
        figures.sound_s += self._sound


def in_process(model: str, rounds: int) -> dict[tuple[str, int], Figures]:
    """Every engine speaks every text in each round."""
    config = PiperConfig.from_dict(json.loads(Path(f"{model}.json").read_text(encoding="utf-8")))
    unsplit = PiperVoice(session(model, 1), config)

    def whole_sentences(text: str) -> Iterator[tuple[bytes, int]]:
        for chunk in unsplit.synthesize(text):
            yield chunk.audio_int16_bytes, chunk.sample_rate

    def chunks(engine: espeak.Engine | piper.Engine | hibari.Engine) -> Chunks:
        return lambda text: ((chunk, engine.rate) for chunk in engine.synthesize(text, ""))

    engines = {"espeak": chunks(espeak.Engine()), "piper unsplit": whole_sentences}
    engines |= {"piper": chunks(piper.Engine(model)), "hibari": chunks(hibari.Engine())}
    for speak in engines.values():
        list(speak("Hello there."))
    found = {(name, words): Figures() for name in engines for words in TEXTS}
    for _, words, (name, speak) in itertools.product(range(rounds), TEXTS, engines.items()):
        for text in TEXTS[words]:
            measure(speak, text, found[name, words])
    return found


async def in_workers(model: str, rounds: int) -> tuple[dict[tuple[str, int], Figures], dict[str, list[float]]]:
    """As `in_process`, through a worker for each engine; and how long the next text waits after one was cancelled."""
    found: dict[tuple[str, int], Figures] = {}
    after_cancel: dict[str, list[float]] = {}
    for name, path in (("espeak", None), ("piper", model), ("hibari", None)):
        async with client(name, path) as tts:
            await first_sound(tts, "Hello there.")
            after_cancel[name] = []
            for words in TEXTS:
                found[name, words] = Figures()
                for _, text in itertools.product(range(rounds), TEXTS[words]):
                    await measure_worker(tts, text, found[name, words])
            for text in TEXTS[40] * rounds:
                await first_sound(tts, text)  # cancels it after its first chunk
                after_cancel[name].append(await first_sound(tts, "Yes, of course."))
    return found, after_cancel


@asynccontextmanager
async def client(engine: str, model: str | None) -> AsyncIterator[WyomingTextToSpeech]:
    supervisor = Supervisor(engine, model)
    await supervisor.start()
    tts = WyomingTextToSpeech(supervisor.uri)
    try:
        yield tts
    finally:
        await tts.close()
        await supervisor.close()


async def measure_worker(tts: WyomingTextToSpeech, text: str, figures: Figures) -> None:
    start, player = time.perf_counter(), Player()
    async for pcm in tts.synthesize(text, ""):
        now = time.perf_counter()
        if not player.started:
            figures.first_ms.append(1e3 * (now - start))
        player.receive(len(pcm.data) / 2 / pcm.rate, now)
    player.sum_up(figures)


async def first_sound(tts: WyomingTextToSpeech, text: str) -> float:
    """In ms. The text is cancelled then."""
    start = time.perf_counter()
    async with aclosing(tts.synthesize(text, "")) as speech:
        async for _ in speech:
            return 1e3 * (time.perf_counter() - start)
    return 1e3 * (time.perf_counter() - start)


def row(name: str, words: int, figures: Figures) -> list[object]:
    """p50 and p95 where the header says so."""
    both = [_pair(figures.first_ms), _pair(figures.first_cpu_ms)]
    load = round(figures.work_s / figures.sound_s, 3) if figures.work_s else None
    rates = [f"{load:.3f}" if load is not None else None, _pair(figures.step_ms)]
    return [name, words, *both, *rates, sum(ms > 0 for ms in figures.missing_ms), max(figures.missing_ms)]


def _pair(sample: list[float]) -> str | None:
    ordered = sorted(sample)
    return f"{quantile(ordered, 0.5):.0f} / {quantile(ordered, 0.95):.0f}" if ordered else None


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench.speech.voices", description=__doc__.splitlines()[0])
    arguments.add_argument("--piper", required=True, metavar="FILE", help="a Piper voice (.onnx)")
    arguments.add_argument("--rounds", type=int, default=5, help="how often each text is spoken")
    options = arguments.parse_args()
    logging.basicConfig(level=logging.WARNING)
    here = in_process(options.piper, options.rounds)
    workers, after_cancel = asyncio.run(in_workers(options.piper, options.rounds))
    header = ["engine", "words", "first sound, ms", "its CPU, ms", "CPU per s of sound", "longest step, ms"]
    header += ["texts with gaps", "longest gap, ms"]
    for title, found in (("In the process (p50 / p95)", here), ("Through a worker (p50 / p95)", workers)):
        show(title, header, (row(*key, figures) for key, figures in found.items()))
    show("First sound of 3 words after 40 words were cancelled, ms", ["engine", "p50 / p95"], (
        (name, _pair(waits)) for name, waits in after_cancel.items()
    ))  # fmt: skip
    places = {"process": here, "worker": workers}
    print(json.dumps({
        place: {f"{name} {words}": as_json(figures.first_ms) for (name, words), figures in found.items()}
        for place, found in places.items()
    }))  # fmt: skip


if __name__ == "__main__":
    main()
