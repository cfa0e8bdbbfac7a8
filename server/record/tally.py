"""Tally: puts the exchanges of a period together, by bucket and name, and tells their percentiles."""

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace
from math import ceil

from server.record.query import BUCKET_MS, MEASURES, Counted, Period, PeriodRow, Spread
from server.record.rows import ExchangeRow

BIN_MS = 10
"""Measures are counted in bins of 10 ms, so that a store can count them without giving each one out. No ear tells
waits apart that differ by less."""
COUNTED = ("interrupted", "false_starts", "resumed", "input_tokens", "output_tokens")
"""The fields of an `ExchangeRow` that are added up."""
MOST_ROWS = 2_000
"""How many rows an answer has at most: a month of hours for three names. Those of the latest buckets are given."""


@dataclass(slots=True)
class Sums:
    """What is counted of one bucket and one name."""

    conversations: int = 0
    exchanges: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    failures: Counter[str] = field(default_factory=Counter)
    measures: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))


class Tally:
    """The exchanges of one period."""

    def __init__(self, period: Period) -> None:
        self._period = period
        self._width = BUCKET_MS[period.bucket]
        self._sums: dict[tuple[int, str], Sums] = defaultdict(Sums)

    def bucket(self, at_ms: int) -> int:
        """When the bucket of this moment begins."""
        return at_ms // self._width * self._width if self._width else self._period.since_ms

    def sums(self, start_ms: int, name: str) -> Sums:
        """What a store counts in: those of the bucket that begins at `start_ms`, and of this name."""
        return self._sums[start_ms, name]

    def add_conversation(self, exchanges: list[tuple[ExchangeRow, dict[str, int]]]) -> None:
        """Count those exchanges of one conversation that are of the period. Each comes with its failures by stage."""
        met = set()
        for row, failures in exchanges:
            if not self._period.since_ms <= row.at_ms < self._period.until_ms:
                continue
            key = self.bucket(row.at_ms), getattr(row, self._period.by) if self._period.by else ""
            met.add(key)
            sums = self._sums[key]
            sums.exchanges += 1
            sums.failures.update(failures)
            for counted in COUNTED:
                sums.counts[counted] += getattr(row, counted)
            for measure in MEASURES:
                if (ms := getattr(row, measure)) is not None:
                    sums.measures[measure][bin_of(ms)] += 1
        for key in met:
            self._sums[key].conversations += 1

    def counted(self) -> Counted:
        """All of them together. If there are too many rows, the period begins with a later one."""
        keys = sorted(self._sums)
        rows = tuple(self._row(*key) for key in keys[-MOST_ROWS:])
        since_ms = max(self._period.since_ms, rows[0].start_ms) if len(keys) > MOST_ROWS else self._period.since_ms
        return Counted(replace(self._period, since_ms=since_ms), rows)

    def _row(self, start_ms: int, name: str) -> PeriodRow:
        sums = self._sums[start_ms, name]
        counts = {"interruptions" if key == "interrupted" else key: n for key, n in sums.counts.items()}
        spreads = {measure: spread(sums.measures[measure]) for measure in MEASURES if sums.measures.get(measure)}
        failures = dict(sorted(sums.failures.items()))
        return PeriodRow(
            start_ms, name, sums.conversations, sums.exchanges, failures=failures, measures=spreads, **counts
        )


def bin_of(ms: int) -> int:
    return (ms + BIN_MS // 2) // BIN_MS


def spread(bins: Counter[int]) -> Spread:
    """The percentiles of at least one measurement, by the nearest rank."""
    count = bins.total()
    ranks = {share: ceil(share * count / 100) for share in (50, 95, 99)}
    found: dict[int, int] = {}
    passed = 0
    for bin_, n in sorted(bins.items()):
        passed += n
        for share, rank in ranks.items():
            if passed >= rank:
                found.setdefault(share, bin_ * BIN_MS)
    return Spread(count, found[50], found[95], found[99])
