"""Tools that ask the caller for keys, in whole calls on virtual time."""

import asyncio

import pytest

from server.call import messages
from server.call.settings import CallSettings
from server.errors import Conflict, PeerError
from tests.fakes.bank import PROMPT, Bank, ask_for_pin, key_in, said
from tests.fakes.engines import COUGH
from tests.fakes.mind import Mind
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual


@pytest.mark.parametrize("keys", ["4271", "4271#", "99*4271", "4*4271#"])
@pytest.mark.parametrize("each_ms", [60, 200, 2_500])
def test_a_tool_gets_what_is_keyed_in(keys: str, each_ms: int) -> None:
    """The prompt takes the place of the answer that waits; the model tells what has come of it. Nothing else does."""

    async def scenario() -> None:
        bank = Bank()
        async with Caller(bank) as caller:
            await ask_for_pin(caller)
            await caller.wait(5_000)
            await key_in(caller, keys, each_ms)
            await caller.wait(5_000)
        assert bank.got == ["4271"]
        assert said(caller)[1:] == [PROMPT, "Result: the PIN is right."]
        assert caller.captions == ["pin"]

    run_virtual(scenario())


def test_a_key_cuts_the_prompt_off() -> None:
    """Within two frames, also before it has begun, and the rest of it is not said."""

    async def scenario(wait_ms: int) -> None:
        bank = Bank()
        async with Caller(bank) as caller:
            await caller.say("pin")
            while not bank.requests:  # time is virtual
                await caller.wait(20)
            while not caller.session.control.keys.collecting:
                await caller.wait(20)
            await caller.wait(wait_ms)
            caller.session.digit("4")
            await caller.wait(60)
            assert not caller.heard[-1]
            await key_in(caller, "271")
            await caller.wait(3_000)
        assert bank.got == ["4271"]
        assert PROMPT not in said(caller)
        assert said(caller)[-1] == "Result: the PIN is right."

    for wait_ms in (0, 20, 60, 400, 1_000):
        run_virtual(scenario(wait_ms))


def test_the_answer_goes_on_where_there_is_no_prompt() -> None:
    """The agent asks in its answer. While it waits it does not say that it works on something."""

    async def scenario() -> None:
        bank = Bank(how={"digits": 4}, before="Key it in, please.")
        async with Caller(bank, settings=CallSettings()) as caller:
            await caller.say("pin")
            await caller.wait(7_000)
            await key_in(caller, "4271")
            await caller.until_silent()
        assert bank.got == ["4271"]
        assert said(caller) == ["Key it in, please. Result: the PIN is right."]

    run_virtual(scenario())


def test_a_caller_who_keys_in_nothing() -> None:
    """The tool gets what there is after a pause. It has more time than other tools, and the caller is left in peace."""

    async def scenario(keys: str) -> None:
        bank = Bank(how={"digits": 4, "timeout_s": 30, "prompt": PROMPT})
        async with Caller(bank, settings=CallSettings(idle_prompt_s=12)) as caller:
            await ask_for_pin(caller)
            await caller.wait(2_000)
            await key_in(caller, keys)
            await caller.wait(29_500 if keys else 27_000)
            assert bank.got == []
            await caller.wait(4_000)
        assert bank.got == [keys]
        assert said(caller)[1:] == [PROMPT, "Result: the PIN is wrong."]

    run_virtual(scenario(""))
    run_virtual(scenario("42"))


def test_a_tool_in_the_background_asks_when_nobody_speaks() -> None:
    """Its prompt cuts nothing off."""

    async def scenario() -> None:
        bank = Bank(background=True)
        async with Caller(bank) as caller:
            await caller.say("pin")
            await caller.wait(600)
            await caller.until_silent(1_500)
            await key_in(caller, "4271")
            await caller.wait(6_000)
        assert bank.got == ["4271"]
        assert PROMPT in said(caller)
        assert not any(answer.interrupted for answer in caller.answers)

    run_virtual(scenario())


def test_the_caller_says_something_else() -> None:
    """It is answered, and the tool gets what was keyed in until then. It is not waited for any longer."""

    async def scenario() -> None:
        bank = Bank(how={"digits": 4, "prompt": PROMPT})
        async with Caller(bank) as caller:
            await ask_for_pin(caller)
            await caller.wait(500)
            await key_in(caller, "42")
            await caller.say("what is that good for")
            await caller.until_silent(1_500)
        assert bank.got == ["42"]
        assert said(caller)[2:] == ["You said what is that good for."]
        assert "the PIN is wrong" in str(bank.seen[-1])

    run_virtual(scenario())


@pytest.mark.parametrize("sound", [COUGH, "okay", "mm hm"])
def test_a_cough_and_a_word_that_only_encourages_change_nothing(sound: str) -> None:
    async def scenario() -> None:
        bank = Bank()
        async with Caller(bank) as caller:
            await ask_for_pin(caller)
            await key_in(caller, "42")
            await (caller.say(sound, 400) if sound is COUGH else caller.say(sound))
            await caller.wait(1_500)
            await key_in(caller, "71")
            await caller.wait(3_000)
        assert bank.got == ["4271"]
        assert said(caller)[2:] == ["Result: the PIN is right."]

    run_virtual(scenario())


def test_yes_is_an_answer_where_one_key_is_a_choice() -> None:
    async def scenario() -> None:
        bank = Bank(how={"digits": 1, "prompt": PROMPT})
        async with Caller(bank) as caller:
            await ask_for_pin(caller)
            await caller.wait(500)
            await caller.say("yes")
            await caller.until_silent(1_500)
        assert bank.got == [""]
        assert said(caller)[2:] == ["You said yes."]

    run_virtual(scenario())


