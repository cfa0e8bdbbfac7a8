"""Callers who speak while the agent has the floor, on virtual time: what stops the agent, and what it says then."""

import numpy as np
import pytest

from server.call import messages
from tests.fakes.engines import COUGH, LetterSpeechToText
from tests.fakes.mind import Mind
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual


def test_who_cuts_in_is_heard() -> None:
    """On an interruption the agent falls silent, the heard part becomes history, and the caller is answered."""

    async def scenario() -> None:
        story = "Once upon a time there was a shop. It sold books of every kind. Nobody knew where they came from."
        mind = Mind(answers={"tell me a story": story})
        async with Caller(mind) as caller:
            await caller.say("tell me a story")
            await caller.wait(2500)
            onset_ms = caller.now_ms
            await caller.say("stop please")
            silent_ms = caller.now_ms
            await caller.until_silent()
        first, second = caller.answers
        assert first.interrupted
        assert story.startswith(first.text)
        assert 10 < len(first.text) < 60
        assert not any(caller.heard[int((onset_ms + 500) / 20) : int(silent_ms / 20)])
        assert second.text == "You said stop please."
        history = mind.seen[-1]
        assert [part.content for part in history[1].parts] == [first.text + " —"]

    run_virtual(scenario())


def test_who_goes_on_into_the_first_word_is_answered_for_all() -> None:
    """An answer that is interrupted before a word of it was heard is replaced by one for the whole question."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            await caller.say("i want a book")
            while not any(caller.heard):
                await caller.wait(20)
            await caller.say("about green birds please")
            await caller.until_silent()
        assert caller.answers[-1].text == "You said i want a book about green birds please."
        assert len(caller.session.dialogue.history.messages) == 2

    run_virtual(scenario())


def test_at_the_first_sign_of_a_voice_the_agent_is_softer() -> None:
    """At the first sign of a voice the agent is softer for a moment, and keeps its place in the answer."""

    async def scenario() -> None:
        story = "Once upon a time there was a shop. It sold books of every kind."
        mind = Mind(answers={"tell me a story": story})
        async with Caller(mind) as caller:
            await caller.say("tell me a story")
            await caller.wait(2000)
            start = len(caller.heard)
            await caller.say(COUGH, word_ms=20)
            await caller.until_silent()
        loudest = [np.abs(np.frombuffer(frame, np.int16).astype(int)).max() for frame in caller.heard[start:] if frame]
        soft = [number for number, level in enumerate(loudest[:20]) if level < 0.6 * max(loudest)]
        assert 1 <= len(soft) <= 4
        assert soft[0] <= 1
        assert [answer.text for answer in caller.answers] == [story]
        assert caller.states[-3:] == ["speaking", "listening", "closed"]

    run_virtual(scenario())


def test_stop_by_the_button() -> None:
    """The client's `interrupt` silences the agent and keeps what was heard."""

    async def scenario() -> None:
        mind = Mind(answers={"tell me": "One two three four five six seven eight nine ten eleven twelve."})
        async with Caller(mind) as caller:
            await caller.say("tell me")
            await caller.wait(1500)
            caller.session.receive_text(messages.Interrupt().to_json())
            await caller.wait(2000)
        assert not any(caller.heard[-90:])
        assert caller.answers[0].interrupted
        assert caller.states[-2:] == ["listening", "closed"]

    run_virtual(scenario())


def test_a_yes_into_the_last_syllable_is_an_answer() -> None:
    """A "yes" into the last syllable of a question is an answer, not a backchannel."""

    async def scenario() -> None:
        mind = Mind(answers={"call me": "Shall I call you at ten?", "yes": "Then at ten."})
        async with Caller(mind) as caller:
            await caller.say("call me")
            await caller.wait(1500)
            await caller.say("yes")
            await caller.until_silent()
        assert [answer.text for answer in caller.answers][-1] == "Then at ten."

    run_virtual(scenario())


