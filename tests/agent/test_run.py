"""One run of the agent: it gives text as the model makes it, runs tools after the commit, and keeps its limits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest
from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    ModelResponseStreamEvent,
    SystemPromptPart,
    TextPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models import Model, ModelRequestParameters, StreamedResponse
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel
from pydantic_ai.settings import ModelSettings
from pydantic_ai.toolsets import FunctionToolset, WrapperToolset
from pydantic_ai.usage import RequestUsage

from server.agent.limits import RunLimits
from server.agent.run import AgentRun
from server.agent.run_setup import RunSetup
from server.agent.voice_agent import VoiceAgent
from server.errors import EngineError
from tests.fakes.mind import Desk, Mind
from tests.virtual_time import run_virtual


def begin(mind: Mind, prompt: str, limits: RunLimits | None = None) -> AgentRun:
    return AgentRun(RunSetup(mind.agent(), deps=Desk(), limits=limits or RunLimits()), prompt, list)


def test_text_comes_as_the_model_makes_it() -> None:
    """Each word is passed on at once, and the messages at the end are the whole exchange."""

    async def scenario() -> None:
        run, got = begin(Mind(), "hello"), []
        await run.speak(got.append, asyncio.Event())
        assert got == ["You ", "said ", "hello. "]
        request, response = run.messages()
        assert isinstance(request, ModelRequest)
        assert isinstance(response, ModelResponse)
        assert response.text == "You said hello. "

    run_virtual(scenario())


@pytest.mark.parametrize("history", [[], [ModelResponse(parts=[TextPart("Good morning.")])]])
def test_the_agents_system_prompt_comes_first(history: list[ModelMessage]) -> None:
    """The model gets it once, also in a call that begins with the agent's greeting. It is no part of the exchange."""

    async def read(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
        given.extend(messages)
        yield "Yes."

    async def scenario() -> None:
        agent = Agent(FunctionModel(stream_function=read), system_prompt="You are Marta.")
        run = AgentRun(RunSetup(VoiceAgent(agent)), "are you there", lambda: history)
        await run.speak(lambda text: None, asyncio.Event())
        first, *others = [part for message in given for part in message.parts]
        assert isinstance(first, SystemPromptPart)
        assert first.content == "You are Marta."
        assert not any(isinstance(part, SystemPromptPart) for part in others)
        said = [part for message in run.messages() for part in message.parts]
        assert [type(part) for part in said] == [UserPromptPart, TextPart]

    given: list[ModelMessage] = []
    run_virtual(scenario())


def test_a_tool_runs_only_after_the_commit() -> None:
    """Before the commit the text in front of the tool call is given, and the tool has no effect."""

    async def scenario() -> None:
        mind, committed, got = Mind(), asyncio.Event(), []
        run = begin(mind, "book a table")
        task = asyncio.create_task(run.speak(got.append, committed))
        await asyncio.sleep(60)
        assert (got, mind.booked, run.tools) == (["One moment.", "\n"], [], [])
        committed.set()
        await task
        assert mind.booked == ["a table"]
        assert run.tools == ["book"]

    run_virtual(scenario())


@pytest.mark.parametrize("changed", [(), ("hang_up",)])
def test_a_tool_that_only_looks_something_up_need_not_wait(changed: tuple[str, ...]) -> None:
    """A tool that the agent names as a lookup runs before the commit, unless a tool with effects is called with it."""

    async def think(history: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        if isinstance(history[-1].parts[-1], ToolReturnPart):
            yield "It is noon."
        else:
            yield {n: DeltaToolCall(name, "{}", tool_call_id=name) for n, name in enumerate(("clock", *changed))}

    async def scenario() -> None:
        agent = Agent(FunctionModel(stream_function=think), tools=[clock, hang_up])
        run = AgentRun(RunSetup(VoiceAgent(agent, lookups=frozenset({"clock"}))), "what time is it", list)
        committed, got = asyncio.Event(), []
        task = asyncio.create_task(run.speak(got.append, committed))
        await asyncio.sleep(60)
        assert task.done() is not bool(changed)
        assert run.tools == ([] if changed else ["clock"])
        committed.set()
        await task
        assert got == ["\n", "It is noon."]

    async def clock() -> str:
        return "noon"

    async def hang_up() -> str:
        return "bye"

    run_virtual(scenario())


def test_an_answer_that_is_cut_off_is_in_the_messages_as_far_as_it_came() -> None:
    """When the run is cancelled in the middle of the text, the messages end with the words so far."""

    async def scenario() -> None:
        run = begin(Mind(token_ms=1000), "hello")
        task = asyncio.create_task(run.speak(lambda text: None, asyncio.Event()))
        await asyncio.sleep(1.5)
        task.cancel()
        await asyncio.wait({task})
        assert [part.content for part in run.messages()[-1].parts if isinstance(part, TextPart)] == ["You said "]

    run_virtual(scenario())


@pytest.mark.parametrize(
    ("mind", "says"),
    [
        (Mind(first_token_ms=20_000), "The model took too long"),
        (Mind(token_ms=20_000), "The model took too long"),
        (Mind(failures=1), "The model failed: RuntimeError"),
        (Mind(tool_s=60), "The tool book took too long"),
    ],
    ids=["silent from the start", "silent in the middle", "down", "tool hangs"],
)
def test_what_fails_or_hangs_is_an_engine_error(mind: Mind, says: str) -> None:
    """The run ends within its limits, with an error that names the stage that failed."""

    async def scenario() -> None:
        committed = asyncio.Event()
        committed.set()
        with pytest.raises(EngineError, match=says) as failure:
            await begin(mind, "book a table" if mind.tool_s else "hello").speak(lambda text: None, committed)
        assert failure.value.stage == ("tool" if mind.tool_s else "model")

    run_virtual(scenario())


def test_a_tool_that_fails_is_named() -> None:
    """A timeout inside a tool is not the model's. A tool's message may quote the caller, so it is not repeated."""

    class Unlucky(Mind):
        async def book(self, what: str) -> str:
            """Book something."""
            raise TimeoutError(what) if what == "late" else KeyError(what)

    async def scenario() -> None:
        committed = asyncio.Event()
        committed.set()
        for what, says in (("a table", "The tool book failed: KeyError."), ("late", "The tool book took too long")):
            with pytest.raises(EngineError, match=says) as failure:
                await begin(Unlucky(), f"book {what}").speak(lambda text: None, committed)
            assert (failure.value.stage, "a table" in str(failure.value)) == ("tool", False)

    run_virtual(scenario())


class Away(WrapperToolset[None]):
    """The tools of a server that refuses the connection, or never answers."""

    def __init__(self, refuses: bool) -> None:
        super().__init__(FunctionToolset())
        self._refuses = refuses

    async def __aenter__(self) -> "Away":
        if self._refuses:
            raise ConnectionRefusedError
        await asyncio.Event().wait()
        return self


@pytest.mark.parametrize(("refuses", "says"), [(True, "failed: ConnectionRefusedError"), (False, "took too long")])
def test_tools_that_cannot_be_reached_do_not_hold_the_answer_up(refuses: bool, says: str) -> None:
    """The answer fails soon when an MCP server is down or hangs. The model was not asked, so it is not blamed."""

    async def scenario() -> None:
        agent = VoiceAgent(Agent("test", toolsets=[Away(refuses)]))
        run = AgentRun(RunSetup(agent), "hello", list)
        async with asyncio.timeout(60):
            with pytest.raises(EngineError, match=f"The agent {says}") as failure:
                await run.speak(lambda text: None, asyncio.Event())
        assert failure.value.stage == "agent"

    run_virtual(scenario())


def test_an_error_of_the_provider_is_told_by_its_status() -> None:
    """The error names the HTTP status, and that of each model in a FallbackModel."""

    def refusing(status: int) -> FunctionModel:
        async def refuse(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
            raise ModelHTTPError(status, "any", body=str(messages))
            yield ""

        return FunctionModel(stream_function=refuse)

    async def scenario() -> None:
        for model, says in (
            (refusing(401), "ModelHTTPError (HTTP 401)"),
            (FallbackModel(refusing(429), refusing(503)), "ModelHTTPError (HTTP 429), ModelHTTPError (HTTP 503)"),
        ):
            run = AgentRun(RunSetup(VoiceAgent(Agent(model))), "my secret", list)
            with pytest.raises(EngineError) as failure:
                await run.speak(lambda text: None, asyncio.Event())
            assert str(failure.value) == f"The model failed: {says}."

    run_virtual(scenario())


def test_a_model_that_goes_in_circles_is_stopped() -> None:
    """An answer that needs more requests than the limit fails."""

    async def scenario() -> None:
        async def circles(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[DeltaToolCalls]:
            yield {0: DeltaToolCall("look", "{}", tool_call_id=f"c{len(messages)}")}

        async def look() -> str:
            """Look."""
            return "nothing"

        agent = VoiceAgent(agent=Agent(FunctionModel(stream_function=circles), tools=[look]))
        committed = asyncio.Event()
        committed.set()
        run = AgentRun(RunSetup(agent, limits=RunLimits(requests=3)), "hello", list)
        with pytest.raises(EngineError, match="did not come to an answer"):
            await run.speak(lambda text: None, committed)
        assert run.tools == ["look"] * 3

    run_virtual(scenario())


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
