"""A client that offers again on the connection that it has: ICE restarts, holds and changes of tracks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import aioice
import pytest
from aiortc import RTCSessionDescription
from aiortc.sdp import SessionDescription

from server.call.caller import Caller
from server.call.options import CallOptions
from server.errors import Conflict, NotFound
from tests.exchange import Exchange, exchange
from tests.fakes.mind import Mind
from tests.offers import audio, data, offer
from tests.phone import Phone, calling
from tests.voices import speak

pytestmark = pytest.mark.loopback_time


async def again(phone: Phone) -> dict[str, Any]:
    """Offer again in the same SDP session, as browsers do and aiortc does not, and take the answer."""
    _, session, version, *_ = _origin(phone.pc.localDescription.sdp)
    await phone.pc.setLocalDescription(await phone.pc.createOffer())
    sdp = phone.pc.localDescription.sdp
    _, own_session, own_version, *_ = _origin(sdp)
    sdp = sdp.replace(f"{own_session} {own_version} IN", f"{session} {int(version) + 100} IN", 1)
    body = {"sdp": sdp, "type": "offer", "pc_id": phone.pc_id}
    async with phone._http.post(phone._url, json=body) as response:
        answer: dict[str, Any] = await response.json()
        assert response.status == 200, answer
    await phone.pc.setRemoteDescription(RTCSessionDescription(answer["sdp"], "answer"))
    return answer


@asynccontextmanager
async def greeted(**settings: Any) -> AsyncIterator[tuple[Exchange, Phone]]:
    """A call after its greeting."""
    async with (
        asyncio.timeout(30),
        exchange(Mind().agent("Hello."), **settings) as running,
        calling(running.url) as phone,
    ):
        await phone.until(type="response", text="Hello.", final=True)
        yield running, phone


async def still_works(phone: Phone, word: str) -> None:
    """Messages go both ways on the same channel."""
    phone.send(type="text", text=word)
    await phone.until(type="response", text=f"You said {word}.", final=True)


def direction(sdp: str) -> str:
    return next(media.direction for media in SessionDescription.parse(sdp).media if media.kind == "audio")


async def test_another_offer_changes_the_call_that_is_there() -> None:
    """The channel, the peer and its certificate live on, and the session of our answers goes on by one."""
    async with greeted() as (running, phone):
        first = phone.pc.remoteDescription.sdp
        answer = await again(phone)
        assert answer["pc_id"] == phone.pc_id
        for line in ("a=fingerprint", "a=ice-ufrag", "a=ssrc"):
            assert [x for x in answer["sdp"].splitlines() if x.startswith(line)] == [
                x for x in first.splitlines() if x.startswith(line)
            ]
        origins = [_origin(sdp) for sdp in (first, answer["sdp"])]
        assert origins[0][1] == origins[1][1]
        assert int(origins[1][2]) == int(origins[0][2]) + 1
        await still_works(phone, "hello")
        assert len(running.calls._calls) == len(running.directory) == 1


async def test_ice_restarts_under_the_same_keys() -> None:
    """A client with new ICE credentials and a new socket gets new ones of ours. DTLS and the channel live on."""
    async with greeted() as (_, phone):
        agent = phone._ice
        before = agent.remote_username
        fresh = aioice.Connection(ice_controlling=True)
        agent._local_username, agent._local_password = fresh.local_username, fresh.local_password
        agent._nominating.clear()
        agent._check_list.clear()
        agent._remote_candidates.clear()
        gathered = await agent.get_component_candidates(component=1, addresses=["127.0.0.1"])
        agent._local_candidates[:] = gathered
        answer = await again(phone)
        media = SessionDescription.parse(answer["sdp"]).media[0]
        assert media.ice.usernameFragment not in (None, before)
        agent.remote_username, agent.remote_password = media.ice.usernameFragment, media.ice.password
        [old] = agent._nominated.values()
        agent._remote_candidates_end = False
        for candidate in media.ice_candidates:
            await agent.add_remote_candidate(aioice.Candidate.from_sdp(_line(candidate)))
        for pair in agent._check_list:
            if pair.protocol is agent._protocols[-1]:
                agent.check_start_task(pair)
        while agent._nominated[1] is old:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        old.protocol.transport.abort()
        await still_works(phone, "again")
        heard = len(phone.loud)
        while len(phone.loud) < heard + 25:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


def _origin(sdp: str) -> list[str]:
    return next(line for line in sdp.splitlines() if line.startswith("o=")).split()


def _line(candidate: Any) -> str:
    return f"{candidate.foundation} 1 udp {candidate.priority} {candidate.ip} {candidate.port} typ {candidate.type}"


@pytest.mark.parametrize(("held", "answered"), [("sendonly", "recvonly"), ("inactive", "inactive")])
async def test_a_call_on_hold_pauses_and_goes_on(held: str, answered: str) -> None:
    """On hold no sound is sent, and the reply stays where it is. It goes on when the caller is back."""
    sentence = "One two three four five six seven eight nine ten eleven twelve."
    async with (
        asyncio.timeout(40),
        exchange(Mind().agent(sentence), vanished_s=2) as running,
        calling(running.url) as phone,
    ):
        while not any(phone.loud):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        [session] = running.directory._places.sessions
        [call] = running.calls._calls.values()
        transceiver = phone.pc.getTransceivers()[0]
        transceiver.direction = held
        assert direction((await again(phone))["sdp"]) == answered
        assert session.hold.on
        await asyncio.sleep(0.2)
        sent, said = call.peer.counters.sent, session.dialogue.delivery.speaking
        await asyncio.sleep(2.5)
        assert call.peer.counters.sent == sent, "RTP is sent to a caller who has put the call on hold"
        assert session.dialogue.delivery.speaking == said
        assert not any(m["type"] == "response" and m["final"] for m in phone.told)
        transceiver.direction = "sendrecv"
        assert direction((await again(phone))["sdp"]) == "sendrecv"
        assert not session.hold.on
        await phone.until(type="response", text=sentence, final=True)
        await still_works(phone, "back")


async def test_a_hold_without_end_ends_the_call() -> None:
    """A call on hold keeps its place only for so long."""
    async with greeted(hold_s=0.3) as (running, phone):
        phone.pc.getTransceivers()[0].direction = "inactive"
        await again(phone)
        while len(running.directory):  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        await phone.until(type="state", state="closed")


async def test_a_caller_who_stops_to_send_is_heard_as_silence() -> None:
    """The agent's sound goes on, and the caller is heard again after it."""
    async with greeted(vanished_s=2) as (running, phone):
        transceiver = phone.pc.getTransceivers()[0]
        transceiver.direction = "recvonly"
        assert direction((await again(phone))["sdp"]) == "sendonly"
        await asyncio.sleep(2.5)
        await still_works(phone, "muted")
        transceiver.direction = "sendrecv"
        await again(phone)
        phone.say(speak("What time is it?", rate_hz=48_000))
        await phone.until(type="transcription", text="what time is it", final=True)
        assert len(running.directory) == 1


