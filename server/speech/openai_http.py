"""Speech engines over OpenAI's HTTP API. Many servers speak it: vLLM, Speaches, LocalAI, Ray Serve and others.

`POST audio/transcriptions` takes the whole utterance as a WAV file and gives no partial words; `POST audio/speech`
streams 24 kHz PCM. Source: https://platform.openai.com/docs/api-reference/audio. Each client keeps its connections
alive. It follows no redirect, because that could send the key to another server.
"""

import asyncio
import io
import json
import wave
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from server.errors import REFUSED, ConfigError, EngineError
from server.media.frame import HEARD_RATE
from server.speech.languages import lookup, tag_of
from server.speech.protocols import ANYBODY, Asker, Pcm
from server.speech.settled import Settled, may_end

_STT, _TTS = "speech-to-text", "text-to-speech"

SPEECH_RATE = 24_000
"""Sample rate in Hz of `response_format` "pcm"."""

KEEP_S = 30
"""How many seconds of a piece of an utterance are kept. Later sound is ignored: the transcript covers what came
before."""
_KEEP_BYTES = 2 * HEARD_RATE * KEEP_S

_PROMPT_CHARACTERS = 400
"""How long a prompt of phrases may be. Whisper reads about the last 220 tokens of a prompt; a hundred tokens are enough
of a hint and cost less."""

_MAX_ANSWER_BYTES = 256 * 1024
"""How long a transcript with all its details may be. No answer to half a minute of speech is longer."""


@dataclass(frozen=True, slots=True)
class OpenAIServer:
    """Where a server is and how to log in. `base_url` ends where the paths begin, as https://api.openai.com/v1."""

    base_url: str
    api_key: str | None = None


class OpenAISpeechToText:
    """A SpeechToText that sends the utterance to the server each time a transcript is wanted."""

    def __init__(
        self,
        server: OpenAIServer,
        *,
        model: str = "whisper-1",
        languages: Sequence[str] = (),
        connect_s: float = 2.0,
        deadline_s: float = 8.0,
    ) -> None:
        """`languages` are those that the model understands: the API does not tell.

        Deadlines: `connect_s` is short, because a server that is up accepts at once. `deadline_s` is from the request
        to the transcript; no caller waits that long for an answer. Raises ConfigError when the address is not HTTP.
        """
        self._api = _Api(server, aiohttp.ClientTimeout(total=deadline_s, connect=connect_s), _STT)
        self._fields = {"model": model, "response_format": "json"}
        tells = not model.startswith("gpt-")  # these models of OpenAI know no other format than json
        self._open_language = {"response_format": "verbose_json"} if tells else {}
        """What to ask for when the language is left open: only this format has the language."""
        self.languages = languages
        self._open: set[OpenAISpeechStream] = set()

    def listen(
        self,
        phrases: Sequence[str],
        on_partial: Callable[[str], None],
        language: str = "",
        others: Sequence[str] = (),
        asker: Asker = ANYBODY,
    ) -> "OpenAISpeechStream":
        """`on_partial` is never called, because partial words would need a request with the whole utterance."""
        prompt = ". ".join(phrases)[:_PROMPT_CHARACTERS]
        fields = self._fields | ({"prompt": prompt} if prompt else {})
        if others:
            fields |= self._open_language
        elif language:
            tag = lookup(language, self.languages) or language
            fields["language"] = tag.partition("-")[0]  # the API takes ISO 639-1, which has no regions
        stream = OpenAISpeechStream(self._api, fields, self._open.discard)
        self._open.add(stream)
        return stream

    async def close(self) -> None:
        for stream in list(self._open):
            await stream.close()
        await self._api.close()