def test_the_agents_word_is_an_answer_to_its_first_question() -> None:
    """A caller who answers the greeting with a word of it is heard, although no echo could be measured yet."""

    async def scenario() -> None:
        async with Caller(Mind(), greeting="Small or medium today?") as caller:
            await caller.wait(1_160)
            assert caller.states[-1] == "speaking"
            await caller.say("medium", word_ms=400)
            await caller.until_silent()
        assert caller.answers[-1].text == "You said medium."

    run_virtual(scenario())


def test_a_yes_in_the_middle_cheers_the_agent_on() -> None:
    """A "yes" in the middle of a long answer does not stop it, and no word of the answer is lost."""

    async def scenario() -> None:
        story = "Once upon a time there was a shop. It sold books of every kind, and people came from far away."
        async with Caller(Mind(answers={"tell me a story": story})) as caller:
            await caller.say("tell me a story")
            await caller.wait(1500)
            await caller.say("yes")
            await caller.until_silent()
        assert [(answer.text, answer.interrupted) for answer in caller.answers] == [(story, False)]
        said = b"".join(pcm for pcm in caller.heard if pcm)
        assert len(said) >= 2 * 24_000 * len(story) / 15

    run_virtual(scenario())


@pytest.mark.parametrize("typed", [False, True])
def test_who_goes_on_while_slow_words_are_awaited_is_answered_for_all(typed: bool) -> None:
    """Speech-to-text that gives all words late does not lose those that the caller said before."""

    async def scenario() -> None:
        async with Caller(Mind(), LetterSpeechToText(final_ms=2_500, partial_ms=None)) as caller:
            await caller.say("i want a book")
            await caller.wait(1_100)
            if typed:
                caller.session.receive_text(messages.Text(text="about green birds").to_json())
            else:
                await caller.say("about green birds")
            await caller.until_silent()
        assert [answer.text for answer in caller.answers] == ["You said i want a book about green birds."]
        assert sorted(caller.captions) == ["about green birds", "i want a book"]
        assert caller.stt.opened == caller.stt.closed

    run_virtual(scenario())


REASSURANCES = (
    "okay", "monday then", "okay I'll wait", "no rush", "that's fine", "sure I'll hold", "take your time",
    "okay thank you i'll wait",
)  # fmt: skip
STOPS = ("stop", "no wait", "cancel that", "make it two tables please")


@pytest.mark.parametrize("sound", [*REASSURANCES, *STOPS])
@pytest.mark.parametrize("partial_ms", [0, None])
def test_a_murmur_does_not_cancel_a_booking(sound: str, partial_ms: float | None) -> None:
    """While a tool runs that may be stopped, a clear interruption stops it; a murmur or a reassurance leaves no trace
    and loses nothing."""
    ends = sound in STOPS

    async def scenario() -> None:
        mind = Mind(tool_s=4, cancellable=("book",))
        async with Caller(mind, LetterSpeechToText(partial_ms=partial_ms)) as caller:
            await caller.say("book a table")
            await caller.wait(2500)
            await caller.say(sound)
            await caller.until_silent(ms=5_000)
        assert mind.booked == ([] if ends else ["a table"])
        assert caller.answers[0].interrupted is ends
        assert caller.captions[1:] == ([sound] if ends else [])

    run_virtual(scenario())


def test_deafness_to_a_murmur_does_not_cut_the_answer_off() -> None:
    """When speech-to-text fails on a sound over the agent, the client is told, and the agent goes on."""

    async def scenario() -> None:
        story = "Once upon a time there was a shop. It sold books of every kind, and people came from far away."
        stt = LetterSpeechToText(partial_ms=None)
        async with Caller(Mind(answers={"tell me a story": story}), stt) as caller:
            await caller.say("tell me a story")
            await caller.wait(1500)
            stt.failures = 1
            await caller.say("right")
            await caller.until_silent()
        assert [(answer.text, answer.interrupted) for answer in caller.answers] == [(story, False)]
        assert len(caller.of(messages.Error)) == 1

    run_virtual(scenario())
