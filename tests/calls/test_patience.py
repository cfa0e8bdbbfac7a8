"""How patient the agent is with a caller who pauses, in whole calls on virtual time."""

import pytest
from pydantic_ai import Agent

from server.agent.voice_agent import VoiceAgent
from server.call.options import CallOptions, Patience
from server.choices import call_settings
from server.config import load
from tests.fakes.mind import Mind
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual


def caller(patience: Patience) -> Caller:
    """A caller whose call has chosen this patience, at a server and an agent with no choice of their own."""
    settings = call_settings(load(), VoiceAgent(Agent("test")), CallOptions(patience=patience))
    return Caller(Mind(), settings=settings)


def test_a_patient_call_waits_longer_at_the_same_pause() -> None:
    """The same caller says the same words; the answer comes later, the more patient the call is."""

    async def gap_ms(patience: Patience) -> float:
        async with caller(patience) as calling:
            await calling.say("i want a book and")
            end_ms = calling.now_ms
            await calling.until_silent(limit_ms=5_000)
            return (calling.first_sound_ms(end_ms) or 0) - end_ms

    quick, normal, patient = (run_virtual(gap_ms(patience)) for patience in ("quick", "normal", "patient"))
    assert 1_000 <= quick < normal < patient < 2_300


@pytest.mark.parametrize(
    ("patience", "heard"),
    [("quick", ["i like books", "with green covers"]), ("patient", ["i like books with green covers"])],
)
def test_the_same_pause_is_an_end_or_not(patience: Patience, heard: list[str]) -> None:
    """A pause that the quick call takes for the end is only a pause for the patient one."""

    async def scenario() -> None:
        async with caller(patience) as calling:
            await calling.say("i like books")
            await calling.wait(500)
            await calling.say("with green covers")
            await calling.until_silent()
        assert calling.captions == heard

    run_virtual(scenario())


@pytest.mark.parametrize(("patience", "interrupted"), [("quick", True), ("patient", False)])
def test_the_same_words_interrupt_or_not(patience: Patience, interrupted: bool) -> None:
    """Two words stop an agent that is quick; a patient one finishes what it says."""

    async def scenario() -> None:
        story = "Once upon a time there was a shop. It sold books of every kind, and people came from far away."
        async with caller(patience) as calling:
            calling.mind.answers["tell me a story"] = story
            await calling.say("tell me a story")
            await calling.wait(2_500)
            await calling.say("green birds")
            await calling.until_silent()
        assert calling.answers[0].interrupted is interrupted

    run_virtual(scenario())
