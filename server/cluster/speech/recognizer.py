"""A replica that hears: Whisper, or Smart Turn. It is one engine with its thread, as in a worker of one server.

The requests of all calls meet in the queue of the thread. When the engine is free, it takes all final words that are
wanted by then, as many as it can do in one go, and drafts only when no final words are wanted. `@serve.batch` of Ray is
not used for it: it closes a batch when its time is over, whether the engine is free or not, so the requests that come
while the engine computes would wait in many small batches. It also knows no urgency.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from server.cluster.speech.asked import Busy, Counts, Failed, Utterance, Words
from server.speech.engine_thread import EngineThread
from server.speech.jobs import Failure, Final, Partial, RecognitionJob
from server.speech.worker import load
from server.speech.wyoming_server import HANG_S

MOST_DRAFTS = 8
"""How many drafts may wait in a replica. They wait until nothing else does, so more of them would take the places of
final words, and would be out of date before they are made."""


class Recognizer:
    """A replica of a speech-to-text model."""

    def __init__(self, engine: str, model: str, options: Mapping[str, Any]) -> None:
        """`engine` is the name of a module of engines, `model` the path of its model.

        Raises ConfigError when it cannot start.
        """
        self._engine = load(engine, model, options)
        self._thread = EngineThread(f"engine {engine}")
        self._drafts_waiting = self._drafts = 0
        self._finals: Counter[int] = Counter()
        """How many final words were found in goes of each size."""

    async def languages(self) -> Sequence[str]:
        """Tags (BCP 47) of the languages that the model understands."""
        return tuple(self._engine.languages)

    async def hear(self, utterance: Utterance) -> Words | Failed | Busy:
        """The words of an utterance. When nobody wants them any more, they are not looked for."""
        if not utterance.draft:
            return await self._words(utterance)
        if self._drafts_waiting >= MOST_DRAFTS:
            return Busy("Too many drafts are asked for.")
        self._drafts_waiting += 1
        try:
            return await self._words(utterance)
        finally:
            self._drafts_waiting -= 1

    async def counts(self) -> Counts:
        """What this replica has done."""
        return Counts(self._finals.total(), self._drafts, dict(self._finals))

    def check_health(self) -> None:
        """Ray calls it now and then, and replaces the replica when it raises."""
        if self._thread.busy_s() > HANG_S:
            raise RuntimeError("the engine hangs")

    def close(self) -> None:
        """End its thread. Ray does not call it, because it ends the whole process."""
        self._thread.close()

    async def _words(self, utterance: Utterance) -> Words | Failed:
        loop = asyncio.get_running_loop()
        found: asyncio.Future[Partial | Final | Failure] = loop.create_future()

        def settle(result: Partial | Final | Failure) -> None:
            self._count(utterance, result)
            if not found.done():  # else nobody wants it any more
                found.set_result(result)

        def emit(result: Partial | Final | Failure) -> None:
            loop.call_soon_threadsafe(settle, result)

        job = RecognitionJob(self._engine, utterance.phrases, utterance.language, emit, utterance.others)
        job.feed(utterance.pcm)
        job.stop(can_wait=utterance.draft)
        self._thread.add(job)
        try:
            result = await found
        finally:
            self._thread.drop(job)
        if not isinstance(result, Final):
            return Failed(result)
        return Words(result.text, result.language)

    def _count(self, utterance: Utterance, result: Partial | Final | Failure) -> None:
        if isinstance(result, Final):
            if utterance.draft:
                self._drafts += 1
            else:
                self._finals[result.together] += 1
