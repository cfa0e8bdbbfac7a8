"""The bench of people's pauses: reading recordings, hearing one of them, and the figures."""

import json
from pathlib import Path

import pytest

from bench.common.rehearsal import Stage
from bench.pauses.listening import TAIL_S, traced
from bench.pauses.people import figures, silence_alone, smart_turn_alone
from bench.pauses.phrases import auc, pairs
from bench.pauses.recorded import recorded
from bench.pauses.trace import Moment, judged
from server.call.turns.lexicon.english import ENGLISH
from server.errors import ConfigError

CARRIED = Path(__file__).parents[3] / "bench/recordings/people"


def test_the_recordings_that_are_carried_can_be_read() -> None:
    """Each order has its sound, its parts are in order, and some have pauses that the bench can judge."""
    orders = recorded(CARRIED)
    assert sum(len(order.pauses) for order in orders) >= 40
    for order in orders:
        times = [ms for part in order.parts_ms for ms in part]
        assert times == sorted(times)
        assert order.path.is_file()
    halves = [recorded(CARRIED, half) for half in ("first", "second")]
    assert sorted(order.name for half in halves for order in half) == sorted(order.name for order in orders)


def test_short_gaps_are_no_pauses(tmp_path: Path) -> None:
    """Parts with less than 200 ms between them count as one."""
    entry = {"id": "one", "speech_ms": [[100, 500], [600, 900], [1_200, 1_500]], "pauses_ms": [300]}
    (tmp_path / "orders.json").write_text(json.dumps([entry]), encoding="utf-8")
    (order,) = recorded(tmp_path)
    assert order.parts_ms == ((100, 900), (1_200, 1_500))
    assert [pause.ms for pause in order.pauses] == [300]


@pytest.mark.parametrize("content", [None, "not json"])
def test_a_directory_without_recordings_is_refused(tmp_path: Path, content: str | None) -> None:
    """The message names the file."""
    if content is not None:
        (tmp_path / "orders.json").write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"orders\.json"):
        recorded(tmp_path)


def test_a_person_is_heard_by_a_real_session() -> None:
    """A pause of half a second is taken for the end by a silence of 300 ms, and not by one of a second."""
    order = max((order for order in recorded(CARRIED) if len(order.pauses) == 1), key=lambda order: order.pauses[0].ms)
    trace = traced(order, order.sound(TAIL_S), order.parts_ms, Stage())
    short, long = (judged(trace, silence_alone(ms)) for ms in (300, 1_200))
    assert short.cut == (True,)
    assert long.cut == (False,)
    assert long.latency_ms is not None
    assert 1_100 <= long.latency_ms <= 1_400
    found = figures([trace], ENGLISH)
    assert (found["n"], found["utterances"]) == (1, 1)
    assert found["silence_300"]["cut_percent"] == 100
    assert {"cut_percent", "p50_ms", "p95_ms"} <= found["words_alone"].keys() & found.keys()
    waits = [point["p50_ms"] for point in found["curves"]["normal"]]
    assert waits == sorted(waits)


def test_the_endpoint_model_alone_decides_by_the_half() -> None:
    """Above 0.5 the end comes at once, and otherwise after a long silence."""
    sure, unsure, unasked = (Moment(200, "", over) for over in (0.51, 0.5, None))
    assert smart_turn_alone(sure, "") < smart_turn_alone(unsure, "") == smart_turn_alone(unasked, "")


def test_the_area_under_the_curve() -> None:
    """1 when every end is surer than every cut, 0.5 when they are the same, and draws count half."""
    assert auc([3, 4], [1, 2]) == 1
    assert auc([1, 2], [1, 2]) == 0.5
    assert auc([1], [1, 0]) == 0.75


def test_a_long_phrase_is_cut_after_the_words_of_the_short_one() -> None:
    """The cut sentence is shorter than the long one, and about as long as the short one."""
    for short, long, cut in pairs(CARRIED / "phrases"):
        assert len(cut) < len(long)
        assert abs(len(cut) - len(short)) < 32_000 * 0.6
