"""Data channels as clients open them, over real connections."""

import asyncio

import aiohttp
import pytest
from aiortc import RTCConfiguration, RTCPeerConnection

from tests.exchange import exchange
from tests.fakes.mind import Mind
from tests.phone import Phone

pytestmark = pytest.mark.loopback_time


@pytest.mark.parametrize("stream_id", [0, 5])
async def test_a_channel_that_nobody_opens_works_from_its_first_message_on(stream_id: int) -> None:
    """A client that takes its channel as agreed (`negotiated`) tells nobody of it. Its first message does."""
    async with asyncio.timeout(20), exchange(Mind().agent()) as running, aiohttp.ClientSession() as http:
        phone = Phone(running.url, http)
        phone.use(RTCPeerConnection(RTCConfiguration(iceServers=[])), negotiated=True, id=stream_id)
        await phone.dial()
        await phone.opened.wait()
        phone.send(type="ping", t=3)
        await phone.until(type="pong", t=3.0)
        await phone.until(type="session")
        phone.send(type="text", text="hello")
        await phone.until(type="response", text="You said hello.", final=True)
        await phone.hang_up()
