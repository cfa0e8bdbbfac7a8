"""Do callers that behave badly cost the others anything? Good calls alone, and beside bad ones, by turns.

    python -m bench.neighbours --rounds 3 --seconds 40

Four WebRTC callers of `bench.crowd` ask their questions, alone and beside `bench.bad_neighbours`: four that never read
and four that flood. One server has core 0 for all of it; callers and provider have core 1. The gap is what counts: its
p95 shall be no more than 10 % longer.
"""

import argparse
import json
import signal
import sys
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from subprocess import Popen

from bench.capacity import CALLER_LATE_MS, MODES, OTHER_CORE, ROOT, await_line, providing, running, serving
from bench.figures import quantile, show
from bench.processes import usage

ALLOWED = 1.1


@dataclass(frozen=True, slots=True)
class Part:
    """Good calls for a while. Gaps and lateness in ms; CPU of the server in percent of its core."""

    beside: bool
    gaps_ms: tuple[float, ...]
    unanswered: int
    late_p99: float
    cpu: float
    caller_late_p99: float
    """Of the callers' own process; beyond CALLER_LATE_MS the part says nothing."""

    @property
    def valid(self) -> bool:
        return self.caller_late_p99 <= CALLER_LATE_MS


def part(beside: bool, found: dict[str, list[float | None]], cpu: float) -> Part:
    late, own_late = (sorted(_known(found[name])) for name in ("lateness_ms", "caller_late_ms"))
    return Part(
        beside=beside,
        gaps_ms=tuple(round(gap, 1) for gap in _known(found["gaps_ms"])),
        unanswered=found["gaps_ms"].count(None),
        late_p99=round(quantile(late, 0.99), 2),
        cpu=round(cpu, 1),
        caller_late_p99=round(quantile(own_late, 0.99), 2),
    )


def _known(values: Sequence[float | None]) -> list[float]:
    return [value for value in values if value is not None]


def measure(url: str, pid: int, beside: bool, given: argparse.Namespace) -> tuple[Part, dict[str, int]]:
    bad = ["-m", "bench.bad_neighbours", url, "--readers", str(given.readers), "--writers", str(given.writers)]
    good = ["-m", "bench.crowd", url, "--calls", str(given.calls), "--seconds", str(given.seconds)]
    neighbours: AbstractContextManager[Popen[str] | None] = running(OTHER_CORE, *bad) if beside else nullcontext()
    with neighbours as process:
        if process is not None:
            assert process.stdout is not None
            await_line(process.stdout.readline(), "begun")
        with running(OTHER_CORE, *good) as crowd:
            assert crowd.stdout is not None
            await_line(crowd.stdout.readline(), "begun")
            before_s = usage(pid).cpu_s
            await_line(crowd.stdout.readline(), "done")
            cpu_s = usage(pid).cpu_s - before_s
            found = json.loads(crowd.stdout.readline())
        return part(beside, found, 100 * cpu_s / given.seconds), _ended(process)


def _ended(neighbours: Popen[str] | None) -> dict[str, int]:
    """What they say of themselves."""
    if neighbours is None:
        return {}
    assert neighbours.stdout is not None
    neighbours.send_signal(signal.SIGTERM)
    counts: dict[str, int] = json.loads(neighbours.stdout.readline())
    return counts


def summary(parts: Sequence[Part]) -> dict[str, object]:
    """Alone and beside, each over all its valid parts; `ratio` of the two p95."""
    found: dict[str, object] = {}
    p95 = []
    for name, beside in (("alone", False), ("beside", True)):
        gaps = sorted(gap for part in parts if part.valid and part.beside is beside for gap in part.gaps_ms)
        if not gaps:
            return {"ratio": None, "unchanged": None}
        p95.append(quantile(gaps, 0.95))
        found[name] = {"count": len(gaps), "p50": round(quantile(gaps, 0.5), 1), "p95": round(p95[-1], 1)}
    ratio = p95[1] / p95[0]
    return found | {"ratio": round(ratio, 3), "unchanged": ratio <= ALLOWED}


def report(parts: Sequence[Part], found: dict[str, object]) -> None:
    header = ("", "gaps", "p50", "p95", "unanswered", "late p99", "CPU %", "caller late p99", "")
    show("Good calls, gap in ms", header, map(_row, parts))
    sums = ((name, *value.values()) for name, value in found.items() if isinstance(value, dict))
    show("All of each", ("", "count", "p50", "p95"), sums)
    show("p95 beside, of that alone", ("", ""), [("ratio", str(found["ratio"])), ("unchanged", found["unchanged"])])


def _row(part: Part) -> tuple[object, ...]:
    gaps = sorted(part.gaps_ms)
    p50, p95 = (quantile(gaps, share) if gaps else None for share in (0.5, 0.95))
    name, void = "beside" if part.beside else "alone", "" if part.valid else "void"
    return (name, len(gaps), p50, p95, part.unanswered, part.late_p99, part.cpu, part.caller_late_p99, void)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.neighbours", description="What bad callers cost the others.")
    parser.add_argument("--rounds", type=int, default=3, help="of alone and beside")
    parser.add_argument("--seconds", type=float, default=40.0, help="how long each part is measured")
    parser.add_argument("--calls", type=int, default=4, help="good ones")
    parser.add_argument("--readers", type=int, default=4, help="that never read")
    parser.add_argument("--writers", type=int, default=4, help="that flood")
    given = parser.parse_args()
    parts, counts = [], []
    speech_s, _ = MODES["brisk"]
    with providing(speech_s) as provider, serving("antiphon", provider, ROOT) as (url, pid):
        for beside in (False, True) * given.rounds:
            found, counted = measure(url, pid, beside, given)
            parts.append(found)
            counts.append(counted)
            print(*_row(found), counted, file=sys.stderr)
    whole = summary(parts)
    report(parts, whole)
    print(json.dumps({"parts": [asdict(part) for part in parts], "neighbours": counts, "summary": whole}))


if __name__ == "__main__":
    main()
