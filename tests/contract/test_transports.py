"""One suite for every transport: call, interrupt, drop, resume, hang up. Add new transports to WAYS.

What every caller can do is judged by what is heard and by the record. Clients that get our messages are in TOLD, too.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Protocol

import aiohttp
import pytest

from server.agent.demo.front_desk import front_desk
from server.call.inbox import MESSAGES_A_SECOND, MESSAGES_AT_ONCE
from server.record.conversation import Said
from tests.exchange import Exchange, exchange
from tests.fakes.mind import Mind
from tests.phone import Phone
from tests.sip_phone import SipPhone
from tests.socket_phone import SocketPhone
from tests.voices import speak

pytestmark = pytest.mark.loopback_time

STORY = "Once upon a time there was a shop that sold everything but time."
CHARS_PER_S = 30
"""How fast the agent speaks."""


class Caller(Protocol):
    """Whoever calls, by any way."""

    loud: list[bool]
    """For each 20 ms of sound that was heard, whether it has a voice."""

    def say(self, pcm: bytes) -> None:
        """Speak this 48 kHz mono PCM."""

    async def type(self, text: str) -> None: ...

    async def interrupt(self) -> None:
        """Make the agent stop: by a button, or by a key of the telephone."""

    async def drop(self) -> None:
        """Lose the connection without a message."""

    async def end(self) -> None: ...
    async def close(self) -> None: ...


class _Told:
    """What a client does by our messages."""

    async def type(self: Any, text: str) -> None:
        self.send(type="text", text=text)

    async def interrupt(self: Any) -> None:
        self.send(type="interrupt")

    async def end(self: Any) -> None:
        self.send(type="hangup")
        await self.until(type="state", state="closed")
        await self.closed.wait()

    async def close(self: Any) -> None:
        await self.hang_up()


class RtcCaller(_Told, Phone):
    pass


class SocketCaller(_Told, SocketPhone):
    pass


Client = RtcCaller | SocketCaller
"""A caller who gets our messages."""


class SipCaller(SipPhone):
    async def interrupt(self) -> None:
        await self.press("5")

    async def end(self) -> None:
        await self.hang_up()


Dial = Callable[[Exchange, aiohttp.ClientSession, Any], Awaitable[Any]]
"""Begins a call, or takes up the one of the caller that is given, if it is not None."""


async def by_webrtc(running: Exchange, http: aiohttp.ClientSession, before: Client | None = None) -> Client:
    session_id, resume = await pass_of(before)
    phone = RtcCaller(running.url, http)
    await phone.dial(requestData={"session_id": session_id, "resume": resume})
    await phone.opened.wait()
    await phone.until(type="session")
    return phone


async def by_websocket(running: Exchange, http: aiohttp.ClientSession, before: Client | None = None) -> Client:
    session_id, resume = await pass_of(before)
    phone = SocketCaller(running.home, http)
    await phone.dial(session_id or "new", resume=resume)
    await phone.until(type="session")
    return phone


async def by_sip(running: Exchange, http: aiohttp.ClientSession, before: SipCaller | None = None) -> SipCaller:
    """The phone that was dropped is also the one that comes back: to others its dialog is not known."""
    if before is not None:
        await before.come_back()
        return before
    phone = SipCaller(running.home, http)
    await phone.connect()
    assert (await phone.offer()).code == 200
    return phone


async def pass_of(before: Client | None) -> tuple[str, str]:
    """The id of the call, and the token with which it is taken up."""
    if before is None:
        return "", ""
    hello = await before.until(type="session")
    return hello["session_id"], hello["resume"]


TOLD: list[Any] = [pytest.param(by_webrtc, id="webrtc"), pytest.param(by_websocket, id="websocket")]
WAYS: list[Any] = [*TOLD, pytest.param(by_sip, id="sip")]
BACK: list[Any] = [
    *((way.values[0], back.values[0]) for way in TOLD for back in TOLD),
    (by_sip, by_sip),
]
"""By which way a call was held, and by which it may be taken up."""


@asynccontextmanager
async def calling(running: Exchange, dial: Dial, before: Caller | None = None) -> AsyncIterator[Any]:
    """A call over this transport; it is hung up at the end."""
    async with aiohttp.ClientSession() as http:
        phone = await dial(running, http, before)
        try:
            yield phone
        finally:
            await phone.close()


async def voice(phone: Caller, frames: int = 5) -> None:
    """Wait until `frames` frames of the agent's voice were heard."""
    while sum(phone.loud) < frames:  # noqa: ASYNC110
        await asyncio.sleep(0.02)


