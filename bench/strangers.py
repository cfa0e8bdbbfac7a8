"""How many calls a stranger on the network can end, who knows nothing but our port.

    python -m bench.strangers --datagrams 100000

Hostile datagrams of every kind (tests/fuzz/datagrams.py) come from an address that ICE has never seen, at each phase of
a call: before the caller has the answer, while ICE checks, in the DTLS handshake, in the call. They go to where the
socket hands over what it has read, so that the kernel drops none. Plain aiortc gets one empty datagram at each phase by
the same script. JSON goes to standard output, a table to standard error.
"""

import argparse
import asyncio
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench.ends import KINDS, Answerer, Speaker, accept, caller, offer, sockets, speech_packets
from bench.figures import show
from tests.fuzz.datagrams import hostile
from tests.loopback import keep_to_loopback

PHASES = ("before the answer", "ICE", "DTLS", "in the call")
STRANGER = ("127.0.0.1", 9)
CHUNK = 2_000
"""At a time: a phase lasts some steps of the loop only."""
HEARD_FRAMES = 25
DEADLINE_S = 5.0


@dataclass(slots=True)
class Attack:
    """What is left to be sent in one phase."""

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
                except Exception:  # asyncio logs what a protocol raises, and goes on
                    logging.getLogger(__name__).debug("raised", exc_info=True)


class Listened:
    """Frames so far."""

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
    """One call, attacked in that phase: whether it comes about and the caller is heard after it."""
    listened = Listened()
    answerer = KINDS[kind](listened.hear, lambda: None)
    pc = caller(Speaker(packets))
    try:
        async with asyncio.timeout(DEADLINE_S):
            answer = await answerer.answer(await offer(pc))
            if attack.phase == "before the answer":
                attack.strike(answerer)
            accepting = asyncio.ensure_future(accept(pc, answer))
            while answerer.pc.connectionState != "connected":
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
    dtls = answerer.pc.getTransceivers()[0].receiver.transport
    return "DTLS" if dtls.state == "connecting" else "ICE" if dtls.transport.state == "checking" else ""


async def measure(datagrams: int) -> dict[str, dict[str, Any]]:
    packets, found = speech_packets("Good morning."), {}
    for phase in PHASES:
        attack, calls, lost = Attack(phase, hostile(seed=1), datagrams), 0, 0
        while attack.left:
            calls, lost = calls + 1, lost + (not await survives("Antiphon", packets, attack))
        plain = await survives("aiortc", packets, Attack(phase, iter([b""] * 10), 1))
        found[phase] = {"datagrams": datagrams, "calls": calls, "calls_lost": lost, "aiortc_survives_one": plain}
    return found


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.strangers", description="Attack calls from outside.")
    parser.add_argument("--datagrams", type=int, default=100_000, help="at each phase")
    given = parser.parse_args()
    logging.disable(logging.CRITICAL)
    keep_to_loopback()
    found = asyncio.run(measure(given.datagrams))
    rows = [(phase, *(str(value) for value in counts.values())) for phase, counts in found.items()]
    header = ("phase", "datagrams", "calls", "calls lost", "aiortc survives one empty datagram")
    show("Hostile datagrams from a stranger", header, rows)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
