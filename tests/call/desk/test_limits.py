"""How many calls one caller may have, how fast, and which call gives way. Times are seconds."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.call.caller import Caller
from server.call.desk.admission import Refusal
from server.call.desk.limits import DOUBT_S, HALF_OPEN_S, MOST_KNOWN, CallerLimits, Held, Limits, Stage

SETTINGS = CallerLimits()
SILENT_S = SETTINGS.silent_s
HOME = Caller()
EMPTY = (Stage.HALF_OPEN, Stage.SILENT)
SAFE_S = {Stage.HALF_OPEN: HALF_OPEN_S, Stage.SILENT: SILENT_S}


def limits(places: int = 8, **settings: Any) -> Limits:
    return Limits(CallerLimits(**settings), places)


def at(number: int) -> Caller:
    return Caller(f"203.0.113.{number}")


def held(*calls: tuple[Caller, Stage, float]) -> list[Held]:
    """Calls with the ids "0", "1" and so on, by caller, stage and the time since when it is in that stage."""
    return [Held(str(number), *call) for number, call in enumerate(calls)]


def way(room: Held | Refusal | None) -> str:
    """The id of the call that gives way, or the value of the refusal; "" if there is a free place."""
    return "" if room is None else room.id if isinstance(room, Held) else room.value


# How many


@pytest.mark.parametrize(("places", "setting", "most"), [(8, 0, 4), (9, 0, 4), (1, 0, 1), (8, 2, 2), (8, 20, 20)])
def test_calls_of_an_address_are_limited(places: int, setting: int, most: int) -> None:
    """An address has half of the places, or as many as the setting says. Another address is not concerned."""
    desk = limits(places, per_address=setting)
    calls = held(*[(at(1), Stage.LIVE, 0.0)] * (most - 1))
    assert desk.find_room(at(1), calls, 0) is not Refusal.ADDRESS_LIMIT
    calls = held(*[(at(1), Stage.LIVE, 0.0)] * most)
    assert desk.find_room(at(1), calls, 0) is Refusal.ADDRESS_LIMIT
    assert desk.find_room(at(2), calls, 0) is not Refusal.ADDRESS_LIMIT
    assert desk.find_room(HOME, calls, 0) is not Refusal.ADDRESS_LIMIT


def test_calls_of_a_name_are_limited_wherever_they_come_from() -> None:
    """A name has as many calls as its token says, else as many as the setting says, from all addresses together."""
    desk = limits(20, per_name=2)
    calls = held(*[(Caller(f"203.0.113.{number}", name="anna"), Stage.LIVE, 0.0) for number in range(2)])
    assert desk.find_room(Caller("203.0.113.9", name="anna"), calls, 0) is Refusal.NAME_LIMIT
    assert desk.find_room(Caller("203.0.113.9", name="anna", max_calls=3), calls, 0) is None
    assert desk.find_room(Caller("203.0.113.9", name="anna", max_calls=1), calls[:1], 0) is Refusal.NAME_LIMIT
    assert desk.find_room(Caller("203.0.113.9", name="bert"), calls, 0) is None
    assert desk.find_room(Caller("203.0.113.1"), calls, 0) is None


def test_an_address_is_never_taken_for_a_name() -> None:
    """A token cannot use up the calls of an address by naming itself like it."""
    desk = limits(20, per_name=1)
    calls = held((Caller(name="203.0.113.1"), Stage.LIVE, 0.0))
    assert desk.find_room(at(1), calls, 0) is None


def test_half_open_calls_of_a_caller_are_limited() -> None:
    """A caller who has enough calls that do not connect gets no other one, although there are places."""
    desk = limits(40, half_open=4)
    calls = held(*[(at(1), Stage.HALF_OPEN, 0.0)] * 4)
    assert desk.find_room(at(1), calls[:3], 0) is None
    assert desk.find_room(at(1), calls, 0) is Refusal.HALF_OPEN_LIMIT
    assert desk.find_room(at(2), calls, 0) is None
    named = held(
        *[(Caller(f"203.0.113.{number}", name="anna", max_calls=9), Stage.HALF_OPEN, 0.0) for number in "1234"]
    )
    assert desk.find_room(Caller(name="anna", max_calls=9), named, 0) is Refusal.HALF_OPEN_LIMIT


def test_a_call_that_waits_gives_way_to_a_new_call_of_its_own_caller() -> None:
    """Somebody who lost the connections of all calls and calls anew is not refused because of them."""
    desk = limits(8, per_address=2)
    calls = held((at(1), Stage.DETACHED, 5.0), (at(1), Stage.DETACHED, 3.0), (at(2), Stage.DETACHED, 1.0))
    assert way(desk.find_room(at(1), calls, 9)) == "1"
    both = held((Caller("203.0.113.1", name="anna"), Stage.LIVE, 0.0), (at(1), Stage.DETACHED, 3.0))
    assert desk.find_room(Caller("203.0.113.1", name="anna", max_calls=1), both, 9) is Refusal.NAME_LIMIT


def test_a_call_that_has_ended_does_not_count() -> None:
    """A caller who has hung up may call again, even while a tool of the old call still stops."""
    calls = held(*[(at(1), Stage.ENDED, 0.0)] * 4)
    assert limits(8).find_room(at(1), calls, 0) is None


# How fast


def offers(desk: Limits, caller: Caller, until_s: float, every_s: float) -> int:
    """How many offers of a caller are admitted who sends one again and again."""
    return sum(desk.admits_offer(caller, number * every_s) for number in range(round(until_s / every_s)))


def test_offers_have_a_pace() -> None:
    """A caller may send some at once, and then so many a second. A name does not get round its limit by addresses."""
    assert offers(limits(per_s=2, burst=20), at(1), 100, 0.01) == 20 + 2 * 100 - 1
    desk = limits(per_s=2, burst=20)
    named = [desk.admits_offer(Caller(f"203.0.113.{number % 200}", name="anna"), 0) for number in range(200)]
    assert sum(named) == 20
    assert all(desk.admits_offer(HOME, 0) for _ in range(1_000)), "a program on this machine has no such limit"


def test_a_pace_is_not_shared() -> None:
    """A flood of one address leaves all others their offers."""
    desk = limits()
    assert offers(desk, at(1), 1, 0.001) < 50
    assert desk.admits_offer(at(2), 1)


def test_a_flood_of_addresses_forgets_no_limit() -> None:
    """When too many addresses are known, new ones share one pace. Those that have a limit keep it."""
    desk = limits(per_s=2, burst=2)
    assert [desk.admits_offer(at(1), 0) for _ in range(3)] == [True, True, False]
    flood = [desk.admits_offer(Caller(f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}"), 0) for n in range(2 * MOST_KNOWN)]
    assert sum(flood) == MOST_KNOWN - 1 + 2
    assert not desk.admits_offer(at(1), 0)
    assert len(desk._paces) == MOST_KNOWN
    assert desk.admits_offer(at(2), 2), "after a rest there is room again"
    assert len(desk._paces) == 1


def test_what_is_known_of_empty_calls_is_bounded() -> None:
    """However many callers had an empty call, only the last ones are remembered, and for a time."""
    desk = limits()
    for number in range(MOST_KNOWN + 5):
        desk.note_end(Caller(f"10.{number}"), True, 0)
    assert len(desk._doubts) == MOST_KNOWN
    desk.note_end(HOME, True, DOUBT_S + 1)
    assert not desk._doubts


# Who gives way


def test_with_a_free_place_nobody_gives_way() -> None:
    """Only a full server lets a call give way."""
    calls = held((at(1), Stage.ENDED, 0.0), (at(2), Stage.HALF_OPEN, 0.0))
    assert limits(3).find_room(at(3), calls, 100) is None
    assert isinstance(limits(2).find_room(at(3), calls, 100), Held)


def test_a_live_call_never_gives_way() -> None:
    """A full server of talking callers refuses a new one, however long they have been talking."""
    calls = held((at(1), Stage.LIVE, 0.0), (at(2), Stage.LIVE, 0.0))
    assert limits(2).find_room(at(3), calls, 1e6) is Refusal.FULL


@pytest.mark.parametrize("stage", EMPTY)
def test_the_only_call_of_a_caller_is_safe_for_a_while(stage: Stage) -> None:
    """The newest caller of a busy hour has time to connect, and to say something."""
    desk, calls = limits(1), held((at(1), stage, 100.0))
    assert desk.find_room(at(2), calls, 100 + SAFE_S[stage] - 0.1) is Refusal.FULL
    assert way(desk.find_room(at(2), calls, 100 + SAFE_S[stage])) == "0"


@pytest.mark.parametrize("stage", EMPTY)
def test_of_several_empty_calls_none_is_safe(stage: Stage) -> None:
    """A caller with several empty calls keeps nobody out with them. The oldest of them goes first."""
    desk, calls = limits(3), held((at(2), stage, 1.0), (at(1), stage, 3.0), (at(1), stage, 2.0))
    assert way(desk.find_room(at(3), calls, 3)) == "2"


@pytest.mark.parametrize("stage", EMPTY)
def test_after_an_empty_call_the_next_one_is_not_safe(stage: Stage) -> None:
    """Somebody who fills places with empty calls one after the other keeps nobody out. Words make that forgotten."""
    desk, calls = limits(1), held((Caller("203.0.113.1", name="anna"), stage, 100.0))
    desk.note_end(at(1), True, 90)
    assert way(desk.find_room(at(2), calls, 100)) == "0"
    desk.note_end(at(1), False, 95)
    assert desk.find_room(at(2), calls, 100) is Refusal.FULL
    desk.note_end(Caller(name="anna"), True, 100)
    assert way(desk.find_room(at(2), calls, 100)) == "0"
    assert desk.find_room(at(2), held((at(1), stage, 101 + DOUBT_S)), 101 + DOUBT_S) is Refusal.FULL


def test_who_had_an_empty_call_takes_no_place_from_others() -> None:
    """Callers who fill the server with empty calls do not replace each other, and nobody who waits. A free place is
    for them, too."""
    desk = limits(2)
    desk.note_end(at(3), True, 90)
    calls = held((at(1), Stage.DETACHED, 0.0), (at(2), Stage.SILENT, 0.0))
    assert desk.find_room(at(3), calls, 100) is Refusal.FULL
    assert desk.find_room(at(3), calls[:1], 100) is None
    assert way(desk.find_room(at(4), calls, 100)) == "0"


def test_who_gives_way_first() -> None:
    """First a call that has ended, then doubtful empty ones, then one that waits, and last a silent caller."""
    calls = held(
        (at(1), Stage.SILENT, 0.0),
        (at(2), Stage.DETACHED, 20.0),
        (at(3), Stage.DETACHED, 10.0),
        (at(4), Stage.HALF_OPEN, 40.0),
        (at(5), Stage.ENDED, 50.0),
        (at(6), Stage.LIVE, 0.0),
    )
    order = []
    while isinstance(room := limits(len(calls)).find_room(at(9), calls, 60), Held):
        order.append(room.id)
        calls.remove(room)
    assert order == ["4", "3", "2", "1", "0"]


CALLERS = st.builds(Caller, st.sampled_from(["", "a", "b", "c"]), name=st.sampled_from(["", "x", "y"]))
CALLS = st.lists(st.tuples(CALLERS, st.sampled_from(Stage), st.floats(0, 100)), max_size=8)


@given(places=st.integers(1, 8), calls=CALLS, newcomer=CALLERS, ends=st.lists(st.tuples(CALLERS, st.booleans())))
def test_whatever_calls_there_are(
    places: int, calls: list[tuple[Caller, Stage, float]], newcomer: Caller, ends: list[tuple[Caller, bool]]
) -> None:
    """No live call ever gives way. With a free place only the caller's own calls count. An admitted call never makes
    more calls than there are places."""
    desk, present = limits(places), held(*calls[:places])
    for caller, empty in ends:
        desk.note_end(caller, empty, 50)
    room = desk.find_room(newcomer, present, 100)
    if isinstance(room, Held):
        assert room in present
        assert room.stage is not Stage.LIVE
    if len(present) < places:
        assert room is not Refusal.FULL
        if not newcomer.address and not newcomer.name:
            assert room is None
    else:
        assert room is not None
