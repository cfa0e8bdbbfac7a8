"""What the door costs, and how evenly it places calls.

python -m bench.cluster.door            # all of it, in about three minutes
python -m bench.cluster.door --only placement --workers 8

An offer and a WebSocket frame go to one worker that echoes, by turns straight and through the door. A frame goes there
and back, so it passes the door twice.
"""

import argparse
import asyncio

from bench.cluster.placement import place
from bench.cluster.running import door, echo_worker
from bench.cluster.turns import HEADER, measure


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=("costs", "placement"), default="", help="one of the two parts")
    parser.add_argument("--rounds", type=int, default=3, help="how often the costs are measured")
    parser.add_argument("--offers", type=int, default=500, help="each way, in each round")
    parser.add_argument("--sockets", type=int, default=10, help="WebSockets at the same time, each way")
    parser.add_argument("--seconds", type=float, default=10, help="for how long they talk, in each round")
    parser.add_argument("--placed", type=int, default=10_000, help="how many offers are placed")
    parser.add_argument("--workers", type=int, nargs="+", default=[4, 8, 16], help="over how many workers")
    given = parser.parse_args()
    if given.only != "placement":
        await _costs(given.rounds, (given.offers, given.sockets, given.seconds))
    if given.only != "costs":
        for workers in given.workers:
            print((await place(given.placed, workers)).row(workers))


async def _costs(rounds: int, size: tuple[int, int, float]) -> None:
    print(HEADER)
    with echo_worker() as direct:
        async with door(direct) as opened:
            for number in range(1, rounds + 1):
                costs = await measure(f"round {number}", direct, opened.url, lambda: [opened.pid], size)
                print(*costs.lines(), sep="\n")


if __name__ == "__main__":
    asyncio.run(main())
