"""One suite for every transport: call, caption, interrupt, drop, resume, hang up. Add new transports to WAYS."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

from server.agent.demo.front_desk import front_desk
from server.call.inbox import MESSAGES_A_SECOND, MESSAGES_AT_ONCE
from tests.exchange import Exchange, exchange
from tests.fakes.mind import Mind
from tests.phone import Phone
from tests.socket_phone import SocketPhone
from tests.voices import speak

STORY = "Once upon a time there was a shop that sold everything but time."
Caller = Phone | SocketPhone


async def by_webrtc(running: Exchange, http: aiohttp.ClientSession, session_id: str = "", resume: str = "") -> Caller:
    phone = Phone(running.url, http)
    await phone.dial(requestData={"session_id": session_id, "resume": resume})
    await phone.opened.wait()
    return phone


async def by_websocket(
    running: Exchange, http: aiohttp.ClientSession, session_id: str = "new", resume: str = ""
) -> Caller:
    phone = SocketPhone(running.home, http)
    await phone.dial(session_id, resume=resume)
    return phone


WAYS: list[Any] = [pytest.param(by_webrtc, id="webrtc"), pytest.param(by_websocket, id="websocket")]


@asynccontextmanager
async def calling(running: Exchange, dial: Any, *resume: str) -> AsyncIterator[Any]:
    """A call over this transport; it is hung up at the end."""
    async with aiohttp.ClientSession() as http:
        phone = await dial(running, http, *resume)
        try:
            await phone.until(type="session")
            yield phone
        finally:
            await phone.hang_up()


async def voice(phone: Caller, frames: int = 5) -> None:
    """Wait until `frames` frames of the agent's voice were heard."""
    while sum(phone.loud) < frames:  # noqa: ASYNC110
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("dial", WAYS)
async def test_a_spoken_question_is_answered_aloud_and_captioned(dial: Any) -> None:
    """A spoken question gives a caption, and a spoken answer whose caption grows while it is heard."""
    async with asyncio.timeout(20), exchange(Mind(answers={"what time is it": STORY}).agent()) as running:
        async with calling(running, dial) as phone:
            phone.say(speak("What time is it?", rate_hz=48_000))
            heard = await phone.until(type="transcription", final=True)
            await phone.until(type="response", reply=1, final=True)
            assert heard["text"] == "what time is it"
            captions = [m["text"] for m in phone.told if m["type"] == "response" and not m["final"]]
            assert len(set(captions)) > 5, "the caption grows with what is heard"
            assert all(STORY.startswith(caption) for caption in captions)
            assert [m["state"] for m in phone.told if m["type"] == "state"][:4] == [
                "listening", "hearing", "thinking", "speaking",
            ]  # fmt: skip
            assert sum(phone.loud) * 0.02 == pytest.approx(len(STORY) / 15, rel=0.1)
            metrics = await phone.until(type="metrics")
            assert metrics["first_packet_ms"] >= metrics["endpoint_ms"]


@pytest.mark.parametrize("dial", WAYS)
async def test_an_interrupted_answer_stops(dial: Any) -> None:
    """After an interruption the sound stops, the client is told so, and the answer ends with what was heard."""
    async with asyncio.timeout(20), exchange(Mind(answers={"tell": STORY}).agent()) as running:
        async with calling(running, dial) as phone:
            phone.send(type="text", text="tell")
            await voice(phone, 60)
            phone.send(type="interrupt")
            await phone.until(type="interrupted", reply=1)
            final = await phone.until(type="response", reply=1, final=True)
            assert final["interrupted"]
            heard_s = sum(phone.loud) * 0.02
            assert len(final["text"]) / 15 == pytest.approx(heard_s, abs=0.6)
            await asyncio.sleep(0.4)
            assert sum(phone.loud) * 0.02 < heard_s + 0.2


@pytest.mark.parametrize("back", WAYS)
@pytest.mark.parametrize("dial", WAYS)
async def test_a_dropped_call_is_resumed_by_any_way(dial: Any, back: Any) -> None:
    """After a connection drops, another one, of any transport, gets the rest of the answer, and the agent still knows
    what was said before."""
    async with asyncio.timeout(40), exchange(front_desk(), resume_s=30, chars_per_s=60) as running:
        async with calling(running, dial) as phone:
            hello = await phone.until(type="session")
            await phone.until(type="response", reply=1, final=True)
            phone.send(type="text", text="my name is Anna")
            await phone.until(type="response", reply=2, final=True)
            phone.send(type="text", text="what are your opening hours")
            await phone.until(type="state", state="speaking")
            await phone.until(type="response", reply=3, final=False)
            await phone.drop()
        async with calling(running, back, hello["session_id"], hello["resume"]) as again:
            resumed = await again.until(type="session")
            assert resumed["session_id"] == hello["session_id"]
            assert resumed["resumed"]
            assert resumed["resume"] != hello["resume"]
            answer = await again.until(type="response", reply=3, final=True)
            assert not answer["interrupted"]
            assert sum(again.loud) > 5, "the rest of the answer is heard"
            again.send(type="text", text="what is my name")
            assert "Anna" in (await again.until(type="response", reply=4, final=True))["text"]


@pytest.mark.parametrize("back", WAYS)
@pytest.mark.parametrize("dial", WAYS)
async def test_the_newer_connection_wins(dial: Any, back: Any) -> None:
    """When a second connection resumes the call, the first one is told and closed, and the second has the call."""
    async with asyncio.timeout(20), exchange(Mind().agent(), resume_s=30) as running:
        async with calling(running, dial) as phone:
            hello = await phone.until(type="session")
            async with calling(running, back, hello["session_id"], hello["resume"]) as newer:
                told = await phone.until(type="error", code="superseded")
                assert told["final"]
                await phone.closed.wait()
                newer.send(type="text", text="hello")
                await newer.until(type="response", text="You said hello.", final=True)
                assert len(running.directory) == 1


@pytest.mark.parametrize("dial", WAYS)
async def test_hanging_up_ends_the_conversation(dial: Any) -> None:
    """After the client hangs up, the server has no session any more."""
    async with asyncio.timeout(20), exchange(Mind().agent(), resume_s=30) as running:
        async with calling(running, dial) as phone:
            phone.send(type="hangup")
            await phone.until(type="state", state="closed")
            await phone.closed.wait()
        assert len(running.directory) == 0


@pytest.mark.parametrize("dial", WAYS)
async def test_an_invalid_message_is_answered_with_an_error(dial: Any) -> None:
    """After an invalid message the client gets an error, and the call goes on."""
    async with asyncio.timeout(20), exchange(Mind().agent()) as running, calling(running, dial) as phone:
        phone.send(type="dance")
        error = await phone.until(type="error", code="bad_request")
        assert not error["final"]
        phone.send(type="ping", t=3)
        await phone.until(type="pong", t=3.0)


@pytest.mark.parametrize("dial", WAYS)
async def test_messages_in_a_loop_are_limited(dial: Any) -> None:
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
