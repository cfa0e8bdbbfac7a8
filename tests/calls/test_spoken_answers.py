"""Calls with a model that hears and speaks itself, over real sockets to a small true provider."""

from dataclasses import replace

import pytest
from pydantic_ai import Agent
from pydantic_ai.models.function import FunctionModel
from pydantic_ai.models.test import TestModel

from server.agent.passing_on import HandOver
from server.agent.voice_agent import VoiceAgent
from server.call.agent_messages import Clause, Respond, ToolCall, ToolResult, Update
from server.call.options import ClientTool
from server.media.frame import SILENCE
from server.testing.engines import sound
from tests.fakes.mind import Mind
from tests.fakes.realtime_provider import NATURAL_MS_A_CHAR, realtime_provider
from tests.spoken_call import spoken_call

STORY = "Once upon a time there was a shop. It sold books of every kind. Nobody knew where they came from."


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")


async def test_the_caller_is_heard_and_answered_by_the_model_itself() -> None:
    """The provider gets the sound of what is said and the text of what is typed. The caller hears its sound."""
    mind = Mind()
    async with realtime_provider(lambda number: f"Answer number {number}.") as provider:
        async with spoken_call(provider, mind.agent("Hello.")) as caller:
            assert await caller.say("what time is it") == "Answer number 0."
            caller.frames.clear()
            assert await caller.type("and now") == "Answer number 1."
            assert caller.history[-4:] == ["what time is it", "Answer number 0.", "and now", "Answer number 1."]
            announced = " ".join(clause.text for clause in caller.of(Clause))
            assert announced == "Hello. Answer number 0. Answer number 1."
            standing = caller.call.session.dialogue.standing
        assert any(frame and any(frame) for frame in caller.frames)
        assert provider.heard_bytes[0] >= 24_000 * 2 * 0.8 / 2
        assert len(provider.heard_bytes) == 1
        assert provider.items[-1] == "user: and now"
        assert "(You have said to the caller: Hello.)" in provider.items[-2]
        assert provider.of("session.update")[0]["session"]["audio"]["input"]["turn_detection"] is None
        assert mind.requests == 0
        assert standing.used.requests == 2
        assert standing.used.tokens == 60
        assert provider.connections == 1


async def test_a_tool_runs_once_and_the_provider_is_told() -> None:
    """A tool of the agent runs for the call; its result goes to the provider, which answers with it."""

    def script(number: int) -> str | tuple[str, str]:
        return ("book", '{"what": "a table"}') if number == 0 else "It is booked."

    mind = Mind()
    async with realtime_provider(script) as provider:
        async with spoken_call(provider, mind.agent("Hello.")) as caller:
            assert await caller.type("book a table") == "It is booked."
            assert caller.answers[-1].tools == ["book"]
            assert mind.booked == ["a table"]
            assert await caller.type("thank you") == "It is booked."
            assert "book" in caller.history
        outputs = [each["item"] for each in provider.of("conversation.item.create") if "call_id" in each["item"]]
        assert [each["call_id"] for each in outputs] == ["call_0"]
        assert provider.connections == 1


async def test_the_call_is_handed_over() -> None:
    """The next agent speaks itself, too, in a session of its own that begins with the history."""

    def script(number: int) -> str | tuple[str, str]:
        return {0: ("hand_over", "{}"), 1: "Billing will help you.", 2: "Billing here."}.get(number, "Ten euros.")

    def hand_over() -> HandOver:
        return HandOver("billing")

    reception = VoiceAgent(Agent(TestModel(), tools=[hand_over]), name="Reception", greeting="Hello.")
    billing = VoiceAgent(Agent(TestModel(), instructions="You are billing."), name="Billing")
    async with realtime_provider(script) as provider:
        async with spoken_call(provider, reception, others={"billing": billing}) as caller:
            await caller.type("an invoice please")
            await caller.hear("Billing here.")
            assert await caller.type("how much is it") == "Ten euros."
            assert not caller.failures
        assert provider.connections == 2
        assert "You are billing." in provider.of("session.update")[1]["session"]["instructions"]
        assert "assistant: Billing will help you." in provider.items


async def test_the_provider_is_told_how_much_was_heard() -> None:
    """On an interruption the answer stops here and there, and its rest is cut off from the provider's conversation."""

    def script(number: int) -> str:
        return STORY if number == 0 else "Yes."

    async with realtime_provider(script, chunk_s=0.04, ms_a_char=NATURAL_MS_A_CHAR) as provider:
        async with spoken_call(provider, Mind().agent("Hello.")) as caller:
            caller.call.type("tell me a story")
            await caller.hear("a shop")
            assert await caller.say("stop please") == "Yes."
            heard = caller.answers[-2]
            assert heard.interrupted
            assert STORY.startswith(heard.text)
            assert f"{heard.text} —" in caller.history
        assert len(provider.of("response.cancel")) == 1
        [cut] = provider.of("conversation.item.truncate")
        assert cut["item_id"] == "said_0"
        assert abs(cut["audio_end_ms"] - len(heard.text) * NATURAL_MS_A_CHAR) < 500
        assert provider.connections == 1


