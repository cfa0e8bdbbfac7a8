"""The hooks of an agent run beside the call, in order, and change nothing in it. On virtual time."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from antiphon import CallEnd, CallExchange, CallTool
from server.agent.voice_agent import VoiceAgent
from server.call import messages
from server.call.hooks import MOST_WAITING
from server.call.settings import CallSettings
from server.media.frame import FRAME_MS
from server.record.conversation import Exchange, Said
from tests.fakes.mind import Desk, Mind
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual


@dataclass
class Hooked(Mind):
    """A mind with hooks, which write down what they are told, each after `hook_s`."""

    hook_s: float = 0.0
    hooks: list[Any] = field(default_factory=list)

    def agent(self, greeting: str = "") -> VoiceAgent:
        async def on_start(desk: Desk) -> None:
            assert isinstance(desk, Desk)
            await self.note("start")

        async def on_exchange(desk: Desk, exchange: CallExchange) -> None:
            await self.note(exchange)

        def on_end(desk: Desk, ended: CallEnd) -> None:
            self.hooks.append(ended)  # a normal function runs in a thread

        return replace(super().agent(greeting), on_start=on_start, on_exchange=on_exchange, on_end=on_end)

    async def note(self, told: Any) -> None:
        await asyncio.sleep(self.hook_s)
        self.hooks.append(told)


def typed(caller: Caller, text: str) -> None:
    caller.session.receive_text(messages.Text(text=text).to_json())


def test_hooks_are_told_what_was_said_and_done() -> None:
    """The greeting, an answer with a tool, and how the call has ended, with its figures."""

    async def scenario() -> None:
        mind = Hooked()
        async with Caller(mind, greeting="Hello.") as caller:
            await caller.until_silent()
            typed(caller, "book a table")
            await caller.until_silent()
            caller.session.receive_text(messages.HangUp().to_json())
            await caller.wait(100)
        begun, greeting, booking, ended = mind.hooks
        assert begun == "start"
        assert (greeting.caller, greeting.agent, greeting.tools) == ("", "Hello.", ())
        assert (booking.caller, booking.interrupted) == ("book a table", False)
        assert booking.agent == "One moment. Done: booked a table."
        assert booking.tools == (CallTool("book", '{"what":"a table"}', "booked a table"),)
        assert greeting.start_ms < greeting.end_ms <= booking.start_ms < booking.end_ms
        assert (ended.reason, ended.exchanges, ended.requests) == ("caller", 2, 2)
        assert ended.connected_s == pytest.approx(caller.now_ms / 1000, abs=0.2)
        assert ended.tokens > 0 < ended.speech_s
        assert ended.transcription_s == 0

    run_virtual(scenario())


def test_an_exchange_tells_what_was_heard() -> None:
    """The caller cuts in: the exchange ends at the last word that was heard."""

    async def scenario() -> None:
        mind = Hooked(answers={"story": "Once upon a time there was a king. He had three daughters."})
        async with Caller(mind) as caller:
            await caller.say("story")
            await caller.wait(2_500)
            caller.session.receive_text(messages.Interrupt().to_json())
            await caller.wait(100)
            told = mind.hooks[-1]
            assert told.interrupted
            assert "Once upon" in told.agent
            assert "daughters" not in told.agent

    run_virtual(scenario())


async def hangs_up(caller: Caller) -> None:
    caller.session.receive_text(messages.HangUp().to_json())


async def lets_the_agent_end_it(caller: Caller) -> None:
    typed(caller, "bye")
    await caller.until_silent()


async def says_nothing(caller: Caller) -> None:
    await caller.wait(200_000)


async def is_lost(caller: Caller) -> None:
    await caller.drop(100)
    await caller.wait(61_000)


async def closes_the_line(caller: Caller) -> None:
    caller.session.detach(caller, for_good=True)
    caller.attached = False


@pytest.mark.parametrize(
    ("does", "reason"),
    [
        (hangs_up, "caller"),
        (closes_the_line, "caller"),
        (lets_the_agent_end_it, "agent"),
        (says_nothing, "idle"),
        (is_lost, "lost"),
    ],
)
def test_the_end_has_a_reason(does: Callable[[Caller], Any], reason: str) -> None:
    """It is told once, after everything else, also when the caller does not come back after a drop."""

    async def scenario() -> None:
        mind = Hooked()
        async with Caller(mind, settings=CallSettings(resume_s=60)) as caller:
            await does(caller)
            await caller.wait(500)
            assert caller.session.ended
        assert [told.reason for told in mind.hooks if isinstance(told, CallEnd)] == [reason]
        assert isinstance(mind.hooks[-1], CallEnd)

    run_virtual(scenario())


def test_slow_hooks_hold_nothing_up_and_keep_their_order() -> None:
    """Each takes longer than an exchange: the answers are as quick as ever, and the hooks come one after the other."""

    async def scenario() -> None:
        mind = Hooked(hook_s=5)
        async with Caller(mind) as caller:
            for word in ("one", "two", "three"):
                asked_ms = caller.now_ms
                typed(caller, word)
                await caller.until_silent()
                begun_ms = caller.first_sound_ms(asked_ms)
                assert begun_ms is not None
                assert begun_ms - asked_ms < 200
        assert [told.caller for told in mind.hooks[1:-1]] == ["one", "two", "three"]
        assert isinstance(mind.hooks[-1], CallEnd)

    run_virtual(scenario())


def test_hooks_that_fail_or_hang_change_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """Each failure is a line in the log, without what was said, and the next hook runs."""
    caplog.set_level(logging.INFO)

    class Failing(Hooked):
        async def note(self, told: Any) -> None:
            if told == "start":
                await asyncio.sleep(60)
            raise KeyError(told.caller)

    async def scenario() -> None:
        mind = Failing()
        async with Caller(mind) as caller:
            typed(caller, "secret")
            await caller.until_silent()
            assert caller.answers[-1].text == "You said secret."
            assert not caller.of(messages.Error)
        assert [type(told) for told in mind.hooks] == [CallEnd]

    run_virtual(scenario())
    lines = [line for line in caplog.text.splitlines() if "failed" in line]
    assert ["call call: on_start of Test failed: TimeoutError at functions.py" in lines[0]] == [True]
    assert ["call call: on_exchange of Test failed: KeyError at test_hooks.py" in lines[1]] == [True]
    assert len(lines) == 2
    assert "secret" not in caplog.text


def test_few_hooks_wait(caplog: pytest.LogCaptureFixture) -> None:
    """When the first one hangs, exchanges are left out, and the end is still told."""

    async def scenario() -> None:
        mind = Hooked(hook_s=1)
        async with Caller(mind) as caller:
            said = Said("caller", "so", 0, FRAME_MS)
            for _ in range(MOST_WAITING + 3):
                caller.session.exchanged(Exchange((said,)))
        assert sum(isinstance(told, CallExchange) for told in mind.hooks) == MOST_WAITING
        assert isinstance(mind.hooks[-1], CallEnd)

    run_virtual(scenario())
    assert caplog.text.count("on_exchange of Test failed") == 3
