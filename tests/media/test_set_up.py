"""How a call is set up: at what pace, and what is freed if it stops half-way."""

import asyncio
import gc
import os
import threading
from typing import Any

import aiohttp
import pytest

from server.media.candidates import Contact
from server.media.reach import PeerSettings
from tests.exchange import Exchange, exchange
from tests.loopback import SETTINGS
from tests.media.set_up import post
from tests.offers import audio, data, offer
from tests.phone import Phone, calling

pytestmark = pytest.mark.loopback_time


async def until_free(running: Exchange) -> None:
    while len(running.directory):  # noqa: ASYNC110  # real sockets are closing
        await asyncio.sleep(0.01)


def held() -> tuple[int, int, int]:
    """How many tasks, threads, and open files and sockets this process has. Threads of the loop's pool do not count."""
    gc.collect()
    threads = [thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")]
    return len(asyncio.all_tasks()), len(threads), len(os.listdir("/proc/self/fd"))


async def until_held(before: tuple[int, int, int]) -> None:
    """Wait until the process holds as much as before: aiortc's tasks end a moment after they are cancelled."""
    while held() != before:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_an_offer_without_a_client_frees_all(caplog: pytest.LogCaptureFixture) -> None:
    """After twenty answers to clients that never connect, no task and no socket is left."""
    caplog.set_level("INFO", "server.media.peer")
    async with asyncio.timeout(30), exchange(limit=20, ice_s=0.3) as running, aiohttp.ClientSession() as http:
        await (await post(running, http, "v=0")).read()
        before = held()
        for _ in range(20):
            response = await post(running, http, offer(audio(), data()))
            assert response.status == 200
            await response.read()
        await until_free(running)
        await until_held(before)
    assert caplog.text.count("no ICE") == 20


@pytest.mark.parametrize("request_data", [{}, {"session_id": "some", "resume": "guess"}])
async def test_offers_and_moves_and_guesses_come_at_a_pace(request_data: dict[str, str]) -> None:
    """A client that moves its call, or guesses a token, again and again is told to wait. Others are not."""
    settings: dict[str, Any] = {"trusted": ["127.0.0.1"], "ice_s": 60}  # the call waits however slow the machine is
    async with asyncio.timeout(20), exchange(**settings) as running, aiohttp.ClientSession() as http:
        answer = await (await post(running, http, offer(audio(), data()))).json()
        again = {"pc_id": answer["pc_id"]} if not request_data else {"requestData": request_data}
        body = {"sdp": offer(audio(), data()), "type": "offer", **again}
        statuses: list[int] = []
        while 429 not in statuses and len(statuses) < 60:  # a second 429 would come a second later
            statuses.append((await http.post(running.url, json=body)).status)
        assert statuses[-1] == 429
        assert set(statuses) == {429, 404 if request_data else 200}
        elsewhere = {"X-Forwarded-For": "203.0.113.1"}
        first = {"sdp": offer(audio(), data()), "type": "offer"}
        assert (await http.post(running.url, json=first, headers=elsewhere)).status == 200


async def test_an_offer_that_gives_way_frees_its_peer() -> None:
    """On a server full of offers that never connect, each new one takes the place of an old one, whose peer is closed
    at once. So there are never more peers than places for long."""
    settings: dict[str, Any] = {"limit": 8, "trusted": ["127.0.0.1"], "ice_s": 60}  # no deadline frees a peer here
    async with asyncio.timeout(12), exchange(**settings) as running, aiohttp.ClientSession() as http:
        offers = [f"203.0.113.{number}" for number in (1, 1, 1, 1, 2, 2, 2, 2, 3, 4, 5, 6, 7, 8)]
        for address in offers:
            body = {"sdp": offer(audio(), data()), "type": "offer"}
            async with http.post(running.url, json=body, headers={"X-Forwarded-For": address}) as response:
                assert response.status == 200
        while len(running.calls._tasks) > 8:  # noqa: ASYNC110  # real sockets are closing
            await asyncio.sleep(0.01)
        assert len(running.directory) == 8


async def test_a_client_that_stops_half_way_frees_all(caplog: pytest.LogCaptureFixture) -> None:
    """A client that does ICE but no DTLS is dropped at the deadline of that stage."""
    caplog.set_level("INFO", "server.media.peer")
    async with asyncio.timeout(30), exchange(limit=3, dtls_s=0.4) as running, aiohttp.ClientSession() as http:
        await (await post(running, http, "v=0")).read()
        before = held()
        phones = [Phone(running.url, http) for _ in range(3)]
        try:
            for phone in phones:
                phone.skip_dtls()
                await phone.dial()
            await until_free(running)
        finally:
            for phone in phones:
                await phone.hang_up()
        await until_held(before)
    assert caplog.text.count("no DTLS") == 3


async def test_a_client_on_hold_is_kept() -> None:
    """A client whose sound stops after a while, and that sends no message, is kept because it answers STUN checks."""
    async with asyncio.timeout(20), exchange(vanished_s=1.5) as running, calling(running.url) as phone:
        await phone.until(type="state", state="listening")
        phone.microphone.say(bytes(9600))
        await phone.microphone.quiet.wait()
        phone.microphone.hush()
        await asyncio.sleep(3)
        assert len(running.directory) == 1
        phone.vanish()
        await until_free(running)


def test_the_defaults_notice_a_vanished_client_in_seconds() -> None:
    """By default a vanished client is noticed within 4 s, and the set-up takes no longer than clients wait: 15 s."""
    settings = PeerSettings()
    assert settings.vanished_s <= 4
    assert settings.ice_s + settings.dtls_s <= 15
    assert SETTINGS.reach.contact is Contact.LOCAL
