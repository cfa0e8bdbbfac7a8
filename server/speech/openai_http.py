"""Speech engines over OpenAI's HTTP API. Many servers speak it: vLLM, Speaches, LocalAI, Ray Serve and others.

`POST audio/transcriptions` takes the whole utterance as a WAV file and gives no partial words; `POST audio/speech`
streams 24 kHz PCM. The speech models of our own clusters (`server/cluster/speech/`) say which languages they know, and
make drafts. Source: https://platform.openai.com/docs/api-reference/audio.
"""

import asyncio
import io
import wave
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import quote

import aiohttp

from server.errors import EngineError
from server.media.frame import HEARD_RATE
from server.speech.http_api import HttpApi
from server.speech.http_drafts import Drafts
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


_DESCRIBE_S = 3.0
"""How long a server may take to describe a model. One that is down must not delay the start."""


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
        """`languages` are those that the model understands: the API does not tell, unless the server is one of ours.

        Deadlines: `connect_s` is short, because a server that is up accepts at once. `deadline_s` is from the request
        to the transcript; no caller waits that long for an answer. Raises ConfigError when the address is not HTTP.
        """
        timeout = aiohttp.ClientTimeout(total=deadline_s, connect=connect_s)
        self._api = HttpApi(server.base_url, server.api_key, timeout, _STT)
        self._fields = {"model": model, "response_format": "json"}
        tells = not model.startswith("gpt-")  # these models of OpenAI know no other format than json
        self._open_language = {"response_format": "verbose_json"} if tells else {}
        """What to ask for when the language is left open: only this format has the language."""
        self.languages = languages
        self._is_ours = False
        self._open: set[OpenAISpeechStream] = set()

    async def learn(self) -> None:
        """Ask the server whether it is one of ours, and which languages its model understands."""
        described = await _described(self._api, self._fields["model"])
        self._is_ours = bool(described)
        self.languages = self.languages or _languages(described)

    def listen(
        self,
        phrases: Sequence[str],
        on_partial: Callable[[str], None],
        language: str = "",
        others: Sequence[str] = (),
        asker: Asker = ANYBODY,
    ) -> "OpenAISpeechStream":
        """`on_partial` is only called if the server is one of ours: each time needs a request with the whole utterance,
        and other servers would let it wait no longer than a final one."""
        prompt = ". ".join(phrases)[:_PROMPT_CHARACTERS]
        fields = self._fields | ({"prompt": prompt} if prompt else {})
        if others:
            fields |= self._open_language
            if self._is_ours:
                fields["languages"] = ",".join(others)
        if language and (self._is_ours or not others):
            tag = lookup(language, self.languages) or language
            fields["language"] = tag.partition("-")[0]  # the API takes ISO 639-1, which has no regions
        stream = OpenAISpeechStream(self._api, fields, self._open.discard, on_partial if self._is_ours else None)
        self._open.add(stream)
        return stream

    async def close(self) -> None:
        for stream in list(self._open):
            await stream.close()
        await self._api.close()


class OpenAISpeechStream:
    """One utterance. Its sound is kept until `close`."""

    def __init__(
        self,
        api: HttpApi,
        fields: dict[str, str],
        on_close: Callable[["OpenAISpeechStream"], None],
        on_partial: Callable[[str], None] | None = None,
    ) -> None:
        """With `on_partial`, the server is asked for drafts."""
        self._api, self._fields, self._on_close = api, fields, on_close
        self.language = ""
        self._settled = Settled()
        self._heard = bytearray()
        """The sound since the last piece that is settled."""
        self._answer: tuple[int, str] = (0, "")
        """How many bytes of `_heard` the last transcript covers, and its words."""
        self._requests: set[asyncio.Task[str]] = set()
        self._closed = False
        self._on_partial = on_partial
        self._drafts = Drafts(partial(self._ask, draft="true"), self._tell) if on_partial else None

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
            if self._drafts:
                self._drafts.heard(len(self._heard))

    def _tell(self, words: str) -> None:
        if self._on_partial and not self._closed:
            self._on_partial(self._settled.and_then(words))

    async def transcript(self) -> str:
        if self._closed:
            raise EngineError(_STT, "The utterance is closed.")
        heard, (answered, text), settled = len(self._heard), self._answer, self._settled
        if heard == answered:
            return settled.and_then(text)
        if self._drafts:
            self._drafts.stop()
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

    async def _ask(self, **more: str) -> str:
        """The words of the sound that is here now; `more` are further fields of the request."""
        form = aiohttp.FormData(self._fields | more)
        form.add_field("file", _wav(bytes(self._heard)), filename="utterance.wav", content_type="audio/wav")
        transcript = await self._api.ask_for_json("POST", "audio/transcriptions", _MAX_ANSWER_BYTES, data=form)
        try:
            text: str = transcript["text"].strip()
            self.language = tag_of(str(transcript.get("language") or ""))
        except (KeyError, TypeError, AttributeError) as exc:
            raise EngineError(_STT, "The speech-to-text server's answer is not a transcript.") from exc
        return text

    async def close(self) -> None:
        self._closed = True
        self._on_close(self)
        self._heard.clear()
        if self._drafts:
            await self._drafts.close()
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
        self._api = HttpApi(server.base_url, server.api_key, timeout, _TTS)
        self._model, self._voice = model, voice
        self.languages = languages

    async def learn(self) -> None:
        """Ask the server which languages its voices speak, which those of our clusters tell."""
        self.languages = self.languages or _languages(await _described(self._api, self._model))

    async def synthesize(
        self, text: str, voice: str, language: str = "", asker: Asker = ANYBODY
    ) -> AsyncGenerator[Pcm, None]:
        """`language` is ignored: the API has no field for it. Every voice speaks the language of the text."""
        asked = {"model": self._model, "input": text, "voice": voice or self._voice, "response_format": "pcm"}
        async with (
            self._api.ask("POST", "audio/speech", json=asked) as response,
            aclosing(_samples(response)) as chunks,
        ):
            async for chunk in chunks:
                yield Pcm(SPEECH_RATE, chunk)

    async def close(self) -> None:
        await self._api.close()


async def _described(api: HttpApi, model: str) -> dict[str, Any]:
    """How one of our servers describes the model; {} when the server is another one, or does not answer."""
    try:
        async with asyncio.timeout(_DESCRIBE_S):
            described = await api.ask_for_json("GET", f"models/{quote(model, safe='')}", _MAX_ANSWER_BYTES)
    except (EngineError, TimeoutError):
        return {}
    return described if isinstance(described, dict) and described.get("owned_by") == "antiphon" else {}


def _languages(described: dict[str, Any]) -> Sequence[str]:
    return tuple(map(str, described.get("languages") or ()))


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
