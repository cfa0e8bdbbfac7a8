"""How many calls a core carries, beside a plain aiortc server in the same minutes.

    python -m bench.capacity --counts 1,5,10,20,40 --seconds 20

Each count is measured three times, each with a fresh server: callers who say four seconds and listen to an answer of
four, callers who ask a question of two seconds and hear an answer of 1.6, and callers who say nothing. The server has
core 0 for itself; callers and provider have core 1. Models are `bench.provider` with its set delays, so the server's
own work is what is measured.

With `--awake` that core never sleeps: what it takes to wake a sleeping core, which a virtual machine counts as work of
whoever is woken, is left out, as in a server that is busy.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

from bench.caller import QUESTION
from bench.figures import quantile, show
from bench.processes import Usage, tree_usage, usage

SERVER_CORE, OTHER_CORE = "0", "1"
START_S = 60.0
SETTLE_S = 1.0
STATEMENT = "I would like to know the answer to the question that I asked you last week"
MODES = {
    "conversing": (2.0, ["--say", STATEMENT, "--listen-s", "4.6"]),
    "brisk": (0.8, ["--say", QUESTION]),
    "idle": (2.0, ["--idle"]),
}
"""How long each clause of an answer sounds, two of which are an answer, and what the callers do."""
SLEEPLESS = "import os; os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))\nwhile True: pass"
"""Runs when nobody else wants to."""
CALLER_LATE_MS = 5.0
"""Callers that are later than this at one tick in a hundred measure themselves or the machine, and send less: void."""
PAIN_MS = 500.0
"""A gap at which conversation suffers."""
ROOT = Path(__file__).parent.parent


@dataclass(frozen=True, slots=True)
class Row:
    """One server with so many calls. CPU is in ms for each second of a call; lateness and gap in ms."""

    server: str
    mode: str
    calls: int
    cpu: float
    children_cpu: float
    memory_mb: float
    """For each call, above the server without any."""
    threads: float
    late_p50: float
    late_p99: float
    late_p999: float
    gap_p50: float | None
    gap_p95: float | None
    unanswered: int
    caller_late_p99: float
    """Of the callers' own process: what lateness and gap cannot be told apart from."""

    @property
    def valid(self) -> bool:
        return self.caller_late_p99 <= CALLER_LATE_MS


