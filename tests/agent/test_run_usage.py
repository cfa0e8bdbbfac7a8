"""What a run uses is counted and limited: requests, tokens, the length of an answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from pydantic_ai import Agent
from pydantic_ai.messages import (
    ModelMessage,
    ModelResponse,
    ModelResponseStreamEvent,
)
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.settings import ModelSettings
from pydantic_ai.usage import RequestUsage

from server.agent.limits import RunLimits
from server.agent.run import AgentRun
from server.agent.run_setup import RunSetup
from server.agent.voice_agent import VoiceAgent
from tests.fakes.mind import Desk, Mind
from tests.virtual_time import run_virtual


class Counter:
    """A meter that counts."""

    def __init__(self, notice: str = "") -> None:
        self.notice = notice
        self.requests = 0
        self.tokens: list[int] = []

    def add_request(self) -> None:
        self.requests += 1

    def add_tokens(self, tokens: int) -> None:
        self.tokens.append(tokens)


def test_each_request_is_counted_and_brings_the_notice() -> None:
    """A request with a tool and the one after it are two. Both have the instruction that the call has to end."""

    async def scenario() -> None:
        mind, meter, committed = Mind(), Counter("Come to an end."), asyncio.Event()
        committed.set()
        setup = RunSetup(mind.agent(), deps=Desk(), meter=meter, language=lambda: "de")
        await AgentRun(setup, "book a table", list).speak(lambda text: None, committed)
        assert meter.requests == len(meter.tokens) == mind.requests == 2
        assert [told.endswith("Come to an end.") for told in mind.told] == [True, True]
        assert all("de" in told for told in mind.told)

    run_virtual(scenario())


class Reporting(StreamedResponse):
    """A hundred words. At the end, as most providers do, it reports what was used, or nothing."""

    def __init__(self, parameters: ModelRequestParameters, reported: RequestUsage) -> None:
        super().__init__(model_request_parameters=parameters)
        self._reported = reported

    async def _get_event_iterator(self) -> AsyncIterator[ModelResponseStreamEvent]:
        for _ in range(100):
            await asyncio.sleep(0.01)
            for event in self._parts_manager.handle_text_delta(vendor_part_id=None, content="word "):
                yield event
        self._usage = self._reported

    model_name, provider_name, provider_url = "reporting", None, None
    timestamp = datetime(2026, 1, 1, tzinfo=UTC)


class ReportingModel(Model):
    """Answers with `Reporting`. `settings` has the settings of each request."""

    model_name, system = "reporting", "reporting"

    def __init__(self, reported: RequestUsage, settings: ModelSettings | None = None) -> None:
        super().__init__(settings=settings)
        self.given: list[ModelSettings | None] = []
        self._reported = reported

    async def request(self, *given: object) -> ModelResponse:
        raise NotImplementedError

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: object = None,
    ) -> AsyncIterator[StreamedResponse]:
        self.given.append(model_settings)
        yield Reporting(model_request_parameters, self._reported)


@pytest.mark.parametrize(
    ("reported", "cancelled", "least", "most"),
    [
        (RequestUsage(input_tokens=700, output_tokens=77), False, 777, 777),
        (RequestUsage(), False, 180, 240),
        (RequestUsage(input_tokens=700, output_tokens=77), True, 90, 150),
    ],
    ids=["reported", "not reported", "cancelled"],
)
def test_tokens_are_those_that_the_provider_reports_or_estimated(
    reported: RequestUsage, cancelled: bool, least: int, most: int
) -> None:
    """Of a request that was cancelled half-way the provider reports nothing. Its prompt and its text still count."""

    async def scenario() -> None:
        meter = Counter()
        setup = RunSetup(VoiceAgent(Agent(ReportingModel(reported))), meter=meter)
        run = AgentRun(setup, "hello there " * 10, list)
        speaking = asyncio.create_task(run.speak(lambda text: None, asyncio.Event()))
        await asyncio.sleep(0.5 if cancelled else 5)
        speaking.cancel()
        await asyncio.wait({speaking})
        (tokens,) = meter.tokens
        assert least <= tokens <= most

    run_virtual(scenario())


@pytest.mark.parametrize(
    ("limit", "chosen", "own", "expected"),
    [
        (2_000, None, None, 2_000),
        (2_000, 300, None, 300),
        (2_000, 100_000, None, 2_000),
        (2_000, None, 500, 500),
        (2_000, 800, 500, 800),
        (2_000, None, 5_000, 2_000),
        (0, 100_000, 500, 100_000),
        (0, None, None, None),
    ],
)
def test_an_answer_has_a_limit(limit: int, chosen: int | None, own: int | None, expected: int | None) -> None:
    """The model may write what the call or else the agent has chosen, and never more than the server allows."""

    async def scenario() -> None:
        model = ReportingModel(RequestUsage())
        agent = Agent(model, model_settings=None if own is None else ModelSettings(max_tokens=own))
        wish = ModelSettings(temperature=0.5) if chosen is None else ModelSettings(max_tokens=chosen, temperature=0.5)
        setup = RunSetup(VoiceAgent(agent), limits=RunLimits(answer_tokens=limit), model_settings=wish)
        await AgentRun(setup, "hello", list).speak(lambda text: None, asyncio.Event())
        (given,) = model.given
        assert given is not None
        assert (given.get("max_tokens"), given.get("temperature")) == (expected, 0.5)

    run_virtual(scenario())
