"""One long answer among noises and lost connections: whole calls on virtual time, one for each seed."""

import asyncio
import random
from collections.abc import Sequence

import pytest
from pydantic_ai.messages import ModelResponse, TextPart

from server.call import messages
from server.call.mind.history import CUT
from server.call.settings import CallSettings
from tests.fakes.engines import COUGH, LetterSpeechToText, SteadyTextToSpeech
from tests.fakes.mind import Mind
from tests.fakes.people import Caller
from tests.seeds import seeds
from tests.virtual_time import run_virtual

SENTENCES = (
    "Once upon a time there was a shop.",
    "It sold books of every kind, and people came from far.",
    "They stayed for hours and read.",
    "In the evening the shop was closed.",
    "So it goes on.",
)
STORY = " ".join(SENTENCES)


async def cough(caller: Caller, chance: random.Random) -> None:
    await caller.say(COUGH, chance.choice((80, 200, 700, 1_000, 1_500)))


async def drop(caller: Caller, chance: random.Random) -> None:
    await caller.wait(chance.choice((0, 60, 300, 700, 1_000)))
    await caller.drop(noticed_ms=chance.choice((0, 200, 1_500)))
    await caller.wait(chance.choice((10, 1_000, 5_000)))
    caller.come_back()


TROUBLES = ((cough,), (drop,), (cough, drop))


@pytest.mark.parametrize("seed", seeds(30))
def test_a_story_is_told_to_its_end(seed: int) -> None:
    """No word is missing from what was heard, and no sentence that was heard in full is said again."""

    async def scenario() -> None:
        chance = random.Random(seed)
        mind = Mind(first_token_ms=chance.choice((20, 400)), token_ms=1, answers={"story": STORY})
        stt = LetterSpeechToText(chance.choice((10, 80, 700)), chance.choice((None, 0, 200)))
        async with Caller(mind, stt, SteadyTextToSpeech(10), settings=CallSettings(idle_prompt_s=1_000)) as caller:
            caller.session.receive_text(messages.Text(text="story").to_json())
            await caller.wait(chance.choice((0, 20, 600, 1_000, 2_000)))
            for _ in range(chance.randint(1, 5)):
                await asyncio.gather(*(does(caller, chance) for does in chance.choice(TROUBLES)))
                await caller.wait(chance.choice((20, 60, 100, 300, 700, 900, 1_200, 2_000, 5_000)))
            await caller.wait(60_000)
        history = caller.session.dialogue.history.messages
        parts = [part for message in history if isinstance(message, ModelResponse) for part in message.parts]
        assert_told([part.content.removesuffix(CUT).strip() for part in parts if isinstance(part, TextPart)])

    run_virtual(scenario())


def assert_told(parts: Sequence[str]) -> None:
    """Assert that the parts tell the whole story; each may begin again with the sentence that was cut off before."""
    told = 0
    for part in filter(None, parts):
        assert part in STORY
        start = STORY.index(part)
        assert start <= told + 1, f"left out: {STORY[told:start]!r}"
        for sentence in SENTENCES:
            begin = STORY.index(sentence)
            assert not start <= begin < begin + len(sentence) <= min(told, start + len(part)), f"twice: {sentence!r}"
        told = max(told, start + len(part))
    assert told == len(STORY), f"left out: {STORY[told:]!r}"
