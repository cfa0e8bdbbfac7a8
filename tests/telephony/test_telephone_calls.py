"""Calls by every kind of telephone system, over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

import aiohttp
import pytest

from server.agent.call_info import CallInfo
from server.agent.voice_agent import VoiceAgent
from server.call.session import Session
from signaling.telephony.audiosocket_port import AudioSocketPort
from tests.exchange import Exchange, exchange
from tests.fakes.mind import Desk, Mind
from tests.telephony.system import CALL, DIALLED, NUMBER, System, until
from tests.telephony.systems import ALL, FAMILIES, WEB_SOCKETS, AsteriskSystem, AudioSocketSystem
from tests.voices import speak

CHARS_PER_S = 15
STORY = "Once upon a time there was a shop that sold everything but time. " * 8


def speech() -> bytes:
    return speak("What time is it?", rate_hz=24_000)


def story_teller() -> Mind:
    return Mind(answers={"what time is it": STORY, "5": "You pressed five."})


@asynccontextmanager
async def dialled(
    kind: type[System], agent: VoiceAgent | None = None, resume_s: float = 30.0
) -> AsyncIterator[tuple[System, Exchange, aiohttp.ClientSession, str]]:
    """A call of a telephone system. The last of the four is the address that it has connected to."""
    agent = agent or story_teller().agent("Hello, this is the shop.")
    async with asyncio.timeout(40), exchange(agent, resume_s=resume_s) as running, aiohttp.ClientSession() as http:
        port = AudioSocketPort(running.lines, "127.0.0.1", 0)
        await port.open()
        home = port.address if kind is AudioSocketSystem else running.home
        system = kind()
        await system.dial(http, home)
        try:
            yield system, running, http, home
        finally:
            with suppress(ConnectionError):
                await system.hang_up()
            port.close()


def session_of(running: Exchange) -> Session:
    (session,) = running.directory._places.sessions
    return session


async def ended(running: Exchange) -> None:
    await until(lambda: not len(running.directory))


async def answered(session: Session, reply: int) -> None:
    """Wait until this reply is over."""
    await until(lambda: session.dialogue.delivery.newest_heard >= reply)
    await until(lambda: session.dialogue.delivery.speaking != reply)


@pytest.mark.parametrize("kind", ALL)
async def test_a_caller_is_greeted_heard_and_may_cut_in(kind: type[System]) -> None:
    """The greeting is heard. A question is answered. Who cuts in makes the telephone system drop the rest, and the
    history ends where the caller heard it last. Nothing is sent that the system does not understand, or far ahead."""
    async with dialled(kind) as (system, running, _http, _home):
        await system.hears(20)
        session = session_of(running)
        await answered(session, 1)
        system.say(speech())
        await until(lambda: session.dialogue.delivery.newest_heard == 2)
        before, flushed = system.loud, system.flushed
        await system.hears(80)
        system.say(speech())
        await answered(session, 2)
        heard_s = (system.loud - before) * 0.02
        await until(lambda: system.flushed > flushed or not system.flushes)
        await until(lambda: len(running.notebook.records[session.id].exchanges) > 1)
        said = running.notebook.records[session.id].exchanges[1].said
        assert [each.who for each in said] == ["caller", "agent"]
        assert said[1].interrupted
        assert len(said[1].text) / CHARS_PER_S == pytest.approx(heard_s, abs=0.8)
        assert system.wrong == []
        assert system.longest <= 12


@pytest.mark.parametrize("kind", FAMILIES)
async def test_keys_are_typed_words(kind: type[System]) -> None:
    """A key that the caller presses is asked as what was typed."""
    mind = story_teller()
    async with dialled(kind, mind.agent()) as (system, running, _http, _home):
        await until(lambda: running.directory.live)
        await system.press("5")
        await system.hears(20)
        assert "5" in str(mind.seen[-1][-1])


@pytest.mark.parametrize("kind", FAMILIES)
async def test_a_caller_who_hangs_up_ends_the_call(kind: type[System]) -> None:
    """The conversation does not wait for a caller who has hung up."""
    async with dialled(kind) as (system, running, _http, _home):
        await system.hears(10)
        session = session_of(running)
        await system.hang_up()
        await ended(running)
        assert running.notebook.records[session.id].ended_ms is not None


@pytest.mark.parametrize("kind", FAMILIES)
async def test_an_agent_that_hangs_up_is_heard_to_the_end(kind: type[System]) -> None:
    """The last words are played before the line is hung up."""
    async with dialled(kind) as (system, running, _http, _home):
        await system.hears(45)
        session = session_of(running)
        await answered(session, 1)
        heard = system.loud
        session.leave()
        await system.closed.wait()
        assert system.told_to_hang_up or not system.hangs_up
        assert system.loud >= heard
        assert not system._queue
        await ended(running)


@pytest.mark.parametrize("kind", FAMILIES)
async def test_a_call_that_comes_back_goes_on(kind: type[System]) -> None:
    """A connection that breaks is no hang-up: the same call on another connection has the same conversation."""
    async with dialled(kind) as (system, running, http, home):
        await system.hears(10)
        session = session_of(running)
        await system.drop()
        await until(lambda: running.directory.detached)
        again = kind()
        await again.dial(http, home)
        await again.hears(10)
        assert session_of(running) is session
        assert running.directory.opened == 1
        await again.hang_up()
        await ended(running)


@pytest.mark.parametrize("kind", WEB_SOCKETS)
async def test_the_agent_is_told_who_calls(kind: type[System]) -> None:
    """The agent knows the caller's number, what was dialled, and that it is a telephone."""
    told: list[CallInfo] = []

    def deps(info: CallInfo) -> Desk:
        told.append(info)
        return Desk()

    agent = replace(Mind().agent("Hello."), make_deps=deps)
    async with dialled(kind, agent) as (system, _running, _http, _home):
        await system.hears(5)
        assert (told[0].number, told[0].dialled, told[0].transport) == (NUMBER, DIALLED, "telephone")
        assert CALL not in str(told[0].caller)


async def test_a_call_that_cannot_be_taken_is_hung_up() -> None:
    """On a full server, and when what is told of the call cannot be used."""
    agent = Mind().agent("Hello, this is the shop.")
    async with asyncio.timeout(20), exchange(agent, limit=1) as running, aiohttp.ClientSession() as http:
        live = AsteriskSystem()
        await live.dial(http, running.home)
        await live.hears(3)
        for query, code in (("?call=2", 1013), ("?call=3&patience=none", 1008)):
            system = AsteriskSystem()
            system.ws = await http.ws_connect(f"{running.home}{system.path}{query}")
            await system.begin()
            await system.closed.wait()
            assert (system.told_to_hang_up, system.ws.close_code) == (True, code)
            await system.hang_up()
        await live.hang_up()


async def test_a_call_that_moves_leaves_its_old_connection_alone() -> None:
    """The same call on a second connection takes the conversation over. The first one is closed, not hung up: Asterisk
    may still have the caller there."""
    async with dialled(AsteriskSystem) as (system, running, http, home):
        await system.hears(10)
        other = AsteriskSystem()
        await other.dial(http, home)
        await system.closed.wait()
        assert not system.told_to_hang_up
        assert system.ws.close_code == 4000
        await other.hears(5)
        assert running.directory.opened == 1
        await other.hang_up()
