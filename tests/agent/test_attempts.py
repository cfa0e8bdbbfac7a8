"""Which models are asked, and how often, on virtual time: a caller waits no longer than the first token may take."""

import asyncio
import logging
from collections.abc import AsyncIterator

import pytest
from pydantic_ai import Agent
from pydantic_ai.exceptions import (
    ModelConnectionError,
    ModelHTTPError,
    ModelQuotaExceededError,
    UnexpectedModelBehavior,
)
from pydantic_ai.messages import ModelMessage, ToolReturnPart
from pydantic_ai.models import Model
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel

from server.agent.attempts import RETRY_AFTER_S
from server.agent.breakers import FAILURES_IN_A_ROW, PAUSE_S, Breakers
from server.agent.limits import RunLimits
from server.agent.run import AgentRun
from server.agent.run_setup import RunSetup
from server.agent.voice_agent import VoiceAgent
from server.errors import EngineError
from tests.virtual_time import run_virtual

HANGS = 1e6
"""A step of a script: so many seconds pass before the next word."""

Step = Exception | float | str


class Scripted:
    """A model that goes through one script for each request, and then says its name."""

    def __init__(self, name: str, *scripts: tuple[Step, ...]) -> None:
        self.asked_s: list[float] = []
        """When each request came."""
        self._name = name
        self._scripts = list(scripts)
        self.model = FunctionModel(stream_function=self._think, model_name=name)

    async def _think(self, history: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
        self.asked_s.append(asyncio.get_running_loop().time())
        for step in self._scripts.pop(0) if self._scripts else (f"I am {self._name}.",):
            if isinstance(step, Exception):
                raise step
            if isinstance(step, str):
                yield step
            else:
                await asyncio.sleep(step)


def refused(status: int, retry_after_s: float | None = None) -> ModelHTTPError:
    headers = {} if retry_after_s is None else {"retry-after": f"{retry_after_s:g}"}
    return ModelHTTPError(status, "any", body="my secret", headers=headers)


def reset() -> ModelConnectionError:
    return ModelConnectionError("any", "my secret")


async def ask(first: Model, *others: Model, breakers: Breakers | None = None) -> str:
    """What the caller hears of an answer to "hello", or the failure; and when that was known."""
    setup = RunSetup(VoiceAgent(Agent(first)), fallbacks=others, breakers=breakers or Breakers(), call="c7")
    heard: list[str] = []
    run, begun_s = AgentRun(setup, "hello", list), asyncio.get_running_loop().time()
    try:
        await run.speak(heard.append, asyncio.Event())
    except EngineError as failure:
        heard.append(f"{failure} ({failure.asked})")
    return f"{asyncio.get_running_loop().time() - begun_s:.1f} s: {''.join(heard)}"


@pytest.mark.parametrize(
    ("failure", "becomes"),
    [
        (reset(), "0.1 s: I am a."),
        (refused(500), "0.1 s: I am a."),
        (refused(503), "0.1 s: I am a."),
        (refused(429), "0.1 s: I am a."),
        (refused(429, 0), "0.1 s: I am a."),
        (refused(429, 2), "2.0 s: I am a."),
        (refused(429, 8), "0.0 s: The model failed: ModelHTTPError (HTTP 429). (function:a)"),
        (refused(429, 30), "0.0 s: The model failed: ModelHTTPError (HTTP 429). (function:a)"),
        (refused(503, 30), "0.0 s: The model failed: ModelHTTPError (HTTP 503). (function:a)"),
        (refused(401), "0.0 s: The model failed: ModelHTTPError (HTTP 401). (function:a)"),
        (refused(403), "0.0 s: The model failed: ModelHTTPError (HTTP 403). (function:a)"),
        (refused(400), "0.0 s: The model failed: ModelHTTPError (HTTP 400). (function:a)"),
        (ModelQuotaExceededError("any", "x"), "0.0 s: The model failed: ModelQuotaExceededError. (function:a)"),
        (RuntimeError("x"), "0.0 s: The model failed: RuntimeError. (function:a)"),
    ],
)
def test_what_may_pass_is_tried_again_and_what_cannot_fails_at_once(failure: Exception, becomes: str) -> None:
    """Nobody waits for a model that cannot answer in time, and a short fault is not noticed."""
    assert run_virtual(ask(Scripted("a", (failure,)).model)) == becomes


def test_the_same_model_is_asked_three_times_at_most() -> None:
    """Then the caller hears of it, within a second."""
    model = Scripted("a", *[(refused(503),)] * 9)
    assert run_virtual(ask(model.model)) == "0.5 s: The model failed: ModelHTTPError (HTTP 503). (function:a)"
    assert model.asked_s == [0, RETRY_AFTER_S[0], sum(RETRY_AFTER_S)]


def test_all_attempts_share_the_time_of_one() -> None:
    """The caller never waits for longer than the first token may take."""
    model = Scripted("a", (3.0, refused(503)), (3.0, refused(503)), (3.0, refused(503)))
    limit_s = RunLimits().first_token_s
    assert run_virtual(ask(model.model)) == f"{limit_s} s: The model took too long to answer. (function:a)"
    late = Scripted("a", (limit_s - 1, refused(503)))
    assert run_virtual(ask(late.model)) == "7.0 s: The model failed: ModelHTTPError (HTTP 503). (function:a)"


@pytest.mark.parametrize("failure", [reset(), refused(503), refused(500)])
def test_nothing_is_tried_again_after_a_word(failure: Exception) -> None:
    """The caller may have heard the word, so neither the same model nor another one begins anew."""
    first, second = Scripted("a", ("We are ", failure)), Scripted("b")
    assert run_virtual(ask(first.model, second.model)).startswith("0.0 s: We are The model failed")
    assert (len(first.asked_s), len(second.asked_s)) == (1, 0)


def test_a_tool_runs_once_when_the_request_after_it_is_tried_again() -> None:
    """Only the request that failed is sent again, with the result of the tool."""

    async def think(history: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        if isinstance(history[-1].parts[-1], ToolReturnPart):
            requests.append("after the tool")
            if len(requests) == 1:
                raise reset()
            yield "It is booked."
        else:
            yield {0: DeltaToolCall("book", "{}", tool_call_id="c1")}

    async def book() -> str:
        booked.append("a table")
        return "done"

    async def scenario() -> None:
        committed, heard = asyncio.Event(), []
        committed.set()
        agent = VoiceAgent(Agent(FunctionModel(stream_function=think), tools=[book]))
        await AgentRun(RunSetup(agent), "book a table", list).speak(heard.append, committed)
        assert (heard, booked, len(requests)) == (["\n", "It is booked."], ["a table"], 2)

    requests: list[str] = []
    booked: list[str] = []
    run_virtual(scenario())


@pytest.mark.parametrize(
    ("script", "becomes", "asked"),
    [
        ((refused(401),), "0.0 s: I am b.", 1),
        ((refused(429, 3),), "0.0 s: I am b.", 1),
        ((RuntimeError("x"),), "0.0 s: I am b.", 1),
        ((refused(503),), "0.1 s: I am a.", 2),
        ((HANGS,), "4.0 s: I am b.", 1),
    ],
    ids=["credentials", "is to wait", "a bug", "a short fault", "hangs"],
)
def test_the_next_model_answers_in_place_of_one_that_fails(script: tuple[Step, ...], becomes: str, asked: int) -> None:
    """Of the time that is left a model gets half while another one could be asked."""
    first = Scripted("a", script)
    assert run_virtual(ask(first.model, Scripted("b").model)) == becomes
    assert len(first.asked_s) == asked


def test_when_all_models_fail_the_failure_names_them_all() -> None:
    """Each has a part of the time, and the caller hears the apology in time."""
    models = [Scripted(name, (script,)).model for name, script in (("a", HANGS), ("b", HANGS), ("c", refused(401)))]
    assert run_virtual(ask(*models)) == (
        "6.0 s: The model failed: ModelRequestTimeout, ModelRequestTimeout, ModelHTTPError (HTTP 401). "
        "(function:a, function:b, function:c)"
    )


def test_a_model_that_hangs_is_waited_for_by_a_few_calls_only() -> None:
    """Then calls pass it over, for some seconds; then one request waits for it again."""

    async def scenario() -> None:
        breakers, first, second = Breakers(), Scripted("a", *[(HANGS,)] * (FAILURES_IN_A_ROW + 1)), Scripted("b")
        for _ in range(FAILURES_IN_A_ROW):
            assert await ask(first.model, second.model, breakers=breakers) == "4.0 s: I am b."
        for _ in range(5):
            assert await ask(first.model, second.model, breakers=breakers) == "0.0 s: I am b."
        await asyncio.sleep(PAUSE_S)
        both = [ask(first.model, second.model, breakers=breakers) for _ in range(2)]
        assert await asyncio.gather(*both) == ["4.0 s: I am b.", "0.0 s: I am b."]
        await asyncio.sleep(PAUSE_S)
        both = [ask(first.model, second.model, breakers=breakers) for _ in range(2)]
        assert await asyncio.gather(*both) == ["0.0 s: I am a.", "0.0 s: I am b."]
        assert await ask(first.model, second.model, breakers=breakers) == "0.0 s: I am a."
        assert breakers.failures == {("function:a", "timeout"): FAILURES_IN_A_ROW + 1}

    run_virtual(scenario())


def test_a_model_without_another_one_is_always_asked() -> None:
    """However often it has failed in other calls: the next caller may be answered."""

    async def scenario() -> None:
        breakers, model = Breakers(), Scripted("a", (HANGS,), ("Yes", HANGS), ("Yes", reset()))
        for _ in range(3):
            await ask(model.model, breakers=breakers)
        assert await ask(model.model, breakers=breakers) == "0.0 s: I am a."
        assert breakers.failures == {("function:a", "timeout"): 2, ("function:a", "connection"): 1}

    run_virtual(scenario())


def test_what_one_caller_causes_is_no_reason_to_pass_a_model_over() -> None:
    """A request that the provider rejects, or an answer that it filters, may be the caller's doing."""

    async def scenario() -> None:
        breakers, failures = Breakers(), [refused(400), refused(422), UnexpectedModelBehavior("x")] * 5
        model = Scripted("a", *[(failure,) for failure in failures])
        for _ in failures:
            await ask(model.model, breakers=breakers)
        assert await ask(model.model, breakers=breakers) == "0.0 s: I am a."

    run_virtual(scenario())


def test_an_answer_that_is_interrupted_is_no_failure() -> None:
    """A run that is cancelled before the first word says nothing about the model; after it, the model works."""

    async def interrupt(model: Model, *, breakers: Breakers) -> None:
        task = asyncio.create_task(ask(model, breakers=breakers))
        await asyncio.sleep(1.0)
        task.cancel()
        await asyncio.wait({task})

    async def scenario() -> None:
        breakers = Breakers()
        hangs, fails, speaks = (HANGS,), (refused(401),), ("Yes. ", HANGS)
        scripts: list[tuple[Step, ...]] = [*[hangs] * 5, fails, fails, speaks, fails, fails]
        model = Scripted("a", *scripts)
        for script in scripts:
            await (ask if script is fails else interrupt)(model.model, breakers=breakers)
        assert await ask(model.model, breakers=breakers) == "0.0 s: I am a."

    run_virtual(scenario())


def test_the_log_says_which_model_failed_and_what_is_done(caplog: pytest.LogCaptureFixture) -> None:
    """Each attempt is a line with the call, the model, the kind and the status, and without the provider's words."""
    caplog.set_level(logging.INFO)
    first = Scripted("a", (refused(503),), (refused(401),))
    run_virtual(ask(first.model, Scripted("b").model))
    assert [record.getMessage() for record in caplog.records if record.name.startswith("server")] == [
        "x call c7: model function:a failed: ModelHTTPError (HTTP 503); it is asked again",
        "x call c7: model function:a failed: ModelHTTPError (HTTP 401); function:b is asked",
    ]