async def test_an_answer_goes_on_after_a_drop() -> None:
    """What the caller missed is heard again, in the model's own voice, and the provider notices nothing."""
    async with realtime_provider(lambda number: STORY, ms_a_char=NATURAL_MS_A_CHAR) as provider:
        async with spoken_call(provider, Mind().agent("Hello.")) as caller:
            caller.call.type("tell me a story")
            await caller.hear("a shop")
            caller.drop(unheard_ms=1_000)
            caller.come_back()
            await caller.call.settle()
            assert caller.answers[-1].text == STORY
            assert not caller.answers[-1].interrupted
            heard = sum(frame is not None for frame in caller.frames)
        assert heard * 20 >= len(STORY) * NATURAL_MS_A_CHAR + 900
        assert provider.connections == 1
        assert not provider.of("conversation.item.truncate")


async def test_nothing_is_asked_in_a_pause() -> None:
    """Who pauses and goes on is answered once, and the provider has the sound as one utterance."""
    async with realtime_provider(lambda number: "Yes.") as provider:
        async with spoken_call(provider, Mind().agent("Hello.")) as caller:
            caller.call.say([*sound("what time is it"), *[SILENCE] * 15])
            assert await caller.say("in london") == "Yes."
        assert len(provider.heard_bytes) == 1
        assert len(provider.of("response.create")) == 1


async def test_who_goes_on_before_the_answer_is_answered_for_all() -> None:
    """The sound of both utterances is there for one answer. Nobody hears the answer to the first one."""
    async with realtime_provider(lambda number: "Yes.") as provider:
        provider.faults = {0: "slow"}
        async with spoken_call(provider, Mind().agent("Hello.")) as caller:
            caller.call.say([*sound("i want a book"), *[SILENCE] * 50])
            assert await caller.say("about green birds") == "Yes."
            assert caller.history[-2:] == ["i want a book about green birds", "Yes."]
        assert len(provider.heard_bytes) == 2
        assert not any("book" in item for item in provider.items)
        assert len(provider.of("response.create")) == 2


async def test_an_old_session_is_renewed_between_two_answers() -> None:
    """The new session begins with the history, and the caller notices nothing."""
    async with realtime_provider(lambda number: f"Answer number {number}.") as provider:
        async with spoken_call(provider, Mind().agent("Hello."), session_min=0.015) as caller:
            assert await caller.type("what time is it") == "Answer number 0."
            await caller.until(lambda: len(provider.of("session.update")) == 2)
            assert await caller.type("and now") == "Answer number 1."
            assert not caller.failures
        assert "assistant: Answer number 0." in provider.items
        assert not any("You have said to the caller: Answer" in item for item in provider.items)


async def test_a_noise_leaves_nothing_at_the_provider() -> None:
    """The sound of what was no utterance is cleared, and not a part of what is said next."""
    async with realtime_provider(lambda number: "Yes.") as provider:
        async with spoken_call(provider, Mind().agent("Hello.")) as caller:
            await caller.say("* *")
            assert provider.of("input_audio_buffer.clear")
            assert not provider.of("response.create")
            assert await caller.say("what time is it") == "Yes."
        assert len(provider.heard_bytes) == 1


async def test_an_agent_that_checks_its_answers_is_not_spoken() -> None:
    """Nobody may hear an answer before it is checked, so the agent's own model answers."""
    mind = Mind()
    made = mind.agent("Hello.")
    assert isinstance(made.agent, Agent)
    assert isinstance(made.agent.model, FunctionModel)

    @made.agent.output_validator
    async def check(output: str) -> str:
        return output

    async with realtime_provider(lambda number: "Yes.") as provider:
        async with spoken_call(provider, made) as caller:
            assert isinstance(made, VoiceAgent)
            assert await caller.type("what time is it") == "You said what time is it."
        assert provider.connections == 0


async def test_a_client_asks_for_answers_and_brings_instructions_and_tools() -> None:
    """Nothing is asked before the client wants an answer. Then the provider has what was said, and what the client
    brings; the client runs its tool."""

    def script(number: int) -> str | tuple[str, str]:
        return ("look_up", '{"what": "ann"}') if number == 0 else "You are Ann Miller."

    async with realtime_provider(script) as provider:
        agent = replace(Mind().agent("Hello."), by_client=True)
        async with spoken_call(provider, agent) as caller:
            tool = ClientTool(name="look_up", description="Look somebody up.", parameters={"type": "object"})
            caller.tell(Update(answers="asked", instructions="Be very brief.", tools=[tool]))
            assert await caller.say("my name is ann") == "Hello."
            assert not provider.of("response.create")
            caller.tell(Respond())
            await caller.until(lambda: bool(caller.of(ToolCall)))
            caller.tell(ToolResult(id=caller.of(ToolCall)[0].id, output="Ann Miller"))
            await caller.call.settle()
            assert caller.answers[-1].text == "You are Ann Miller."
            assert not caller.failures
            assert caller.history.count("my name is ann") == 1
        session = provider.of("session.update")[-1]["session"]
        assert session["instructions"].endswith("Be very brief.")
        assert "look_up" in [each["name"] for each in session["tools"]]
        assert "user: my name is ann" in provider.items
