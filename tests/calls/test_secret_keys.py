"""Secrets that callers key in for a tool, in whole calls on virtual time: nobody else gets them."""

import logging
import re
from typing import Any

import pytest

from server.call import messages
from tests.fakes.bank import PROMPT, Bank, ask_for_pin, key_in, said
from tests.fakes.engines import COUGH
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual

CHANCE = r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}|datetime\.datetime\([^)]*\)"
"""What may look like the secret by chance: ids and times."""
"""Ids of the model's runs. By chance one of their parts is made of the digits of a secret."""


def test_a_word_in_a_secret_does_not_end_it() -> None:
    """The tool gets all of its keys, and none of them counts as typed words. The model knows what was said."""

    async def scenario() -> None:
        bank = Bank()
        async with Caller(bank) as caller:
            await ask_for_pin(caller)
            await key_in(caller, "42")
            await caller.wait(1_000)  # the sound of a key is not heard meanwhile
            await caller.say("one moment I have to look")
            await caller.wait(2_500)
            await key_in(caller, "71")
            await caller.wait(3_000)
        assert bank.got == ["4271"]
        assert said(caller)[2:] == ["Result: the PIN is right."]
        assert "one moment I have to look" in str(caller.session.dialogue.history.messages)

    run_virtual(scenario())


def test_typed_words_end_a_secret() -> None:
    async def scenario() -> None:
        bank = Bank()
        async with Caller(bank) as caller:
            await ask_for_pin(caller)
            await key_in(caller, "42")
            caller.session.receive_text(messages.Text(text="what is that good for").to_json())
            await caller.until_silent(1_500)
        assert bank.got == ["42"]
        assert said(caller)[2:] == ["You said what is that good for."]

    run_virtual(scenario())


@pytest.mark.parametrize("ends", ["in time", "too many", "too late", "words", "hang-up", "typed", "cancelled"])
def test_a_secret_is_told_to_nobody(ends: str, caplog: pytest.LogCaptureFixture) -> None:
    """It is in no message, record, history or log, whatever happens, and its sound is not recorded."""
    caplog.set_level(logging.DEBUG)
    seen: list[object] = []

    async def scenario() -> None:
        bank = Bank(how={"digits": 8, "timeout_s": 3, "secret": True, "prompt": PROMPT}, works_s=1)
        async with Caller(bank) as caller:
            caller.session._inbox._observe = seen.append
            await ask_for_pin(caller)
            if ends == "typed":
                caller.session.receive_text(messages.Text(text="73737373#").to_json())
            elif ends == "hang-up":
                await key_in(caller, "73737")
                caller.session.end("caller")
                await key_in(caller, "373")
            elif ends == "words":
                await key_in(caller, "7373")
                await caller.say("hello can you hear me")
                await caller.wait(300)
                await key_in(caller, "7373#")
            elif ends == "cancelled":
                await key_in(caller, "7373")
                caller.session.control.keys._over.set()
                caller.session.control.keys._end()
                await key_in(caller, "7373#")
            else:
                await key_in(caller, {"too many": "73737373737373#", "in time": "73737373#", "too late": "73737"}[ends])
            if ends == "too late":
                await caller.wait(3_000)
                await key_in(caller, "373#")
            await caller.wait(12_000)
            told = [str(each.message) for each in caller.told]
            record = caller.notebook.records["call"]
            everything = [*told, str(record), str(bank.seen), str(caller.session.dialogue.history.messages), str(seen)]
            assert bank.got
        for text in [*everything, caplog.text, str(caller.notebook.records)]:
            text = re.sub(CHANCE, "", text)
            assert not re.search(r"(?<![.\w])[37]{3,}\b|\b[37] [37]\b|'[37]'", text)

    run_virtual(scenario())


def test_the_sound_of_secret_keys_is_not_recorded() -> None:
    """From the prompt on, and until the agent speaks again; before and after, it is. So it is for those who listen."""

    class Tape:
        loud: list[bool]

        def __init__(self) -> None:
            self.loud = []
            self.overheard: list[bool] = []
            self._mixed: bytes | None = None

        def play(self, pcm: bytes | None) -> None:
            self._mixed = pcm

        def end(self) -> None: ...

        def heard(self, frame: Any) -> None:
            self.loud.append(any(frame.pcm))

        def spoken(self, pcm: bytes | None) -> None:
            self.overheard.append(self._mixed != pcm)  # there is more in it than the agent

        def skip(self, ms: int) -> None: ...
        def close(self) -> None: ...

        def clear(self) -> None:
            self.loud.clear()
            self.overheard.clear()

        @property
        def caller_heard(self) -> bool:
            assert any(self.loud) == any(self.overheard)
            return any(self.loud)

    async def scenario(secret: bool) -> list[bool]:
        bank = Bank(how={"digits": 4, "secret": secret, "prompt": PROMPT})
        tape = Tape()
        async with Caller(bank) as caller:
            caller.session._soundtrack._recorder = tape
            caller.session.control.listeners.join(tape)
            await caller.say("pin")
            before = tape.caller_heard
            while PROMPT not in said(caller):  # time is virtual
                await caller.wait(20)
            tape.clear()
            caller.session.digit("4")
            await caller.say(COUGH, 200)
            await caller.wait(300)
            await key_in(caller, "271", 100)
            await caller.say(COUGH, 60)  # the end of the last tone
            during = tape.caller_heard
            await caller.wait(6_000)
            tape.clear()
            await caller.say("hello")
            assert bank.got == ["4271"]
            return [before, during, tape.caller_heard]

    assert run_virtual(scenario(secret=True)) == [True, False, True]
    assert run_virtual(scenario(secret=False)) == [True, True, True]


def test_the_sound_of_secret_keys_is_not_heard() -> None:
    """It would go to the server of a hosted speech-to-text. What the caller says between two keys is heard."""

    async def scenario(secret: bool) -> list[bool]:
        bank = Bank(how={"digits": 4, "secret": secret, "prompt": PROMPT})
        async with Caller(bank) as caller:
            await ask_for_pin(caller)
            heard: list[bool] = []
            hear = caller.session.dialogue.hear
            caller.session.dialogue.hear = lambda frame: (heard.append(any(frame.pcm)), hear(frame))[1]  # type: ignore[method-assign]
            loud = []
            for key in "4271":
                caller.session.digit(key)
                await caller.say(COUGH, 300)
                loud.append(any(heard))
                heard.clear()
            await caller.wait(1_000)
            await caller.say("hello")
            assert bank.got == ["4271"]
            return [*loud, any(heard)]

    assert run_virtual(scenario(secret=True)) == [False, False, False, False, True]
    assert run_virtual(scenario(secret=False)) == [True] * 5
