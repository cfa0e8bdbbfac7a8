"""Calls a server by one of the ways in, and reports what the caller hears and what CPU and memory it costs.

    python -m bench.caller http://127.0.0.1:8080 --calls 1 --utterances 5 --pid $SERVER_PID

Every packet that arrives is kept with its time, before any jitter buffer, and is decoded and judged after the calls.
Media stays on 127.0.0.1. JSON goes to standard output, a table to standard error.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

from bench.caller import tape
from bench.caller.clients import Client, WebRtcClient, WebSocketClient
from bench.caller.microphone import RATE, Script, load_wav, script
from bench.caller.realtime import RealtimeClient
from bench.caller.telephone import TelephoneClient
from bench.common.figures import as_json, known, show
from bench.common.processes import tree_usage
from bench.common.sentences import CUT_IN, QUESTION
from tests.loopback import keep_to_loopback
from tests.voices import speak

CONNECT_S = 15
"""How long a call may take to connect, and how much longer than its script it may take as a whole."""
CLIENTS: dict[str, Callable[[Script], Client]] = {
    "webrtc": WebRtcClient,
    "websocket": WebSocketClient,
    "telephone": TelephoneClient,
    "realtime": RealtimeClient,
}
STAGGER_S = 0.37
"""How much later than the call before each call begins to speak, so that utterances do not end at the same time."""


@dataclass(frozen=True, slots=True)
class CallResult:
    """What one call was like for its caller."""

    connect_ms: float
    gaps_ms: list[float | None]
    """For each utterance, None when it was not answered."""
    stops_ms: list[float | None]
    """For each cut into an answer, None when the agent was not speaking."""
    lateness_ms: list[float]
    """For each packet of the agent's voice."""
    metrics: list[dict[str, Any]]
    """The server's own messages about its stages, if it sends any."""


async def call(http: aiohttp.ClientSession, url: str, client: Client, seconds: float, cuts_in: bool) -> CallResult:
    """One call from dialling to hanging up. With `cuts_in` every second utterance is spoken over an answer."""
    start_s = time.perf_counter()
    try:
        await asyncio.wait_for(client.connect(http, url), CONNECT_S)
        connect_ms = (time.perf_counter() - start_s) * 1000
        await asyncio.wait_for(client.finished.wait(), seconds + CONNECT_S)
    finally:
        await client.close()
    heard, said = client.heard(), client.said
    gaps, cuts = tape.gaps_ms(heard, said), said[1::2] if cuts_in else []
    stops = [tape.stop_ms(heard, cut.onset_s) for cut in cuts]
    return CallResult(connect_ms, gaps[::2] if cuts_in else gaps, stops, tape.lateness_ms(heard), client.metrics)


def plan(question: bytes, cut_in: bytes, given: argparse.Namespace, lead_s: float) -> Script:
    """What one caller says: nothing during the greeting of `lead_s`, then questions, with time for each answer."""
    pieces: list[bytes | float] = [lead_s]
    for _ in range(given.utterances):
        pieces += [question, given.cut_in_s, cut_in] if given.cut_in_s else [question]
        pieces.append(given.pause_s)
    return script(pieces)


async def measure(given: argparse.Namespace) -> dict[str, Any]:
    """Make all calls at the same time; their summary, and what the server has used."""
    question = load_wav(given.wav) if given.wav else speak(given.say, given.voice, RATE)
    cut_in = speak(CUT_IN, given.voice, RATE)
    plans = [plan(question, cut_in, given, given.lead_s + n * STAGGER_S) for n in range(given.calls)]
    before, start_s = tree_usage(given.pid) if given.pid else None, time.perf_counter()
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        cuts_in, client = bool(given.cut_in_s), CLIENTS[given.by]
        tasks = [
            group.create_task(call(http, given.url, client(said), said.seconds, cuts_in), name=f"call-{n}")
            for n, said in enumerate(plans)
        ]
    usage: dict[str, float] | None = None
    if before is not None:
        after, elapsed_s = tree_usage(given.pid), time.perf_counter() - start_s
        cpu = 100 * (after.cpu_s - before.cpu_s) / elapsed_s
        usage = {"cpu_percent": round(cpu, 1), "cpu_percent_per_call": round(cpu / given.calls, 2)}
        usage["memory_mb"] = round(after.memory_mb)
    return summary([task.result() for task in tasks]) | {"server": usage}


def summary(results: list[CallResult]) -> dict[str, Any]:
    """All calls together, as it is printed in JSON."""
    gaps = [gap for result in results for gap in result.gaps_ms]
    stops = [stop for result in results for stop in result.stops_ms]
    metrics = [message for result in results for message in result.metrics]
    stages = sorted({name for message in metrics for name in message if name.endswith("_ms")})
    return {
        "calls": len(results),
        "utterances": len(gaps),
        "unanswered": gaps.count(None),
        "connect_ms": as_json(result.connect_ms for result in results),
        "gap_ms": as_json(known(gaps)),
        "stop_ms": as_json(known(stops)),
        "nothing_to_stop": stops.count(None),
        "lateness_ms": as_json(late for result in results for late in result.lateness_ms),
        "stages": {stage: as_json(known(message.get(stage) for message in metrics)) for stage in stages},
    }


def report(found: dict[str, Any]) -> None:
    """Show the summary as tables."""
    rows = {"gap, end of speech to sound": found["gap_ms"], "cut-in, onset to last sound": found["stop_ms"]}
    rows |= {"lateness of packets": found["lateness_ms"], "connecting": found["connect_ms"]}
    rows |= {f"server: {stage.removesuffix('_ms')}": spread for stage, spread in found["stages"].items()}
    header = ("ms", "count", "p50", "p95", "min", "max")
    show("As the caller hears it", header, ((name, *spread.values()) for name, spread in rows.items() if spread))
    counts = ((name, found[name]) for name in ("calls", "utterances", "unanswered", "nothing_to_stop"))
    show("Counts, and the server", ("", ""), [*counts, *(found["server"] or {}).items()])


def options() -> argparse.ArgumentParser:
    """The command's options."""
    parser = argparse.ArgumentParser(prog="python -m bench.caller", description="Measure a server as its caller.")
    parser.add_argument("url", help="where the server is, as http://127.0.0.1:8080")
    parser.add_argument("--calls", type=int, default=1, help="at a time")
    parser.add_argument("--utterances", type=int, default=5, help="in each call")
    parser.add_argument("--say", default=QUESTION, help="what is said, by eSpeak NG")
    parser.add_argument("--voice", default="en-us")
    parser.add_argument("--wav", help="a recording to say instead")
    parser.add_argument("--lead-s", type=float, default=4.0, help="before the first utterance: the greeting")
    parser.add_argument("--pause-s", type=float, default=5.0, help="after each utterance: the answer")
    parser.add_argument("--cut-in-s", type=float, default=0.0, help="cut into each answer so long after asking")
    parser.add_argument("--by", choices=CLIENTS, default="webrtc", help="what carries the call")
    also = "the same as --by websocket"
    parser.add_argument("--websocket", dest="by", action="store_const", const="websocket", help=also)
    parser.add_argument("--pid", type=int, help="the server's process, to tell what it uses")
    return parser


def main() -> None:
    keep_to_loopback()
    found = asyncio.run(measure(options().parse_args()))
    report(found)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
