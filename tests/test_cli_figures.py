"""The figures of conversations as CSV, and as a table."""

import csv
import io

import pytest

from server.cli_figures import as_csv, show
from server.record.query import Counted, Period, PeriodRow


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1+1", "\r\n=1+1"])
def test_no_name_is_a_formula(name: str) -> None:
    """A spreadsheet would compute what begins like one."""
    text = as_csv(Counted(Period(0, 1), (PeriodRow(0, name), PeriodRow(0, "a\r=1+1"))))
    _heads, first, second = csv.reader(io.StringIO(text, newline=""))
    assert (first[1], second[1]) == (f"'{name.strip()}", "a =1+1")


def test_no_name_moves_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    """What a terminal would take for an order is written out."""
    show(Counted(Period(0, 1), (PeriodRow(0, "a\x1b[2J\x9b2J"),)))
    shown = capsys.readouterr().out
    assert "\x1b[2J" not in shown
    assert "\x9b" not in shown