class OpenAISpeechStream:
    """One utterance. Its sound is kept until `close`."""

    def __init__(self, api: "_Api", fields: dict[str, str], on_close: Callable[["OpenAISpeechStream"], None]) -> None:
        self._api, self._fields, self._on_close = api, fields, on_close
        self.language = ""
        self._settled = Settled()
        self._heard = bytearray()
        """The sound since the last piece that is settled."""
        self._answer: tuple[int, str] = (0, "")
        """How many bytes of `_heard` the last transcript covers, and its words."""
        self._requests: set[asyncio.Task[str]] = set()
        self._closed = False

    def feed(self, pcm: bytes) -> None:
        answered, text = self._answer
        if answered == len(self._heard) and may_end(answered, len(pcm)):
            self._settled = Settled(
                self._settled.and_then(text)
            )  # the caller goes on after a transcript and a pause, which is what comes first
            self._heard.clear()
            self._answer = (0, "")
        if not self._closed and len(self._heard) + len(pcm) <= _KEEP_BYTES:
            self._heard += pcm

    async def transcript(self) -> str:
        if self._closed:
            raise EngineError(_STT, "The utterance is closed.")
        heard, (answered, text), settled = len(self._heard), self._answer, self._settled
        if heard == answered:
            return settled.and_then(text)
        request = asyncio.create_task(self._ask(), name="openai transcription")
        self._requests.add(request)
        try:
            await asyncio.wait({request})
        finally:
            request.cancel()  # when the call no longer waits for the transcript
            self._requests.discard(request)
        if request.cancelled():
            raise EngineError(_STT, "The utterance was closed before its transcript came.")
        self._answer = heard, request.result()
        return settled.and_then(self._answer[1])

    async def _ask(self) -> str:
        form = aiohttp.FormData(self._fields)
        form.add_field("file", _wav(bytes(self._heard)), filename="utterance.wav", content_type="audio/wav")
        answer = bytearray()
        async with self._api.post("audio/transcriptions", data=form) as response:
            async for chunk in response.content.iter_any():
                answer += chunk
                if len(answer) > _MAX_ANSWER_BYTES:
                    raise EngineError(_STT, "The speech-to-text server's answer is too long.")
        try:
            transcript = json.loads(answer)
            text: str = transcript["text"].strip()
            self.language = tag_of(str(transcript.get("language") or ""))
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise EngineError(_STT, "The speech-to-text server's answer is not a transcript.") from exc
        return text

    async def close(self) -> None:
        self._closed = True
        self._on_close(self)
        self._heard.clear()
        requests = set(self._requests)
        for request in requests:
            request.cancel()
        if requests:
            await asyncio.wait(requests)


class OpenAITextToSpeech:
    """A TextToSpeech that passes on the speech while the server makes it."""

    def __init__(
        self,
        server: OpenAIServer,
        *,
        model: str = "tts-1",
        voice: str = "alloy",
        languages: Sequence[str] = (),
        connect_s: float = 2.0,
        silence_s: float = 8.0,
    ) -> None:
        """`languages` are those that the model speaks: the API does not tell.

        Deadlines: `connect_s` is short, because a server that is up accepts at once. `silence_s` is for each piece of
        sound, so that a long text may take as long as it needs, but a server that hangs may not. Raises ConfigError
        when the address is not HTTP.
        """
        timeout = aiohttp.ClientTimeout(total=None, connect=connect_s, sock_read=silence_s)
        self._api = _Api(server, timeout, _TTS)
        self._model, self._voice = model, voice
        self.languages = languages

    async def synthesize(
        self, text: str, voice: str, language: str = "", asker: Asker = ANYBODY
    ) -> AsyncGenerator[Pcm, None]:
        """`language` is ignored: the API has no field for it. Every voice speaks the language of the text."""
        asked = {"model": self._model, "input": text, "voice": voice or self._voice, "response_format": "pcm"}
        async with self._api.post("audio/speech", json=asked) as response, aclosing(_samples(response)) as chunks:
            async for chunk in chunks:
                yield Pcm(SPEECH_RATE, chunk)

    async def close(self) -> None:
        await self._api.close()


class _Api:
    """Sends the requests of one client to its server, over connections that are kept alive."""

    def __init__(self, server: OpenAIServer, timeout: aiohttp.ClientTimeout, stage: str) -> None:
        """Raises ConfigError when the address is not HTTP."""
        parts = urlsplit(server.base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"the address of the {stage} server does not begin with http:// or https://")
        try:
            _ = parts.port
        except ValueError as exc:
            raise ConfigError(f"the address of the {stage} server has no valid port") from exc
        self._base_url = server.base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {server.api_key}"} if server.api_key else {}
        self._session: aiohttp.ClientSession | None = None
        self._timeout, self._stage = timeout, stage

    @asynccontextmanager
    async def post(self, path: str, **body: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        """The server's answer with status 200. Raises EngineError for every failure, also while the answer is read."""
        if self._session is None:
            self._session = aiohttp.ClientSession()  # made here, because it needs a running event loop
        try:
            async with self._session.post(
                f"{self._base_url}/{path}", headers=self._headers, timeout=self._timeout, allow_redirects=False, **body
            ) as response:
                if response.status != 200:
                    refused = response.status in REFUSED
                    raise EngineError(self._stage, self._refusal(response.status), refused=refused)
                yield response
        except TimeoutError as exc:
            raise EngineError(self._stage, f"The {self._stage} server did not answer in time.") from exc
        except (aiohttp.ClientError, OSError) as exc:
            raise EngineError(self._stage, f"The {self._stage} server cannot be reached or hung up.") from exc

    def _refusal(self, status: int) -> str:
        why = {
            401: ": the key is not accepted",
            403: ": the key is not accepted",
            404: ": it has no such model or path",
        }
        return f"The {self._stage} server answered with status {status}{why.get(status, '')}."

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()


async def _samples(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    """The body, cut between samples."""
    rest = b""
    async for chunk in response.content.iter_any():
        data = rest + chunk
        whole = len(data) & ~1
        rest = data[whole:]
        if whole:
            yield data[:whole]


def _wav(pcm: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(HEARD_RATE)
        wav.writeframes(pcm)
    return file.getvalue()
