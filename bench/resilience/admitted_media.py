"""A caller that is let in, has the right keys, and attacks the media loop for a while.

    python -m bench.resilience.admitted_media http://127.0.0.1:8080 --attack fragments --seconds 10

It calls by HTTP as any client does, connects, and sends its packets at `--per-s`. If the server ends the call, it calls
again, at most once a second. At the end it prints one line of JSON: how many datagrams it has sent in how many calls,
how many of these the server ended, and how often it refused a call.

fragments: a message on the data channel that never ends, sixty pieces in each packet.
gaps: messages that cannot be delivered, because each before them is missing, sixty in each packet.
reports: acknowledgements that name 22 million packets each.
records: sixty DTLS records in each datagram.
streams: data channels without end, forty or four in each packet.
ssrcs: a new sender (SSRC) with each packet of sound.
alternating: two senders that take turns.
stun: checks with the right password, each from another port.
"""

import argparse
import asyncio
import json
import socket
import struct
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from itertools import count

import aiohttp
from OpenSSL import SSL

from tests.hostile_caller import DCEP, FIRST, LAST, OPEN, HostileCaller, RawChunk
from tests.loopback import keep_to_loopback
from tests.phone import Phone

AGAIN_S = 1.0
"""How long a caller whose call was ended waits before it calls again."""
CONNECT_S = 15.0
"""How long a call may take to connect."""
SACK = 3

Strike = Callable[[HostileCaller, int], Awaitable[None]]
"""Sends the datagram with this number."""


async def send_fragments(caller: HostileCaller, number: int) -> None:
    first = number == 0
    await caller.send(*(caller.data(flags=FIRST if first and piece == 0 else 0) for piece in range(60)))


async def send_gaps(caller: HostileCaller, number: int) -> None:
    await caller.send(*(caller.data(flags=FIRST | LAST, skip=1) for _ in range(60)))


async def send_reports(caller: HostileCaller, number: int) -> None:
    acknowledged = (caller.sctp._last_received_tsn or 0) % 2**32
    lists = struct.pack("!LLHH", acknowledged, 2**20, 340, 0) + struct.pack("!HH", 0, 65_535) * 340
    await caller.send(RawChunk(SACK, lists))


async def send_records(caller: HostileCaller, number: int) -> None:
    await caller.send_records(20, bytes(16))


async def send_channels(caller: HostileCaller, number: int) -> None:
    """Forty are more than the server looks at in one packet; four are not."""
    streams = range(3 + 80 * number, 3 + 80 * number + (80 if number % 2 else 8), 2)
    await caller.send(*(caller.data(OPEN, FIRST | LAST, stream % 65_535, DCEP) for stream in streams))


async def send_new_senders(caller: HostileCaller, number: int) -> None:
    await caller.send_datagram(caller.strange_sound(1_000 + number))


async def send_two_senders(caller: HostileCaller, number: int) -> None:
    await caller.send_datagram(caller.sound(1_000 + number % 2, number // 2))


async def send_checks(caller: HostileCaller, number: int) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as port:
        port.sendto(caller.check(), caller.server)


ATTACKS: dict[str, Strike] = {
    "fragments": send_fragments,
    "gaps": send_gaps,
    "reports": send_reports,
    "records": send_records,
    "streams": send_channels,
    "ssrcs": send_new_senders,
    "alternating": send_two_senders,
    "stun": send_checks,
}


@asynccontextmanager
async def called(url: str, http: aiohttp.ClientSession) -> AsyncIterator[HostileCaller]:
    """A call that stands. Raises OSError, AssertionError or TimeoutError if the server does not take it."""
    phone = Phone(f"{url}/api/offer", http)
    try:
        async with asyncio.timeout(CONNECT_S):
            await phone.dial()
            await phone.opened.wait()
        yield HostileCaller(phone.pc)
    finally:
        with suppress(SSL.Error):  # the attack may have broken its own DTLS
            await phone.hang_up()


async def strike_on(caller: HostileCaller, strike: Strike, per_s: float, counts: Counter[str]) -> None:
    """Attack until the call is ended. Raises ConnectionError then."""
    loop = asyncio.get_running_loop()
    start_s = loop.time()
    for number in count():
        await asyncio.sleep(max(0.0, start_s + number / per_s - loop.time()))
        if caller.over:
            raise ConnectionError("the server has ended the call")
        await strike(caller, number)
        counts["datagrams"] += 1


async def attack(url: str, strike: Strike, seconds: float, per_s: float, token: str) -> Counter[str]:
    """Attack for so many seconds. Returns what was done."""
    counts = Counter[str](calls=0, datagrams=0, ended=0, refused=0)
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds), aiohttp.ClientSession(headers=headers) as http:
            while True:
                before = counts["calls"]
                try:
                    async with called(url, http) as caller:
                        counts["calls"] += 1
                        await strike_on(caller, strike, per_s, counts)
                except (OSError, AssertionError, SSL.Error, aiohttp.ClientError):
                    counts["ended" if counts["calls"] > before else "refused"] += 1
                await asyncio.sleep(AGAIN_S)
    return counts


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.resilience.admitted_media", description="Attack as a caller that was let in."
    )
    parser.add_argument("url", help="where the server is, as http://127.0.0.1:8080")
    parser.add_argument("--attack", choices=sorted(ATTACKS), required=True)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--per-s", type=float, default=90.0, help="datagrams per second")
    parser.add_argument("--token", default="", help="a caller's token, if the server wants one")
    given = parser.parse_args()
    keep_to_loopback()
    counts = asyncio.run(attack(given.url.rstrip("/"), ATTACKS[given.attack], given.seconds, given.per_s, given.token))
    print(json.dumps({"attack": given.attack, "seconds": given.seconds, **counts}), flush=True)


if __name__ == "__main__":
    main()
