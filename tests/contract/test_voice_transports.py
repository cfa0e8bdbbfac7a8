"""One suite for every way in that carries a voice and no messages, such as a telephone line: call, keep what was said,
interrupt, press keys, drop, resume, move, hang up. Add new ones to WAYS. What is said is read in the record, because a
telephone shows no captions. test_transports.py is the suite for ways with messages.

A way is a context manager. It gives a call of a telephone: `say` (24 kHz PCM), `press`, `hears` and `loud` (frames of
voice), `drop`, `hang_up`, `closed`, and what the telephone system does and does not (tests/telephony/system.py). Used
twice, it is the same call on another connection.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Any

import aiohttp
import pytest

from server.agent.voice_agent import VoiceAgent
from server.call.session import Session
from server.record.conversation import Exchange as Said
from signaling.telephony.audiosocket_port import AudioSocketPort
from tests.exchange import Exchange, exchange
from tests.fakes.mind import Mind
from tests.telephony.media_streams_systems import (
    ExotelSystem,
    PlivoSystem,
    SignalWireSystem,
    TelnyxSystem,
    TwilioSystem,
)
from tests.telephony.system import System, until
from tests.telephony.systems import (
    AsteriskSystem,
    AudioSocketSystem,
    FreeSwitchSystem,
    JambonzSystem,
    PlainAsteriskSystem,
)
from tests.voices import speak

pytestmark = pytest.mark.loopback_time

CHARS_PER_S = 15
STORY = "Once upon a time there was a shop that sold everything but time. " * 8
Way = Callable[[Exchange, aiohttp.ClientSession], AbstractAsyncContextManager[Any]]


@asynccontextmanager
async def dialled(system: System, home: str, http: aiohttp.ClientSession) -> AsyncIterator[System]:
    await system.dial(http, home)
    try:
        yield system
    finally:
        with suppress(ConnectionError):
            await system.hang_up()


def by_line(kind: type[System]) -> Way:
    """The WebSocket of a telephone system."""
    return lambda running, http: dialled(kind(), running.home, http)


@asynccontextmanager
async def by_audiosocket(running: Exchange, http: aiohttp.ClientSession) -> AsyncIterator[System]:
    port = AudioSocketPort(running.lines, "127.0.0.1", 0)
    await port.open()
    async with dialled(AudioSocketSystem(), port.address, http) as system:
        yield system
    port.close()


WAYS: list[Any] = [
    pytest.param(by_line(AsteriskSystem), id="asterisk"),
    pytest.param(by_line(TwilioSystem), id="twilio"),
    pytest.param(by_line(PlivoSystem), id="plivo"),
    pytest.param(by_line(JambonzSystem), id="jambonz"),
    pytest.param(by_line(FreeSwitchSystem), id="freeswitch"),
    pytest.param(by_audiosocket, id="audiosocket"),
]
ALIKE: list[Any] = [
    pytest.param(by_line(PlainAsteriskSystem), id="asterisk in plain text"),
    pytest.param(by_line(SignalWireSystem), id="signalwire"),
    pytest.param(by_line(TelnyxSystem), id="telnyx"),
    pytest.param(by_line(ExotelSystem), id="exotel"),
]
"""Small variants of the ways above. One test is enough for what is different."""


def speech() -> bytes:
    return speak("What time is it?", rate_hz=24_000)


@asynccontextmanager
async def serving(agent: VoiceAgent, **settings: Any) -> AsyncIterator[tuple[Exchange, aiohttp.ClientSession]]:
    async with (
        asyncio.timeout(40),
        exchange(agent, resume_s=30.0, **settings) as running,
        aiohttp.ClientSession() as http,
    ):
        yield running, http


def shop() -> VoiceAgent:
    return Mind(answers={"what time is it": STORY}).agent("Hello, this is the shop.")


def session_of(running: Exchange) -> Session:
    (session,) = running.directory._places.sessions
    return session


def said(running: Exchange, session: Session) -> list[Said]:
    return running.notebook.records[session.id].exchanges


async def ended(running: Exchange) -> None:
    await until(lambda: not len(running.directory))


async def answered(session: Session, reply: int) -> None:
    """Wait until this reply is over."""
    await until(lambda: session.dialogue.delivery.newest_heard >= reply)
    await until(lambda: session.dialogue.delivery.speaking != reply)


@pytest.mark.parametrize("way", WAYS + ALIKE)
async def test_a_caller_is_greeted_heard_and_may_cut_in(way: Way) -> None:
    """The greeting is heard. A question is answered. Who cuts in makes the telephone system drop the rest, and the
    history ends where the caller heard it last. Nothing is sent that the system does not understand, or far ahead."""
    async with serving(shop()) as (running, http), way(running, http) as phone:
        await phone.hears(20)
        session = session_of(running)
        await answered(session, 1)
        phone.say(speech())
        await until(lambda: session.dialogue.delivery.newest_heard == 2)
        before, flushed = phone.loud, phone.flushed
        await phone.hears(80)
        phone.say(speech())
        await answered(session, 2)
        heard_s = (phone.loud - before) * 0.02
        await until(lambda: phone.flushed > flushed or not phone.flushes)
        await until(lambda: len(said(running, session)) > 1)
        question, answer = said(running, session)[1].said
        assert (question.who, question.text, answer.who) == ("caller", "what time is it", "agent")
        assert answer.interrupted
        assert STORY.startswith(answer.text)
        assert len(answer.text) / CHARS_PER_S == pytest.approx(heard_s, abs=0.8)
        assert phone.wrong == []
        assert phone.longest <= 12


@pytest.mark.parametrize("way", WAYS)
async def test_keys_are_typed_words(way: Way) -> None:
    """A key that the caller presses is asked as what was typed."""
    mind = Mind(answers={"5": "You pressed five."})
    async with serving(mind.agent()) as (running, http), way(running, http) as phone:
        await until(lambda: running.directory.live)
        await phone.press("5")
        await phone.hears(20)
        assert "5" in str(mind.seen[-1][-1])


@pytest.mark.parametrize("way", WAYS)
async def test_a_dropped_call_is_resumed(way: Way) -> None:
    """After a connection drops, the same call on another one gets the rest of the answer. A third connection takes the
    call from the second one, which is closed and not hung up: the caller may still be there."""
    story = STORY[:60]
    agent = Mind(answers={"what time is it": story}).agent()
    async with serving(agent, chars_per_s=30) as (running, http):
        async with way(running, http) as phone:
            phone.say(speech())
            await phone.hears(20)
            session = session_of(running)
            await phone.drop()
            await until(lambda: running.directory.detached)
        async with way(running, http) as again:
            await until(lambda: said(running, session))
            (exchange,) = said(running, session)
            assert (exchange.said[-1].text, exchange.said[-1].interrupted) == (story, False)
            assert again.loud * 0.02 == pytest.approx(len(story) / 30 - 0.4, abs=0.5)
            async with way(running, http):
                await again.closed.wait()
                assert not again.told_to_hang_up
                assert session_of(running) is session
                assert running.directory.opened == 1


@pytest.mark.parametrize("way", WAYS)
async def test_a_caller_who_hangs_up_ends_the_call(way: Way) -> None:
    """The conversation does not wait for a caller who has hung up."""
    async with serving(shop()) as (running, http), way(running, http) as phone:
        await phone.hears(10)
        session = session_of(running)
        await phone.hang_up()
        await ended(running)
        assert running.notebook.records[session.id].ended_ms is not None


@pytest.mark.parametrize("way", WAYS)
async def test_an_agent_that_hangs_up_is_heard_to_the_end(way: Way) -> None:
    """The last words are played before the line is hung up."""
    async with serving(shop()) as (running, http), way(running, http) as phone:
        await phone.hears(45)
        session = session_of(running)
        await answered(session, 1)
        heard = phone.loud
        session.leave()
        await phone.closed.wait()
        assert phone.told_to_hang_up or not phone.hangs_up
        assert phone.loud >= heard
        assert not phone.playing
        await ended(running)
