"""Callers who do anything at any time: whole calls on virtual time by seed, and what is true for all of them."""

import random

import pytest
from pydantic_ai.messages import ModelResponse, TextPart, ToolCallPart, ToolReturnPart, UserPromptPart

from server.call import messages
from server.call.mind.history import CUT
from server.call.settings import CallSettings
from tests.fakes.engines import COUGH, LetterSpeechToText, SteadyTextToSpeech
from tests.fakes.mind import Mind
from tests.fakes.people import Caller
from tests.seeds import seeds
from tests.virtual_time import run_virtual

WORDS = "where is my order please tell me a story yes no right stop wait and what about seven book green".split()
STORY = "Once upon a time there was a shop. It sold books of every kind, and people came from far. So it goes on."


async def live(caller: Caller, chance: random.Random) -> None:
    """Do some dozen things that callers do, with pauses of any length."""
    for _ in range(chance.randint(5, 25)):
        doing = chance.random()
        if doing < 0.6:
            await caller.say(" ".join(chance.choices(WORDS, k=chance.randint(1, 5))), chance.choice((160, 240, 400)))
        elif doing < 0.7:
            await caller.say(COUGH, chance.choice((80, 200, 700)))
        elif doing < 0.8:
            caller.session.receive_text(messages.Text(text="book " + chance.choice(WORDS)).to_json())
        elif doing < 0.85:
            caller.session.receive_text(messages.Interrupt().to_json())
        await caller.wait(chance.choice((20, 100, 200, 300, 500, 900, 2_000, 5_000)))


def make(chance: random.Random) -> Caller:
    mind = Mind(
        first_token_ms=chance.choice((20, 100, 900)),
        token_ms=chance.choice((1, 20)),
        tool_s=chance.choice((0.0, 0.5, 3.0)),
        failures=chance.choice((0, 0, 1, 3)),
    )
    mind.answers = dict.fromkeys(WORDS, STORY)
    stt = LetterSpeechToText(
        final_ms=chance.choice((10, 80, 700)),
        partial_ms=chance.choice((None, 0, 200)),
        failures=chance.choice((0, 0, 1)),
    )
    return Caller(mind, stt, SteadyTextToSpeech(chance.choice((10, 200)), chance.choice((0, 0, 2))), "Hello there.")


@pytest.mark.parametrize("seed", seeds(30))
def test_whatever_people_do(seed: int) -> None:
    """Every answer ends once, the history is what was heard, tools and results pair, and the call comes to rest."""

    async def scenario() -> None:
        chance = random.Random(seed)
        caller = make(chance)
        async with caller:
            await live(caller, chance)
            for _ in range(60):
                if caller.states[-1] == "listening" and not any(caller.heard[-50:]):
                    break
                await caller.wait(500)
            assert caller.states[-1] == "listening", caller.states[-5:]
        check(caller)

    run_virtual(scenario())


def check(caller: Caller) -> None:
    finals = [answer.reply for answer in caller.answers]
    assert len(finals) == len(set(finals))
    assert caller.stt.opened == caller.stt.closed
    history = caller.session.dialogue.history.messages
    parts = [part for message in history for part in message.parts]
    calls = [part.tool_call_id for part in parts if isinstance(part, ToolCallPart)]
    assert calls == [part.tool_call_id for part in parts if isinstance(part, ToolReturnPart)]
    written = [
        part.content.removesuffix(CUT)
        for message in history
        if isinstance(message, ModelResponse)
        for part in message.parts
        if isinstance(part, TextPart)
    ]
    heard = [answer.text for answer in caller.answers if answer.text]
    assert " ".join(written).split() == " ".join(heard).split()


@pytest.mark.parametrize("seed", seeds(20))
def test_no_word_is_lost_or_doubled(seed: int) -> None:
    """Whenever callers pause, cough, type or interrupt, the model gets all their words, once and in order.

    A prompt in brackets is no word of the caller: it says why the agent speaks unasked.
    """

    async def scenario() -> None:
        chance = random.Random(seed)
        mind = Mind(first_token_ms=chance.choice((20, 100, 900, 3_000)))
        stt = LetterSpeechToText(chance.choice((10, 80, 700, 2_500)), chance.choice((None, 0, 200, 900)))
        async with Caller(mind, stt, settings=CallSettings(idle_prompt_s=1_000)) as caller:
            said = [word for number in range(8) for word in await say_or_type(caller, chance, number)]
            for _ in range(10):
                await caller.wait(3_000)
        parts = [part for message in caller.session.dialogue.history.messages for part in message.parts]
        prompts = [str(part.content) for part in parts if isinstance(part, UserPromptPart)]
        assert " ".join(prompt for prompt in prompts if not prompt.startswith("(")).split() == said

    run_virtual(scenario())


async def say_or_type(caller: Caller, chance: random.Random, number: int) -> list[str]:
    """Say or type words that were never said before, or make a noise, and pause; returns the words."""
    words = [f"{number}th{place}" for place in range(3)]
    doing = chance.random()
    if doing < 0.7:
        await caller.say(" ".join(words))
    elif doing < 0.85 and caller.states[-1] in ("listening", "thinking", "speaking"):
        caller.session.receive_text(messages.Text(text=" ".join(words)).to_json())
    else:
        words = []
        await caller.say(COUGH, chance.choice((100, 200, 700, 1_000)))
    await caller.wait(chance.choice((20, 100, 300, 500, 700, 900, 1_200, 2_000, 5_000)))
    return words