@contextmanager
def running(core: str, *arguments: str, tree: Path = ROOT, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """A Python process on that core, ended at the end."""
    command = ["taskset", "-c", core, sys.executable, *arguments]
    process = subprocess.Popen(
        command, cwd=tree, env=os.environ | environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


@contextmanager
def serving(name: str, provider: str, tree: Path) -> Iterator[tuple[str, int]]:
    """URL and pid of a server that answers calls."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    if name == "plain aiortc":
        arguments, environment = ["-m", "bench.plain_aiortc", "--port", str(port)], {}
    else:
        package = "antiphon" if (tree / "antiphon").is_dir() else "server"  # its name in checkouts of older versions
        arguments, environment = ["-m", package, "serve", "--port", str(port)], antiphon(provider)
    with running(SERVER_CORE, *arguments, tree=ROOT if name == "plain aiortc" else tree, **environment) as process:
        wait_for(url)
        time.sleep(SETTLE_S)
        yield url, process.pid


def antiphon(provider: str) -> dict[str, str]:
    """Nothing refused, nobody asked whether they are still there, no worker processes."""
    return {
        "OPENAI_BASE_URL": f"{provider}/v1",
        "OPENAI_API_KEY": "none",
        "ANTIPHON_MEDIA_ADDRESSES": "127.0.0.1",
        "ANTIPHON_STT": "openai",
        "ANTIPHON_STT_URL": f"{provider}/v1",
        "ANTIPHON_TTS": "openai",
        "ANTIPHON_TTS_URL": f"{provider}/v1",
        "ANTIPHON_MODEL": "openai-chat:any",
        "ANTIPHON_MAX_CALLS": "1000",
        "ANTIPHON_ADMISSION_LAG_MS": "1e9",
        "ANTIPHON_ADMISSION_WAIT_MS": "1e9",
        "ANTIPHON_IDLE_PROMPT_S": "3600",
        "ANTIPHON_LOG_LEVEL": "warning",
        "ANTIPHON_DRAIN_S": "0",
    }


@contextmanager
def providing(speech_s: float) -> Iterator[str]:
    """URL of a provider with set delays."""
    port = free_port()
    with running(OTHER_CORE, "-m", "bench.provider", "--port", str(port), "--speech-s", str(speech_s)):
        wait_for(f"http://127.0.0.1:{port}")
        yield f"http://127.0.0.1:{port}"


def measure(name: str, mode: str, calls: int, seconds: float, tree: Path) -> Row:
    speech_s, callers = MODES[mode]
    with providing(speech_s) as provider, serving(name, provider, tree) as (url, pid):
        empty = usage(pid)
        arguments = ["-m", "bench.crowd", url, "--calls", str(calls), "--seconds", str(seconds)]
        with running(OTHER_CORE, *arguments, *callers) as crowd:
            assert crowd.stdout is not None
            await_line(crowd.stdout.readline(), "begun")
            before, tree_before, start_s = usage(pid), tree_usage(pid), time.perf_counter()
            await_line(crowd.stdout.readline(), "done")
            after, tree_after, end_s = usage(pid), tree_usage(pid), time.perf_counter()
            found = json.loads(crowd.stdout.readline())
    call_seconds = calls * (end_s - start_s)
    own = after.cpu_s - before.cpu_s
    children = tree_after.cpu_s - tree_before.cpu_s - own
    return row(name, mode, calls, [1000 * own / call_seconds, 1000 * children / call_seconds], empty, after, found)


def row(
    name: str,
    mode: str,
    calls: int,
    cpu: Sequence[float],
    empty: Usage,
    full: Usage,
    found: dict[str, list[float | None]],
) -> Row:
    gaps = sorted(gap for gap in found["gaps_ms"] if gap is not None)
    late = sorted(ms for ms in found["lateness_ms"] if ms is not None)
    own_late = sorted(ms for ms in found["caller_late_ms"] if ms is not None)
    return Row(
        server=name,
        mode=mode,
        calls=calls,
        cpu=round(cpu[0], 2),
        children_cpu=round(cpu[1], 2),
        memory_mb=round((full.memory_mb - empty.memory_mb) / calls, 2),
        threads=round((full.threads - empty.threads) / calls, 2),
        late_p50=round(quantile(late, 0.5), 2),
        late_p99=round(quantile(late, 0.99), 2),
        late_p999=round(quantile(late, 0.999), 2),
        gap_p50=round(quantile(gaps, 0.5), 1) if gaps else None,
        gap_p95=round(quantile(gaps, 0.95), 1) if gaps else None,
        unanswered=found["gaps_ms"].count(None),
        caller_late_p99=round(quantile(own_late, 0.99), 2),
    )


def await_line(line: str, wanted: str) -> None:
    if line.strip() != wanted:
        raise SystemExit(f"the callers ended before they had {wanted}")


def wait_for(url: str) -> None:
    """Until the server would take a call; one that knows nothing of readiness listens only when it would."""
    until_s = time.monotonic() + START_S
    while time.monotonic() < until_s:
        try:
            urllib.request.urlopen(f"{url}/health/ready", timeout=1).close()
            return
        except urllib.error.HTTPError as answer:
            if answer.code == 404:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit(f"no server answers at {url}")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def slope(rows: Sequence[Row]) -> float | None:
    """CPU for one call more, in ms for each second, by least squares over the counts; None for fewer than two."""
    if not rows:
        return None
    mean_calls = sum(row.calls for row in rows) / len(rows)
    mean_cpu = sum(row.cpu * row.calls for row in rows) / len(rows)
    spread = sum((row.calls - mean_calls) ** 2 for row in rows)
    if not spread:
        return None
    return round(sum((row.calls - mean_calls) * (row.cpu * row.calls - mean_cpu) for row in rows) / spread, 2)


def painful(rows: Sequence[Row]) -> float | None:
    """Calls at which p95 of the gap passes PAIN_MS, on a line between the counts around it; None when it does not."""
    known = [(row.calls, row.gap_p95) for row in sorted(rows, key=lambda row: row.calls) if row.gap_p95 is not None]
    if known and known[0][1] > PAIN_MS:
        return known[0][0]
    for (few, low), (many, high) in pairwise(known):
        if low <= PAIN_MS < high:
            return round(few + (many - few) * (PAIN_MS - low) / (high - low), 1)
    return None


def void(row: Row) -> str:
    return "" if row.valid else "void"


def report(rows: Sequence[Row]) -> dict[str, dict[str, float | None]]:
    names = [name for name in Row.__slots__ if name not in ("server", "mode")]
    summary: dict[str, dict[str, float | None]] = {}
    for server in dict.fromkeys(row.server for row in rows):
        for mode in MODES:
            found = [row for row in rows if (row.server, row.mode) == (server, mode)]
            title = f"{server}, {mode}"
            if found:
                show(title, [*names, "void"], ([*(getattr(row, n) for n in names), void(row)] for row in found))
                valid = [row for row in found if row.valid]
                summary[title] = {"cpu_slope": slope(valid), "calls_at_pain": painful(valid)}
    show(
        "Summary",
        ("", "CPU ms/s, one call more", f"calls at a gap p95 of {PAIN_MS:g} ms"),
        ((title, found["cpu_slope"], found["calls_at_pain"]) for title, found in summary.items()),
    )
    return summary


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.capacity", description="How many calls a core carries.")
    parser.add_argument("--counts", default="1,5,10,20,40", help="calls at a time")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long each count is measured")
    parser.add_argument("--servers", default="antiphon,plain aiortc")
    parser.add_argument("--modes", default=",".join(MODES))
    parser.add_argument("--awake", action="store_true", help="keep the server's core from sleeping")
    parser.add_argument("--tree", type=Path, default=ROOT, help="another checkout of Antiphon to measure")
    given = parser.parse_args()
    rows = []
    with running(SERVER_CORE, "-c", SLEEPLESS) if given.awake else nullcontext():
        for calls in map(int, given.counts.split(",")):
            for mode in given.modes.split(","):
                for server in given.servers.split(","):
                    rows.append(measure(server, mode, calls, given.seconds, given.tree))
                    last = rows[-1]
                    print(f"{server}, {mode}, {calls} calls: CPU {last.cpu} ms/s {void(last)}", file=sys.stderr)
    print(json.dumps({"rows": [asdict(row) for row in rows], "summary": report(rows)}))


if __name__ == "__main__":
    main()
