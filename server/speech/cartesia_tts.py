"""Text-to-speech over Cartesia's WebSocket: one connection, on which each text has a context of its own.

Source: https://docs.cartesia.ai/2026-03-01/api-reference/tts/websocket. Servers that speak the same protocol can be
used, too.
"""

import asyncio
import base64
import contextlib
import json
import uuid
from collections.abc import AsyncGenerator, Sequence
from typing import Any

from server.errors import REFUSED, EngineError
from server.speech.languages import lookup
from server.speech.openai_http import OpenAIServer
from server.speech.protocols import ANYBODY, Asker, Pcm
from server.speech.web_socket import LOST, Line, Lines, WebSocketAddress

STAGE = "text-to-speech"

ADDRESS = "wss://api.cartesia.ai"
VERSION = "2026-03-01"
"""The version of the API that this file speaks."""
SPEECH_RATE = 24_000
"""Sample rate in Hz that is asked for: what calls are spoken with, so that nothing has to be converted."""
TRIES = 2
"""How often a text is asked for. The connection may have been lost while nobody spoke: the server ends it when it is
idle for five minutes."""
_MOST_WAITING = 1_000
"""How many answers for one text may wait for its caller, about 50 ms of sound each. A clause has a few seconds; a text
with more is given up."""


class CartesiaTextToSpeech:
    """A TextToSpeech that passes on the speech while the server makes it. All calls share its connection."""

    def __init__(
        self,
        server: OpenAIServer,
        *,
        model: str = "sonic-3.5",
        voice: str = "",
        languages: Sequence[str] = (),
        connect_s: float = 2.0,
        silence_s: float = 8.0,
    ) -> None:
        """`voice` is the id of the default voice; `languages` are those that the model speaks: the API does not tell.

        Deadlines: `connect_s` is short, because a server that is up accepts at once. `silence_s` is for each piece of
        sound, so that a long text may take as long as it needs, but a server that hangs may not. Raises ConfigError
        when the address is not HTTP or WebSocket.
        """
        headers = {"Cartesia-Version": VERSION}
        if server.api_key:
            headers["Authorization"] = f"Bearer {server.api_key}"
        address = WebSocketAddress(f"{server.base_url.rstrip('/')}/tts/websocket", headers, STAGE)
        self._lines = Lines(address, connect_s)
        self._model, self._voice, self._silence_s = model, voice, silence_s
        self.languages = languages
        self._opening = asyncio.Lock()
        self._failures = 0
        """How many openings have failed so far."""
        self._shared: _SharedLine | None = None

    async def synthesize(
        self, text: str, voice: str, language: str = "", asker: Asker = ANYBODY
    ) -> AsyncGenerator[Pcm, None]:
        """Speak `text`. Asks again when the connection is lost before the first sound. `voice` is the id of a voice."""
        asked: dict[str, Any] = {
            "model_id": self._model,
            "transcript": text,
            "voice": {"mode": "id", "id": voice or self._voice},
            "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": SPEECH_RATE},
        }
        if language:
            tag = lookup(language, self.languages) or language
            asked["language"] = tag.partition("-")[0]  # the API takes ISO 639-1, which has no regions
        for tries in range(1, TRIES + 1):
            spoken = False
            try:
                async with contextlib.aclosing(self._speak(asked)) as chunks:
                    async for data in chunks:
                        spoken = True
                        yield Pcm(SPEECH_RATE, data)
                return
            except LOST as exc:
                if spoken or tries == TRIES:
                    raise EngineError(STAGE, f"The {STAGE} server hung up.") from exc

    async def _speak(self, asked: dict[str, Any]) -> AsyncGenerator[bytes, None]:
        """The sound in whole samples. Raises EngineError, and one of LOST."""
        line, context = await self._line(), uuid.uuid4().hex
        answers = line.contexts[context] = asyncio.Queue[dict[str, Any] | None](_MOST_WAITING)
        over, rest = False, b""
        try:
            async with asyncio.timeout(self._silence_s):
                await line.send({**asked, "context_id": context, "continue": False})
            while True:
                async with asyncio.timeout(self._silence_s):
                    answer = await answers.get()
                if answer is None:
                    raise EOFError("the connection is lost")
                kind = answer["type"]
                if kind == "error":
                    over = True
                    raise EngineError(STAGE, refusal(answer), refused=answer.get("status_code") in REFUSED)
                if kind == "done":
                    over = True
                    return
                if kind == "chunk":
                    data = rest + base64.b64decode(answer["data"], validate=True)
                    whole = len(data) & ~1
                    rest = data[whole:]
                    if whole:
                        yield data[:whole]
        except TimeoutError as exc:
            raise EngineError(STAGE, f"The {STAGE} server was silent for {self._silence_s:g} s.") from exc
        finally:
            line.contexts.pop(context, None)
            if not over:
                line.cancel(context)

    async def _line(self) -> "_SharedLine":
        """The connection that all texts share. It is opened again when it is lost. Raises EngineError.

        Of several texts that begin at the same time, one opens it. If that fails, it has failed for all of them:
        otherwise each would wait for the deadlines of all before it.
        """
        failures = self._failures
        async with self._opening:
            if self._failures != failures:
                raise EngineError(STAGE, f"The {STAGE} server could not be reached for another text.")
            if self._shared is None or self._shared.lost:
                if self._shared is not None:
                    await self._shared.close()
                self._shared = _SharedLine(await self._open())
            return self._shared

    async def _open(self) -> Line:
        try:
            return await self._lines.take(fresh=True)
        except EngineError:
            self._failures += 1
            raise

    async def close(self) -> None:
        if self._shared is not None:
            await self._shared.close()
        await self._lines.close()


