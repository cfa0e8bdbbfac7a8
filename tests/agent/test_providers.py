"""Real clients of providers, against a real provider that misbehaves: no client waits or tries again by itself.

These tests take real time, so they wait for less than a second. tests/agent/test_attempts.py has the longer waits.
"""

import asyncio
import json
from typing import Any

import pytest
from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from server.agent.client_retries import turn_off_retries
from server.agent.openai_requests import send_unconverted
from server.agent.run import AgentRun
from server.agent.run_setup import RunSetup
from server.agent.voice_agent import VoiceAgent
from server.errors import EngineError
from tests.fakes.chat_provider import RESET, Raw, Refuse, Say, Step, chat_provider
from tests.fakes.providers import Make, claude


def openai(url: str) -> OpenAIChatModel:
    client = AsyncOpenAI(base_url=url, api_key="none")
    model = OpenAIChatModel("gpt", provider=OpenAIProvider(openai_client=client))
    send_unconverted(model)
    return model


def anthropic(url: str) -> Any:
    return claude("claude")(url)


async def ask(make: Make, *script: Step, prepared: bool = True) -> tuple[str, int]:
    """What the caller hears, or the failure, and how many requests the provider got. All within a second."""
    heard: list[str] = []
    async with chat_provider(*script) as provider:
        model = make(provider.url)
        if prepared:
            turn_off_retries(model)
        async with model.client:
            run = AgentRun(RunSetup(VoiceAgent(Agent(model))), "hello", list)
            try:
                async with asyncio.timeout(1.0):
                    await run.speak(heard.append, asyncio.Event())
            except EngineError as failure:
                heard.append(str(failure))
    return "".join(heard).strip(), len(provider.asked)


@pytest.mark.parametrize("make", [openai, anthropic])
@pytest.mark.parametrize(
    ("step", "kind"),
    [
        (Refuse(429, headers={"Retry-After": "30"}), "ModelRateLimitError (HTTP 429)"),
        (Refuse(503, headers={"Retry-After": "30"}), "ModelUnavailableError (HTTP 503)"),
        (Refuse(500, headers={"x-should-retry": "false"}), "ModelServerError (HTTP 500)"),
        (Refuse(401), "ModelAuthenticationError (HTTP 401)"),
        (Refuse(403), "ModelAuthenticationError (HTTP 403)"),
        (Refuse(400), "ModelRequestRejectedError (HTTP 400)"),
    ],
)
async def test_what_cannot_succeed_soon_fails_at_once(make: Make, step: Step, kind: str) -> None:
    """The provider is asked once, and the failure says what it was, without the provider's words."""
    assert await ask(make, step) == (f"The model failed: {kind}.", 1)


@pytest.mark.parametrize("make", [openai, anthropic])
@pytest.mark.parametrize("prepared", [True, False])
async def test_no_client_waits_by_itself(make: Make, prepared: bool) -> None:
    """This holds also for models that were made by an agent in the middle of a run."""
    step = Refuse(429, headers={"Retry-After": "30"})
    assert await ask(make, step, prepared=prepared) == ("The model failed: ModelRateLimitError (HTTP 429).", 1)


async def test_an_exhausted_quota_is_asked_for_once() -> None:
    """OpenAI sends it with the status of a rate limit."""
    quota = Refuse(429, code="insufficient_quota")
    assert await ask(openai, quota) == ("The model failed: ModelQuotaExceededError (HTTP 429).", 1)


@pytest.mark.parametrize("make", [openai, anthropic])
@pytest.mark.parametrize("step", [RESET, Refuse(500), Refuse(503), Refuse(429), Refuse(529)])
async def test_a_short_fault_is_not_noticed(make: Make, step: Step) -> None:
    """What fails before the first word is asked for again, at once."""
    assert await ask(make, step, Say("All is well.")) == ("All is well.", 2)


@pytest.mark.parametrize("make", [openai, anthropic])
async def test_nothing_is_asked_for_again_after_a_word(make: Make) -> None:
    """The connection breaks in the middle of the answer."""
    heard = await ask(make, Say("We are open. On", then="reset"), Say("We are open."))
    assert heard == ("We are open. On The model failed: ModelConnectionError.", 1)


