"""How long calls wait for a speech worker beside one call that asks for much more than the others.

    python -m bench.speech.queues --seconds 30

Four ordinary calls share a worker with one greedy call. The clients and the worker's queue are the real ones. The
engine stands in for a real one: it sleeps for as long as that one would compute, so a busy machine changes little.

- whisper: each time that words are asked for, it hears the whole utterance.
- pocketsphinx: it hears sound as it comes, a tenth of a second at a time.
- piper: it makes a fifth of a second of speech in three steps.

The greedy caller of speech-to-text never stops talking, and pauses for a tenth of a second after each half second. The
greedy caller of text-to-speech hears a text without an end, and starts it anew again and again.
"""

import argparse
import asyncio
import json
import random
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from bench.common.figures import as_json, show, spread
from server.media.frame import FRAME_MS, HEARD_BYTES, HEARD_RATE
from server.speech.protocols import Asker
from server.speech.wyoming_server import serve
from server.speech.wyoming_stt import WyomingSpeechToText
from server.speech.wyoming_tts import WyomingTextToSpeech

SOUND = b"\1\0" * (HEARD_BYTES // 2)
UTTERANCE_S = 3.0
LISTENING_S = 3.0
GREEDY_UTTERANCE_S = 28.0
CLAUSE = "This is a clause of an ordinary answer"
"""With 15 characters a second, 2.5 s of speech."""
CHARS_PER_S = 15
RATE = 22_050


class Hearing:
    """An utterance in the stand-in for Whisper or PocketSphinx."""

    language = ""

    def __init__(self, slice_cost: float, pass_cost_s: float, pass_cost: float) -> None:
        """It takes `slice_cost` seconds to take in a second of sound, and `pass_cost_s` plus `pass_cost` for each
        second that was taken in to find the words."""
        self._slice_cost, self._pass_cost_s, self._pass_cost = slice_cost, pass_cost_s, pass_cost
        self._heard_s = 0.0

    def feed(self, pcm: bytes) -> str | None:
        seconds = len(pcm) / 2 / HEARD_RATE
        self._heard_s += seconds
        if self._slice_cost:
            time.sleep(self._slice_cost * seconds)
        return None

    def finish(self) -> str:
        time.sleep(self._pass_cost_s + self._pass_cost * self._heard_s)
        return "words"

    def discard(self) -> None:
        pass


class Drafting(Hearing):
    """Whisper also makes drafts, each when a sixth more has been heard."""

    drafted_s = 0.0

    def draft(self) -> str | None:
        if self._heard_s - self.drafted_s >= max(0.5, self.drafted_s / 6):
            self.finish()
            self.drafted_s = self._heard_s
        return None


class Whisper:
    """tiny.en on one core: 0.1 s for a pass over a short sentence, 0.6 s over half a minute."""

    name, languages = "whisper", ("en",)

    def start(self, phrases: Sequence[str], language: str = "", others: Sequence[str] = ()) -> Hearing:
        return Drafting(0.0, 0.1, 0.018)


class PocketSphinx:
    """A sixth of real time."""

    name, languages = "pocketsphinx", ("en",)

    def start(self, phrases: Sequence[str], language: str = "", others: Sequence[str] = ()) -> Hearing:
        return Hearing(0.16, 0.02, 0.0)


class Piper:
    """A seventh of real time."""

    name, rate, languages = "piper", RATE, ("en",)

    def synthesize(self, text: str, voice: str) -> Iterator[bytes]:
        samples = RATE * len(text) // CHARS_PER_S
        for _ in range(0, samples, RATE // 5):
            for _ in range(2):
                time.sleep(0.01)
                yield b""
            time.sleep(0.01)
            yield bytes(2 * (RATE // 5))


@asynccontextmanager
async def hosted(engine: Any) -> AsyncIterator[str]:
    """The address of a worker's server that hosts the engine, in this process."""
    with tempfile.TemporaryDirectory() as folder:
        path, end, ready = Path(folder) / "worker", asyncio.Event(), asyncio.Event()
        serving = asyncio.create_task(serve(engine, path, end, lambda line: ready.set()), name="worker")
        await ready.wait()
        try:
            yield f"unix://{path}"
        finally:
            end.set()
            await serving


# Speech-to-text


async def speak(stream: Any, seconds: float) -> None:
    for _ in range(round(seconds * 1000 / FRAME_MS)):
        stream.feed(SOUND)
        await asyncio.sleep(FRAME_MS / 1000)


async def ordinary_caller(stt: WyomingSpeechToText, call: str, waits_ms: list[float]) -> None:
    """Speaks, waits for the words, listens."""
    await asyncio.sleep(random.uniform(0, UTTERANCE_S + LISTENING_S))
    while True:
        stream = stt.listen([], lambda text: None, asker=Asker(call))
        await speak(stream, UTTERANCE_S)
        begun_s = time.perf_counter()
        await stream.transcript()
        waits_ms.append(1000 * (time.perf_counter() - begun_s))
        await stream.close()
        await asyncio.sleep(random.uniform(0.5, 1.5) * LISTENING_S)


async def greedy_caller(stt: WyomingSpeechToText) -> None:
    """Asks for the words in each of many short pauses, and never waits for them."""
    while True:
        stream = stt.listen([], lambda text: None, asker=Asker("greedy"))
        for _ in range(round(GREEDY_UTTERANCE_S / 0.6)):
            await speak(stream, 0.5)
            asking = asyncio.create_task(stream.transcript(), name="greedy")
            await asyncio.sleep(0.1)
            asking.cancel()
            await asyncio.wait({asking})
        await stream.close()


# Text-to-speech


async def ordinary_listener(tts: WyomingTextToSpeech, call: str, waits_ms: list[float]) -> None:
    """Hears an answer of three clauses; each clause is asked for when the one before it is there."""
    await asyncio.sleep(random.uniform(0, 6))
    while True:
        for number in range(3):
            begun_s, waiting = time.perf_counter(), number == 0
            async with aclosing(tts.synthesize(CLAUSE, "", asker=Asker(call, number > 0))) as sound:
                async for _ in sound:
                    if waiting:
                        waits_ms.append(1000 * (time.perf_counter() - begun_s))
                    waiting = False
        await asyncio.sleep(random.uniform(4, 8))


async def greedy_listener(tts: WyomingTextToSpeech) -> None:
    """Hears an answer without end, clause after clause."""
    while True:
        for number in range(12):
            async with aclosing(tts.synthesize(CLAUSE, "", asker=Asker("greedy", number > 0))) as sound:
                async for _ in sound:
                    pass


async def impatient_listener(tts: WyomingTextToSpeech) -> None:
    """Asks for answer after answer, and hears only the beginning of each."""
    while True:
        async with aclosing(tts.synthesize(CLAUSE * 5, "", asker=Asker("greedy"))) as sound:
            with suppress(TimeoutError):
                async with asyncio.timeout(0.15):
                    async for _ in sound:
                        pass


async def measure(engine: Any, calls: int, greedy: bool, seconds: float) -> list[float]:
    """How long the ordinary calls wait, in ms."""
    random.seed(1)
    waits_ms: list[float] = []
    async with hosted(engine) as uri:
        if isinstance(engine, Piper):
            tts = WyomingTextToSpeech(uri)
            work = [ordinary_listener(tts, f"call {number}", waits_ms) for number in range(calls)]
            work += [greedy_listener(tts), impatient_listener(tts)] if greedy else []
        else:
            stt = WyomingSpeechToText(uri)
            work = [ordinary_caller(stt, f"call {number}", waits_ms) for number in range(calls)]
            work += [greedy_caller(stt)] if greedy else []
        tasks = [asyncio.create_task(each) for each in work]
        await asyncio.sleep(seconds)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await (tts if isinstance(engine, Piper) else stt).close()
    return waits_ms


def main() -> None:
    arguments = argparse.ArgumentParser(prog="python -m bench.speech.queues", description=__doc__.splitlines()[0])
    arguments.add_argument("--seconds", type=float, default=30.0, help="how long each case is measured")
    arguments.add_argument("--calls", type=int, default=4, help="ordinary calls")
    options = arguments.parse_args()
    found: dict[str, list[float]] = {}
    for engine in (Whisper(), PocketSphinx(), Piper()):
        for greedy in (False, True):
            name = f"{engine.name}, {'beside a greedy call' if greedy else 'alone'}"
            found[name] = asyncio.run(measure(engine, options.calls, greedy, options.seconds))
    rows = [(name, each.count, each.p50, each.p95, each.max) for name, w in found.items() if (each := spread(w))]
    show("How long ordinary calls wait, ms", ["", "requests", "p50", "p95", "longest"], rows)
    print(json.dumps({name: as_json(waits_ms) for name, waits_ms in found.items()}))


if __name__ == "__main__":
    main()
