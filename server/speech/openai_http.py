"""Speech engines over OpenAI's HTTP API, and the many servers that speak it (vLLM, Speaches, LocalAI, Ray Serve …).

`POST audio/transcriptions` gets the whole utterance as a WAV and has no partial words; `POST audio/speech` streams
24 kHz PCM. Source: https://platform.openai.com/docs/api-reference/audio. Each client keeps its connections alive and
follows no redirect, which could carry the key elsewhere.
"""

import asyncio
import io
import json
import wave
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from server.errors import ConfigError, EngineError
from server.media.frame import HEARD_RATE
from server.speech.languages import lookup
from server.speech.protocols import Pcm

_STT, _TTS = "speech-to-text", "text-to-speech"

SPEECH_RATE = 24_000
"""Sample rate of `response_format` "pcm"."""

KEEP_S = 30
"""Beyond it nothing more of an utterance is heard: the transcript covers what came before."""
_KEEP_BYTES = 2 * HEARD_RATE * KEEP_S

_PROMPT_CHARACTERS = 400
"""Whisper reads about 220 tokens of a prompt, from the end; a hundred are hint enough and cost less."""

_MOST_ANSWER = 256 * 1024
"""Bytes of a transcript with all its details; more is not an answer to half a minute of speech."""


class OpenAISpeechToText:
    """Transcribes when asked. `base_url` ends where the paths begin, as in https://api.openai.com/v1."""

    def __init__(
        self,
        base_url: str,
        *,
        model: str = "whisper-1",
        api_key: str | None = None,
        languages: Sequence[str] = (),
        session: aiohttp.ClientSession | None = None,
        connect_s: float = 2.0,
        deadline_s: float = 8.0,
    ) -> None:
        """`languages` are those that it is known to hear: the API does not tell. A session that is handed in is not
        closed here. Deadlines: `connect_s`, because a server that is up accepts at once; `deadline_s`, from asking to
        the transcript, is longer than anybody waits for an answer."""
        timeout = aiohttp.ClientTimeout(total=deadline_s, connect=connect_s)
        self._api = _Api(base_url, api_key, session, timeout, _STT)
        self._fields = {"model": model, "response_format": "json"}
        self.languages = languages
        self._open: set[OpenAITranscription] = set()

    def listen(
        self, phrases: Sequence[str], on_partial: Callable[[str], None], language: str = ""
    ) -> "OpenAITranscription":
        """`on_partial` is never called: each partial would cost a request over the whole utterance."""
        prompt = ". ".join(phrases)[:_PROMPT_CHARACTERS]
        fields = self._fields | ({"prompt": prompt} if prompt else {})
        if language:
            tag = lookup(language, self.languages) or language
            fields["language"] = tag.partition("-")[0]  # the API takes ISO 639-1, which has no regions
        transcription = OpenAITranscription(self._api, fields, self._open.discard)
        self._open.add(transcription)
        return transcription

    async def close(self) -> None:
        for transcription in list(self._open):
            await transcription.close()
        await self._api.close()


class OpenAITranscription:
    """One utterance, kept until it is closed."""

    def __init__(self, api: "_Api", fields: dict[str, str], on_close: Callable[["OpenAITranscription"], None]) -> None:
        self._api, self._fields, self._on_close = api, fields, on_close
        self._heard = bytearray()
        self._answer: tuple[int, str] = (0, "")
        self._requests: set[asyncio.Task[str]] = set()
        self._closed = False

    def feed(self, pcm: bytes) -> None:
        if not self._closed and len(self._heard) + len(pcm) <= _KEEP_BYTES:
            self._heard += pcm

    async def transcript(self) -> str:
        if self._closed:
            raise EngineError(_STT, "The utterance is closed.")
        heard, (answered, text) = len(self._heard), self._answer
        if heard == answered:
            return text
        request = asyncio.create_task(self._ask(), name="openai transcription")
        self._requests.add(request)
        try:
            await asyncio.wait({request})
        finally:
            request.cancel()  # when whoever asked is gone, so is the question
            self._requests.discard(request)
        if request.cancelled():
            raise EngineError(_STT, "The utterance was closed before its transcript came.")
        self._answer = heard, request.result()
        return self._answer[1]

    async def _ask(self) -> str:
        form = aiohttp.FormData(self._fields)
        form.add_field("file", _wav(bytes(self._heard)), filename="utterance.wav", content_type="audio/wav")
        answer = bytearray()
        async with self._api.post("audio/transcriptions", data=form) as response:
            async for chunk in response.content.iter_any():
                answer += chunk
                if len(answer) > _MOST_ANSWER:
                    raise EngineError(_STT, "The speech-to-text server's answer is too long.")
        try:
            text: str = json.loads(answer)["text"].strip()
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
    """Streams speech as the server makes it. `base_url` as for OpenAISpeechToText."""

    def __init__(
        self,
        base_url: str,
        *,
        model: str = "tts-1",
        voice: str = "alloy",
        api_key: str | None = None,
        languages: Sequence[str] = (),
        session: aiohttp.ClientSession | None = None,
        connect_s: float = 2.0,
        silence_s: float = 8.0,
    ) -> None:
        """`languages` are those that it is known to speak: the API does not tell. Deadlines: `connect_s`, because a
        server that is up accepts at once; `silence_s`, for each piece of sound, so that a long text may take its time
        and a hanging server may not."""
        timeout = aiohttp.ClientTimeout(total=None, connect=connect_s, sock_read=silence_s)
        self._api = _Api(base_url, api_key, session, timeout, _TTS)
        self._model, self._voice = model, voice
        self.languages = languages

    async def synthesize(self, text: str, voice: str, language: str = "") -> AsyncGenerator[Pcm, None]:
        """The API has no field for a language: the model speaks the one that the text is in, in any of its voices."""
        asked = {"model": self._model, "input": text, "voice": voice or self._voice, "response_format": "pcm"}
        async with self._api.post("audio/speech", json=asked) as response, aclosing(_samples(response)) as chunks:
            async for chunk in chunks:
                yield Pcm(SPEECH_RATE, chunk)

    async def close(self) -> None:
        await self._api.close()


class _Api:
    """One server: its address, key and connections."""

    def __init__(
        self,
        base_url: str,
        api_key: str | None,
        session: aiohttp.ClientSession | None,
        timeout: aiohttp.ClientTimeout,
        stage: str,
    ) -> None:
        """Raises ConfigError for what is not an HTTP address."""
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"the address of the {stage} server does not begin with http:// or https://")
        try:
            _ = parts.port
        except ValueError as exc:
            raise ConfigError(f"the address of the {stage} server has no valid port") from exc
        self._base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._session, self._owned = session, session is None
        self._timeout, self._stage = timeout, stage

    @asynccontextmanager
    async def post(self, path: str, **body: Any) -> AsyncIterator[aiohttp.ClientResponse]:
        """The answer, when its status is good. Raises EngineError for all else, also while it is read."""
        if self._session is None:
            self._session = aiohttp.ClientSession()  # here, because it needs a running loop
        try:
            async with self._session.post(
                f"{self._base_url}/{path}", headers=self._headers, timeout=self._timeout, allow_redirects=False, **body
            ) as response:
                if response.status != 200:
                    raise EngineError(self._stage, self._refusal(response.status))
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
        if session is not None and self._owned:
            await session.close()


async def _samples(response: aiohttp.ClientResponse) -> AsyncGenerator[bytes, None]:
    """The body in whole samples."""
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
