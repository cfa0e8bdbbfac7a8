"""`POST audio/transcriptions`, as in OpenAI's API: sound in, words out.

A long recording is heard piece by piece, one piece at a time, so that it takes no more of a batch than a short one.
With `stream`, the words of each piece are sent when they are there.

Two fields are ours. With `draft=true` the words are those of speech that goes on. A draft comes after all final words,
and is refused when too many wait. `languages`, such as en,de, are those that are possible; then `language` is the one
that was spoken last, if any was.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse

from server.cluster.speech.asked import Utterance, Words
from server.cluster.speech.asking import answer
from server.cluster.speech.held import Held
from server.cluster.speech.names import Names
from server.cluster.speech.pieces import pieces
from server.cluster.speech.refusal import body
from server.cluster.speech.sound_file import decoded
from server.errors import AntiphonError, PeerError
from server.media.frame import HEARD_RATE
from server.speech.languages import lookup, tag_of

STAGE = "speech-to-text"
PIECE_S = 60.0
"""How long the words of a piece may take, with the time in the queue. A large model on a CPU takes 20 s."""
_FORMATS = ("json", "text", "verbose_json")
_MOST_FIELDS = 32
_TRUE = ("true", "1")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a client wants to know of which sound."""

    pieces: Sequence[bytes]
    """16 kHz s16le."""
    language: str
    others: tuple[str, ...]
    phrases: tuple[str, ...]
    form: str
    stream: bool
    draft: bool


@dataclass(frozen=True, slots=True)
class Heard:
    """The words of a piece, and where it is in the recording."""

    words: Words
    start_s: float
    end_s: float


class Transcriptions:
    """The route, and the model behind it."""

    def __init__(self, model: Any, names: Names) -> None:
        """`model` is a handle of Recognizer."""
        self._model, self._names = model, names
        self._languages: Sequence[str] = ()
        self._held = Held()

    async def languages(self) -> Sequence[str]:
        """Tags (BCP 47) of the languages that the model understands. Raises AtCapacity and EngineError."""
        if not self._languages:
            self._languages = await answer(self._model.languages.remote(), STAGE, PIECE_S)
        return self._languages

    async def post(self, request: Request) -> Response:
        """Answer a request. Raises our errors."""
        asked = await self._asked(request)
        heard = self._heard(asked)
        first = await anext(heard)  # what fails at the start is told by the status
        if asked.stream:
            return StreamingResponse(_events(first, heard), media_type="text/event-stream")
        return _response(asked, [first, *[piece async for piece in heard]])

    async def _asked(self, request: Request) -> Asked:
        async with request.form(max_files=1, max_fields=_MOST_FIELDS) as form:
            self._names.check_speech_to_text(_text(form, "model"))
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise PeerError("The field 'file' has no sound file.")
            sound = await file.read()
            wanted = _text(form, "response_format") or "json"
            if wanted not in _FORMATS:
                raise PeerError(f"The field 'response_format' must be one of {', '.join(_FORMATS)}.")
            if "word" in form.getlist("timestamp_granularities[]"):
                raise PeerError("This model tells no times of words.")
            phrases = tuple(part for part in _text(form, "prompt").split(". ") if part)
            stream, draft = _text(form, "stream").lower() in _TRUE, _text(form, "draft").lower() in _TRUE
            language = await self._known(named) if (named := _text(form, "language")) else ""
            possible = [part.strip() for part in _text(form, "languages").split(",") if part.strip()]
            others = tuple([await self._known(each) for each in possible])
        cut = await asyncio.to_thread(lambda: pieces(decoded(sound)))
        return Asked(cut, language, others, phrases, wanted, stream, draft)

    async def _known(self, wanted: str) -> str:
        """The model's own tag for a language, which a client calls by a tag or its English name. Raises PeerError."""
        tag = lookup(tag_of(wanted), await self.languages())
        if tag is None:
            known = ", ".join(await self.languages())
            raise PeerError(f"The model does not know the language {wanted!r}. It knows: {known}.")
        return tag

    async def _heard(self, asked: Asked) -> AsyncGenerator[Heard, None]:
        """The words piece by piece. The language that is found in one goes on to the next. Raises AtCapacity."""
        language, start_s = asked.language, 0.0
        with self._held.room(sum(map(len, asked.pieces))):
            for pcm in asked.pieces:
                utterance = Utterance(pcm, language, asked.others, asked.phrases, asked.draft)
                words: Words = await answer(self._model.hear.remote(utterance), STAGE, PIECE_S)
                end_s = start_s + len(pcm) / 2 / HEARD_RATE
                yield Heard(words, start_s, end_s)
                language, start_s = words.language or language, end_s


def _text(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def _response(asked: Asked, heard: Sequence[Heard]) -> Response:
    text = _joined(heard)
    if asked.form == "text":
        return PlainTextResponse(text + "\n")
    if asked.form == "json":
        return JSONResponse({"text": text})
    segments = [
        {"id": number, "start": each.start_s, "end": each.end_s, "text": each.words.text}
        for number, each in enumerate(heard)
    ]
    found = {"task": "transcribe", "language": heard[-1].words.language, "duration": heard[-1].end_s}
    return JSONResponse(found | {"text": text, "segments": segments})


def _joined(heard: Sequence[Heard]) -> str:
    return " ".join(each.words.text for each in heard if each.words.text)


async def _events(first: Heard, others: AsyncGenerator[Heard, None]) -> AsyncIterator[str]:
    """The words as server-sent events."""
    heard = [first]
    async with aclosing(others):
        try:
            yield _event(_delta(first.words.text))
            async for piece in others:
                space = " " if _joined(heard) and piece.words.text else ""
                yield _event(_delta(space + piece.words.text))
                heard.append(piece)
            yield _event({"type": "transcript.text.done", "text": _joined(heard)})
        except AntiphonError as error:  # the status has been sent
            yield _event(body(error))
    yield "data: [DONE]\n\n"


def _delta(text: str) -> dict[str, object]:
    return {"type": "transcript.text.delta", "delta": text}


def _event(told: dict[str, object]) -> str:
    return f"data: {json.dumps(told, ensure_ascii=False)}\n\n"
