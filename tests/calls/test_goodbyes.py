"""How calls end, on virtual time."""

import asyncio
from dataclasses import replace

import pytest

from server.agent.voice_agent import VoiceAgent
from server.call import messages
from server.call.settings import CallSettings
from tests.fakes.engines import COUGH, SteadyTextToSpeech
from tests.fakes.mind import Mind
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual


def test_a_silent_caller_is_asked_twice_and_then_bidden_goodbye() -> None:
    """A silent caller is asked twice, then hears a goodbye, and the call is over."""

    async def scenario() -> None:
        async with Caller(Mind(), settings=CallSettings(idle_prompt_s=5)) as caller:
            async with asyncio.timeout(60):
                await asyncio.shield(caller._running)
        assert caller.tts.said == ["Are you still there?", "Are you still there?", "Goodbye."]
        assert caller.states[-1] == "closed"

    run_virtual(scenario())


def test_who_comes_back_during_the_goodbye_is_heard() -> None:
    """A caller who speaks over the goodbye to a silent caller, or just after it, is answered, and the call goes on."""

    async def scenario(words: str, after_ms: int) -> None:
        async with Caller(Mind(), settings=CallSettings(idle_prompt_s=5)) as caller:
            while caller.tts.said[-1:] != ["Goodbye."]:
                await caller.wait(20)
            await caller.wait(after_ms)
            await caller.say(words)
            await caller.until_silent()
            assert caller.answers[-1].text == f"You said {words}."
            await caller.until_silent()  # asked from the beginning again
            assert caller.answers[-1].text == "Are you still there?"

    for after_ms in (0, 200, 400, 600, 1_000):
        for words in ("hello I am back", "yes"):
            run_virtual(scenario(words, after_ms))


def test_a_noise_over_the_goodbye_to_a_silent_caller_does_not_hold_the_line() -> None:
    """A sound without words over the goodbye to a silent caller, or after it, does not keep the call open."""

    async def scenario(after_ms: int) -> None:
        async with Caller(Mind(), settings=CallSettings(idle_prompt_s=5)) as caller:
            while caller.tts.said[-1:] != ["Goodbye."]:
                await caller.wait(20)
            await caller.wait(after_ms)
            await caller.say(COUGH, word_ms=1_200)
            async with asyncio.timeout(10):
                await asyncio.shield(caller._running)

    for after_ms in (0, 400, 1_000):
        run_virtual(scenario(after_ms))


def test_noises_do_not_keep_a_call_open() -> None:
    """Sounds without words are no sign of a caller: the call ends as if it had been silent."""

    async def scenario() -> None:
        async with Caller(Mind(), settings=CallSettings(idle_prompt_s=5)) as caller:
            async with asyncio.timeout(60):
                while not caller.hung_up:
                    await caller.say(COUGH)
                    await caller.wait(1_500)
        assert caller.tts.said.count("Are you still there?") == 2
        assert caller.tts.said[-1] == "Goodbye."

    run_virtual(scenario())


def test_the_time_in_which_the_caller_says_words_is_not_silence() -> None:
    """A caller who tells a long story is not asked in its pauses, nor right after the answer to it."""

    async def scenario() -> None:
        async with Caller(Mind(), settings=CallSettings(idle_prompt_s=5)) as caller:
            for _ in range(6):
                await caller.say("and then it was", word_ms=400)
                await caller.wait(300)
            await caller.until_silent()
            await caller.wait(3_000)
        assert not [text for text in caller.tts.said if text == "Are you still there?"]

    run_virtual(scenario())


def test_a_call_does_not_last_for_ever() -> None:
    """Before the longest time is over the agent says goodbye at a moment when nobody speaks, and the call ends."""

    async def scenario() -> None:
        async with Caller(Mind(), settings=CallSettings(idle_prompt_s=1_000, longest_call_min=1)) as caller:
            await caller.wait(29_000)
            await caller.say("where is my order")
            await caller.wait(400)
            async with asyncio.timeout(10):
                await asyncio.shield(caller._running)
        assert [answer.text for answer in caller.answers] == ["You said where is my order.", "Goodbye."]
        assert caller.now_ms < 40_000

    run_virtual(scenario())


def test_a_caller_who_never_stops_is_bidden_goodbye() -> None:
    """A call in which somebody always speaks ends at the longest time."""

    async def scenario() -> None:
        async with Caller(Mind(), settings=CallSettings(longest_call_min=1)) as caller:
            talking = asyncio.create_task(caller.say("and " * 400), name="talking")
            async with asyncio.timeout(62):
                await asyncio.shield(caller._running)
            talking.cancel()
        assert caller.answers[-1].text == "Goodbye."
        assert not caller.answers[-1].interrupted

    run_virtual(scenario())


def test_without_a_voice_a_call_still_ends() -> None:
    """The call of a silent caller ends even if text-to-speech does not work at all."""

    async def scenario() -> None:
        tts = SteadyTextToSpeech(failures=1000)
        async with Caller(Mind(), tts=tts, settings=CallSettings(idle_prompt_s=5)) as caller:
            async with asyncio.timeout(60):
                await asyncio.shield(caller._running)
        assert caller.states[-1] == "closed"

    run_virtual(scenario())


