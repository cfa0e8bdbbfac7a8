"""Posts offers that nobody writes to the calls of a server in this process: does any of them do harm?

Every offer is a good one that a few blows have hit (tests/offers.py), the same ones for the same seed. Counted is what
the caller is told; measured, how long the event loop was held up by one of them. A fault is any error that is not ours,
which HTTP would have as 500: the offer is shown, and the exit code is 1.
"""

import argparse
import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

from server.agent.demo.front_desk import front_desk
from server.app import settle_memory
from server.call.line.rtc_calls import RtcCalls
from server.call.options import CallOptions
from server.errors import AntiphonError
from server.media.candidates import Contact
from server.media.offer import read_offer
from server.media.reach import Reach
from tests.exchange import Exchange
from tests.offers import malformed

AT_ONCE = 8


@dataclass
class Findings:
    """`told` by status, 200 for an answer; `slowest_ms` of reading; `stall_ms`: the longest the loop was held up."""

    told: Counter[int] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest_ms: float = 0.0
    stall_ms: float = 0.0

    @property
    def offers(self) -> int:
        return self.told.total() + len(self.faults)


def calls() -> RtcCalls:
    """A server's calls, whose callers never come."""
    reach = Reach(addresses=("127.0.0.1",), contact=Contact.PRIVATE)
    return Exchange(front_desk(), limit=AT_ONCE, reach=reach).calls


async def post(count: int, seed: int) -> Findings:
    """Offer `count` times, one after the other; whoever is answered hangs up at once."""
    found, server = Findings(), calls()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: found.faults.append(repr(context)))
    watch = loop.create_task(_watch(found), name="watch")
    for _, sdp in zip(range(count), malformed(seed), strict=False):
        found.slowest_ms = max(found.slowest_ms, _read_ms(sdp))
        await _offer(server, sdp, found)
        await asyncio.sleep(0)
    watch.cancel()
    await server.close()
    return found


async def _offer(server: RtcCalls, sdp: str, found: Findings) -> None:
    try:
        _, pc_id, _ = await server.answer(sdp, CallOptions())
    except AntiphonError as error:
        found.told[error.status] += 1
    except Exception as error:
        found.faults.append(f"{error!r}\n{sdp!r}")
    else:
        found.told[200] += 1
        await server.hang_up(pc_id)


def _read_ms(sdp: str) -> float:
    """CPU time, so that what else the machine does is not counted."""
    began = time.thread_time()
    try:
        read_offer(sdp, Contact.PRIVATE)
    except AntiphonError:
        pass
    except Exception:
        return 0.0  # is found again as a fault
    return (time.thread_time() - began) * 1000


async def _watch(found: Findings) -> None:
    """The loop should come round every millisecond. Its CPU time is taken, so that other programs' does not count."""
    last = time.thread_time()
    while True:
        await asyncio.sleep(0.001)
        now = time.thread_time()
        found.stall_ms, last = max(found.stall_ms, (now - last) * 1000), now


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.offers", description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    began = time.monotonic()
    settle_memory()
    found = asyncio.run(post(given.count, given.seed))
    print(f"{found.offers} offers in {time.monotonic() - began:.0f} s, seed {given.seed}")
    print("told     " + ", ".join(f"{status}: {number}" for status, number in sorted(found.told.items())))
    print(f"faults   {len(found.faults)}; 5xx {sum(n for status, n in found.told.items() if status >= 500)}")
    print(f"reading  {found.slowest_ms:.1f} ms at most (CPU)")
    print(f"loop     held up {found.stall_ms:.1f} ms at most (CPU)")
    for fault in found.faults[:5]:
        print(fault)
    raise SystemExit(1 if found.faults or any(status >= 500 for status in found.told) else 0)


if __name__ == "__main__":
    main()
