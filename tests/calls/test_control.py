"""What an operator and the agent's tools may do in a live call, on virtual time."""

import asyncio
import logging
from contextlib import ExitStack
from dataclasses import dataclass, replace

import pytest

from server.agent.call_control import CallControl, ControlsCall
from server.agent.voice_agent import VoiceAgent
from server.call import messages
from server.call.audience import MAX_READERS, MAX_WAITING
from server.call.control_token import ControlTokens
from server.call.settings import CallSettings
from server.errors import Conflict, NotFound, TooMany
from tests.fakes.mind import Desk, Mind
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual

NOTICE = "This call is recorded."


@dataclass
class Switchboard(Desk):
    call: CallControl | None = None


@dataclass
class Operator(Mind):
    """A mind whose tool `book` uses the control of the call."""

    hangs_up: bool = False
    desk: Switchboard | None = None

    def agent(self, greeting: str = "") -> VoiceAgent:
        def make_deps() -> Switchboard:
            self.desk = Switchboard()
            return self.desk

        return replace(super().agent(greeting), make_deps=make_deps)

    async def book(self, what: str) -> str:
        """Book something."""
        assert self.desk is not None
        assert self.desk.call is not None
        self.desk.call.say(NOTICE)
        if self.hangs_up:
            self.desk.call.hang_up()
        return await super().book(what)


def texts(caller: Caller) -> list[str]:
    return [answer.text for answer in caller.answers if answer.text]


@pytest.mark.parametrize("hangs_up", [False, True])
def test_a_tool_says_a_line_and_hangs_up(hangs_up: bool) -> None:
    """The line comes after the tool's own answer. The call ends after the line, with the agent's goodbye."""

    async def scenario() -> None:
        mind = Operator(hangs_up=hangs_up)
        async with Caller(mind) as caller:
            assert isinstance(mind.desk, ControlsCall)
            await caller.say("book a table")
            await caller.until_silent(2_000)
            assert caller.hung_up is hangs_up
        expected = ["One moment. Done: booked a table.", NOTICE]
        assert texts(caller) == expected + (["Goodbye."] if hangs_up else [])

    run_virtual(scenario())


@pytest.mark.parametrize("admin_token", ["", "the operator's own token"])
def test_the_agent_has_the_control_token_and_the_client_does_not(admin_token: str) -> None:
    """It is "" on a server without an admin token. No message tells it, and the record has it neither."""

    async def scenario() -> None:
        mind = Operator()
        async with Caller(mind, admin_token=admin_token) as caller:
            assert mind.desk is not None
            assert mind.desk.call is not None
            token = mind.desk.call.control_token
            assert token == ControlTokens(admin_token).of("call")
            await caller.say("book a table")
            await caller.until_silent(2_000)
            with caller.session.control.listen() as reader:
                shown = [await reader.next(0), caller.session.control.about]
        assert bool(token) is bool(admin_token)
        assert not token or token not in str([caller.told, shown, caller.notebook.records])

    run_virtual(scenario())


def test_an_attribute_that_is_not_for_the_server_is_left_alone() -> None:
    """Dependencies may have a `call` of their own."""

    async def scenario() -> None:
        class Own(Mind):
            def agent(self, greeting: str = "") -> VoiceAgent:
                return replace(super().agent(greeting), make_deps=lambda: own)

        own = Switchboard(call="a telephone")  # type: ignore[arg-type]
        async with Caller(Own()) as caller:
            await caller.wait(100)
        assert own.call == "a telephone"

    run_virtual(scenario())


def test_lines_that_wait_are_heard_before_a_tool_ends_the_call() -> None:
    """An answer whose tool hangs up is followed by the lines, and by the agent's goodbye."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            await caller.say("bye")
            await caller.wait(1_000)
            caller.session.control.say(NOTICE, "next", interruptible=False)
            async with asyncio.timeout(20):
                await asyncio.shield(caller._running)
        assert texts(caller) == ["Done: it was good to hear from you, goodbye.", NOTICE, "Goodbye."]

    run_virtual(scenario())


@pytest.mark.parametrize("at_once", [False, True])
def test_hanging_up(at_once: bool) -> None:
    """At once the goodbye takes the place of what is said. Otherwise all lines come first."""

    async def scenario() -> None:
        async with Caller(Mind(answers={"hello": "A long answer that goes on for a while."})) as caller:
            await caller.say("hello")
            await caller.wait(1_500)
            caller.session.control.say(NOTICE, "next")
            caller.session.control.hang_up(at_once)
            caller.session.control.hang_up(at_once)
            async with asyncio.timeout(20):
                await asyncio.shield(caller._running)
        assert caller.answers[0].interrupted is at_once
        assert texts(caller)[1:] == (["Goodbye."] if at_once else [NOTICE, "Goodbye."])
        assert caller.notebook.records["call"].ended_ms is not None

    run_virtual(scenario())


def test_a_call_that_waits_for_a_connection_is_hung_up_at_once() -> None:
    """There is nobody to say goodbye to."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            await caller.wait(200)
            await caller.drop(100)
            assert caller.session.control.about.transport is None
            caller.session.control.hang_up(at_once=True)
            await asyncio.wait_for(caller.session.over.wait(), 1)

    run_virtual(scenario())


