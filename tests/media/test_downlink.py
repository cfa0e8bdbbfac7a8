import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.media.counters import MediaCounters
from server.media.downlink import MAX_PERCENT, Downlink
from server.media.rtcp import ReportBlock


class Client:
    """Reports about a stream of packets."""

    def __init__(self) -> None:
        self.counters = MediaCounters()
        self.downlink = Downlink(48_000, self.counters)
        self._highest = 0xFFFFFF00
        self.reports(0, 0.0)

    def reports(self, packets: int, lost: float, round_trip_s: float | None = None) -> int:
        """Report that `lost` of the next packets were lost. Returns what is expected after it, in percent."""
        self._highest = (self._highest + packets) & 0xFFFFFFFF
        self.downlink.report(ReportBlock(lost, self._highest, 96, 1, 0), round_trip_s)
        return self.downlink.expected_loss_percent


def test_a_good_line_needs_no_copies() -> None:
    """While nothing is lost, or one packet in ten seconds, no loss is expected."""
    client = Client()
    assert client.downlink.expected_loss_percent == 0
    assert [client.reports(500, 1 / 500) for _ in range(10)] == [0] * 10


@pytest.mark.parametrize("packets", [50, 250])
@pytest.mark.parametrize("loss", [0.05, 0.1, 0.2])
def test_losses_are_expected_from_the_first_report_of_them(packets: int, loss: float) -> None:
    """One second of loss is enough to expect more. After 20 s, about the true share is expected."""
    client = Client()
    first = client.reports(packets, loss)
    assert 0 < first <= 100 * loss
    for _ in range(1_000 // packets):
        last = client.reports(packets, loss)
    assert last == pytest.approx(100 * loss, abs=0.15 * 100 * loss)


def test_the_first_report_counts() -> None:
    """The first report of a client tells of all packets that were sent so far."""
    counters = MediaCounters(sent=100)
    downlink = Downlink(48_000, counters)
    downlink.report(ReportBlock(0.15, 40_000, 0, 0, 0), None)
    assert downlink.expected_loss_percent == 10


def test_one_lost_packet_is_no_bad_line() -> None:
    """One packet lost in the first second, or one of the few of a silent agent, does not change the encoding."""
    assert Client().reports(50, 1 / 50) == 0
    assert Client().reports(12, 1 / 12) == 0


def test_losses_are_forgotten_slowly() -> None:
    """After ten seconds without a loss, half of it is still expected. After a minute, none. Silence forgets nothing."""
    client = Client()
    for _ in range(10):
        at_first = client.reports(250, 0.1)
    assert [client.reports(2, 0.0) for _ in range(5)] == [at_first] * 5
    client.reports(250, 0.0)
    assert at_first / 3 <= client.reports(250, 0.0) < at_first
    for _ in range(10):
        client.reports(250, 0.0)
    assert client.downlink.expected_loss_percent == 0


def test_a_line_at_the_edge_does_not_change_to_and_fro() -> None:
    """A line that loses 1.5 % is a good one if it was good before, and a bad one if it was bad before."""
    good, bad = Client(), Client()
    bad.reports(250, 0.1)
    assert {good.reports(250, 0.015) for _ in range(20)} == {0}
    assert 0 not in {bad.reports(250, 0.015) for _ in range(20)}


def test_the_figures() -> None:
    """What the client reports is kept: losses, jitter in ms, and the last round trip that is known."""
    client = Client()
    assert client.counters.round_trip_ms is None
    client.reports(1_000, 0.1, 0.25)
    client.reports(0, 0.0)
    assert (client.counters.reports, client.counters.jitter_ms, client.counters.round_trip_ms) == (3, 2.0, 250.0)
    assert client.counters.lost_percent == pytest.approx(9.5, abs=0.1)


@given(st.lists(st.tuples(st.integers(0, 255), st.integers(0, 0xFFFFFFFF)), max_size=50))
def test_any_numbers(reports: list[tuple[int, int]]) -> None:
    """Whatever a client reports, what is expected stays within bounds."""
    downlink = Downlink(8_000, MediaCounters())
    for lost, highest in reports:
        downlink.report(ReportBlock(lost / 256, highest, 0xFFFFFFFF, 0, 0), None)
        assert 0 <= downlink.expected_loss_percent <= MAX_PERCENT
