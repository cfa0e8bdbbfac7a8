"""How many calls a stranger can end who knows nothing but the port of a call.

    python -m bench.resilience.strangers --datagrams 100000
    python -m bench.resilience.strangers --admitted             # instead: callers who were let in, and attack

Hostile datagrams of every kind (tests/fuzz/datagrams.py) come from an address that ICE has never seen, in each phase of
a call: before the caller has the answer, while ICE checks, in the DTLS handshake, and in the call. They are given
directly to the object that reads the socket, so that the kernel drops none of them. Plain aiortc gets one empty
datagram in each phase, by the same script. JSON goes to standard output, a table to standard error.
"""

import argparse
import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.common.figures import show
from bench.media.answerers import KINDS, Answerer, Speaker, accept, caller, offer, sockets, speech_packets
from bench.resilience import admitted
from tests.fuzz.datagrams import hostile
from tests.loopback import keep_to_loopback

PHASES = ("before the answer", "ICE", "DTLS", "in the call")
STRANGER = ("127.0.0.1", 9)
CHUNK = 2_000
"""How many datagrams are sent at a time. They are many, because a phase lasts only a few steps of the event loop."""
HEARD_FRAMES = 25
"""How many frames must be heard before a call counts as alive: half a second."""
DEADLINE_S = 5.0
"""A call that takes longer than this as a whole is lost."""


@dataclass(slots=True)
class Attack:
    """The datagrams for one phase, and how many of them are left to send."""

    phase: str
    datagrams: Iterator[bytes]
    left: int

    def strike(self, answerer: Answerer) -> None:
        count = min(CHUNK, self.left)
        self.left -= count
        for protocol in sockets(answerer):
            for _ in range(count):
                try:
                    protocol.datagram_received(next(self.datagrams), STRANGER)
                except Exception:  # asyncio would log what a protocol raises, and go on
                    logging.getLogger(__name__).debug("raised", exc_info=True)


class FrameCount:
    """Counts the frames that are heard, and waits for more."""

    def __init__(self) -> None:
        self.frames = 0
        self.more = asyncio.Event()

    def hear(self, number: int) -> None:
        self.frames += 1
        self.more.set()

    async def hears(self, count: int) -> None:
        wanted = self.frames + count
        while self.frames < wanted:
            self.more.clear()
            await self.more.wait()


async def survives(kind: str, packets: list[bytes], attack: Attack) -> bool:
    """Attack one call in one phase. True when the call connects and the caller is heard after the attack."""
    listened = FrameCount()
    answerer = KINDS[kind](listened.hear, lambda: None)
    pc = caller(Speaker(packets))
    try:
        async with asyncio.timeout(DEADLINE_S):
            answer = await answerer.answer(await offer(pc))
            if attack.phase == "before the answer":
                attack.strike(answerer)
            accepting = asyncio.ensure_future(accept(pc, answer))
            while answerer.dtls.state != "connected":
                if phase_of(answerer) == attack.phase:
                    attack.strike(answerer)
                await asyncio.sleep(0)
            await accepting
            await listened.hears(HEARD_FRAMES)
            if attack.phase == "in the call":
                while attack.left:
                    attack.strike(answerer)
                    await listened.hears(1)
            await listened.hears(HEARD_FRAMES)
            return True
    except TimeoutError:
        return False
    finally:
        await pc.close()
        await answerer.close()


def phase_of(answerer: Answerer) -> str:
    """ "ICE" or "DTLS" while the connection is being made, else an empty string."""
    dtls = answerer.dtls
    return "DTLS" if dtls.state == "connecting" else "ICE" if dtls.transport.state == "checking" else ""


async def measure(datagrams: int) -> dict[str, dict[str, Any]]:
    """For each phase: how many calls the datagrams were sent to, and how many of these were lost."""
    packets, found = speech_packets("Good morning."), {}
    for phase in PHASES:
        attack, calls, lost = Attack(phase, hostile(seed=1), datagrams), 0, 0
        while attack.left:
            calls, lost = calls + 1, lost + (not await survives("Antiphon", packets, attack))
        plain = await survives("aiortc", packets, Attack(phase, iter([b""] * 10), 1))
        found[phase] = {"datagrams": datagrams, "calls": calls, "calls_lost": lost, "aiortc_survives_one": plain}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.resilience.strangers", description="Attack calls from outside."
    )
    parser.add_argument("--datagrams", type=int, default=100_000, help="how many in each phase")
    parser.add_argument("--admitted", action="store_true", help="attack as callers who were let in, beside good calls")
    parser.add_argument("--attacks", nargs="*", choices=admitted.ATTACKS, default=list(admitted.ATTACKS))
    parser.add_argument("--seconds", type=float, default=30.0, help="how long each attack lasts")
    parser.add_argument("--rest", type=float, default=60.0, help="seconds after an attack until memory is looked at")
    parser.add_argument("--attackers", type=int, default=admitted.ATTACKERS, help="how many attack at a time")
    given = parser.parse_args()
    if given.admitted:
        admitted.main(given)
        return
    logging.disable(logging.CRITICAL)
    keep_to_loopback()
    found = asyncio.run(measure(given.datagrams))
    rows = [(phase, *(str(value) for value in counts.values())) for phase, counts in found.items()]
    header = ("phase", "datagrams", "calls", "calls lost", "aiortc survives one empty datagram")
    show("Hostile datagrams from a stranger", header, rows)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
