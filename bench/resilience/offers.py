"""Posts malformed offers to the calls of a server in this process: does any of them do harm?

    python -m bench.resilience.offers --count 200000

Every offer is a good one with a few random changes (tests/offers.py). The same seed makes the same offers. The bench
counts how each offer is answered or refused, and measures how long it held up the event loop. A fault is an error that
is not an AntiphonError, which HTTP would answer with 500. Offers that cause a fault are shown, and the exit code is 1.
"""

import argparse
import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field

from server.agent.demo.front_desk import front_desk
from server.app import settle_memory
from server.call.caller import Caller
from server.call.line.rtc_calls import RtcCalls
from server.call.options import CallOptions
from server.errors import AntiphonError
from server.media.candidates import Contact
from server.media.offer import read_offer
from server.media.reach import Reach
from tests.exchange import Exchange
from tests.offers import malformed

AT_ONCE = 8
"""The server's limit of calls."""


@dataclass
class Findings:
    """What became of the offers."""

    told: Counter[int] = field(default_factory=Counter)
    """How many offers got each HTTP status; 200 is an answer."""
    faults: list[str] = field(default_factory=list)
    """Each error that is not an AntiphonError, with the offer that caused it."""
    slowest_ms: float = 0.0
    """The most CPU time that reading one offer took."""
    stall_ms: float = 0.0
    """The most CPU time for which the event loop was held up."""

    @property
    def offers(self) -> int:
        return self.told.total() + len(self.faults)


def calls() -> RtcCalls:
    """The calls of a server whose callers never connect."""
    reach = Reach(addresses=("127.0.0.1",), contact=Contact.PRIVATE)
    return Exchange(front_desk(), limit=AT_ONCE, reach=reach).calls


async def post(count: int, seed: int) -> Findings:
    """Post `count` offers, one after the other. A caller whose offer is answered hangs up at once."""
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
        _, pc_id, _ = await server.answer(sdp, Caller(), CallOptions())
    except AntiphonError as error:
        found.told[error.status] += 1
    except Exception as error:
        found.faults.append(f"{error!r}\n{sdp!r}")
    else:
        found.told[200] += 1
        await server.hang_up(Caller(), pc_id)


def _read_ms(sdp: str) -> float:
    """How long reading the offer takes, in CPU time, so that other programs on the machine do not count."""
    began = time.thread_time()
    try:
        read_offer(sdp, Contact.PRIVATE)
    except AntiphonError:
        pass
    except Exception:
        return 0.0  # `_offer` meets the same error and counts it as a fault
    return (time.thread_time() - began) * 1000


async def _watch(found: Findings) -> None:
    """Note how long the loop is held up: it should run this task every millisecond. CPU time, as in `_read_ms`."""
    last = time.thread_time()
    while True:
        await asyncio.sleep(0.001)
        now = time.thread_time()
        found.stall_ms, last = max(found.stall_ms, (now - last) * 1000), now


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.resilience.offers", description=__doc__.splitlines()[0])
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
