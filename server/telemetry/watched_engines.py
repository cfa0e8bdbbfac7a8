"""Wraps speech engines to measure how long calls wait for them, and whether they fail."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager

from server.errors import EngineError
from server.speech.protocols import Pcm, SpeechStream, SpeechToText, TextToSpeech
from server.speech.wrapped import WrappedSpeechStream, WrappedSpeechToText, WrappedTextToSpeech
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


def watched_speech_to_text(engine: SpeechToText, watch: Watch) -> SpeechToText:
    """The same engine, which is watched. A wait lasts from asking for the words to getting them."""

    def change(stream: SpeechStream) -> SpeechStream:
        async def transcript() -> str:
            with watch.waiting() as answered:
                text = await stream.transcript()
                answered()
            return text

        return WrappedSpeechStream(stream, transcript)

    return WrappedSpeechToText(engine, change)


def watched_text_to_speech(engine: TextToSpeech, watch: Watch) -> TextToSpeech:
    """The same engine, which is watched. A wait lasts from giving the text to getting the first sound."""

    async def change(text: str, sound: AsyncGenerator[Pcm, None]) -> AsyncGenerator[Pcm, None]:
        with watch.waiting() as answered:
            async with aclosing(sound):
                async for pcm in sound:
                    answered()
                    yield pcm

    return WrappedTextToSpeech(engine, change)
