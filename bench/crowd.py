"""Many callers in one process, as cheap as aiortc allows: what they send is encoded beforehand, what comes is kept.

    python -m bench.crowd http://127.0.0.1:8080 --calls 10 --seconds 20

Prints "begun" when all calls are connected and greeted, "done" when the time is over, and then one line of JSON: gaps
and lateness in ms, and how late this process itself was, without which its figures mean nothing.
"""

import argparse
import asyncio
import json
import random
import time
from dataclasses import dataclass

import aiohttp
import aioice.ice
from aiortc import RTCConfiguration, RTCPeerConnection

from bench import tape
from bench.caller import QUESTION
from bench.lines import connect
from bench.microphone import FRAME_S, RATE, Microphone, Script, script
from bench.recorder import Recorder
from tests.voices import speak

AT_ONCE = 4
"""Calls that connect at the same time: handshakes cost tens of ms each."""
GREETING_S = 3.0
CONNECT_S = 60.0


@dataclass(frozen=True, slots=True)
class Crowd:
    """Calls that stand."""

    pcs: list[RTCPeerConnection]
    microphones: list[Microphone]
    recorders: list[Recorder]


def cycle(say: str, listen_s: float) -> Script:
    """What is said, and as much time as it took, or `listen_s` if that is more, for the answer."""
    question = speak(say, "en-us", RATE)
    asked = script([question])
    return script([question, max(listen_s, asked.seconds)])


def talk(once: Script, start_s: float, seconds: float) -> Script:
    """Silence for `start_s`, then the cycle again and again; it goes on for a while after `seconds`."""
    made = script([start_s])
    while made.seconds < start_s + seconds:
        first = len(made.packets)
        made.spoken += [(first + begin, first + end) for begin, end in once.spoken]
        made.packets += once.packets
    return made


async def gather(url: str, scripts: list[Script], http: aiohttp.ClientSession) -> Crowd:
    """Connect a call for each script."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(said: Script) -> tuple[RTCPeerConnection, Microphone, Recorder]:
        async with gate, asyncio.timeout(CONNECT_S):
            pc, microphone = RTCPeerConnection(RTCConfiguration(iceServers=[])), Microphone(said)
            pc.addTrack(microphone)
            pc.createDataChannel("events")
            recorder = Recorder(pc, decode=False)
            await connect(pc, http, url)
            return pc, microphone, recorder

    pcs, microphones, recorders = zip(*await asyncio.gather(*map(one, scripts)), strict=True)
    return Crowd(list(pcs), list(microphones), list(recorders))


async def watch_lateness(late_ms: list[float]) -> None:
    """How late this loop is, until cancelled."""
    loop = asyncio.get_running_loop()
    due_s = loop.time()
    while True:
        due_s += FRAME_S
        await asyncio.sleep(due_s - loop.time())
        late_ms.append((loop.time() - due_s) * 1000)


async def measure(given: argparse.Namespace) -> dict[str, object]:
    once = cycle(given.say, given.listen_s)
    spread = random.Random(0)
    lead_s = GREETING_S + 0.1 * given.calls
    scripts = [
        script([1.0]) if given.idle else talk(once, lead_s + spread.uniform(0, once.seconds), given.seconds)
        for _ in range(given.calls)
    ]
    late_ms: list[float] = []
    async with aiohttp.ClientSession() as http:
        crowd = await gather(given.url, scripts, http)
        await asyncio.sleep(lead_s)
        print("begun", flush=True)
        from_s = time.perf_counter()
        watching = asyncio.create_task(watch_lateness(late_ms), name="lateness")
        await asyncio.sleep(given.seconds)
        until_s = time.perf_counter()
        print("done", flush=True)
        watching.cancel()
        await asyncio.gather(*(pc.close() for pc in crowd.pcs))
    return judged(crowd, from_s, until_s) | {"caller_late_ms": late_ms}


def judged(crowd: Crowd, from_s: float, until_s: float) -> dict[str, list[float | None]]:
    """Of what was asked and heard in that time; a question whose answer may come later does not count."""
    gaps_ms: list[float | None] = []
    lateness_ms: list[float | None] = []
    for microphone, recorder in zip(crowd.microphones, crowd.recorders, strict=True):
        heard = recorder.heard()
        said = [each for each in microphone.said if from_s <= each.end_s <= until_s - 1.0]
        gaps_ms += tape.gaps_ms(heard, said)
        lateness_ms += tape.behind_ms([each for each in heard if from_s <= each.at_s <= until_s])
    return {"gaps_ms": gaps_ms, "lateness_ms": lateness_ms}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.crowd", description="Many callers in one process.")
    parser.add_argument("url")
    parser.add_argument("--calls", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=20.0, help="how long is measured")
    parser.add_argument("--say", default=QUESTION)
    parser.add_argument("--idle", action="store_true", help="the callers say nothing")
    parser.add_argument("--listen-s", type=float, default=2.2, help="at least so long is listened to each answer")
    aioice.ice.get_host_addresses = lambda use_ipv4, use_ipv6: ["127.0.0.1"] if use_ipv4 else []
    print(json.dumps(asyncio.run(measure(parser.parse_args()))))


if __name__ == "__main__":
    main()
