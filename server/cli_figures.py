"""`antiphon conversations figures`: how the exchanges of a time went, as a table, as CSV or as JSON."""

import csv
import io
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from server.logs import printable

if TYPE_CHECKING:
    from server.record.query import Counted, PeriodRow

By = Literal["agent", "transport", "model", "speech_to_text", "text_to_speech", "language"]
Since = Annotated[str, typer.Option(help='Begin here: "7d" or "12h" ago, or a time such as 2026-12-01T10:00Z (UTC).')]
Until = Annotated[str | None, typer.Option(help="End here; now if it is left out.")]
PutTogether = Annotated[By | None, typer.Option(help="One row for each of these.")]
Bucket = Annotated[Literal["hour", "day"] | None, typer.Option(help="One row for each hour or day, in UTC.")]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV, with all stages.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, as /api/figures gives it.")]

_COUNTS = (
    "conversations", "exchanges", "interruptions", "false_starts", "resumed", "input_tokens", "output_tokens"
)  # fmt: skip
_TIMES = {"": len("2026-12-01T10:00"), "hour": len("2026-12-01T10:00"), "day": len("2026-12-01")}
_WIDE = 110
"""How many characters wide a terminal is in which the stages that failed have room."""
_PERCENTILES = ("p50_ms", "p95_ms", "p99_ms")


def as_json(counted: "Counted") -> str:
    return json.dumps(asdict(counted.period) | {"rows": [asdict(row) for row in counted.rows]}, ensure_ascii=False)


def as_csv(counted: "Counted") -> str:
    """One line for each row, with the percentiles of every measure. What was not measured is empty."""
    from server.record.query import MEASURES

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    measured = [f"{measure}_{name}" for measure in MEASURES for name in _PERCENTILES]
    writer.writerow(["start", "name", *_COUNTS, "failures", *measured])
    for row in counted.rows:
        spreads = [row.measures.get(measure) for measure in MEASURES]
        values = [getattr(spread, name, "") for spread in spreads for name in _PERCENTILES]
        writer.writerow(
            [_time(row.start_ms), _plain(row.name), *(getattr(row, count) for count in _COUNTS),
             _total(row), *values]
        )  # fmt: skip
    return text.getvalue()


def show(counted: "Counted") -> None:
    """Print a table for people. On a narrow terminal failures are only counted, and no time is cut off."""
    console, bucket = Console(), counted.period.bucket
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("begin (UTC)", min_width=_TIMES[bucket], no_wrap=True, overflow="fold")
    table.add_column(counted.period.by or "all", min_width=8, overflow="fold")
    for title in ("calls", "exchanges", "wait p50", "p95", "p99", "first token p50", "p95", "cut in", "false starts"):
        table.add_column(title, justify="right", overflow="fold")
    table.add_column("failures", overflow="fold")
    for row in counted.rows:
        wait, token = _shown(row, "gap"), _shown(row, "first_token")
        failures = ", ".join(f"{stage} {count}" for stage, count in row.failures.items())
        table.add_row(
            _time(row.start_ms)[: _TIMES[bucket]], Text(printable(row.name) or "-"), str(row.conversations),
            str(row.exchanges), *wait, *token[:2], str(row.interruptions), str(row.false_starts),
            Text(failures if failures and console.width >= _WIDE else _total(row)),
        )  # fmt: skip
    console.print(table)


def _total(row: "PeriodRow") -> str:
    return str(sum(row.failures.values()))


def _shown(row: "PeriodRow", measure: str) -> Sequence[str]:
    spread = row.measures.get(measure)
    return ["-"] * 3 if spread is None else [str(getattr(spread, name)) for name in _PERCENTILES]


def _time(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _plain(name: str) -> str:
    """A name that no spreadsheet takes for a formula: on one line, and marked as text."""
    name = " ".join(name.split())
    return f"'{name}" if name.startswith(("=", "+", "-", "@")) else name
