"""Many callers in one process, as cheap as aiortc allows: they encode what they say beforehand, and decode afterwards.

    python -m bench.capacity.crowd http://127.0.0.1:8080 --calls 10 --seconds 20

Prints "begun" when all calls are connected and greeted, "done" when the time is over, and then one line of JSON with
the gaps and the lateness in ms. The line also tells how late this process itself was. If it was late, its figures mean
nothing.
"""

import argparse
import asyncio
import json
import random
import time
from collections.abc import Callable
from functools import partial

import aiohttp
import aioice.ice

from bench.caller import tape
from bench.caller.clients import Client, WebRtcClient
from bench.caller.microphone import FRAME_S, RATE, Script, script
from bench.caller.telephone import TelephoneClient
from bench.common.sentences import QUESTION
from tests.voices import speak

AT_ONCE = 4
"""How many calls connect at the same time. Each handshake costs tens of ms of CPU."""
GREETING_S = 3.0
"""How long the callers listen to the greeting before they speak."""
CONNECT_S = 60.0
"""How long a call may take to connect before the bench gives up."""
LAST_ANSWER_S = 1.0
"""A question that ends less than this before the end does not count, because its answer may come after the end."""


CLIENTS: dict[str, Callable[[Script], Client]] = {
    "webrtc": partial(WebRtcClient, decode=False),
    "telephone": TelephoneClient,
}
"""What the callers call with."""


def question_and_listening(say: str, listen_s: float) -> Script:
    """What a caller says, and a silence for the answer that is as long as it, or `listen_s` if that is longer."""
    question = speak(say, "en-us", RATE)
    asked = script([question])
    return script([question, max(listen_s, asked.seconds)])


def repeated(once: Script, start_s: float, seconds: float) -> Script:
    """Silence for `start_s`, then the script again and again, for at least `seconds`."""
    made = script([start_s])
    while made.seconds < start_s + seconds:
        first = len(made.packets)
        made.spoken += [(first + begin, first + end) for begin, end in once.spoken]
        made.packets += once.packets
    return made


async def gather(url: str, clients: list[Client], http: aiohttp.ClientSession) -> None:
    """Connect the calls. A caller begins to speak as soon as its call is connected."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(client: Client) -> None:
        async with gate, asyncio.timeout(CONNECT_S):
            await client.connect(http, url)

    await asyncio.gather(*map(one, clients))


async def watch_lateness(late_ms: list[float]) -> None:
    """Note every 20 ms how late this process's event loop is, until cancelled."""
    loop = asyncio.get_running_loop()
    due_s = loop.time()
    while True:
        due_s += FRAME_S
        await asyncio.sleep(due_s - loop.time())
        late_ms.append((loop.time() - due_s) * 1000)


async def measure(given: argparse.Namespace) -> dict[str, object]:
    """Connect all calls and let them go on for `given.seconds`; what their callers heard."""
    once = question_and_listening(given.say, given.listen_s)
    spread = random.Random(0)
    lead_s = GREETING_S + 0.1 * given.calls
    scripts = [
        script([lead_s + given.seconds + 1])
        if given.idle
        else repeated(once, lead_s + spread.uniform(0, once.seconds), given.seconds)
        for _ in range(given.calls)
    ]
    clients = [CLIENTS[given.by](each) for each in scripts]
    late_ms: list[float] = []
    headers = {"Authorization": f"Bearer {given.token}"} if given.token else None
    async with aiohttp.ClientSession(headers=headers) as http:
        await gather(given.url, clients, http)
        await asyncio.sleep(lead_s)
        print("begun", flush=True)
        from_s = time.perf_counter()
        watching = asyncio.create_task(watch_lateness(late_ms), name="lateness")
        await asyncio.sleep(given.seconds)
        until_s = time.perf_counter()
        print("done", flush=True)
        watching.cancel()
        await asyncio.gather(*(client.close() for client in clients))
    return {**heard_between(clients, from_s, until_s), "caller_late_ms": late_ms}


def heard_between(clients: list[Client], from_s: float, until_s: float) -> dict[str, list[float | None]]:
    """The gaps and the packets' lateness of all calls, of what was asked and heard in that time."""
    gaps_ms: list[float | None] = []
    lateness_ms: list[float | None] = []
    for client in clients:
        heard = client.heard()
        said = [each for each in client.said if from_s <= each.end_s <= until_s - LAST_ANSWER_S]
        gaps_ms += tape.gaps_ms(heard, said)
        lateness_ms += tape.behind_ms([each for each in heard if from_s <= each.at_s <= until_s])
    return {"gaps_ms": gaps_ms, "lateness_ms": lateness_ms}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.capacity.crowd", description="Many callers in one process.")
    parser.add_argument("url")
    parser.add_argument("--by", choices=CLIENTS, default="webrtc")
    parser.add_argument("--calls", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long is measured")
    parser.add_argument("--say", default=QUESTION)
    parser.add_argument("--idle", action="store_true", help="the callers say nothing")
    parser.add_argument("--listen-s", type=float, default=2.2, help="how long to listen to each answer at least")
    parser.add_argument("--token", default="", help="a token for servers that admit only callers who have one")
    # tests.loopback does the same, but loads the server, which would change what this process costs.
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"] if use_ipv4 else []
    print(json.dumps(asyncio.run(measure(parser.parse_args()))))


if __name__ == "__main__":
    main()
