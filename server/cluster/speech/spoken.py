"""`POST audio/speech`, as in OpenAI's API: text in, sound out, sent as it is made."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from server.cluster.speech.asked import Voice
from server.cluster.speech.asking import answer, answers
from server.cluster.speech.names import Names, voice_for
from server.cluster.speech.sound_formats import FORMATS, Encoding
from server.errors import PeerError
from server.speech.jobs import MAX_TEXT

STAGE = "text-to-speech"
CHUNK_S = 30.0
"""How long one chunk of sound may take, with the time in the queue. A chunk is the work of some 30 ms."""


class SpeechRequest(BaseModel):
    """The body of a request. What it may have besides, such as `instructions`, is ignored."""

    model_config = ConfigDict(frozen=True)

    input: str = Field(min_length=1, max_length=MAX_TEXT)
    model: str = "piper"
    voice: str = ""
    response_format: Literal["mp3", "opus", "aac", "flac", "wav", "pcm"] = "mp3"
    speed: float = Field(1.0, ge=1, le=1)
    stream_format: Literal["audio"] = "audio"


class Spoken:
    """The route, and the voices behind it."""

    def __init__(self, model: Any, names: Names) -> None:
        """`model` is a handle of Speaker."""
        self._model, self._names = model, names
        self._voices: Sequence[Voice] = ()

    async def voices(self) -> Sequence[Voice]:
        """The voices, the default first. Raises AtCapacity and EngineError."""
        if not self._voices:
            self._voices = await answer(self._model.voices.remote(), STAGE, CHUNK_S)
        return self._voices

    async def post(self, request: Request) -> Response:
        """Answer a request. Raises our errors."""
        asked = _read(await request.body())
        self._names.check_text_to_speech(asked.model)
        named = asked.model if asked.model in self._names.voices and not asked.voice else asked.voice
        voice, speaker = voice_for(named, await self.voices())
        form = FORMATS[asked.response_format]
        speech = self._model.options(stream=True).speak.remote(asked.input, voice.name, speaker)
        chunks = answers(speech, STAGE, CHUNK_S)
        first = await anext(chunks, b"")  # what fails at the start is told by the status
        return StreamingResponse(_encoded(first, chunks, Encoding(form, voice.rate)), media_type=form.media_type)


def _read(body: bytes) -> SpeechRequest:
    try:
        return SpeechRequest.model_validate_json(body)
    except ValidationError as exc:
        first = exc.errors()[0]
        where = ".".join(map(str, first["loc"]))
        if where == "speed":
            raise PeerError("The voices speak at one speed here: leave 'speed' at 1.") from exc
        raise PeerError(f"The field {where!r}: {first['msg']}." if where else "The body is no JSON object.") from exc


async def _encoded(
    first: bytes, others: AsyncGenerator[bytes, None], encoding: Encoding
) -> AsyncGenerator[bytes, None]:
    async with aclosing(others):
        if data := encoding.encode(first):
            yield data
        async for chunk in others:
            if data := encoding.encode(chunk):
                yield data
        if data := encoding.finish():
            yield data
