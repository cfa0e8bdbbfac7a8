"""Engines of the operator's own, from a Python file: `--stt file.py:name`, `--tts file.py:name`. See docs/engines.md.

They satisfy the protocols SpeechToText and TextToSpeech, and run in a thread of their own (`own_loop.py`).
"""

import asyncio
import contextlib
import inspect
import threading
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from typing import Any

from server.errors import ConfigError, EngineError
from server.media.frame import HEARD_RATE
from server.speech.own_loop import OwnLoop, accepted
from server.speech.protocols import ANYBODY, Asker, Pcm

STT, TTS = "speech-to-text", "text-to-speech"

START_S = 60.0
"""How long an engine may take to be made and started: enough to load a large model from a slow disk."""
CLOSE_S = 2.0
"""How long an engine may take to close."""
KEEP_S = 30
"""How many seconds of sound may wait for an engine that does not take it. Later sound is ignored."""
_KEEP_BYTES = 2 * HEARD_RATE * KEEP_S
_CLOSE_TRIES = 50
"""How often a generator that is still running is asked to close, every 20 ms."""
_END = object()


class _OwnEngine:
    """What both kinds share: how an engine is made, started and closed."""

    stage = ""
    method = ""

    def __init__(self, found: object, name: str) -> None:
        """`found` is the engine, or a class or function that makes it. `name` is where it comes from."""
        self._found, self._engine = found, found
        self._own = OwnLoop(name, self.stage)
        self._closed = False
        self.languages: Sequence[str] = ()

    async def start(self) -> None:
        """Make the engine and start it. Raises ConfigError when it fails or is none."""
        try:
            await self._own.call(self._make, START_S)
        except EngineError as exc:
            await self.close()
            why = exc.__cause__ or exc
            raise ConfigError(f"the {self.stage} engine {self._own.name} does not start: {why}") from exc

    async def _make(self) -> None:
        if inspect.isclass(self._found) or (callable(self._found) and not hasattr(self._found, self.method)):
            self._engine = await self._own.run(self._found)
        if not callable(getattr(self._engine, self.method, None)):
            raise EngineError(self.stage, f"it has no method {self.method}")
        if callable(begin := getattr(self._engine, "start", None)):
            await self._own.run(begin)
        languages = getattr(self._engine, "languages", ())
        if isinstance(languages, str) or not all(isinstance(tag, str) for tag in languages):
            raise EngineError(self.stage, "its languages are not a sequence of tags, such as ('en', 'de')")
        self.languages = tuple(languages)

    async def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._engine is not self._found or hasattr(self._found, self.method):
            end = getattr(self._engine, "close", None)
            if callable(end):
                with contextlib.suppress(EngineError):  # nothing needs it any more
                    await self._own.call(lambda: self._own.run(end), CLOSE_S)
        await self._own.close()


class OwnSpeechToText(_OwnEngine):
    """A SpeechToText whose engine is the operator's own."""

    stage, method = STT, "listen"

    def __init__(self, found: object, name: str, deadline_s: float = 8.0) -> None:
        """`deadline_s` is from the request for a transcript to its arrival; no caller waits longer for an answer."""
        super().__init__(found, name)
        self._deadline_s = deadline_s
        self._open: set[OwnSpeechStream] = set()

    def listen(
        self,
        phrases: Sequence[str],
        on_partial: Callable[[str], None],
        language: str = "",
        others: Sequence[str] = (),
        asker: Asker = ANYBODY,
    ) -> "OwnSpeechStream":
        """Begin an utterance. Needs a running event loop."""
        given = {"phrases": phrases, "language": language, "others": others, "asker": asker}
        stream = OwnSpeechStream(self._own, on_partial, self._deadline_s, self._open.discard)
        self._own.soon(lambda: stream.begin(self._engine, given))
        self._open.add(stream)
        return stream

    async def close(self) -> None:
        for stream in list(self._open):
            await stream.close()
        await super().close()


