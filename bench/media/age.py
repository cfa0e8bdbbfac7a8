"""How old sound is when the application gets it, and how much of it the application gets, on good and bad networks.

    python -m bench.media.age --seconds 20

The same packets of one caller go to Antiphon's peer and to plain aiortc, in the same process and at the same time, each
over its own copy of the same bad network (tests/media/link.py). JSON goes to standard output, a table to standard
error.
"""

import argparse
import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from bench.common.figures import percent, quantile, show
from bench.media.answerers import KINDS, Answerer, Speaker, accept, caller, offer, sockets, speech_packets
from server.media.guard import Kind, is_rtcp, kind_of
from tests.loopback import keep_to_loopback
from tests.media.link import Impairment, Link

TEXT = "Good morning, what are your opening hours please? I would like to come today, and bring a friend."
ONE_LOSS_S = 3.0
"""When the one packet is lost, in seconds since the first."""
NETWORKS = {
    "clear": Impairment(),
    "one packet lost": Impairment(cuts_ms=((ONE_LOSS_S * 1000, ONE_LOSS_S * 1000 + 20),)),
    "1 % lost": Impairment(loss=0.01),
    "5 % lost": Impairment(loss=0.05),
    "10 % lost": Impairment(loss=0.1),
    "20 % lost": Impairment(loss=0.2),
    "30 ms jitter": Impairment(jitter_ms=30),
    "5 % out of order": Impairment(reorder=0.05),
    "10 % lost, 60 ms jitter, 5 % out of order, 2 % twice": Impairment(
        loss=0.1, jitter_ms=60, reorder=0.05, duplicate=0.02
    ),
}


@dataclass(slots=True)
class ArrivalLog:
    """What one answerer's application has got, and which packets had arrived."""

    now: Callable[[], float]
    heard: list[tuple[float, int]] = field(default_factory=list)
    """For each frame of 20 ms the time in seconds, and the frame's number."""
    arrived: list[int] = field(default_factory=list)
    """The numbers of the packets, in the order of arrival."""
    first: int | None = None
    """The number of the first packet that could be decrypted. There were no keys for the packets before it."""

    def listens(self) -> None:
        if self.first is None:
            self.first = self.arrived[-1]

    def hear(self, number: int) -> None:
        self.heard.append((self.now(), number))


class BadNetwork:
    """Stands between a socket and its protocol object. It impairs only packets with sound, by their RTP headers."""

    def __init__(self, protocol: Any, link: Link, log: ArrivalLog) -> None:
        self._loop = asyncio.get_running_loop()
        self._deliver = protocol.datagram_received
        self._link, self._log = link, log
        self._start_s = 0.0
        self._first_timestamp: int | None = None
        protocol.datagram_received = self.datagram_received

    def datagram_received(self, data: bytes, address: Any) -> None:
        if not data or kind_of(data) is not Kind.SRTP or is_rtcp(data):
            self._deliver(data, address)
            return
        timestamp = int.from_bytes(data[4:8], "big")
        if self._first_timestamp is None:
            self._first_timestamp, self._start_s = timestamp, self._loop.time()
        number = ((timestamp - self._first_timestamp) & 0xFFFFFFFF) // 960
        now_ms = (self._loop.time() - self._start_s) * 1000
        for at_ms in self._link.arrivals_ms(now_ms):
            if at_ms <= now_ms:
                self._arrive(number, data, address)
            else:
                self._loop.call_at(self._start_s + at_ms / 1000, self._arrive, number, data, address)

    def _arrive(self, number: int, data: bytes, address: Any) -> None:
        self._log.arrived.append(number)
        self._deliver(data, address)


async def listen(kind: str, bad: Impairment, packets: list[bytes], seconds: float) -> dict[str, Any]:
    """The figures of one call over one network; `kind` is a key of KINDS."""
    loop = asyncio.get_running_loop()
    log, speaker = ArrivalLog(loop.time), Speaker(packets)
    answerer: Answerer = KINDS[kind](log.hear, log.listens)
    pc = caller(speaker)
    try:
        answer = await answerer.answer(await offer(pc))
        for protocol in sockets(answerer):
            BadNetwork(protocol, Link(bad), log)
        await accept(pc, answer)
        await asyncio.sleep(seconds)
        return figures(log, speaker, answerer)
    finally:
        await pc.close()
        await answerer.close()


def figures(log: ArrivalLog, speaker: Speaker, answerer: Answerer) -> dict[str, Any]:
    """Sum up one call. The age of a frame is the time from the sending of its packet until the application got it."""
    first = log.first
    assert first is not None, "because something was heard"
    # An answerer that put in silence for a late packet, and then played the packet too, is ahead of the packet numbers.
    ahead = max(0, first + log.heard[-1][1] - max(log.arrived))
    aged = [(at_s, (at_s - speaker.sent_s[max(0, first + number - ahead)]) * 1000) for at_s, number in log.heard]
    ages = sorted(age for _, age in aged)
    gaps = sorted((later - earlier) * 1000 for (earlier, _), (later, _) in pairwise(log.heard))
    unique = len({number for number in log.arrived if number >= first})
    end_s = log.heard[-1][0]
    last = sorted(age for at_s, age in aged if at_s > end_s - 2)
    return {
        "age_p50_ms": round(quantile(ages, 0.5), 1),
        "age_p99_ms": round(quantile(ages, 0.99), 1),
        "age_at_the_end_ms": round(quantile(last, 0.5), 1),
        "longest_gap_ms": round(gaps[-1], 1),
        "used_percent": percent(min(answerer.used(len(log.arrived)), unique), unique),
    }


async def measure(seconds: float) -> dict[str, dict[str, Any]]:
    """The figures of both answerers for each network."""
    packets, found = speech_packets(TEXT), {}
    for name, bad in NETWORKS.items():
        both = await asyncio.gather(*(listen(kind, bad, packets, seconds) for kind in KINDS))
        found[name] = dict(zip(KINDS, both, strict=True))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.media.age", description="How old sound is when the application gets it."
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="seconds of speech over each network")
    given = parser.parse_args()
    keep_to_loopback()
    found = asyncio.run(measure(given.seconds))
    rows = [(name, kind, *values.values()) for name, kinds in found.items() for kind, values in kinds.items()]
    header = ("network", "", "age p50", "p99", "at the end", "longest gap", "used %")
    show("Sound at the application, ms", header, rows)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