@pytest.mark.parametrize("reason", ["length", "content_filter"])
async def test_an_answer_that_is_cut_off_is_known(reason: str) -> None:
    """The caller's part of the server knows that the text has no end, and the kind is counted."""
    async with chat_provider(Say("We are open. On", finish=reason)) as provider:
        model = openai(provider.url)
        async with model.client:
            setup = RunSetup(VoiceAgent(Agent(model)))
            run = AgentRun(setup, "hello", list)
            await run.speak(lambda text: None, asyncio.Event())
            assert run.cut_off
            assert setup.breakers.failures == {("openai:gpt", reason): 1}


async def test_the_next_model_answers_in_place_of_one_that_is_refused() -> None:
    """The two may be of different providers."""
    heard: list[str] = []
    async with chat_provider(Refuse(401)) as one, chat_provider(Say("All is well.")) as other:
        first, second = turn_off_retries(openai(one.url)), anthropic(other.url)
        async with first.client, second.client:
            setup = RunSetup(VoiceAgent(Agent(first)), fallbacks=[second])
            await AgentRun(setup, "hello", list).speak(heard.append, asyncio.Event())
    assert "".join(heard).strip() == "All is well."


# Providers that do not keep to the API


def event(delta: object, finish: str | None = None, **more: Any) -> bytes:
    """One event of OpenAI's stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice], **more}
    return f"data: {json.dumps(chunk)}\n\n".encode()


WE, ARE, OPEN = (event({"content": word}) for word in ("We ", "are ", "open."))
STOP = event({}, "stop")
WHOLE = {"role": "assistant", "content": "We are open."}
NO_USAGE = {"prompt_tokens": None, "completion_tokens": None, "total_tokens": None}


@pytest.mark.parametrize(
    "body",
    [
        WE + ARE + OPEN,
        WE + ARE + OPEN + event({}, "end_of_turn"),
        STOP + WE + ARE + OPEN + STOP,
        event({"role": "assistant"}) + WE + event({"role": "assistant"}) + ARE + OPEN + STOP,
        event({"role": "assistant", "content": None}) + WE + event(None) + ARE + event({"content": ""}) + OPEN + STOP,
        WE + ARE + OPEN + STOP + event({}, choices=[], usage={"prompt_tokens": "12", "total_tokens": -1}),
        WE + ARE + OPEN + STOP + event({}, choices=[], usage=NO_USAGE),
        b": keep-alive\n\n" * 50 + WE + ARE + OPEN + STOP,
        event({"content": [{"type": "text", "text": "We are open."}]}) + STOP,
    ],
)
@pytest.mark.filterwarnings("ignore")  # pydantic-ai's, about such figures of usage
async def test_an_answer_with_faults_is_heard(body: bytes) -> None:
    """What can be understood is said once, and the provider is asked once."""
    assert await ask(openai, Raw(body)) == ("We are open.", 1)


@pytest.mark.parametrize(
    ("step", "why", "asked"),
    [
        (Raw(b"<html>Sign in</html>", content_type="text/html"), "gave no answer that can be read", 3),
        (Raw(json.dumps({"choices": [{"message": WHOLE}]}).encode()), "gave no answer that can be read", 3),
        (Raw(b": keep-alive\n\n" * 5), "gave no answer that can be read", 3),
        (Raw(b"", status=204), "gave no answer that can be read", 3),
        (Raw(b'data: {"id": "c", "obj\n\n'), "failed: ModelAPIError", 1),
        (Raw(b'data: {"id": "caf\xe9"}\n\n'), "failed: ModelAPIError", 1),
        (Raw(b"data: null\n\n" + OPEN), "failed: AttributeError", 1),
        (Raw(b"", status=304), "failed: ModelAPIError (HTTP 304)", 1),
    ],
)
async def test_an_answer_that_cannot_be_read_is_the_models_failure(step: Step, why: str, asked: int) -> None:
    """The log says what came. Where nothing came at all, the model is asked again, because that may pass."""
    assert await ask(openai, step) == (f"The model {why}.", asked)


async def test_a_broken_event_ends_what_was_said_before_it() -> None:
    """What came before it may have been heard."""
    heard, asked = await ask(openai, Say("We are open. ", then="reset"))
    assert (heard.startswith("We are open."), asked) == (True, 1)
