"""Callers who key in secrets, speak, cough, type and lose the line, in whole calls on virtual time by seed."""

import logging
import random
import re

import pytest

from server.call import messages
from server.media.dtmf import DIGITS
from tests.fakes.bank import PROMPT, Bank
from tests.fakes.engines import COUGH, LetterSpeechToText, SteadyTextToSpeech
from tests.fakes.mind import last_said
from tests.fakes.people import Caller
from tests.seeds import seeds
from tests.virtual_time import run_virtual

PAUSES_MS = (20, 100, 200, 300, 500, 900, 2_000)
SECRET = "73"
"""The keys of a secret. No other number in a test has only these."""


def make(chance: random.Random) -> tuple[Caller, Bank]:
    how = {
        "digits": chance.choice((4, 8)),
        "timeout_s": chance.choice((2, 5)),
        "secret": True,
        "prompt": chance.choice((PROMPT, PROMPT, "")),
    }
    bank = Bank(
        how=how,
        background=(kind := chance.random()) < 0.3,
        stops=kind > 0.7,
        works_s=chance.choice((0.0, 0.5, 3.0)),
        before=chance.choice(("", "One moment.", "I need a word from you before I can tell you anything.")),
    )
    stt = LetterSpeechToText(final_ms=chance.choice((10, 80, 700)), partial_ms=chance.choice((None, 0, 200)))
    return Caller(bank, stt, SteadyTextToSpeech(chance.choice((10, 200))), "Hello there."), bank


async def live(caller: Caller, chance: random.Random) -> tuple[list[str], list[str]]:
    """Returns the words that were said and typed, and the lines of an operator."""
    words: list[str] = []
    lines: list[str] = []
    for number in range(chance.randint(8, 20)):
        doing = chance.random()
        keys = caller.session.control.keys
        if doing < 0.25 and not keys.collecting:
            await caller.say("pin")
        elif keys.collecting and doing < 0.7:
            for _ in range(chance.randint(1, 6)):
                if keys.takes("7"):  # whoever is not asked keys nothing secret in
                    caller.session.digit(chance.choice(SECRET))
                await caller.wait(chance.choice((60, 120, 300)))
        elif doing < 0.75:
            words.append(f"word{number}")
            await caller.say(f"i want {words[-1]} today", chance.choice((300, 400)))
        elif doing < 0.8:
            await caller.say(COUGH, chance.choice((80, 200, 700)))
        elif doing < 0.84:
            while caller.session.dialogue.utterances.present:  # typed words take the place of what is still being said
                await caller.wait(100)
            words.append(f"typed{number}")
            caller.session.receive_text(messages.Text(text=words[-1]).to_json())
        elif doing < 0.88:
            await caller.drop(200)
            await caller.wait(500)
            caller.come_back()
        elif doing < 0.92:
            lines.append(f"This is notice number {number}.")
            caller.session.control.say(lines[-1], chance.choice(("now", "next", "idle")), interruptible=False)  # type: ignore[arg-type]
        await caller.wait(chance.choice(PAUSES_MS))
    return words, lines


@pytest.mark.parametrize("seed", seeds(30))
def test_no_secret_and_no_word_is_lost(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    """Words reach the model, lines are heard, no tool waits for ever, and what was keyed in reaches the tool alone."""
    caplog.set_level(logging.DEBUG, "server")

    async def scenario() -> None:
        chance = random.Random(seed)
        caller, bank = make(chance)
        seen: list[object] = []
        async with caller:
            caller.session._inbox._observe = seen.append
            words, lines = await live(caller, chance)
            for _ in range(100):
                await caller.wait(1_000)
                dialogue = caller.session.dialogue
                if dialogue.idle and not caller.session.control.keys.collecting:
                    break
            await caller.wait(8_000)
            assert not caller.session.control.keys.collecting
            assert not dialogue.lines_wait
            asked = " ".join(last_said(history) for history in bank.seen)
            told = [str(each.message) for each in caller.told]
            history = str(caller.session.dialogue.history.messages)
        noted = str(bank.seen)  # words that are said while a secret is keyed in
        assert [word for word in words if word not in asked and word not in noted] == []
        record = caller.notebook.records["call"]
        heard = [each.text for each in record.said if each.who == "agent" and not each.interrupted]
        assert [line for line in lines if not any(line in text for text in heard)] == []
        assert all(set(got) <= set(SECRET) for got in bank.got)
        for text in [*told, str(record), history, str(seen), caplog.text]:
            for got in bank.got:
                assert len(got) < 3 or not re.search(rf"\b({got}|{' '.join(got)})\b", text)

    assert set(SECRET) <= set(DIGITS)
    run_virtual(scenario())
