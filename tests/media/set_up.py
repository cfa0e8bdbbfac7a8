"""Where clients of a test reach us, and the offers that they post."""

from collections.abc import Iterator

import aiohttp

from server.media.candidates import Contact
from server.media.reach import Reach
from tests.exchange import Exchange


def reach(**changes: object) -> Reach:
    return Reach(**{"addresses": ("127.0.0.1",), "contact": Contact.LOCAL, **changes})  # type: ignore[arg-type]


def candidates(sdp: str) -> Iterator[list[str]]:
    return (line.split() for line in sdp.splitlines() if line.startswith("a=candidate:"))


async def post(running: Exchange, http: aiohttp.ClientSession, sdp: str) -> aiohttp.ClientResponse:
    return await http.post(running.url, json={"sdp": sdp, "type": "offer"})