async def written(running: Exchange, who: str, count: int = 1) -> list[Said]:
    """Wait until so much of one side is in the record of the only call. Returns it."""
    while True:
        records = list(running.notebook.records.values())
        found = [said for each in records for exchange in each.exchanges for said in exchange.said if said.who == who]
        if len(found) >= count:
            return found
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("dial", WAYS)
async def test_a_spoken_question_is_answered_aloud(dial: Dial) -> None:
    """A spoken question gives a spoken answer, and both are in the record.

    Clients get a caption of the question, and one of the answer that grows while it is heard.
    """
    agent = Mind(answers={"what time is it": STORY}).agent()
    async with (
        asyncio.timeout(20),
        exchange(agent, chars_per_s=CHARS_PER_S) as running,
        calling(running, dial) as phone,
    ):
        phone.say(speak("What time is it?", rate_hz=48_000))
        assert [said.text for said in await written(running, "caller")] == ["what time is it"]
        assert [said.text for said in await written(running, "agent")] == [STORY]
        assert sum(phone.loud) * 0.02 == pytest.approx(len(STORY) / CHARS_PER_S, rel=0.1)
        if isinstance(phone, Client):
            await captions_grow(phone)


async def captions_grow(phone: Client) -> None:
    heard = await phone.until(type="transcription", final=True)
    await phone.until(type="response", reply=1, final=True)
    assert heard["text"] == "what time is it"
    captions = [m["text"] for m in phone.told if m["type"] == "response" and not m["final"]]
    assert len(set(captions)) > 5, "the caption grows with what is heard"
    assert all(STORY.startswith(caption) for caption in captions)
    assert [m["state"] for m in phone.told if m["type"] == "state"][:4] == [
        "listening", "hearing", "thinking", "speaking",
    ]  # fmt: skip
    metrics = await phone.until(type="metrics")
    assert metrics["first_packet_ms"] >= metrics["endpoint_ms"]


@pytest.mark.parametrize("dial", WAYS)
async def test_an_interrupted_answer_stops(dial: Dial) -> None:
    """After an interruption the sound stops, and the answer ends with what was heard. Clients are told so."""
    async with asyncio.timeout(20), exchange(Mind(answers={"tell": STORY}).agent()) as running:
        async with calling(running, dial) as phone:
            await phone.type("tell")
            await voice(phone, 60)
            await phone.interrupt()
            (said,) = await written(running, "agent")
            assert said.interrupted
            heard_s = sum(phone.loud) * 0.02
            assert len(said.text) / 15 == pytest.approx(heard_s, abs=0.6)
            await asyncio.sleep(0.4)
            assert sum(phone.loud) * 0.02 < heard_s + 0.2
            if isinstance(phone, Client):
                await phone.until(type="interrupted", reply=1)
                assert (await phone.until(type="response", reply=1, final=True))["interrupted"]


