import pytest

from server.call.options import Patience
from server.call.turns.endpoint import EndpointSettings, Pause, enough_silence_ms
from server.call.turns.lexicon.english import ENGLISH
from server.call.turns.overlap import AgentState, Meaning, Overlap, OverlapSettings, meaning_of
from server.call.turns.patience import PRESETS, endpoint_of, overlap_of

ENDPOINT, OVERLAP = EndpointSettings(), OverlapSettings()
PACE: tuple[Patience, ...] = ("quick", "normal", "patient")


def test_normal_is_every_default() -> None:
    """Who chooses nothing gets what the settings say."""
    assert endpoint_of("normal", ENDPOINT) == ENDPOINT
    assert overlap_of("normal", OVERLAP) == OVERLAP


@pytest.mark.parametrize("patience", PACE)
def test_presets_are_valid_settings(patience: Patience) -> None:
    """Each name is a threshold, and each value one that an operator could have set."""
    preset = PRESETS[patience]
    assert EndpointSettings(**preset.endpoint) == endpoint_of(patience, ENDPOINT)
    assert OverlapSettings(**preset.overlap) == overlap_of(patience, OVERLAP)


def test_a_threshold_that_was_set_stays() -> None:
    """Also one that was set to its default."""
    given = EndpointSettings(open_ms=900, complete_ms=ENDPOINT.complete_ms)
    patient = endpoint_of("patient", given)
    assert (patient.open_ms, patient.complete_ms) == (900, ENDPOINT.complete_ms)
    assert patient.single_ms > ENDPOINT.single_ms
    assert overlap_of("quick", OverlapSettings(words=4)).words == 4


@pytest.mark.parametrize("over", [None, 0.05, 0.5, 0.95])
@pytest.mark.parametrize(
    "text", ["", "yes", "i want a book", "where is my order", "is it open?", "i want a book and", "four two"]
)
def test_each_wait_is_longer_with_more_patience(text: str, over: float | None) -> None:
    """Whatever was said, and however the voice sounds."""
    waits = [
        enough_silence_ms(Pause(ENGLISH.ending(text), over=over), endpoint_of(patience, ENDPOINT)) for patience in PACE
    ]
    assert waits == sorted(waits)
    assert waits[0] < waits[2]


@pytest.mark.parametrize("state", AgentState)
def test_each_bar_is_higher_with_more_patience(state: AgentState) -> None:
    """In each state of the agent no part of the bar gets lower."""
    quick, normal, patient = (overlap_of(patience, OVERLAP).bar(state) for patience in PACE)
    for part in ("words", "words_ms", "voiced_ms"):
        assert getattr(quick, part) <= getattr(normal, part) <= getattr(patient, part)
    assert len({quick, normal, patient}) == 3


@pytest.mark.parametrize("patience", PACE)
def test_a_command_stops_the_agent_with_any_patience(patience: Patience) -> None:
    """A caller who says "stop" is never asked for more words."""
    said = Overlap(400, 0, "stop", "stop", "once upon a time there was a shop")
    assert meaning_of(said, overlap_of(patience, OVERLAP), ENGLISH) is Meaning.INTERRUPTION