async def test_an_older_offer_is_refused() -> None:
    """An offer that was overtaken by a later one changes nothing."""
    async with exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        newer = offer(audio(), data())
        async with http.post(running.url, json={"sdp": newer, "type": "offer"}) as response:
            pc_id = (await response.json())["pc_id"]
        older = {"sdp": newer.replace("o=- 1 2", "o=- 1 1"), "type": "offer", "pc_id": pc_id}
        async with http.post(running.url, json=older) as response:
            assert (response.status, (await response.json())["error"]["code"]) == (409, "conflict")


async def test_reoffer_takes_only_the_connection_that_is_there() -> None:
    """An offer of another connection, or for another call, is refused."""
    async with exchange(Mind().agent()) as running:
        caller = Caller(name="someone")
        [session, first] = await _answered(running, caller)
        again_sdp, pc_id, same = await running.calls.reoffer(first, caller, session)
        assert (pc_id, "m=audio" in again_sdp) == (session, True)
        other = first.replace("AB:AB", "CD:EF")
        with pytest.raises(Conflict):
            await running.calls.reoffer(other, caller, session)
        with pytest.raises(NotFound):
            await running.calls.reoffer(first, caller, "another")
        with pytest.raises(NotFound):
            await running.calls.reoffer(first, Caller(name="somebody else"), session)
        assert same


async def _answered(running: Exchange, caller: Caller) -> tuple[str, str]:
    sdp = offer(audio(), data())
    _, pc_id, _ = await running.calls.answer(sdp, caller, CallOptions())
    return pc_id, sdp
