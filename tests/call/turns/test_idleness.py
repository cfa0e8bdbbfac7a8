from server.call.floor import State
from server.call.turns.idleness import GOODBYE_MS, Idle, Idleness
from server.media.frame import FRAME_MS


def passing(
    idleness: Idleness, ms: int, state: State = State.LISTENING, company: bool = False
) -> list[tuple[int, Idle]]:
    """What the agent has to do while so much time passes, and when."""
    found = [(at_ms, idleness.pass_frame(state, company)) for at_ms in range(FRAME_MS, ms + FRAME_MS, FRAME_MS)]
    return [(at_ms, idle) for at_ms, idle in found if idle is not None]


def test_the_agent_asks_takes_leave_and_ends() -> None:
    """After each silence the agent asks, then says goodbye, and ends the call shortly after."""
    found = passing(Idleness(5, 2), 17_000)
    assert found == [(5_000, Idle.ASK), (10_000, Idle.ASK), (15_000, Idle.LEAVE), (15_000 + GOODBYE_MS, Idle.END)]


def test_the_agents_turn_is_no_silence() -> None:
    """While the agent speaks the count stands still."""
    idleness = Idleness(5, 2)
    passing(idleness, 4_000)
    assert passing(idleness, 60_000, State.SPEAKING) == []
    assert passing(idleness, 1_000) == [(1_000, Idle.ASK)]


def test_a_sound_counts_as_silence_unless_words_come_of_it() -> None:
    """A noise is added to the silence when it is over. Words begin the count anew."""
    idleness = Idleness(5, 2)
    assert passing(idleness, 5_000, State.HEARING) == []
    assert passing(idleness, 20) == [(20, Idle.ASK)]
    passing(idleness, 5_000, State.HEARING)
    idleness.restart()
    assert passing(idleness, 5_000) == [(5_000, Idle.ASK)]


def test_in_company_all_time_counts() -> None:
    """Voices that do not listen may never pause, so the time in which they speak and are answered counts."""
    idleness = Idleness(5, 1)
    assert passing(idleness, 6_000, State.SPEAKING, company=True) == []
    assert passing(idleness, 20, State.LISTENING, company=True) == [(20, Idle.ASK)]


def test_in_company_the_agent_asks_right_after_an_answer() -> None:
    """The agent asks when voices have spoken over its answer, and interrupts no utterance that is being heard."""
    idleness = Idleness(5, 1)
    assert passing(idleness, 6_000, State.HEARING, company=True) == []
    assert passing(idleness, 2_000, State.OVERLAP, company=True) == []
    assert passing(idleness, 2_000, State.HEARING, company=True) == [(20, Idle.ASK)]
    assert passing(idleness, 6_000, State.OVERLAP, company=True) == []
    assert passing(idleness, 1_000, State.HEARING, company=True) == [(20, Idle.LEAVE)]


def test_in_company_the_goodbye_is_said_to_its_end() -> None:
    """The last silence is counted from the end of the goodbye, and whatever the voices do then."""
    idleness = Idleness(5, 0)
    assert passing(idleness, 5_000, company=True) == [(5_000, Idle.LEAVE)]
    assert passing(idleness, 6_000, State.OVERLAP, company=True) == []
    assert passing(idleness, 500, State.HEARING, company=True) == []
    assert passing(idleness, GOODBYE_MS, State.SPEAKING, company=True) == [(GOODBYE_MS - 500, Idle.END)]
