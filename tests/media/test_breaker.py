from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media.breaker import CircuitBreaker, Fault
from server.media.rtcp import ReportBlock

TICKS_PER_S = 50


@dataclass(frozen=True, slots=True)
class Line:
    """Some seconds of a call: what we send, and what the client reports."""

    seconds: float
    report_every_s: float = 1.0
    """0: the client sends no reports."""
    packets_per_s: float = 50.0
    arrive: bool = True
    lost: float = 0.0
    round_trip_s: float | None = 0.1


def watch(*lines: Line) -> tuple[Fault | None, float]:
    """Go through the lines, one after the other. Returns the first fault, and after how many seconds it was seen."""
    breaker, sequence, highest, tick, packets = CircuitBreaker(), 65_000, 65_000, 0, 0.0
    for line in lines:
        for number in range(int(line.seconds * TICKS_PER_S)):
            packets += line.packets_per_s / TICKS_PER_S
            while packets >= 1:
                breaker.sent()
                sequence, packets = sequence + 1, packets - 1
            highest = sequence if line.arrive else highest
            if line.report_every_s and number % int(line.report_every_s * TICKS_PER_S) == 0:
                block = ReportBlock(line.lost, highest & 0xFFFFFFFF, jitter=0, last_report=1, delay=0)
                breaker.report(block, line.round_trip_s)
            tick += 1
            if (fault := breaker.look()) is not None:
                return fault, tick / TICKS_PER_S
    return None, tick / TICKS_PER_S


@pytest.mark.parametrize(
    ("lines", "fault", "after_s"),
    [
        pytest.param([Line(300)], None, None, id="a good line"),
        pytest.param([Line(300, packets_per_s=2.5)], None, None, id="a silent agent"),
        pytest.param([Line(300, lost=0.3)], None, None, id="much loss, but a short way"),
        pytest.param([Line(300, report_every_s=0)], None, None, id="a telephone without RTCP"),
        pytest.param([Line(0.02), Line(300, report_every_s=0)], None, None, id="one report, which promises no more"),
        pytest.param([Line(20, 5), Line(60, 0)], Fault.NO_REPORTS, (15 + 15, 15 + 15.1), id="reports stop"),
        pytest.param([Line(20, 5), Line(9.9, 0), Line(60, 5)], None, None, id="reports come again just in time"),
        pytest.param([Line(24, 12), Line(60, 0)], Fault.NO_REPORTS, (12 + 36, 12 + 36.1), id="rare reports stop"),
        pytest.param(
            [Line(20.02, 5), Line(60, 0, packets_per_s=0)], None, None, id="nothing is sent, nothing reported"
        ),
        pytest.param([Line(10), Line(60, arrive=False)], Fault.NOTHING_ARRIVES, (14, 16), id="nothing arrives"),
        pytest.param([Line(10, 5), Line(60, 5, arrive=False)], Fault.NOTHING_ARRIVES, (30, 36), id="at 5 s a report"),
        pytest.param(
            [Line(10, 0.1), Line(4.8, 0.1, arrive=False), Line(9)], None, None, id="a short cut, many reports"
        ),
        pytest.param([Line(10), Line(60, arrive=False, packets_per_s=0)], None, None, id="no packets, none arrives"),
        pytest.param(
            [Line(10), Line(60, 0.1, arrive=False, packets_per_s=2.5)],
            Fault.NOTHING_ARRIVES,
            (14, 16),
            id="nothing arrives, hardly anything is sent",
        ),
        pytest.param([Line(60, lost=0.3, round_trip_s=0.6)], Fault.CONGESTION, (15, 16.1), id="congestion"),
        pytest.param(
            [Line(60, 5, lost=0.3, round_trip_s=0.6)], Fault.CONGESTION, (15, 20.1), id="congestion, few reports"
        ),
        pytest.param([Line(20), Line(5, lost=0.3, round_trip_s=0.6), Line(60)], None, None, id="a short congestion"),
        pytest.param(
            [Line(300, packets_per_s=2.5, lost=0.5, round_trip_s=2)], None, None, id="congestion, but silence"
        ),
        pytest.param([Line(300, lost=0.9, round_trip_s=None)], None, None, id="no round trip is known"),
    ],
)
def test_when_sending_must_stop(lines: list[Line], fault: Fault | None, after_s: tuple[float, float] | None) -> None:
    """Each fault is seen, not too early and not too late. What is no fault never stops a call."""
    found, seen_s = watch(*lines)
    assert found is fault
    if after_s is not None:
        assert after_s[0] <= seen_s <= after_s[1]


@pytest.mark.parametrize(
    ("loss", "round_trip_s", "stops"), [(0.06, 0.95, False), (0.06, 1.05, True), (0.24, 0.55, True)]
)
def test_the_limit_is_ten_times_what_tcp_would_send(loss: float, round_trip_s: float, stops: bool) -> None:
    """With 6 % of loss, TCP sends 5 packets in a round trip: 50 packets a second are ten times as much at 1 s."""
    assert (watch(Line(60, lost=loss, round_trip_s=round_trip_s))[0] is Fault.CONGESTION) is stops


@given(
    st.lists(
        st.one_of(
            st.just(None),
            st.tuples(st.floats(0, 1), st.integers(0, 0xFFFFFFFF), st.one_of(st.none(), st.floats(0, 30))),
        ),
        max_size=300,
    )
)
def test_any_reports(steps: list[tuple[float, int, float | None] | None]) -> None:
    """Whatever a client reports, it is judged, and within the first five seconds nothing stops."""
    breaker = CircuitBreaker()
    for step in steps[: 5 * TICKS_PER_S - 1]:
        breaker.sent()
        if step is not None:
            breaker.report(ReportBlock(step[0], step[1], 0, 0, 0), step[2])
        assert breaker.look() is None