class _SharedLine:
    """A connection with many contexts. A task reads it, and gives each answer to its context."""

    def __init__(self, line: Line) -> None:
        self._socket = line
        self.contexts: dict[str, asyncio.Queue[dict[str, Any] | None]] = {}
        """The answers for each text that is being spoken; None is the last one, when the connection is lost."""
        self._cancelling: set[asyncio.Task[None]] = set()
        self._reading = asyncio.create_task(self._read(), name="reader of cartesia")

    @property
    def lost(self) -> bool:
        return self._reading.done()

    async def send(self, message: dict[str, Any]) -> None:
        """Raises one of LOST."""
        await self._socket.send(json.dumps(message))

    def cancel(self, context: str) -> None:
        """Tell the server that nobody wants the rest of this text; the other texts go on. Never waits."""
        if not self.lost:
            task = asyncio.create_task(self._cancel(context), name="cancel a context of cartesia")
            self._cancelling.add(task)
            task.add_done_callback(self._cancelling.discard)

    async def _cancel(self, context: str) -> None:
        with contextlib.suppress(*LOST):
            await self.send({"context_id": context, "cancel": True})

    async def _read(self) -> None:
        try:
            while True:
                answer = await self._socket.read()
                context = str(answer.get("context_id", ""))
                if context in self.contexts:
                    self._pass_on(context, answer)
                elif answer.get("type") == "error" and not context:
                    return  # the server refuses the connection itself
        except LOST:
            pass
        finally:
            for context in list(self.contexts):
                self._pass_on(context, None)

    def _pass_on(self, context: str, answer: dict[str, Any] | None) -> None:
        answers = self.contexts[context]
        if answer is not None and not answers.full():
            answers.put_nowait(answer)
            return
        while not answers.empty():
            answers.get_nowait()
        answers.put_nowait(None)
        del self.contexts[context]

    async def close(self) -> None:
        tasks = {self._reading, *self._cancelling}
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        await self._socket.close()


def refusal(answer: dict[str, Any]) -> str:
    """The sentence for an error. The server's own message is left out, because it may quote the text."""
    status, code = answer.get("status_code"), str(answer.get("error_code") or "")
    known = f" ({code})" if code.replace("_", "").isalnum() and len(code) <= 60 else ""
    too_many = ": it is asked too often" if status == 429 else ""
    return (
        f"The {STAGE} server answered with status {status if isinstance(status, int) else 'unknown'}{too_many}{known}."
    )
