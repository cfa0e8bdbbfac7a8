"""Sums up a sample of figures, and shows tables for people."""

import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """How the figures of a sample are spread, in the unit of the sample."""

    count: int
    p50: float
    p95: float
    min: float
    max: float


def spread(sample: Iterable[float]) -> Spread | None:
    """Rounded to a tenth. None when the sample is empty."""
    ordered = sorted(sample)
    if not ordered:
        return None
    p50, p95, least, most = (round(quantile(ordered, share), 1) for share in (0.5, 0.95, 0.0, 1.0))
    return Spread(len(ordered), p50, p95, least, most)


def quantile(ordered: Sequence[float], share: float) -> float:
    """The value below which that share of a sorted sample lies, interpolated linearly between its members."""
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def as_json(sample: Iterable[float]) -> dict[str, float] | None:
    """The spread as a dictionary for JSON."""
    found = spread(sample)
    return asdict(found) if found else None


def known(values: Iterable[float | None]) -> list[float]:
    """The values that are not None, in their order."""
    return [value for value in values if value is not None]


def percent(part: int, whole: int) -> float:
    """Rounded to a tenth; 0 of nothing is 0."""
    return round(100 * part / whole, 1) if whole else 0.0


def show(title: str, header: Sequence[str], rows: Iterable[Iterable[object]]) -> None:
    """Print a table to standard error. The first column is aligned to the left, all others to the right."""
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
