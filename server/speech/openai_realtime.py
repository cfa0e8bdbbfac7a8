"""Speech-to-text over the WebSocket of OpenAI's Realtime API, in a session of the type "transcription".

Sound goes out while the caller speaks, and the model's partial words come back. The server's own turn detection is off:
the sound is committed when the call wants the words. OpenAI and servers that speak its protocol can be used.
Source: https://developers.openai.com/api/docs/guides/realtime-transcription.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Sequence
from typing import Any

from server.errors import EngineError
from server.media.frame import HEARD_RATE
from server.speech.languages import lookup
from server.speech.openai_http import OpenAIServer
from server.speech.protocols import ANYBODY, Asker
from server.speech.realtime_exchange import SENT_RATE, STAGE, Exchange
from server.speech.web_socket import LOST, Lines, WebSocketAddress

KEEP_S = 30
"""How many seconds of an utterance are kept after the newest transcript, to be sent again when the connection is lost.
Later sound is ignored."""
_SECOND = 2 * HEARD_RATE
_BATCH_BYTES = _SECOND * 60 // 1000
"""60 ms of sound go into one event. This costs a third of single frames, and delays partial words only."""
_RESUME_BYTES = _SECOND * 200 // 1000
"""How much sound after a commit is sent at once: less than 200 ms may be the end of a pause, and nobody wants its
words."""
_PROMPT_CHARACTERS = 400
"""How long a prompt of phrases may be. A hundred tokens are enough of a hint."""
TRIES = 2
"""How many connections are made for one piece of sound. The first may be one that was kept, and is lost meanwhile."""

log = logging.getLogger(__name__)


class RealtimeSpeechToText:
    """A SpeechToText that streams the utterance to the server while the caller speaks."""

    def __init__(
        self,
        server: OpenAIServer,
        *,
        model: str = "gpt-live-transcribe",
        languages: Sequence[str] = (),
        connect_s: float = 2.0,
        deadline_s: float = 8.0,
    ) -> None:
        """`languages` are those that the model understands: the API does not tell.

        Each utterance has a connection for itself. It is opened when the utterance begins, while the caller still
        speaks, and is used again for a later one. Deadlines: `connect_s` is short, because a server that is up accepts
        at once. `deadline_s` is from the request to the transcript; no caller waits that long for an answer.
        Raises ConfigError when the address is not HTTP or WebSocket.
        """
        headers = {"Authorization": f"Bearer {server.api_key}"} if server.api_key else {}
        url = server.base_url if "/realtime" in server.base_url else f"{server.base_url.rstrip('/')}/realtime"
        url = url if "?" in url else f"{url}?intent=transcription"
        self._lines = Lines(WebSocketAddress(url, headers, STAGE), connect_s)
        self._model, self._deadline_s = model, deadline_s
        self.languages = languages
        self._open: set[RealtimeStream] = set()

    def listen(
        self,
        phrases: Sequence[str],
        on_partial: Callable[[str], None],
        language: str = "",
        others: Sequence[str] = (),
        asker: Asker = ANYBODY,
    ) -> "RealtimeStream":
        """Begin an utterance, and begin to connect at once. Needs a running event loop."""
        tag = lookup(language, self.languages) or language
        opening = session_update(self._model, phrases, tag, others)
        stream = RealtimeStream(self._lines, opening, on_partial, self._deadline_s, self._open.discard)
        self._open.add(stream)
        return stream

    async def close(self) -> None:
        for stream in list(self._open):
            await stream.close()
        await self._lines.close()


def session_update(model: str, phrases: Sequence[str], language: str, others: Sequence[str]) -> str:
    """The event that says what to transcribe. `phrases` go where the model takes them."""
    asked: dict[str, Any] = {"model": model}
    primary = list(dict.fromkeys(tag.partition("-")[0] for tag in (language, *others) if tag))
    newest = model.startswith(("gpt-live-transcribe", "gpt-transcribe"))  # they take lists; others take neither
    if others and newest:
        asked["languages"] = primary
    elif language and not others:
        asked["language"] = primary[0]  # ISO 639-1, which has no regions
    if phrases and newest:
        asked["keywords"] = list(phrases)
    elif phrases and not model.startswith("gpt-realtime-whisper"):
        asked["prompt"] = ". ".join(phrases)[:_PROMPT_CHARACTERS]
    heard = {
        "format": {"type": "audio/pcm", "rate": SENT_RATE},
        "transcription": asked,
        "turn_detection": None,
    }
    return json.dumps({"type": "session.update", "session": {"type": "transcription", "audio": {"input": heard}}})


class RealtimeStream:
    """One utterance. Each transcript commits what was said since the last one; its words are put behind the others."""

    def __init__(
        self,
        lines: Lines,
        opening: str,
        on_partial: Callable[[str], None],
        deadline_s: float,
        on_close: Callable[["RealtimeStream"], None],
    ) -> None:
        self._lines, self._opening, self._deadline_s, self._on_close = lines, opening, deadline_s, on_close
        self._on_partial, self._partial = on_partial, ""
        self.language = ""
        self._words: list[str] = []
        """The transcripts of the pieces that are over."""
        self._begin = 0
        """How many bytes of the utterance these pieces have."""
        self._heard = bytearray()
        """The sound after them."""
        self._wanted = 0
        """Up to which byte of the utterance the call wants the words."""
        self._wake = asyncio.Event()
        self._waiting: set[asyncio.Future[None]] = set()
        """Calls of `transcript` that wait for the next piece."""
        self._closed = False
        self._task = self._start()

    @property
    def _end(self) -> int:
        return self._begin + len(self._heard)

    def feed(self, pcm: bytes) -> None:
        if not self._closed and len(self._heard) + len(pcm) <= KEEP_S * _SECOND:
            self._heard += pcm
            self._wake.set()

    async def transcript(self) -> str:
        if self._closed:
            raise EngineError(STAGE, "The utterance is closed.")
        wanted = self._wanted = self._end
        if self._task.done():
            self._task = self._start()  # it has failed: another try may succeed
        self._wake.set()
        try:
            async with asyncio.timeout(self._deadline_s):
                while self._begin < wanted:
                    await self._progress(self._task)
        except TimeoutError as exc:
            self._task.cancel()
            await asyncio.wait({self._task})
            message = f"The {STAGE} server gave no transcript within {self._deadline_s:g} s."
            raise EngineError(STAGE, message) from exc
        return " ".join(filter(None, self._words))

    async def _progress(self, task: "asyncio.Task[None]") -> None:
        """Wait until another piece is over. Raises EngineError when there will be none."""
        more: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(more)
        try:
            await asyncio.wait({task, more}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._waiting.discard(more)
        if task.cancelled():
            raise EngineError(STAGE, "The utterance was closed before its transcript came.")
        if task.done():
            task.result()

    async def close(self) -> None:
        self._closed = True
        self._on_close(self)
        self._task.cancel()
        await asyncio.wait({self._task})

    def _start(self) -> "asyncio.Task[None]":
        task = asyncio.create_task(self._run(), name="realtime transcription")
        # Look at the exception here, so that asyncio does not report it when no `transcript` call raises it.
        task.add_done_callback(lambda task: task.cancelled() or task.exception())
        return task

    async def _run(self) -> None:
        """Send and read until cancelled. Raises EngineError."""
        for tries in range(1, TRIES + 1):
            line = await self._lines.take(fresh=tries > 1)
            exchange = Exchange(line, self._opening, self._begin)
            try:
                await self._talk(exchange)
            except LOST as exc:
                if tries == TRIES:
                    raise EngineError(STAGE, f"The {STAGE} server hung up.") from exc
                log.warning("the connection to speech-to-text is lost, trying again: %s", type(exc).__name__)
            finally:
                if not (exchange.clean and self._lines.give(line)):
                    await line.close()
                self._wake.set()  # on the next connection everything is to be sent

    async def _talk(self, exchange: "Exchange") -> None:
        sending = asyncio.create_task(self._send(exchange), name="sender of a realtime transcription")
        reading = asyncio.create_task(self._read(exchange), name="reader of a realtime transcription")
        try:
            done, _ = await asyncio.wait({sending, reading}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            sending.cancel()
            reading.cancel()
            await asyncio.wait({sending, reading})

    async def _send(self, exchange: "Exchange") -> None:
        await exchange.open()
        while True:
            await self._wake.wait()
            self._wake.clear()
            wanted = self._wanted > exchange.committed
            limit = self._wanted if wanted else self._end
            goes_on = 0 < exchange.committed == exchange.sent
            at_least = 1 if wanted else _RESUME_BYTES if goes_on else _BATCH_BYTES
            if limit - exchange.sent >= at_least:
                await exchange.append(bytes(self._heard[exchange.sent - self._begin : limit - self._begin]))
            if wanted and exchange.pending is None:
                await exchange.commit()
                self._wake.set()  # more may have been heard meanwhile

    async def _read(self, exchange: "Exchange") -> None:
        while True:
            event = await exchange.read()
            if event is None:
                self._tell(exchange.partial)
            else:
                self._finish(*event)

    def _finish(self, end: int, text: str, language: str) -> None:
        """A piece is over: its words stand, and its sound is not needed any more."""
        self._words.append(text)
        self.language = language or self.language
        del self._heard[: end - self._begin]
        self._begin = end
        self._wake.set()
        for more in self._waiting:
            if not more.done():
                more.set_result(None)

    def _tell(self, partial: str) -> None:
        # After a lost connection the old words come again until it has caught up.
        whole = " ".join(filter(None, [*self._words, partial.strip()]))
        if not self._closed and not self._partial.startswith(whole):
            self._partial = whole
            self._on_partial(whole)