def test_an_instruction_is_silent() -> None:
    """The model has it with each request from then on. The caller and the client learn nothing."""

    async def scenario() -> None:
        mind = Mind()
        async with Caller(mind) as caller:
            await caller.say("hello")
            await caller.until_silent()
            before = len(caller.told)
            caller.session.control.instruct("Offer a discount.")
            caller.session.control.instruct("Be brief.")
            await caller.wait(500)
            assert len(caller.told) == before
            for words in ("how much", "thank you"):
                await caller.say(words)
                await caller.until_silent()
        first, *rest = mind.told
        assert "discount" not in first
        assert rest
        assert all(each.endswith("Offer a discount.\nBe brief.") for each in rest)
        assert "discount" not in str([told.message for told in caller.told])

    run_virtual(scenario())


def test_a_call_has_room_for_so_many_instructions() -> None:
    """What finds no room is refused, and none of the others is forgotten."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            for number in range(16):
                caller.session.control.instruct(f"Rule {number}.")
            with pytest.raises(Conflict):
                caller.session.control.instruct("One more.")

    run_virtual(scenario())


def test_a_muted_caller_is_not_heard() -> None:
    """What is said meanwhile gets no answer, and the caller does not count as silent. Typed words are answered."""

    async def scenario() -> None:
        async with Caller(Mind(), settings=CallSettings(idle_prompt_s=3)) as caller:
            caller.session.control.mute(True)
            await caller.say("my card is four two")
            await caller.wait(10_000)
            assert (caller.captions, texts(caller)) == ([], [])
            caller.session.receive_text(messages.Text(text="hello").to_json())
            await caller.until_silent()
            caller.session.control.mute(False)
            await caller.say("are you there")
            await caller.until_silent()
        assert texts(caller) == ["You said hello.", "You said are you there."]

    run_virtual(scenario())


def test_what_an_operator_sees_of_a_call() -> None:
    """Its id, its agent, since when, its state, what carries it, and whether it is muted."""

    async def scenario() -> None:
        async with Caller(Mind(answers={"hello": "A long answer."})) as caller:
            about = caller.session.control.about
            assert (about.id, about.agent, about.caller, about.muted) == ("call", "Test", "", False)
            assert about.since_ms == caller.notebook.wall_ms()
            assert (about.state, about.transport) == ("listening", "webrtc")
            caller.session.control.mute(True)
            caller.session.control.say(NOTICE)
            await caller.wait(500)
            assert (caller.session.control.about.state, caller.session.control.about.muted) == ("speaking", True)

    run_virtual(scenario())


def test_an_operator_sees_how_long_the_caller_waited_for_the_last_answer() -> None:
    """As the server measured it, because this client does not report what it heard."""

    async def scenario() -> None:
        async with Caller(Mind(answers={"hello": "An answer."})) as caller:
            assert caller.session.control.about.waited_ms is None
            await caller.say("hello")
            await caller.until_silent()
            waited_ms = caller.session.control.about.waited_ms
            assert waited_ms is not None
            assert 100 < waited_ms < 1_500

    run_virtual(scenario())


def test_a_call_is_followed_to_its_end() -> None:
    """A reader is shown what the client is told, from the present state on, but not the secret of the call."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            with caller.session.control.listen() as reader:
                await caller.say("hello")
                await caller.until_silent()
                caller.session.receive_text(messages.Ping().to_json())
                caller.session.end()
                await caller.session.over.wait()
                shown = []
                while not reader.over:
                    shown.append(await reader.next(1))
            with pytest.raises(NotFound), caller.session.control.listen():
                pass
        told = [told.message for told in caller.told]
        assert shown[0] == messages.State(state="listening")
        assert shown[-1] == messages.State(state="closed")
        kinds = messages.State | messages.Transcription | messages.Response | messages.Interrupted
        assert shown[1:] == [message for message in told if isinstance(message, kinds)][-len(shown) + 1 :]
        assert not any(isinstance(message, messages.Hello | messages.Pong) for message in shown)

    run_virtual(scenario())


def test_a_slow_reader_does_not_hold_the_call_up() -> None:
    """It gets nothing more, and the others get all. There is room for a few readers."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            audience = caller.session.control.audience
            with ExitStack() as stack:
                slow, *others = [stack.enter_context(caller.session.control.listen()) for _ in range(MAX_READERS)]
                with pytest.raises(TooMany), caller.session.control.listen():
                    pass
                for number in range(MAX_WAITING):
                    audience.tell(messages.Interrupted(reply=number))
                    for reader in others:
                        while (message := await reader.next(0)) is not None:
                            last = message
                assert (slow.over, slow.too_slow) == (True, True)
                assert await slow.next(1) is None
                assert last == messages.Interrupted(reply=MAX_WAITING - 1)
                assert not any(reader.over for reader in others)
            with caller.session.control.listen():
                pass

    run_virtual(scenario())


def test_the_log_has_no_words_of_the_operator(caplog: pytest.LogCaptureFixture) -> None:
    """It says what was done, and in which call."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            caller.session.control.say("Your secret discount is ready.", "now")
            caller.session.control.instruct("Keep it secret.")
            caller.session.control.mute(True)
            caller.session.control.hang_up()
            await caller.wait(3_000)

    with caplog.at_level(logging.DEBUG):
        run_virtual(scenario())
    assert "secret" not in caplog.text
    assert "call call: a line waits to be said (now)" in caplog.text
    assert "call call: the caller is muted" in caplog.text
