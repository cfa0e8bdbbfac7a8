"""How long a request waits for a worker, and how long its engine works for it."""

from typing import Any

import pytest

from server.speech.following import Follower, Served, Timekeeper, tell

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def told(data: dict[str, Any]) -> list[Served]:
    """What a follower learns from the data of an answer."""
    found: list[Served] = []
    tell(Follower(TRACEPARENT, found.append), data)
    return found


def test_work_before_the_request_does_not_count() -> None:
    """The request waits until the engine begins with it, and what was done for its sound before is not its time."""
    now = 10.0
    times = Timekeeper(TRACEPARENT, "whisper", lambda: now)
    times.worked(8.0, 9.5)
    times.worked(9.0, 10.2)
    times.worked(11.0, 11.3)
    now = 12.0
    (served,) = told({"served": times.served})
    assert served == Served(TRACEPARENT, "whisper", queue_s=0.0, engine_s=0.5, total_s=2.0)


def test_a_request_for_which_nothing_is_done_only_waits() -> None:
    """As when the words were there already."""
    now = 10.0
    times = Timekeeper(TRACEPARENT, "whisper", lambda: now)
    now = 10.5
    assert told({"served": times.served}) == [Served(TRACEPARENT, "whisper", 0.5, 0.0, 0.5)]


@pytest.mark.parametrize("served", [None, 7, [], {}, {"traceparent": "", "engine": "x", "queue_s": "soon"}])
def test_an_answer_that_cannot_be_read_tells_nothing(served: object) -> None:
    """Whatever a server puts there."""
    assert told({"served": served}) == []
    assert told({}) == []