class OwnSpeechStream:
    """One utterance. `begin` and what begins with _ and takes `self._stream` run in the engine's thread."""

    def __init__(
        self,
        own: OwnLoop,
        on_partial: Callable[[str], None],
        deadline_s: float,
        on_close: Callable[["OwnSpeechStream"], None],
    ) -> None:
        self._own, self._on_partial, self._deadline_s, self._on_close = own, on_partial, deadline_s, on_close
        self.language = ""
        self._stream: Any = None
        self._failure: Exception | None = None
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        """Held by both threads, for moments, while they look at the next three."""
        self._waiting = bytearray()
        """Sound that the engine has not taken yet."""
        self._newest: str | None = None
        """Partial words that the call does not know yet."""
        self._fed = self._closed = False
        self._asked: set[asyncio.Future[str]] = set()

    def begin(self, engine: Any, given: dict[str, object]) -> None:
        try:
            self._stream = engine.listen(**accepted(engine.listen, {**given, "on_partial": self._hear}))
        except Exception as exc:
            self._failure = exc

    def _hear(self, text: str) -> None:
        """Partial words, from whatever thread. Of many that come at once the call gets the newest."""
        with self._lock:
            known, self._newest = self._newest is None, str(text)
        if known:
            with contextlib.suppress(RuntimeError):  # the server has stopped
                self._loop.call_soon_threadsafe(self._tell)

    def _tell(self) -> None:
        with self._lock:
            text, self._newest = self._newest, None
        if not self._closed and text is not None:
            self._on_partial(text)

    def feed(self, pcm: bytes) -> None:
        with self._lock:
            room, first = len(self._waiting) + len(pcm) <= _KEEP_BYTES, not self._waiting
            if room and not self._closed:
                self._waiting += pcm
                self._fed = True
        if first:
            self._own.soon(self._drain)

    def _drain(self) -> None:
        with self._lock:
            sound = bytes(self._waiting)
            self._waiting.clear()
        try:
            if self._stream is not None and self._failure is None:
                self._stream.feed(sound)
        except Exception as exc:
            self._failure = exc

    async def transcript(self) -> str:
        if self._closed:
            raise EngineError(STT, "The utterance is closed.")
        if not self._fed:
            return ""
        return await self._own.call(self._ask, self._deadline_s, self._asked)

    async def _ask(self) -> str:
        if self._failure is not None:
            raise self._failure
        text = await self._own.run(self._stream.transcript)
        if not isinstance(text, str):
            raise TypeError(f"transcript has returned {type(text).__name__}")
        language = getattr(self._stream, "language", "")
        self.language = language if isinstance(language, str) else ""
        return text

    async def close(self) -> None:
        if self._closed:
            return
        with self._lock:
            self._closed = True
            self._waiting.clear()  # an engine that hangs may never ask for it
        self._on_close(self)
        for future in list(self._asked):
            future.cancel()
        self._own.spawn(self._end)

    async def _end(self) -> None:
        if callable(end := getattr(self._stream, "close", None)):
            await self._own.run(end)


class OwnTextToSpeech(_OwnEngine):
    """A TextToSpeech whose engine is the operator's own."""

    stage, method = TTS, "synthesize"

    def __init__(self, found: object, name: str, silence_s: float = 8.0) -> None:
        """`silence_s` is for each piece of sound: a long text may take long, but an engine that hangs may not."""
        super().__init__(found, name)
        self._silence_s = silence_s

    async def synthesize(
        self, text: str, voice: str, language: str = "", asker: Asker = ANYBODY
    ) -> AsyncGenerator[Pcm, None]:
        """Speak `text`. The engine's method may be an async generator, or one that is not."""
        given: dict[str, object] = {"text": text, "voice": voice, "language": language, "asker": asker}
        sound = _Sound(self._own, self._engine, given)
        try:
            # An engine may raise for a voice that it does not have, and callers may choose any.
            while (pcm := await self._own.call(sound.next, self._silence_s, refused=bool(voice))) is not None:
                if pcm.data:
                    yield pcm
        finally:
            self._own.spawn(sound.close)


class _Sound:
    """The sound of one text, in the engine's thread."""

    def __init__(self, own: OwnLoop, engine: Any, given: dict[str, object]) -> None:
        self._own, self._engine, self._given = own, engine, given
        self._chunks: Any = None

    async def next(self) -> Pcm | None:
        """The next piece; None at the end."""
        if self._chunks is None:
            speak = self._engine.synthesize
            made = speak(**accepted(speak, self._given))
            made = await made if inspect.isawaitable(made) else made
            self._chunks = made if hasattr(made, "__anext__") else iter(made)
        if isinstance(self._chunks, Iterator):
            pcm = await self._own.run(lambda: next(self._chunks, _END))
        else:
            pcm = await anext(self._chunks, _END)
        return None if pcm is _END else _checked(pcm)

    async def close(self) -> None:
        end = getattr(self._chunks, "aclose", None) or getattr(self._chunks, "close", None)
        for _ in range(_CLOSE_TRIES if end else 0):
            assert end is not None, "because the loop has no turns otherwise"
            try:
                await self._own.run(end)
                return
            except (RuntimeError, ValueError):  # it is still running
                await asyncio.sleep(0.02)


def _checked(pcm: object) -> Pcm:
    if not isinstance(pcm, Pcm) or not isinstance(pcm.rate, int) or not isinstance(pcm.data, bytes):
        raise TypeError("synthesize has yielded something that is not Pcm(rate, data)")
    if not 8_000 <= pcm.rate <= 192_000 or len(pcm.data) % 2:
        raise ValueError("synthesize has yielded half a sample, or a rate that no call can be spoken with")
    return pcm
