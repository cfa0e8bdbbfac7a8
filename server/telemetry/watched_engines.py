"""Wraps speech engines to measure how long calls wait for them, and whether they fail."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager

from server.errors import EngineError
from server.speech.protocols import ANYBODY, Asker, Pcm, SpeechStream, SpeechToText, TextToSpeech
from server.telemetry.last_use import LastUse
from server.telemetry.waits import Waits


class Watch:
    """Watches one engine, or one caller. Calls `on_answer` for each answer that came, with how many seconds it took."""

    def __init__(self, on_answer: Callable[[float], None], waits: Waits | None = None) -> None:
        self.waits = Waits() if waits is None else waits
        self.last_use = LastUse()
        self._on_answer = on_answer

    @contextmanager
    def waiting(self) -> Iterator[Callable[[], None]]:
        """A context for one request: it waits from the start until its answer is there, or until it leaves the context.

        The context gives a function that the request calls when its answer is there.
        """
        now = asyncio.get_running_loop().time
        ticket: int | None = self.waits.begin(now())

        def answered() -> None:
            nonlocal ticket
            if ticket is not None:
                self._on_answer(self.waits.end(ticket, now()))
                self.last_use.succeed()
                ticket = None

        try:
            yield answered
        except EngineError as error:
            self.last_use.fail(error.sentence)
            raise
        finally:
            if ticket is not None:
                self.waits.end(ticket, now())


class WatchedSpeechToText:
    """A SpeechToText that is watched. A wait lasts from asking for the words to getting them."""

    def __init__(self, engine: SpeechToText, watch: Watch) -> None:
        self._engine = engine
        self._watch = watch

    @property
    def languages(self) -> Sequence[str]:
        return self._engine.languages

    def listen(
        self,
        phrases: Sequence[str],
        on_partial: Callable[[str], None],
        language: str = "",
        others: Sequence[str] = (),
        asker: Asker = ANYBODY,
    ) -> SpeechStream:
        return _WatchedSpeechStream(self._engine.listen(phrases, on_partial, language, others, asker), self._watch)


class _WatchedSpeechStream:
    def __init__(self, stream: SpeechStream, watch: Watch) -> None:
        self.feed = stream.feed
        self.close = stream.close
        self._stream = stream
        self._watch = watch

    @property
    def language(self) -> str:
        return self._stream.language

    async def transcript(self) -> str:
        with self._watch.waiting() as answered:
            text = await self._stream.transcript()
            answered()
        return text


class WatchedTextToSpeech:
    """A TextToSpeech that is watched. A wait lasts from giving the text to getting the first sound."""

    def __init__(self, engine: TextToSpeech, watch: Watch) -> None:
        self._engine = engine
        self._watch = watch

    @property
    def languages(self) -> Sequence[str]:
        return self._engine.languages

    async def synthesize(
        self, text: str, voice: str, language: str = "", asker: Asker = ANYBODY
    ) -> AsyncGenerator[Pcm, None]:
        with self._watch.waiting() as answered:
            async with aclosing(self._engine.synthesize(text, voice, language, asker)) as sound:
                async for pcm in sound:
                    answered()
                    yield pcm