def test_a_tool_that_may_be_stopped_is_not_stopped_by_its_own_prompt() -> None:
    async def scenario() -> None:
        bank = Bank(stops=True)
        async with Caller(bank) as caller:
            await ask_for_pin(caller)
            await key_in(caller, "4271")
            await caller.wait(3_000)
        assert bank.got == ["4271"]
        assert said(caller)[-1] == "Result: the PIN is right."

    run_virtual(scenario())


def test_only_one_tool_may_ask() -> None:
    """Another one is refused, and so is one after the end; what cannot be keyed in is refused, too."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            control = caller.session.control
            first = asyncio.create_task(control.collect(4))
            await caller.wait(100)
            with pytest.raises(Conflict, match="already"):
                await control.collect(4)
            first.cancel()
            await caller.wait(20)
            second = asyncio.create_task(control.collect(2))
            await caller.wait(20)
            await key_in(caller, "12")
            assert await second == "12"
            with pytest.raises(PeerError):
                await control.collect(100)
            with pytest.raises(PeerError):
                await control.collect(prompt="much " * 1_000)
            assert not control.keys.collecting
            third = asyncio.create_task(control.collect(4))
            await key_in(caller, "12")
        assert await third == ""
        with pytest.raises(Conflict):
            await control.collect(4)

    run_virtual(scenario())


def test_the_prompt_of_a_tool_that_was_given_up_is_not_said() -> None:
    """Neither its beginning nor its end."""

    async def scenario(wait_ms: int) -> None:
        async with Caller(Mind(), greeting="Hello. This is the bank.") as caller:
            asking = asyncio.create_task(caller.session.control.collect(4, prompt=PROMPT))
            await caller.wait(wait_ms)
            asking.cancel()
            await caller.wait(100)
            assert not caller.session.dialogue.lines_wait
            await caller.wait(5_000)
        assert PROMPT not in said(caller)

    for wait_ms in (100, 2_500):
        run_virtual(scenario(wait_ms))


def test_a_lost_connection() -> None:
    """The prompt is said to its end, and no time passes meanwhile."""

    async def scenario() -> None:
        bank = Bank(how={"digits": 4, "timeout_s": 3, "prompt": PROMPT})
        async with Caller(bank) as caller:
            await caller.say("pin")
            while not caller.session.control.keys.collecting:  # time is virtual
                await caller.wait(20)
            await caller.wait(600)
            await caller.drop(200)
            await caller.wait(8_000)
            caller.come_back()
            await caller.until_silent(1_000)
            assert caller.session.control.keys.collecting
            await key_in(caller, "4271")
            await caller.wait(3_000)
        assert bank.got == ["4271"]
        assert "PIN." in " ".join(said(caller))

    run_virtual(scenario())


def test_a_prompt_does_not_move() -> None:
    """A tool does not go on at another server, so nobody asks for its keys there."""

    async def scenario() -> None:
        async with Caller(Mind(), greeting="Hello. This is the bank.") as caller:
            asking = asyncio.create_task(caller.session.control.collect(4, prompt=PROMPT))
            await caller.wait(3_000)
            caller.session.move()
            assert await asking == ""
            await caller.session.over.wait()
            assert caller.notebook.records["call"].standing.orders.lines == ()
            assert PROMPT not in caller.notebook.records["call"].standing.unsaid

    run_virtual(scenario())


def test_the_button_stops_the_prompt_alone() -> None:
    """The caller still keys in, and hears what has come of it."""

    async def scenario() -> None:
        bank = Bank()
        async with Caller(bank) as caller:
            await caller.say("pin")
            while not caller.session.control.keys.collecting:  # time is virtual
                await caller.wait(20)
            await caller.wait(800)
            caller.session.receive_text(messages.Interrupt().to_json())
            await caller.wait(1_000)
            await key_in(caller, "4271")
            await caller.wait(3_000)
        assert bank.got == ["4271"]
        assert said(caller)[-1] == "Result: the PIN is right."
        assert PROMPT not in said(caller)

    run_virtual(scenario())


def test_clients_without_a_keypad_type() -> None:
    """What is typed as digits is keyed in, whole, and captioned nowhere. Other words are words."""

    async def scenario() -> None:
        bank = Bank(how={"prompt": PROMPT})
        async with Caller(bank) as caller:
            await ask_for_pin(caller)
            caller.session.receive_text(messages.Text(text="42 71").to_json())
            await caller.wait(3_000)
            assert bank.got == ["4271"]
            assert caller.captions == ["pin"]
            await caller.say("pin")
            await caller.wait(1_500)
            caller.session.receive_text(messages.Text(text="why").to_json())
            await caller.wait(3_000)
        assert bank.got == ["4271", ""]
        assert caller.captions == ["pin", "pin", "why"]

    run_virtual(scenario())


def test_keys_before_the_prompt_count() -> None:
    """Whoever has begun to key in a number when the tool asks for it goes on."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            await key_in(caller, "42")
            asking = asyncio.create_task(caller.session.control.collect(4, prompt=PROMPT))
            await caller.wait(20)
            await key_in(caller, "71")
            assert await asking == "4271"
            await caller.wait(5_000)
        assert caller.answers == []

    run_virtual(scenario())


def test_words_before_the_prompt_are_no_answer_to_it() -> None:
    """They are answered, and then the tool asks."""

    async def scenario() -> None:
        bank = Bank(background=True)
        async with Caller(bank) as caller:
            await caller.say("pin")
            while not caller.session.control.keys.collecting:
                await caller.wait(20)
            await caller.say("wait what about the other one")
            await caller.until_silent(2_500)
            assert bank.got == []
            await key_in(caller, "4271")
            await caller.wait(6_000)
        assert bank.got == ["4271"]
        assert "You said wait what about the other one." in said(caller)
        assert PROMPT in said(caller)

    run_virtual(scenario())
