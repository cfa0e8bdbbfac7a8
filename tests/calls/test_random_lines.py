"""Lines of an operator at any time, in whole calls on virtual time by seed: none is lost, and no word of the caller."""

import random

import pytest

from server.call import messages
from tests.fakes.engines import COUGH, LetterSpeechToText, SteadyTextToSpeech
from tests.fakes.mind import Mind, last_said
from tests.fakes.people import Caller
from tests.seeds import seeds
from tests.virtual_time import run_virtual

PAUSES_MS = (20, 100, 200, 300, 500, 900, 2_000)


def make(chance: random.Random) -> Caller:
    mind = Mind(first_token_ms=chance.choice((20, 100, 900)), tool_s=chance.choice((0.0, 0.5, 3.0)))
    stt = LetterSpeechToText(final_ms=chance.choice((10, 80, 700)), partial_ms=chance.choice((None, 0, 200)))
    return Caller(mind, stt, SteadyTextToSpeech(chance.choice((10, 200))), "Hello there.")


async def live(caller: Caller, chance: random.Random) -> tuple[list[str], list[str]]:
    """Speak, type, cough and drop the line, while an operator speaks. Returns the words and the lines."""
    words: list[str] = []
    lines: list[str] = []
    for number in range(chance.randint(8, 20)):
        doing = chance.random()
        if doing < 0.4:
            words.append(f"word{number}")
            await caller.say(f"i want {words[-1]} today", chance.choice((300, 400)))
        elif doing < 0.5:
            await caller.say(COUGH, chance.choice((80, 200, 700)))
        elif doing < 0.55:
            await caller.say("book")
            await caller.say(f"thing{number}")
        elif doing < 0.6:
            await caller.wait(3_000)  # typed words take the place of a sentence that is still being said
            words.append(f"typed{number}")
            caller.session.receive_text(messages.Text(text=words[-1]).to_json())
        elif doing < 0.65:
            await caller.drop(200)
            await caller.wait(500)
            caller.come_back()
        else:
            lines.append(f"This is notice number {number}.")
            when = chance.choice(("now", "now", "next", "idle"))
            caller.session.control.say(lines[-1], when, interruptible=False)  # type: ignore[arg-type]
        await caller.wait(chance.choice(PAUSES_MS))
    return words, lines


@pytest.mark.parametrize("seed", seeds(30))
def test_nothing_is_lost(seed: int) -> None:
    """Each line is heard to its end, and all words of the caller reach the model."""

    async def scenario() -> None:
        chance = random.Random(seed)
        caller = make(chance)
        async with caller:
            words, lines = await live(caller, chance)
            await caller.wait(1_000)
            for _ in range(100):
                if caller.session.dialogue.quiet and not caller.session.dialogue.lines_wait:
                    break
                await caller.wait(1_000)
            await caller.wait(3_000)
            asked = " ".join(last_said(history) for history in caller.mind.seen)
        heard = [each for each in caller.notebook.records["call"].said if "notice" in each.text and each.who == "agent"]
        assert set(lines) <= {each.text for each in heard}
        assert not [each for each in heard if each.interrupted]
        assert [word for word in words if word not in asked] == []

    run_virtual(scenario())
