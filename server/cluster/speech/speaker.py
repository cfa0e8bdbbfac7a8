"""A replica that speaks: the Piper voices of a cluster, which share one thread.

Only one thread may use Piper in a process, because its phonemes come from eSpeak NG, which has global state. The engine
works in short steps, so several texts share the replica: each is urgent until its first sound, then they take turns.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any

from server.cluster.speech.asked import Failed, Texts, Voice
from server.speech.engine_thread import EngineThread
from server.speech.jobs import Done, Failure, SynthesisJob
from server.speech.worker import load
from server.speech.wyoming_server import HANG_S


class Speaker:
    """A replica of the text-to-speech voices."""

    def __init__(self, engine: str, models: Mapping[str, str], options: Mapping[str, Any]) -> None:
        """`models` are the paths of the voices by their names, the default first.

        Raises ConfigError when one cannot start.
        """
        self._engines = {name: load(engine, path, options) for name, path in models.items()}
        self._thread = EngineThread(f"engine {engine}")
        self._begun = self._spoken = self._dropped = 0

    async def voices(self) -> Sequence[Voice]:
        """The voices, the default first."""
        return [
            Voice(name, engine.rate, tuple(engine.languages), tuple(engine.speakers))
            for name, engine in self._engines.items()
        ]

    async def counts(self) -> Texts:
        """What this replica has done."""
        return Texts(self._begun, self._spoken, self._dropped)

    async def speak(self, text: str, voice: str, speaker: str = "") -> AsyncGenerator[bytes | Failed, None]:
        """Yields the speech as mono s16le at the rate of the voice, in chunks of at most 200 ms, as they are made.

        `text` has at most `jobs.MAX_TEXT` characters, `voice` is the name of one of the voices. When nobody reads on,
        no more is made.
        """
        loop = asyncio.get_running_loop()
        made: asyncio.Queue[bytes | Done | Failure] = asyncio.Queue()  # short: the job emits CHUNKS_AHEAD at most

        def emit(result: bytes | Done | Failure) -> None:
            loop.call_soon_threadsafe(made.put_nowait, result)

        job = SynthesisJob(self._engines[voice], text, speaker, emit)
        self._thread.add(job)
        self._begun += 1
        over = False
        try:
            while not isinstance(chunk := await made.get(), Done):
                if isinstance(chunk, Failure):
                    yield Failed(chunk)
                    return
                yield chunk
                job.taken()
                self._thread.wake()
            over = True
        finally:
            self._thread.drop(job)
            self._spoken += over
            self._dropped += not over

    def check_health(self) -> None:
        """Ray calls it now and then, and replaces the replica when it raises."""
        if self._thread.busy_s() > HANG_S:
            raise RuntimeError("the engine hangs")
