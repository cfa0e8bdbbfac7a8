"""A run that fails or hangs ends soon, with an error that names the stage."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.messages import (
    ModelMessage,
)
from pydantic_ai.models.fallback import FallbackModel
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel
from pydantic_ai.toolsets import FunctionToolset, WrapperToolset

from server.agent.limits import RunLimits
from server.agent.run import AgentRun
from server.agent.run_setup import RunSetup
from server.agent.voice_agent import VoiceAgent
from server.errors import EngineError
from tests.agent.runs import begin
from tests.fakes.mind import Mind
from tests.virtual_time import run_virtual


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
