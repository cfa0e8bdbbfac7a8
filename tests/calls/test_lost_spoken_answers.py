"""Calls whose speech-to-speech model is lost: another model, or a new connection, answers. Over real sockets."""

import pytest

from server.agent.limits import RunLimits
from server.agent.spoken import keeper, model
from server.agent.spoken.answer import WORDLESS
from server.media.frame import FRAME_MS
from tests.fakes.mind import Mind
from tests.fakes.realtime_provider import NATURAL_MS_A_CHAR, realtime_provider
from tests.spoken_call import CHARS_PER_S, spoken_call

pytestmark = pytest.mark.loopback_time

STORY = "Once upon a time there was a shop. It sold books of every kind. Nobody knew where they came from."


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")


@pytest.mark.parametrize("fault", ["close", "stall"])
async def test_another_model_goes_on_when_the_provider_is_lost_in_its_answer(
    fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What has come is heard, the agent's own model says the rest, and the next answer comes from a new connection."""
    monkeypatch.setattr(model, "STALL_S", 0.3)
    mind = Mind(answers={model.GO_ON: "And so they lived"})
    async with realtime_provider(lambda number: f"{STORY} {number}." if number else "Yes.") as provider:
        provider.faults = {1: fault}
        async with spoken_call(provider, mind.agent("Hello.")) as caller:
            assert await caller.type("are you there") == "Yes."
            first = await caller.type("tell me a story")
            assert first.startswith("Once upon a time there was a shop.")
            assert mind.requests == 1
            assert first.endswith("And so they lived")
            assert not caller.failures
            caller.call.type("again")
            await caller.hear("from. 2")
        assert provider.connections == 2
        assert any("Once upon a time" in item for item in provider.items)


@pytest.mark.parametrize("fault", ["written", "silent", "wordless"])
async def test_an_answer_without_sound_or_words_is_heard_and_read(fault: str) -> None:
    """Text-to-speech says words that have no sound. Sound without words is shown as such, and heard once."""
    async with realtime_provider(lambda number: f"It is {number} o'clock.") as provider:
        provider.faults = {0: fault}
        async with spoken_call(provider, Mind().agent("Hello.")) as caller:
            caller.frames.clear()
            expected = WORDLESS if fault == "wordless" else "It is 0 o'clock."
            assert await caller.type("what time is it") == expected
            assert sum(frame is not None and any(frame) for frame in caller.frames) > 3
            assert caller.history[-2:] == ["what time is it", expected]
            assert await caller.type("and now") == "It is 1 o'clock."
            assert not caller.failures
        assert len(provider.of("response.create")) == 2


@pytest.mark.parametrize("fault", ["close", "cancelled"])
async def test_words_whose_sound_is_missing_are_said(fault: str) -> None:
    """The words of an answer come before their sound. When the provider is lost, or gives it up, text-to-speech says
    the words that have no sound, and then another model goes on."""
    mind = Mind(answers={model.GO_ON: "And so they lived."})
    async with realtime_provider(lambda number: STORY, ms_a_char=NATURAL_MS_A_CHAR) as provider:
        provider.faults = {0: fault}
        async with spoken_call(provider, mind.agent("Hello.")) as caller:
            caller.frames.clear()
            said = STORY if fault == "close" else STORY[: len(STORY) // 2]
            assert await caller.type("tell me a story") == f"{said} And so they lived."
            heard_ms = sum(frame is not None for frame in caller.frames) * FRAME_MS
            sound_ms = 600 if fault == "close" else len(said) * NATURAL_MS_A_CHAR
            missing = len(said) - sound_ms * 15 // 1000
            assert heard_ms > sound_ms + 1000 * (missing + len("And so they lived.")) / CHARS_PER_S - 200
            assert not caller.failures


async def test_words_are_given_as_text_when_the_sound_is_refused() -> None:
    """A provider that has heard nothing of an utterance would answer something else."""
    async with realtime_provider(lambda number: f"Answer {number}.") as provider:
        provider.deaf = 1
        async with spoken_call(provider, Mind().agent("Hello.")) as caller:
            assert await caller.say("what time is it") == "Answer 1."
            assert provider.items[-1] == "user: what time is it"
            assert await caller.say("and now") == "Answer 2."
            assert provider.items[-1] == "user: what time is it"
            assert not caller.failures
        assert len(provider.heard_bytes) == 1


async def test_an_error_that_names_nothing_costs_no_time() -> None:
    """A server that is over its limit may not say which event it refuses. It is asked again on a new connection."""
    async with realtime_provider(lambda number: "Here.") as provider:
        provider.faults = {0: "unnamed"}
        async with spoken_call(provider, Mind().agent("Hello.")) as caller:
            assert await caller.type("are you there") == "Here."
            assert not caller.failures
        assert provider.connections == 2


@pytest.mark.parametrize(("number", "fault"), [(0, "called"), (1, "speechless")])
async def test_a_tools_result_is_said_although_the_provider_is_lost(number: int, fault: str) -> None:
    """The provider is lost right after it has called a tool, or before the first word about the result."""

    def script(index: int) -> str | tuple[str, str]:
        return ("book", '{"what": "a table"}') if index == 0 else "It is booked."

    mind = Mind()
    async with realtime_provider(script) as provider:
        provider.faults = {number: fault}
        async with spoken_call(provider, mind.agent("Hello.")) as caller:
            assert (await caller.type("book a table")).strip() in ("It is booked.", "Done: booked a table.")
            assert mind.booked == ["a table"]
            assert caller.answers[-1].tools == ["book"]
            assert not caller.failures


async def test_the_model_that_goes_on_may_call_tools(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the provider has said before it was lost is heard, and then the other model does what is left to do."""
    monkeypatch.setattr(model, "GO_ON", "book a table")
    mind = Mind()
    async with realtime_provider(lambda number: "It is done." if number else STORY) as provider:
        provider.faults = {0: "close"}
        async with spoken_call(provider, mind.agent("Hello.")) as caller:
            answer = await caller.type("tell me a story and book a table")
            assert answer.startswith("Once upon a time")
            assert answer.endswith("One moment. It is done.")
            assert mind.booked == ["a table"]
            assert not caller.failures


async def test_a_provider_that_is_lost_in_three_answers_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a while it is not asked, as any model that fails so often."""
    monkeypatch.setattr(keeper, "AGAIN_S", (0.0,))
    async with realtime_provider(lambda number: STORY) as provider:
        provider.faults = dict.fromkeys(range(3), "close")
        async with spoken_call(provider, Mind(answers={model.GO_ON: "The end."}).agent("Hello.")) as caller:
            for _ in range(3):
                assert (await caller.type("tell me a story")).endswith("The end.")
            assert await caller.type("and now") == "You said and now."
        assert len(provider.of("response.create")) == 3


async def test_another_model_answers_when_the_provider_does_not() -> None:
    """The same words are answered by the agent's own model, and later ones by the provider again."""
    async with realtime_provider(lambda number: "Here again.") as provider:
        provider.faults = dict.fromkeys(range(3), "rate_limit_exceeded") | {3: "hang"}
        async with spoken_call(provider, Mind().agent("Hello."), RunLimits(first_token_s=4.2)) as caller:
            assert (await caller.type("what time is it")).endswith("You said what time is it.")
            assert provider.items.count("user: what time is it") == 1
            assert (await caller.type("does it hang")).endswith("You said does it hang.")
            assert await caller.type("and now") == "Here again."
            assert not caller.failures
        assert provider.connections == 2


async def test_a_provider_that_refuses_costs_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no connection can be made, the agent's own model answers at once; later the provider is tried again."""
    monkeypatch.setattr(keeper, "AGAIN_S", (0.1,))
    async with realtime_provider(lambda number: "Here again.") as provider:
        provider.refuses = True
        async with spoken_call(provider, Mind().agent("Hello.")) as caller:
            assert await caller.type("what time is it") == "You said what time is it."
            provider.refuses = False
            await caller.until(lambda: bool(provider.of("conversation.item.create")))
            assert await caller.type("and now") == "Here again."
        assert "user: what time is it" in provider.items


async def test_when_both_fail_the_agent_apologises() -> None:
    """The client is told, as when any model fails."""
    async with realtime_provider(lambda number: "Here again.") as provider:
        provider.refuses = True
        async with spoken_call(provider, Mind(failures=1).agent("Hello.")) as caller:
            await caller.type("what time is it")
            assert [failure.code for failure in caller.failures] == ["engine_failed"]
            assert "sorry" in caller.answers[-1].text.lower()
