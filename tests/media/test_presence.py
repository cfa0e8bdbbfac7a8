"""Whether the client is still there."""

from hypothesis import given
from hypothesis import strategies as st

from server.media.presence import ASK_EVERY_S, Absence, Presence


def watched(presence: Presence, from_s: float, to_s: float) -> list[tuple[float, Absence]]:
    """Look every 20 ms between the two times. Returns each absence that is found, with its time."""
    looks = [(tick / 50, presence.look(tick / 50)) for tick in range(round(from_s * 50), round(to_s * 50))]
    return [(at_s, absence) for at_s, absence in looks if absence is not Absence.NONE]


def test_a_client_that_sends_sound_is_there() -> None:
    """While packets come, the client is not asked."""
    presence = Presence(0, 4)
    for tick in range(1, 1000):
        presence.sign(tick / 50)
        assert presence.look(tick / 50) is Absence.NONE


def test_a_client_that_falls_silent_is_asked_and_then_gone() -> None:
    """A client is asked several times after a second of silence, and counts as gone after four."""
    presence = Presence(1, 4)
    presence.sign(1)
    found = watched(presence, 1.02, 6)
    asked = [at_s for at_s, absence in found if absence is Absence.ASK]
    gone = [at_s for at_s, absence in found if absence is Absence.VANISHED]
    assert 2.0 < asked[0] < 2.1
    assert len(asked) >= 7
    assert 5.0 < gone[0] < 5.1


def test_a_client_that_answers_stays() -> None:
    """A client on hold that sends nothing for an hour, but answers the checks, is still there."""
    presence = Presence(0, 4)
    presence.sign(0)
    for tick in range(50 * 3600):
        absence = presence.look(tick / 50)
        assert absence in (Absence.NONE, Absence.ASK)
        if absence is Absence.ASK:
            presence.sign(tick / 50)


@given(st.floats(0.6, 3600))
def test_a_stall_of_this_process_does_not_count(stall_s: float) -> None:
    """However long this process has stalled, the client does not count as gone because of it."""
    presence = Presence(0, 4)
    presence.sign(1)
    presence.look(1)
    assert presence.look(1 + stall_s) in (Absence.NONE, Absence.ASK)
    assert [absence for _, absence in watched(presence, 1.02 + stall_s, 1 + stall_s + ASK_EVERY_S)] in (
        [], [Absence.ASK],
    )  # fmt: skip
