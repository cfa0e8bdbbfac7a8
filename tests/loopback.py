"""Keeps aiortc's callers in tests and benchmarks on 127.0.0.1, and calls a peer of the server as signaling does."""

import aioice.ice

from server.media.candidates import Contact
from server.media.offer import read_offer
from server.media.peer import Peer
from server.media.reach import PeerSettings, Reach

SETTINGS = PeerSettings(Reach(addresses=("127.0.0.1",), loopback=True, contact=Contact.LOCAL))


def keep_to_loopback() -> None:
    """Let every aiortc caller of this process gather 127.0.0.1 and no other address."""
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"] if use_ipv4 else []


async def answered(peer: Peer, sdp: str) -> str:
    """The peer's answer to an offer."""
    return await peer.answer(read_offer(sdp, SETTINGS.reach.contact))
