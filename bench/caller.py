"""Calls a server, over WebRTC or by the WebSocket, and reports what the caller hears, and what the server needs for it.

    python -m bench.caller http://127.0.0.1:8080 --calls 1 --utterances 5 --pid $SERVER_PID

Every packet that arrives is kept with its time, before any jitter buffer, and judged after the calls. Media stays on
127.0.0.1. JSON goes to standard output, a table to standard error.
"""

import argparse
import asyncio
import json
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import aiohttp

from bench import tape
from bench.figures import as_json, show
from bench.lines import Line, RtcLine, SocketLine
from bench.microphone import RATE, Script, load_wav, script
from bench.processes import tree_usage
from tests.loopback import keep_to_loopback
from tests.voices import speak

CONNECT_S = 15
STAGGER_S = 0.37
"""Between the calls' first utterances, so that they do not all end in the same moment."""
QUESTION = "What is the answer to my question?"
CUT_IN = "Stop please, I have another question."


@dataclass(frozen=True, slots=True)
class Result:
    """One call. `metrics` are the server's own messages about its stages, when it sends any."""

    connect_ms: float
    gaps_ms: list[float | None]
    stops_ms: list[float | None]
    lateness_ms: list[float]
    metrics: list[dict[str, Any]]


async def call(http: aiohttp.ClientSession, url: str, line: Line, seconds: float, cuts_in: bool) -> Result:
    """One call from dialling to hanging up. With `cuts_in` every second utterance is a cut into the answer."""
    start_s = time.perf_counter()
    try:
        await asyncio.wait_for(line.connect(http, url), CONNECT_S)
        connect_ms = (time.perf_counter() - start_s) * 1000
        await asyncio.wait_for(line.finished.wait(), seconds + CONNECT_S)
    finally:
        await line.close()
    heard, said = line.heard(), line.said
    gaps, cuts = tape.gaps_ms(heard, said), said[1::2] if cuts_in else []
    stops = [tape.stop_ms(heard, cut.onset_s) for cut in cuts]
    return Result(connect_ms, gaps[::2] if cuts_in else gaps, stops, tape.lateness_ms(heard), line.metrics)


def plan(question: bytes, cut_in: bytes, given: argparse.Namespace, lead_s: float) -> Script:
    """Listen to the greeting, then ask so many times, each with time for the answer."""
    pieces: list[bytes | float] = [lead_s]
    for _ in range(given.utterances):
        pieces += [question, given.cut_in_s, cut_in] if given.cut_in_s else [question]
        pieces.append(given.pause_s)
    return script(pieces)


async def measure(given: argparse.Namespace) -> dict[str, Any]:
    question = load_wav(given.wav) if given.wav else speak(given.say, given.voice, RATE)
    cut_in = speak(CUT_IN, given.voice, RATE)
    plans = [plan(question, cut_in, given, given.lead_s + n * STAGGER_S) for n in range(given.calls)]
    before, start_s = tree_usage(given.pid) if given.pid else None, time.perf_counter()
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as group:
        cuts_in, line = bool(given.cut_in_s), SocketLine if given.websocket else RtcLine
        tasks = [
            group.create_task(call(http, given.url, line(said), said.seconds, cuts_in), name=f"call-{n}")
            for n, said in enumerate(plans)
        ]
    usage = None
    if before is not None:
        after, elapsed_s = tree_usage(given.pid), time.perf_counter() - start_s
        cpu = 100 * (after.cpu_s - before.cpu_s) / elapsed_s
        usage = {"cpu_percent": round(cpu, 1), "cpu_percent_per_call": round(cpu / given.calls, 2)}
        usage["memory_mb"] = round(after.memory_mb)
    return summary([task.result() for task in tasks]) | {"server": usage}


def summary(results: list[Result]) -> dict[str, Any]:
    gaps = [gap for result in results for gap in result.gaps_ms]
    stops = [stop for result in results for stop in result.stops_ms]
    metrics = [message for result in results for message in result.metrics]
    stages = sorted({name for message in metrics for name in message if name.endswith("_ms")})
    return {
        "calls": len(results),
        "utterances": len(gaps),
        "unanswered": gaps.count(None),
        "connect_ms": as_json(result.connect_ms for result in results),
        "gap_ms": as_json(_known(gaps)),
        "stop_ms": as_json(_known(stops)),
        "nothing_to_stop": stops.count(None),
        "lateness_ms": as_json(late for result in results for late in result.lateness_ms),
        "stages": {stage: as_json(_known(message.get(stage) for message in metrics)) for stage in stages},
    }


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def report(found: dict[str, Any]) -> None:
    rows = {"gap, end of speech to sound": found["gap_ms"], "cut-in, onset to last sound": found["stop_ms"]}
    rows |= {"lateness of packets": found["lateness_ms"], "connecting": found["connect_ms"]}
    rows |= {f"server: {stage.removesuffix('_ms')}": spread for stage, spread in found["stages"].items()}
    header = ("ms", "count", "p50", "p95", "min", "max")
    show("As the caller hears it", header, ((name, *spread.values()) for name, spread in rows.items() if spread))
    counts = ((name, found[name]) for name in ("calls", "utterances", "unanswered", "nothing_to_stop"))
    show("Counts, and the server", ("", ""), [*counts, *(found["server"] or {}).items()])


def options() -> argparse.ArgumentParser:
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
    parser.add_argument("--websocket", action="store_true", help="call by the WebSocket, not by WebRTC")
    parser.add_argument("--pid", type=int, help="the server's process, to tell what it uses")
    return parser


def main() -> None:
    keep_to_loopback()
    found = asyncio.run(measure(options().parse_args()))
    report(found)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
