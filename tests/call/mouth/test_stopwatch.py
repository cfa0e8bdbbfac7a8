from server.call.messages import Metrics
from server.call.mouth.stopwatch import Stopwatch


class Clock:
    """A clock that shows the time to which it was set."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_stages_count_from_the_start() -> None:
    """Each stage has the ms since the stopwatch was made. A stage that was not reached has none."""
    clock = Clock()
    stopwatch = Stopwatch(clock)
    clock.now_s += 0.28
    stopwatch.mark("endpoint")
    clock.now_s += 0.1234
    stopwatch.mark("first_packet")
    assert stopwatch.metrics(3) == Metrics(reply=3, attempts=0, endpoint_ms=280.0, first_packet_ms=403.4)


def test_only_the_first_time_counts() -> None:
    """A stage that is reached again keeps its first time."""
    clock = Clock()
    stopwatch = Stopwatch(clock)
    stopwatch.mark("transcript")
    clock.now_s += 1
    stopwatch.mark("transcript")
    assert stopwatch.metrics(1).transcript_ms == 0


def test_restart_forgets() -> None:
    """When the caller goes on, all stages are counted from the new silence."""
    clock = Clock()
    stopwatch = Stopwatch(clock)
    clock.now_s += 1
    stopwatch.mark("transcript")
    stopwatch.restart()
    clock.now_s += 0.2
    stopwatch.mark("endpoint")
    assert stopwatch.metrics(1) == Metrics(reply=1, attempts=0, endpoint_ms=200.0)


def test_every_stage_has_its_metric() -> None:
    """Every stage has a field in the message to the client."""
    stopwatch = Stopwatch(Clock())
    for stage in ("endpoint", "transcript", "first_token", "first_clause", "first_packet"):
        stopwatch.mark(stage)
    assert None not in stopwatch.metrics(1).model_dump().values()
