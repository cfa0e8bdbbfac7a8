"""What sending traces, metrics and logs costs: the CPU time of a call with a collector and without, side by side.

    python -m bench.capacity.telemetry --rounds 6 --calls 5 --seconds 20

In each round two fresh servers have calls at the same time, on the same core, and only one of them has a collector. So
whatever else the machine does slows both down alike. The callers, the provider and the collector have the other core.
The callers are those of `bench.capacity`: "brisk" ones ask a question of two seconds and hear an answer of 1.6, again
and again, so that there are many spans. Every call is traced, and the collector takes all. What counts is the ratio of
the two CPU times of each round.
"""

import argparse
import json
import statistics
import subprocess
import time
import urllib.request
from contextlib import ExitStack

from aiohttp import web

from bench.capacity.__main__ import MODES
from bench.common.figures import show
from bench.common.processes import usage
from bench.common.servers import OTHER_CORE, expect_line, free_port, providing, running, serving, wait_until_ready


def round_of(collector: str, first: bool, mode: str, calls: int, seconds: float) -> tuple[float, float]:
    """The CPU time of each server's process for one second of a call, in ms: without a collector and with it.

    `first`: the server with a collector is started first.
    """
    speech_s, callers = MODES[mode]
    sends = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector, "OTEL_METRIC_EXPORT_INTERVAL": "10000"}
    with ExitStack() as stack:
        provider = stack.enter_context(providing(speech_s))
        servers = {
            telemetry: stack.enter_context(serving("antiphon", provider, **(sends if telemetry else {})))
            for telemetry in (first, not first)
        }
        crowds = []
        for url, _ in servers.values():
            arguments = ["-m", "bench.capacity.crowd", url, "--calls", str(calls), "--seconds", str(seconds)]
            crowds.append(stack.enter_context(running(OTHER_CORE, *arguments, *callers)))
        for crowd in crowds:
            _expect(crowd, "begun")
        before = {telemetry: usage(pid).cpu_s for telemetry, (_, pid) in servers.items()}
        began_s = time.monotonic()
        _expect(crowds[0], "done")  # the other one began a moment later, and still calls
        calls_s = calls * (time.monotonic() - began_s)
        used = {telemetry: usage(pid).cpu_s - before[telemetry] for telemetry, (_, pid) in servers.items()}
    return 1000 * used[False] / calls_s, 1000 * used[True] / calls_s


def _expect(crowd: subprocess.Popen[str], line: str) -> None:
    assert crowd.stdout is not None
    expect_line(crowd.stdout.readline(), line)


def collect(port: int) -> None:
    """Be a collector that takes everything, and tells at /taken how many bytes of traces have come."""
    taken = 0

    async def take(request: web.Request) -> web.Response:
        nonlocal taken
        body = await request.read()
        taken += len(body) if request.path == "/v1/traces" else 0
        return web.Response()

    async def tell(request: web.Request) -> web.Response:
        return web.Response(text=str(taken))

    app = web.Application(client_max_size=64 * 2**20)
    app.router.add_post("/v1/{signal}", take)
    app.router.add_get("/taken", tell)
    web.run_app(app, host="127.0.0.1", port=port, print=None)


def measure(rounds: int, mode: str, calls: int, seconds: float) -> list[tuple[float, float]]:
    """The CPU times of each round, without and with a collector."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with running(OTHER_CORE, "-m", "bench.capacity.telemetry", "--collect", str(port)):
        wait_until_ready(url)
        found = [round_of(url, number % 2 == 0, mode, calls, seconds) for number in range(rounds)]
        taken = int(urllib.request.urlopen(f"{url}/taken", timeout=5).read())
    if not taken:
        raise SystemExit("no spans have come to the collector, so nothing was measured")
    return found


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--mode", choices=MODES, default="brisk")
    arguments.add_argument("--calls", type=int, default=5)
    arguments.add_argument("--seconds", type=float, default=20.0)
    arguments.add_argument("--collect", type=int, metavar="PORT", help="be the collector, and do nothing else")
    options = arguments.parse_args()
    if options.collect:
        collect(options.collect)
        return
    found = measure(options.rounds, options.mode, options.calls, options.seconds)
    ratios = [traced / plain for plain, traced in found]
    header = ("round", "CPU ms/s of a call", "with telemetry", "ratio")
    rows = [(number, *each, ratio) for number, (each, ratio) in enumerate(zip(found, ratios, strict=True), 1)]
    cells = ((n, f"{plain:.1f}", f"{traced:.1f}", f"{ratio:.3f}") for n, plain, traced, ratio in rows)
    show(f"{options.mode}, {options.calls} calls", header, cells)
    summary = {"median": statistics.median(ratios), "min": min(ratios), "max": max(ratios)}
    print(json.dumps({"mode": options.mode, "ratio": {name: round(value, 3) for name, value in summary.items()}}))


if __name__ == "__main__":
    main()
