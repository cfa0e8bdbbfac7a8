"""Tools that ask the caller for keys, in whole calls on virtual time."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from pydantic_ai import Agent, RunContext
from pydantic_ai.messages import ModelMessage, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel

from server.agent.call_control import CallControl
from server.agent.notices import TAKES_NOTICES
from server.agent.voice_agent import VoiceAgent
from server.call import messages
from server.call.settings import CallSettings
from server.errors import Conflict, PeerError
from tests.fakes.engines import COUGH
from tests.fakes.mind import Mind, last_said, newest_of
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual

PROMPT = "Please key in the four digits of your PIN."


@dataclass
class Counter:
    call: CallControl | None = None


@dataclass
class Bank(Mind):
    """An agent whose tool asks for keys: "pin" calls it. `got` has what the tool was given."""

    how: dict[str, Any] = field(default_factory=lambda: {"digits": 4, "prompt": PROMPT, "secret": True})
    background: bool = False
    stops: bool = False
    before: str = "One moment."
    got: list[str] = field(default_factory=list)
    works_s: float = 0.0

    def agent(self, greeting: str = "") -> VoiceAgent:
        agent = Agent(
            FunctionModel(stream_function=self._answer, profile=TAKES_NOTICES), deps_type=Counter, tools=[self.ask]
        )
        names = frozenset({"ask"})
        return VoiceAgent(
            agent,
            name="Bank",
            greeting=greeting,
            make_deps=Counter,
            background=names if self.background else frozenset(),
            cancellable=names if self.stops else frozenset(),
        )

    async def ask(self, context: RunContext[Counter]) -> str:
        """Ask for the PIN."""
        assert context.deps.call is not None
        pin = await context.deps.call.collect(**self.how)
        self.got.append(pin)
        await asyncio.sleep(self.works_s)
        return "the PIN is right" if pin == "4271" else "the PIN is wrong"

    async def _answer(self, history: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        self.requests += 1
        self.seen.append(list(history))
        await asyncio.sleep(0.1)
        newest, said = newest_of(history), last_said(history)
        if isinstance(newest, ToolReturnPart):
            yield f"Result: {newest.content}."
        elif said == "pin":
            if self.before:
                yield self.before
            yield {0: DeltaToolCall("ask", "{}", tool_call_id=f"call{self.requests}")}
        elif said.startswith("(Something") or "returned" in said:
            yield f"Result: {_result(history)}."
        else:
            yield f"You said {said}."


def _result(history: Sequence[ModelMessage]) -> str:
    text = str(history)
    return next((each for each in ("the PIN is right", "the PIN is wrong") if each in text), "nothing")


def said(caller: Caller) -> list[str]:
    return [answer.text for answer in caller.answers if answer.text]


async def key_in(caller: Caller, keys: str, each_ms: int = 200) -> None:
    for key in keys:
        caller.session.digit(key)
        await caller.wait(each_ms)


async def ask_for_pin(caller: Caller) -> None:
    """Until the prompt is over."""
    await caller.say("pin")
    for _ in range(200):
        if PROMPT in said(caller):
            return
        await caller.wait(50)
    raise AssertionError(said(caller))


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