def test_who_talks_over_the_goodbye_does_not_hold_it_back() -> None:
    """The goodbye goes on without a gap while the caller talks over it."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            caller.session.leave()
            await caller.wait(300)
            await caller.say("but i have another question")
        assert [answer.text for answer in caller.answers] == ["Goodbye."]
        assert not caller.answers[0].interrupted
        heard = [number for number, pcm in enumerate(caller.heard) if pcm]
        assert heard == list(range(heard[0], heard[0] + len(heard)))
        loudest = [max(memoryview(caller.heard[number] or b"").cast("h")) for number in heard[:-1]]
        assert min(loudest) > 0.9 * max(loudest)

    run_virtual(scenario())


@pytest.mark.parametrize("doing", ["listening", "hearing", "speaking"])
def test_leaving_says_goodbye_whatever_goes_on(doing: str) -> None:
    """Asked to leave in any state, the agent says goodbye once, and the call ends."""

    async def scenario() -> None:
        async with Caller(Mind(answers={"talk": "This is a long answer that goes on for a while."})) as caller:
            if doing == "speaking":
                await caller.say("talk")
                await caller.wait(1500)
            elif doing == "hearing":
                await caller.say("i would like to")
            caller.session.leave()
            async with asyncio.timeout(10):
                await asyncio.shield(caller._running)
        assert caller.answers[-1].text == "Goodbye."
        assert caller.tts.said.count("Goodbye.") == 1

    run_virtual(scenario())


def test_silence_asked_for_during_the_goodbye_ends_the_call() -> None:
    """The Stop button during the goodbye ends the call."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            caller.session.leave()
            await caller.wait(200)
            caller.session.receive_text(messages.Interrupt().to_json())
            async with asyncio.timeout(1):
                await asyncio.shield(caller._running)

    run_virtual(scenario())


def test_who_says_goodbye_hears_it_and_the_call_is_over() -> None:
    """When a tool of the agent asks for the end, the call ends after the answer was heard."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            await caller.say("bye")
            async with asyncio.timeout(10):
                await asyncio.shield(caller._running)
        (answer,) = caller.answers
        assert (answer.text, answer.interrupted) == ("Done: it was good to hear from you, goodbye.", False)

    run_virtual(scenario())


def test_who_cuts_in_on_the_agents_goodbye_is_not_hung_up_on() -> None:
    """A caller who interrupts the agent's goodbye is answered, and may ask more."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            await caller.say("bye")
            await caller.wait(1_500)
            await caller.say("wait one more question")
            await caller.until_silent()
            assert caller.answers[-1].text == "You said wait one more question."
            await caller.say("and another")
            await caller.until_silent()
        assert caller.answers[-1].text == "You said and another."

    run_virtual(scenario())


def test_a_noise_over_the_agents_goodbye_does_not_hold_the_call() -> None:
    """After a noise the goodbye is said to its end, and then the call is over."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            await caller.say("bye")
            await caller.wait(1_500)
            await caller.say(COUGH, word_ms=1200)
            async with asyncio.timeout(10):
                await asyncio.shield(caller._running)
        assert caller.answers[0].interrupted
        assert caller.answers[-1].text == "Done: it was good to hear from you, goodbye."

    run_virtual(scenario())


def test_a_noise_before_the_agents_goodbye_does_not_hold_the_call() -> None:
    """If a noise stops the model before its goodbye, the agent says its own goodbye, and the call ends."""

    async def scenario() -> None:
        async with Caller(Mind(first_token_ms=1_500)) as caller:
            await caller.say("bye")
            await caller.wait(2_300)
            await caller.say(COUGH, word_ms=1_800)
            await caller.until_silent()
            assert caller.hung_up
        assert [answer.text for answer in caller.answers if answer.text] == ["Goodbye."]

    run_virtual(scenario())


def test_silence_asked_for_during_the_agents_goodbye_ends_the_call() -> None:
    """The Stop button during the model's goodbye ends the call."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            await caller.say("bye")
            await caller.wait(1_500)
            caller.session.receive_text(messages.Interrupt().to_json())
            async with asyncio.timeout(1):
                await asyncio.shield(caller._running)

    run_virtual(scenario())


def test_an_agent_without_such_lines_says_nothing_to_a_silent_caller() -> None:
    """An agent without these lines does not ask a silent caller, but the call ends all the same."""

    class Taciturn(Mind):
        def agent(self, greeting: str = "") -> VoiceAgent:
            return replace(super().agent(greeting), still_there="", goodbye="", apology="")

    async def scenario() -> None:
        async with Caller(Taciturn(), settings=CallSettings(idle_prompt_s=5)) as caller:
            async with asyncio.timeout(60):
                await asyncio.shield(caller._running)
        assert caller.tts.said == []
        assert caller.of(messages.Error) == []
        assert 14_900 < caller.now_ms < 15_500

    run_virtual(scenario())
