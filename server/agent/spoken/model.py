"""SpokenModel: a speech-to-speech model as pydantic-ai's models are, so that an AgentRun runs it like any other.

So its tools, limits, retries, fallbacks, breakers, history and budget are those of every model. Its words come as the
text of the response, and its sound beside them. When the provider is lost in the middle of an answer, another model
goes on from the words that have come.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.direct import model_request_stream
from pydantic_ai.exceptions import ModelAPIError, ModelTimeoutError
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    ModelResponseStreamEvent,
    TextPart,
    ToolCallPart,
)
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.profiles import ModelProfile
from pydantic_ai.realtime.codec import ToolCall
from pydantic_ai.realtime.lifecycle import ResponseEnded
from pydantic_ai.settings import ModelSettings

from server.agent.client_retries import sent_once
from server.agent.spoken.answer import Answer, Piece, Written
from server.agent.spoken.mind import SpokenMind
from server.agent.spoken.request import Request
from server.agent.spoken.sound import Sound
from server.agent.tool_calls import kind_of
from server.agent.written import text_of

log = logging.getLogger(__name__)

HANG_S = 2.0
"""A provider from which nothing has come for so long, when its answer is given up, gets another connection. So does one
that has used up all the time that it had."""
STALL_S = 2.0
"""So long a provider may send nothing in the middle of an answer. Then another model goes on. Providers send sound
faster than it is played, so the caller mostly has not noticed anything by then."""
GO_ON = (
    "(Your answer was cut off after these words by a fault of the server. Go on exactly where it stops, as if there "
    "had been no interruption, and do not mention it.)"
)


class SpokenModel(Model):
    """Asks the speech-to-speech model of a call for one reply. `on_sound` is told of each Sound of it."""

    def __init__(self, mind: SpokenMind, then: Sequence[Model] = ()) -> None:
        """The first of `then` goes on when the provider is lost in the middle of its answer."""
        super().__init__(profile=ModelProfile(supports_inline_system_prompts=True))
        self.on_sound: Callable[[Sound], None] = lambda sound: None
        self.on_lost: Callable[[ModelAPIError], None] = lambda failure: None
        """Is told that the provider was lost in the middle of its answer."""
        self.speaking = False
        """The words that come now come with their sound."""
        self._mind = mind
        self._then = then

    @property
    def model_name(self) -> str:
        return self._mind.model.model_name

    @property
    def system(self) -> str:
        return f"realtime:{self._mind.model.system}"

    @property
    def base_url(self) -> str | None:
        return self._mind.model.base_url

    async def request(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
    ) -> ModelResponse:
        """An answer for which nobody listens is not made by this model."""
        raise NotImplementedError("a speech-to-speech model answers in a call only")

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """Ask for an answer. Raises ModelAPIError when the provider fails before it begins."""
        _, parameters = self.prepare_request(model_settings, model_request_parameters)
        loop = asyncio.get_running_loop()
        asked_s, answer = loop.time(), None
        try:
            answer = await self._mind.ask(Request(messages, parameters), self._on_sound)
            pieces = answer.pieces()
            first = await anext(pieces)
            yield SpokenResponse(
                model_request_parameters=parameters,
                _model=self,
                _answer=answer,
                _pieces=self._in_time(first, pieces),
                _go_on=lambda words: self._go_on(messages, words, model_settings, parameters),
            )
        finally:
            self.speaking = False
            if answer is not None:
                if not answer.begun and not answer.over and loop.time() - asked_s > _patience_s(model_settings):
                    self._mind.give_up_line()
                self._mind.stop(answer)

    def called(self, call: str) -> None:
        """The model has called a tool."""
        self._mind.called(call)

    def _on_sound(self, sound: Sound) -> None:
        self.speaking = True
        self.on_sound(sound)

    async def _go_on(
        self,
        messages: Sequence[ModelMessage],
        words: str,
        settings: ModelSettings | None,
        parameters: ModelRequestParameters,
    ) -> AsyncIterator[str | ModelResponse]:
        """The rest of an answer of which `words` have come, by another model: its text, and then all of it."""
        self.speaking = False
        asked = list(messages)
        if words.strip():
            asked += [ModelResponse(parts=[TextPart(words)]), ModelRequest.user_text_prompt(GO_ON)]
            yield " "
        model, once = self._then[0], sent_once(self._then[0], settings)
        once.pop("first_event_timeout", None)  # the run's own limit between two pieces of an answer holds
        opened = model_request_stream(model, asked, model_settings=once, model_request_parameters=parameters)
        async with opened as stream:
            async for event in stream:
                if text := text_of(event):
                    yield text
            yield stream.get()

    async def _in_time(self, piece: Piece, rest: AsyncIterator[Piece]) -> AsyncIterator[Piece]:
        """The pieces of an answer. Raises ModelTimeoutError when it stops in its middle."""
        yield piece
        while not isinstance(piece, ResponseEnded):
            try:
                async with asyncio.timeout(STALL_S):
                    piece = await anext(rest)
            except TimeoutError:
                self._mind.give_up_line()
                raise ModelTimeoutError(self.model_name, "The provider stopped in the middle of its answer.") from None
            yield piece

    def lose(self, failure: ModelAPIError) -> bool:
        """The provider is lost in the middle of its answer. Returns whether another model can say the rest."""
        self.on_lost(failure)
        log.warning("x model %s was lost in its answer: %s", self.model_id, kind_of(failure))
        return bool(self._then)


def _patience_s(settings: ModelSettings | None) -> float:
    """After so much silence, a provider whose answer is given up counts as hanging."""
    return min(HANG_S, 0.9 * (settings or {}).get("first_event_timeout", HANG_S))


@dataclass
class SpokenResponse(StreamedResponse):
    """One answer, as pydantic-ai takes it."""

    _model: SpokenModel
    _answer: Answer
    _pieces: AsyncIterator[Piece]
    _go_on: Callable[[str], AsyncIterator[str | ModelResponse]]
    _timestamp: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def _get_event_iterator(self) -> AsyncIterator[ModelResponseStreamEvent]:
        called = False
        try:
            async for piece in self._pieces:
                called = called or isinstance(piece, ToolCall)
                for event in self._events(piece):
                    yield event
        except ModelAPIError as failure:
            if not self._model.lose(failure):
                raise
            self.finish_reason = "stop"
            if not called:  # else the model is asked next about the result, on another line
                async for rest in self._go_on(self._answer.words):
                    for event in self._rest(rest):
                        yield event
        self._usage += self._answer.usage

    def _events(self, piece: Piece) -> "list[ModelResponseStreamEvent]":
        if isinstance(piece, (str, Written)):
            self._model.speaking = isinstance(piece, str)
            return self._text(piece if isinstance(piece, str) else piece.text)
        if isinstance(piece, ToolCall):
            self._model.called(piece.tool_call_id)
            return self._tool(ToolCallPart(piece.tool_name, piece.args or "{}", piece.tool_call_id))
        self.finish_reason = piece.finish_reason
        return []

    def _rest(self, rest: str | ModelResponse) -> "list[ModelResponseStreamEvent]":
        if isinstance(rest, str):
            return self._text(rest)
        self._usage += rest.usage
        return [event for call in rest.tool_calls for event in self._tool(call)]

    def _tool(self, call: ToolCallPart) -> "list[ModelResponseStreamEvent]":
        number = call.tool_call_id
        made = self._parts_manager.handle_tool_call_part(
            vendor_part_id=number, tool_name=call.tool_name, args=call.args, tool_call_id=number
        )
        return [made]

    def _text(self, text: str) -> "list[ModelResponseStreamEvent]":
        return list(self._parts_manager.handle_text_delta(vendor_part_id="words", content=text))

    async def close_stream(self) -> None:
        """The stream ends where `request_stream` does."""

    @property
    def model_name(self) -> str:
        return self._model.model_name

    @property
    def provider_name(self) -> str:
        return self._model.system

    @property
    def provider_url(self) -> str | None:
        return self._model.base_url

    @property
    def timestamp(self) -> datetime:
        return self._timestamp
