"""Attempts: which models are asked, and how often, until one of them begins to answer.

This is the only place in which a failed request is sent again. What may pass soon is tried again while the caller
still waits; what cannot succeed soon fails at once, or goes to the next model. Nothing is tried again after the first
piece of an answer: the caller may have heard it.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from pydantic_ai import RunContext
from pydantic_ai.capabilities import AbstractCapability
from pydantic_ai.exceptions import FallbackExceptionGroup, RetryModelRequest, UsageLimitExceeded
from pydantic_ai.messages import ModelResponse
from pydantic_ai.models import Model, ModelRequestContext, StreamedResponse
from pydantic_ai.models.wrapper import WrapperModel

from server.agent.breakers import PAUSE_S, Breaker, Breakers
from server.agent.client_retries import sent_once
from server.agent.model_failures import PassedOver, asked_to_wait_s, is_final, meaning_of
from server.agent.tool_calls import kind_of

RETRY_AFTER_S = (0.1, 0.4)
"""How long to wait at least before the same model is asked for the second and the third time. It is not asked a fourth
time."""
SHORT_S = 0.5
"""While another model is left, that one is asked instead of waiting for longer than this."""
ANSWER_S = 1.0
"""So much of the time must be left after the wait, because few models begin an answer in less."""

log = logging.getLogger(__name__)


class Attempts(AbstractCapability[Any]):
    """The attempts at each request of one run. pydantic-ai calls the methods that are named as its own are."""

    def __init__(self, call: str, fallbacks: Sequence[Model], breakers: Breakers) -> None:
        """`call` is named in the log. `fallbacks` are asked one after the other when the model of the run fails."""
        self._call = call
        self._fallbacks = fallbacks
        self._breakers = breakers
        self._left: list[Model] = []
        """The models that have not been asked in this request."""
        self._until_s = self._until_of_model_s = 0.0
        self._model: Model | None = None
        self._breaker = Breaker()
        """Of the present model."""
        self._retries = 0
        """How often the present model was asked again."""
        self._open = False
        """The present model has been asked, and has neither answered nor failed."""
        self._failures: list[Exception] = []
        self.asked: list[str] = []
        """The names of the models that were asked, in order."""

    def begin(self, until_s: float) -> None:
        """A request begins. Its answer has to begin before `until_s`, by the clock of the loop."""
        self._left, self._failures, self.asked = list(self._fallbacks), [], []
        self._until_s, self._model, self._open = until_s, None, False

    @property
    def newest(self) -> str:
        """The name of the model that was asked last; "" before the first one."""
        return self.asked[-1] if self.asked else ""

    def succeed(self) -> None:
        """The model that was asked last has answered, or has been interrupted in its answer."""
        if self._open:
            self._open = False
            self._breaker.succeed()

    def fail(self, failure: Exception) -> None:
        """The request has failed. If no attempt has taken note of it, the model took too long or failed later."""
        if self._open:
            self._note(failure)

    async def prepare_model_request(
        self, ctx: RunContext[Any], request_context: ModelRequestContext
    ) -> ModelRequestContext:
        """An attempt begins."""
        model, now_s = request_context.model, asyncio.get_running_loop().time()
        if model is not self._model:
            self._model, self._retries = model, 0
            self.asked.append(model.model_id)
            self._breaker = self._breakers.of(f"{model.model_id} at {model.base_url}")
            left_s = self._until_s - now_s
            self._until_of_model_s = now_s + (left_s / 2 if self._left else left_s)
            if self._left and not self._breaker.admits(now_s):  # the last model is always asked
                request_context.model = _NotAsked(model)
                return request_context
        settings = sent_once(model, request_context.model_settings)
        if self._left:
            settings["first_event_timeout"] = max(0.0, self._until_of_model_s - now_s)
        request_context.model_settings = settings
        self._open = True
        return request_context

    async def on_model_request_error(
        self, ctx: RunContext[Any], *, request_context: ModelRequestContext, error: Exception
    ) -> ModelResponse:
        """An attempt has failed before the first piece of the answer. Raises RetryModelRequest for the next one."""
        if isinstance(error, UsageLimitExceeded):
            raise error
        if (wait_s := self._wait_s(error)) is not None:
            self._retries += 1
            self._breakers.failures[self.asked[-1], meaning_of(error).kind] += 1
            self._log(error, "it is asked again")
            await asyncio.sleep(wait_s)
            raise RetryModelRequest()
        self.fail(error)
        self._failures.append(error)
        if self._left:
            following = self._left.pop(0)
            self._log(error, f"{following.model_id} is asked")
            raise RetryModelRequest(following)
        if len(self._failures) == 1:
            raise error
        raise FallbackExceptionGroup("All models have failed.", self._failures)

    def _wait_s(self, error: Exception) -> float | None:
        """How long to wait before the same model is asked again; None when it is not asked again."""
        if not meaning_of(error).passes or is_final(error) or self._retries == len(RETRY_AFTER_S):
            return None
        wait_s = max(RETRY_AFTER_S[self._retries], asked_to_wait_s(error) or 0.0)
        begins_s = asyncio.get_running_loop().time() + wait_s + ANSWER_S
        too_long = begins_s > self._until_of_model_s or (bool(self._left) and wait_s > SHORT_S)
        return None if too_long else wait_s

    def _note(self, failure: Exception) -> None:
        """The model that was asked last has failed for good."""
        self._open = False
        name, meaning = self.asked[-1], meaning_of(failure)
        self._breakers.failures[name, meaning.kind] += 1
        if meaning.concerns_all and self._breaker.fail(asyncio.get_running_loop().time()):
            log.warning("x model %s has failed several times in a row: others are preferred for %g s", name, PAUSE_S)

    def _log(self, error: Exception, then: str) -> None:
        if not isinstance(error, PassedOver):  # the log has it already
            log.warning("x call %s: model %s failed: %s; %s", self._call, self.asked[-1], kind_of(error), then)


class _NotAsked(WrapperModel):
    """In place of a model that is passed over. Each request fails at once, so that the next model is asked."""

    @asynccontextmanager
    async def request_stream(self, *given: Any, **named: Any) -> AsyncGenerator[StreamedResponse]:
        raise PassedOver(self.model_name)
        yield  # makes this a generator, as the decorator needs it
