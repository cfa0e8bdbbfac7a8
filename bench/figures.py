"""How figures are summed up and shown: the spread of a sample, and tables for people."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """A sample without its order, in the unit of the sample."""

    count: int
    p50: float
    p95: float
    min: float
    max: float


def spread(sample: Iterable[float]) -> Spread | None:
    """None when there is nothing to sum up."""
    ordered = sorted(sample)
    if not ordered:
        return None
    p50, p95, least, most = (round(quantile(ordered, share), 1) for share in (0.5, 0.95, 0.0, 1.0))
    return Spread(len(ordered), p50, p95, least, most)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Of a sorted sample, with linear steps between its members."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def as_json(sample: Iterable[float]) -> dict[str, float] | None:
    found = spread(sample)
    return asdict(found) if found else None


def percent(part: int, whole: int) -> float:
    return round(100 * part / whole, 1) if whole else 0.0


def show(title: str, header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table on standard error: the first column to the left, the others to the right."""
    cells = [list(header), *([_cell(value) for value in row] for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(header))]
    print(f"\n{title}", file=sys.stderr)
    for row in cells:
        line = "  ".join(
            f"{cell:<{width}}" if i == 0 else f"{cell:>{width}}"
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        print(f"  {line.rstrip()}", file=sys.stderr)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return f"{value:.1f}" if isinstance(value, float) else str(value)
