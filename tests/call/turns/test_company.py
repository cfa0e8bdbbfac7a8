import pytest

from server.call.floor import State
from server.call.turns.company import CUTS, HEARD_MS, Company
from server.media.frame import FRAME_MS


def speak(company: Company, ms: int, voiced_ms: int = 0) -> None:
    """The agent speaks, and a voice speaks over the first part of it."""
    company.begin()
    for at_ms in range(0, ms, FRAME_MS):
        voiced = at_ms < voiced_ms
        company.pass_frame(State.OVERLAP if voiced else State.SPEAKING, voiced)


def crowded() -> Company:
    company = Company()
    for _ in range(CUTS):
        speak(company, 700, 600)
        company.cut_off()
    assert company.here
    return company


def test_answers_that_are_cut_off_unheard_show_company() -> None:
    """Two answers that are cut off at once show nothing, three in a row show voices that do not listen."""
    company = Company()
    for here in (False, False, True):
        speak(company, 700, 600)
        company.cut_off()
        assert company.here is here


@pytest.mark.parametrize("between", ["heard out", "listened"])
def test_who_listens_is_no_company(between: str) -> None:
    """A caller who hears an answer to its end, or interrupts it after listening, begins the count anew."""
    company = Company()
    for _ in range(5):
        speak(company, 700, 600)
        company.cut_off()
        if between == "heard out":
            speak(company, 3_000)
            company.heard_out()
        else:
            speak(company, HEARD_MS)
            company.cut_off()
        assert not company.here


@pytest.mark.parametrize(("voiced_ms", "here"), [(0, False), (1_400, False), (1_600, True), (3_000, True)])
def test_company_is_gone_when_somebody_listens(voiced_ms: int, here: bool) -> None:
    """Voices that were silent for most of an answer have listened to it."""
    company = crowded()
    speak(company, 3_000, voiced_ms)
    assert company.heard_out() is not here
    assert company.here is here
    assert not company.heard_out()


def test_a_short_line_proves_nothing() -> None:
    """Voices may pause for as long as a goodbye takes."""
    company = crowded()
    speak(company, 600)
    company.heard_out()
    assert company.here


def test_who_commands_is_heard_in_company() -> None:
    """In company only a command stops the agent, so somebody listens after all."""
    company = crowded()
    speak(company, 300)
    company.cut_off()
    assert not company.here
