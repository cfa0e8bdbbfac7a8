"""How many workers there should be, and what is done about it."""

from dataclasses import replace

import pytest

from server.cluster.announcement import Announcement
from server.cluster.plan import FULL, ROOM_S, SHRINK_AFTER_S, Bounds, Member, Sizing, Start, Stop, next_step

WORKER = Announcement("w1", "http://127.0.0.1:1", "here", 1, "1.0", 0, "ready", "", 0, 0, 10)
READY = Member("w1", "new", 100.0, True, WORKER)
STARTING = replace(READY, worker=None)
OLD = replace(READY, generation="old")
Members = list[Member]


def named(*members: Member) -> Members:
    """The members, each with a key of its own."""
    return [replace(member, key=f"w{number}") for number, member in enumerate(members)]


def with_calls(*calls: int) -> list[Announcement]:
    return [replace(WORKER, name=f"w{number}", calls=count) for number, count in enumerate(calls)]


def test_the_number_follows_the_calls() -> None:
    """There is room for three more calls on ten that there are places for."""
    bounds = Bounds(1, 5)
    assert FULL == 0.7
    assert Sizing().wanted(with_calls(0), bounds, 0) == 1
    assert Sizing().wanted(with_calls(7), bounds, 0) == 1
    assert Sizing().wanted(with_calls(8), bounds, 0) == 2
    assert Sizing().wanted(with_calls(10, 10, 2), bounds, 0) == 4
    assert Sizing().wanted(with_calls(*[10] * 9), bounds, 0) == 5
    assert Sizing().wanted([], Bounds(3, 5), 0) == 3
    assert Sizing().wanted(with_calls(0, 0, 0, 0), Bounds(3, 5), 0) == 3


def test_it_shrinks_late() -> None:
    """Calls come in waves, so fewer workers have to be enough for a while."""
    sizing, bounds = Sizing(), Bounds(1, 5)
    assert sizing.wanted(with_calls(10, 10), bounds, 0) == 3
    assert sizing.wanted(with_calls(1, 0), bounds, 1) == 3
    assert sizing.wanted(with_calls(1, 0), bounds, SHRINK_AFTER_S) == 3
    assert sizing.wanted(with_calls(1, 0), bounds, SHRINK_AFTER_S + 1) == 1


@pytest.mark.parametrize(
    ("members", "leaving", "wanted", "step"),
    [
        ([], [], 3, Start(3)),
        ([READY], [], 3, Start(2)),
        ([READY, STARTING], [], 2, None),
        ([READY, READY], [READY], 2, None),
        ([OLD], [], 3, Start(2)),
    ],
)
def test_what_is_missing_is_started(members: Members, leaving: Members, wanted: int, step: Start | None) -> None:
    assert next_step(named(*members), leaving, "new", wanted) == step


def test_the_emptiest_goes_first() -> None:
    """One that does not run costs nobody anything; else it is the one with the fewest calls."""
    busy, quiet = (replace(READY, worker=replace(WORKER, calls=calls)) for calls in (5, 1))
    assert next_step(named(busy, quiet, busy), [], "new", 2) == Stop("w1", "fewer are enough")
    assert next_step(named(busy, quiet, STARTING), [], "new", 2) == Stop("w2", "fewer are enough")


def test_a_rolling_restart() -> None:
    """A new worker is ready before an old one drains, and one drains at a time."""
    assert next_step(named(OLD, OLD), [], "new", 2) == Start(1)
    assert next_step(named(OLD, OLD, STARTING), [], "new", 2) is None
    assert next_step(named(OLD, OLD, READY), [], "new", 2) == Stop("w0", "a new one takes its place")
    assert next_step(named(OLD, READY), [OLD], "new", 2) is None
    assert next_step(named(OLD, READY), [], "new", 2) == Start(1)
    assert next_step(named(OLD, READY, READY), [], "new", 2) == Stop("w0", "a new one takes its place")
    assert next_step(named(READY, READY), [], "new", 2) is None


def test_a_rolling_restart_without_room() -> None:
    """An old worker leaves its room to a new one that no machine has room for. One that fails gets nobody's."""
    waiting = replace(STARTING, placed=False)
    assert next_step(named(OLD, OLD, replace(waiting, age_s=ROOM_S)), [], "new", 2) is None
    step = next_step(named(OLD, OLD, replace(waiting, age_s=ROOM_S + 1)), [], "new", 2)
    assert step == Stop("w0", "a new one takes its place")
    assert next_step(named(OLD, replace(waiting, age_s=ROOM_S + 1)), [], "new", 2) is None
    assert next_step(named(OLD, OLD, replace(STARTING, age_s=1e6)), [], "new", 2) is None


def test_an_old_one_that_does_not_serve_goes_first() -> None:
    """So settings that were wrong are replaced by right ones."""
    broken = replace(OLD, worker=None)
    assert next_step(named(OLD, broken, READY), [], "new", 2) == Stop("w1", "a new one takes its place")
