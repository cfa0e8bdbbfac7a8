"""WHIP over real HTTP, with real peers behind it."""

import asyncio
from typing import Any

import aiohttp
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription

from tests.exchange import Exchange, exchange
from tests.fakes.mind import Mind
from tests.offers import HOST, audio, offer, video
from tests.phone import Microphone
from tests.voices import speak

SDP = {"Content-Type": "application/sdp"}
FRAGMENT = {"Content-Type": "application/trickle-ice-sdpfrag"}


async def posted(running: Exchange, http: aiohttp.ClientSession, sdp: str) -> aiohttp.ClientResponse:
    return await http.post(f"{running.home}/whip", data=sdp, headers=SDP)


async def test_an_offer_is_answered_with_the_address_of_its_session() -> None:
    """201 with the answer, and what a client needs to go on: the session, its ETag and the ICE servers."""
    async with exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        response = await posted(running, http, offer(audio("0", "a=sendonly")))
        answer = await response.text()
        assert (response.status, response.content_type) == (201, "application/sdp")
        assert "a=recvonly" in answer
        assert response.headers["ETag"].strip('"') in answer
        assert response.headers["Link"].startswith('<turn:turn.example.org>; rel="ice-server"; username="')
        session = running.home + response.headers["Location"]
        assert (await http.delete(session)).status == 200
        assert len(running.directory) == 0
        assert (await http.delete(session)).status == 404


async def test_a_caller_talks_over_whip() -> None:
    """An offer both ways is answered both ways: the caller is heard, and hears the agent."""
    async with asyncio.timeout(30), exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        pc, microphone, loud = RTCPeerConnection(RTCConfiguration(iceServers=[])), Microphone(), asyncio.Event()

        async def listen(track: Any) -> None:
            while not loud.is_set():
                if abs((await track.recv()).to_ndarray()).max() > 2_000:
                    loud.set()

        listening: list[asyncio.Task[None]] = []
        pc.on("track", lambda track: listening.append(asyncio.create_task(listen(track))))
        pc.addTransceiver(microphone, "sendrecv")
        await pc.setLocalDescription(await pc.createOffer())
        response = await posted(running, http, pc.localDescription.sdp)
        await pc.setRemoteDescription(RTCSessionDescription(await response.text(), "answer"))
        microphone.say(bytes(96_000) + speak("What time is it?", rate_hz=48_000))
        await loud.wait()
        assert (await http.delete(running.home + response.headers["Location"])).status == 200
        await pc.close()
        await asyncio.gather(*listening, return_exceptions=True)


async def test_candidates_and_restarts_come_by_patch() -> None:
    """Candidates get 204. A restart gets our new credentials and another ETag, and the old one is out of date."""
    async with exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        response = await posted(running, http, offer(audio()))
        session, tag = running.home + response.headers["Location"], response.headers["ETag"]
        fragment = f"m=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n{HOST}\r\n"
        for match in ({"If-Match": tag}, {"ETag": tag}, {}):
            assert (await http.patch(session, data=fragment, headers=FRAGMENT | match)).status == 204
        fresh = f"a=ice-ufrag:new0\r\na=ice-pwd:{'n' * 22}\r\n"
        restarted = await http.patch(session, data=fresh + fragment, headers=FRAGMENT | {"If-Match": "*"})
        text = await restarted.text()
        assert (restarted.status, restarted.content_type) == (200, "application/trickle-ice-sdpfrag")
        assert restarted.headers["ETag"] != tag
        assert f"a=ice-ufrag:{restarted.headers['ETag'].strip(chr(34))}" in text
        assert "a=candidate:" in text
        assert (await http.patch(session, data=fragment, headers=FRAGMENT | {"If-Match": tag})).status == 412


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status"),
    [
        ("POST", "/whip", offer(audio()), {"Content-Type": "application/json"}, 415),
        ("POST", "/whip", "hello", SDP, 400),
        ("POST", "/whip", offer(video()), SDP, 406),
        ("GET", "/whip", "", {}, 405),
        ("PUT", "/whip/some", "", {}, 405),
        ("PATCH", "/whip/some", "", FRAGMENT, 404),
        ("PATCH", "/whip/some", "", SDP, 415),
        ("DELETE", "/whip/some", "", {}, 404),
        ("POST", "/whip", b"\xff", SDP, 400),
    ],
)
async def test_what_is_wrong_is_said(
    method: str, path: str, body: str | bytes, headers: dict[str, str], status: int
) -> None:
    """Each mistake has its status, and a sentence for people."""
    async with exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        async with http.request(method, running.home + path, data=body, headers=headers) as response:
            assert response.status == status
            assert (await response.json())["error"]["message"]


async def test_a_busy_server_says_when_to_come_again() -> None:
    """503 with Retry-After, as for other calls."""
    async with exchange(Mind().agent(), limit=0) as running, aiohttp.ClientSession() as http:
        response = await posted(running, http, offer(audio()))
        assert response.status == 503
        assert int(response.headers["Retry-After"]) > 0


async def test_the_addresses_say_what_they_take() -> None:
    """OPTIONS tells the methods and the type of the body."""
    async with exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        response = await http.options(f"{running.home}/whip")
        assert (response.status, response.headers["Accept-Post"]) == (200, "application/sdp")
        response = await http.options(f"{running.home}/whip/some")
        assert "PATCH" in response.headers["Access-Control-Allow-Methods"]
