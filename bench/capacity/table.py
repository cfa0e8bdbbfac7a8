"""What `bench.capacity` measures of a server with a number of calls, and what the rows together say. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from bench.common.figures import known, quantile
from bench.common.processes import Usage

CALLER_LATE_MS = 5.0
"""How late the callers' own process may be at one tick in a hundred. If it is later, the row is void: its figures tell
of the callers or of a busy machine, and not of the server."""
PAIN_MS = 500.0
"""A gap at which conversation suffers."""


@dataclass(frozen=True, slots=True)
class ServerUsage:
    """What a server has used while the calls were measured."""

    cpu: float
    """The CPU time of its own process, in ms for each second of each call."""
    children_cpu: float
    """The CPU time of its child processes, in the same unit."""
    empty: Usage
    """Before the first call."""
    full: Usage
    """At the end, with all calls."""


@dataclass(frozen=True, slots=True)
class CapacityRow:
    """One server with a number of calls. CPU is in ms for each second of each call; lateness and gap are in ms."""

    server: str
    mode: str
    calls: int
    cpu: float
    children_cpu: float
    memory_mb: float
    """For each call, above the server without any."""
    threads: float
    """For each call, above the server without any."""
    late_p50: float
    late_p99: float
    late_p999: float
    gap_p50: float | None
    gap_p95: float | None
    unanswered: int
    caller_late_p99: float
    """How late the callers' own process was. Lateness and gap cannot be told apart from it."""

    @property
    def valid(self) -> bool:
        return self.caller_late_p99 <= CALLER_LATE_MS


def capacity_row(
    server: str, mode: str, calls: int, used: ServerUsage, found: dict[str, list[float | None]]
) -> CapacityRow:
    """Sum up one measurement; `found` is what `bench.capacity.crowd` prints."""
    gaps, late, own_late = (sorted(known(found[name])) for name in ("gaps_ms", "lateness_ms", "caller_late_ms"))
    return CapacityRow(
        server=server,
        mode=mode,
        calls=calls,
        cpu=round(used.cpu, 2),
        children_cpu=round(used.children_cpu, 2),
        memory_mb=round((used.full.memory_mb - used.empty.memory_mb) / calls, 2),
        threads=round((used.full.threads - used.empty.threads) / calls, 2),
        late_p50=round(quantile(late, 0.5), 2),
        late_p99=round(quantile(late, 0.99), 2),
        late_p999=round(quantile(late, 0.999), 2),
        gap_p50=round(quantile(gaps, 0.5), 1) if gaps else None,
        gap_p95=round(quantile(gaps, 0.95), 1) if gaps else None,
        unanswered=found["gaps_ms"].count(None),
        caller_late_p99=round(quantile(own_late, 0.99), 2),
    )


def cpu_slope(rows: Sequence[CapacityRow]) -> float | None:
    """The CPU that one more call costs, in ms for each second, by least squares over the numbers of calls.

    None when the rows have fewer than two different numbers of calls.
    """
    if not rows:
        return None
    mean_calls = sum(row.calls for row in rows) / len(rows)
    mean_cpu = sum(row.cpu * row.calls for row in rows) / len(rows)
    spread = sum((row.calls - mean_calls) ** 2 for row in rows)
    if not spread:
        return None
    return round(sum((row.calls - mean_calls) * (row.cpu * row.calls - mean_cpu) for row in rows) / spread, 2)


def calls_at_pain(rows: Sequence[CapacityRow]) -> float | None:
    """The number of calls at which the gap's p95 passes PAIN_MS, on a straight line between the two rows around it.

    None when no row passes it.
    """
    measured = [(row.calls, row.gap_p95) for row in sorted(rows, key=lambda row: row.calls) if row.gap_p95 is not None]
    if measured and measured[0][1] > PAIN_MS:
        return measured[0][0]
    for (few, low), (many, high) in pairwise(measured):
        if low <= PAIN_MS < high:
            return round(few + (many - few) * (PAIN_MS - low) / (high - low), 1)
    return None
