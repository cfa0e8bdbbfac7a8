"""Tools in the background among interruptions, drops and lines, in whole calls on virtual time by seed."""

import random
from collections import Counter

import pytest
from pydantic_ai.messages import ModelMessage, ModelResponse, ToolCallPart, ToolReturnPart

from server.agent.returned import IN_BACKGROUND
from server.call import messages
from tests.calls.test_background_tools import NEWS, Errands, prompts
from tests.fakes.engines import COUGH, LetterSpeechToText, SteadyTextToSpeech
from tests.fakes.people import Caller
from tests.seeds import seeds
from tests.virtual_time import run_virtual

PAUSES_MS = (20, 100, 200, 300, 500, 900, 2_000, 4_000)


def make(chance: random.Random) -> Caller:
    mind = Errands(first_token_ms=chance.choice((20, 100, 900)), tool_s=chance.choice((0.0, 0.3, 2.0, 6.0)))
    stt = LetterSpeechToText(final_ms=chance.choice((10, 80, 700)), partial_ms=chance.choice((None, 0, 200)))
    return Caller(mind, stt, SteadyTextToSpeech(chance.choice((10, 200))), "Hello there.")


async def live(caller: Caller, chance: random.Random) -> None:
    """Speak, type, cough, press a key and drop the line, while tools run in the background and an operator speaks."""
    for number in range(chance.randint(8, 16)):
        doing = chance.random()
        if doing < 0.3:
            caller.session.receive_text(messages.Text(text=f"book thing{number}").to_json())
        elif doing < 0.5:
            await caller.say(f"i want word{number} today", chance.choice((300, 400)))
        elif doing < 0.65:
            await caller.say(COUGH, chance.choice((80, 200, 700)))
        elif doing < 0.75:
            caller.session.receive_text(messages.Text(text=f"typed{number}").to_json())
        elif doing < 0.85:
            await caller.drop(200)
            await caller.wait(chance.choice((500, 3_000)))
            caller.come_back()
        else:
            when = chance.choice(("now", "next", "idle"))
            caller.session.control.say(f"This is notice number {number}.", when)  # type: ignore[arg-type]
        await caller.wait(chance.choice(PAUSES_MS))


def check_tools(history: list[ModelMessage]) -> None:
    """Each call has one result, right after it, and each result one call."""
    open_calls: list[str] = []
    for message in history:
        if isinstance(message, ModelResponse):
            assert not open_calls
            open_calls += [part.tool_call_id for part in message.parts if isinstance(part, ToolCallPart)]
        else:
            for part in message.parts:
                if isinstance(part, ToolReturnPart):
                    open_calls.remove(part.tool_call_id)
            assert not open_calls
    assert not open_calls


@pytest.mark.parametrize("seed", seeds(30))
def test_each_result_is_known_and_told_once(seed: int) -> None:
    """No effect is forgotten, none happens twice, none is told twice, and none is told before it was begun."""

    async def scenario() -> None:
        chance = random.Random(seed)
        hangs_up = chance.random() < 0.2
        caller = make(chance)
        mind = caller.mind
        assert isinstance(mind, Errands)
        async with caller:
            await live(caller, chance)
            if not hangs_up:
                await caller.wait(25_000)
        history = caller.session.dialogue.history.messages
        check_tools(history)
        for seen in mind.seen:
            check_tools(seen)
        assert max(Counter(mind.booked).values(), default=0) <= 1
        begun = [p for m in history for p in m.parts if isinstance(p, ToolReturnPart) and p.content == IN_BACKGROUND]
        told = [each for each in prompts(history) if each.startswith(NEWS)]
        assert sorted(told) == sorted(f"{NEWS}booked {what})" for what in mind.booked)
        assert len(begun) == len(told)
        record = caller.notebook.records["call"]
        assert prompts(record.messages).count(told[0]) == 1 if told else True
        assert not [said for said in record.said if said.who == "caller" and said.text.startswith("(")]
        heard = [said.text for said in record.said if said.who == "agent"]
        for what in mind.booked:
            said = sum(text.count(f"booked {what}.") for text in heard)
            assert said == 1 or (hangs_up and said == 0)

    run_virtual(scenario())