@pytest.mark.parametrize(("dial", "back"), BACK)
async def test_a_dropped_call_is_taken_up_again(dial: Dial, back: Dial) -> None:
    """After a connection drops, another one gets the rest of the answer, and the agent still knows what was said
    before. A client may come back by any of its ways; a SIP phone comes back in its dialog."""
    async with asyncio.timeout(40), exchange(front_desk(), resume_s=30, chars_per_s=60) as running:
        async with calling(running, dial) as phone:
            await written(running, "agent", 1)
            await phone.type("my name is Anna")
            await written(running, "agent", 2)
            before = sum(phone.loud)
            await phone.type("what are your opening hours")
            await voice(phone, before + 5)
            await phone.drop()
            before = sum(phone.loud)
            async with calling(running, back, phone) as again:
                *_, answer = await written(running, "agent", 3)
                assert not answer.interrupted
                assert sum(again.loud) - (before if again is phone else 0) > 5, "the rest of the answer is heard"
                await again.type("what is my name")
                assert "Anna" in (await written(running, "agent", 4))[-1].text
                assert len(running.directory) == 1
                if isinstance(phone, Client):
                    hello, resumed = await phone.until(type="session"), await again.until(type="session")
                    assert resumed["session_id"] == hello["session_id"]
                    assert resumed["resumed"]
                    assert resumed["resume"] != hello["resume"]


@pytest.mark.parametrize("back", TOLD)
@pytest.mark.parametrize("dial", TOLD)
async def test_the_newer_connection_wins(dial: Dial, back: Dial) -> None:
    """When a second connection resumes the call, the first one is told and closed, and the second has the call."""
    async with asyncio.timeout(20), exchange(Mind().agent(), resume_s=30) as running:
        async with calling(running, dial) as phone:
            async with calling(running, back, phone) as newer:
                told = await phone.until(type="error", code="superseded")
                assert told["final"]
                await phone.closed.wait()
                newer.send(type="text", text="hello")
                await newer.until(type="response", text="You said hello.", final=True)
                assert len(running.directory) == 1


@pytest.mark.parametrize("dial", WAYS)
async def test_hanging_up_ends_the_conversation(dial: Dial) -> None:
    """After the client hangs up, the server has no session any more."""
    async with asyncio.timeout(20), exchange(Mind().agent(), resume_s=30) as running:
        async with calling(running, dial) as phone:
            await phone.end()
            while len(running.directory):  # noqa: ASYNC110
                await asyncio.sleep(0.01)


@pytest.mark.parametrize("dial", TOLD)
async def test_an_invalid_message_is_answered_with_an_error(dial: Dial) -> None:
    """After an invalid message the client gets an error, and the call goes on."""
    async with asyncio.timeout(20), exchange(Mind().agent()) as running, calling(running, dial) as phone:
        phone.send(type="dance")
        error = await phone.until(type="error", code="bad_request")
        assert not error["final"]
        phone.send(type="ping", t=3)
        await phone.until(type="pong", t=3.0)


@pytest.mark.parametrize("dial", TOLD)
async def test_messages_in_a_loop_are_limited(dial: Dial) -> None:
    """Of many messages only so many are taken, on every way in. The client is told, and the call goes on."""
    async with asyncio.timeout(30), exchange(Mind().agent()) as running, calling(running, dial) as phone:
        begun_s = asyncio.get_running_loop().time()
        sent = 0
        while not any(message.get("code") == "too_many" for message in phone.told):
            for _ in range(MESSAGES_A_SECOND // 5):  # twice as fast as they are taken, and no faster: a data channel
                phone.send(type="ping", t=1)  # that is flooded has limits of its own
            sent += MESSAGES_A_SECOND // 5
            await asyncio.sleep(0.1)
        assert not (await phone.until(type="error", code="too_many"))["final"]
        while not any(message.get("text", "").startswith("You said hello") for message in phone.told):
            await asyncio.sleep(1)  # until the pings that are still on their way are over
            phone.send(type="text", text="hello")
        most = MESSAGES_AT_ONCE + MESSAGES_A_SECOND * (asyncio.get_running_loop().time() - begun_s)
        taken = sum(message["type"] == "pong" for message in phone.told)
        assert MESSAGES_AT_ONCE <= taken < sent
        assert taken <= most
