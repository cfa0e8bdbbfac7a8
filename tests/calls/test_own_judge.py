"""Agents that bring a judge of their own, in whole calls on virtual time."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest

from antiphon.turns import Backchannel, Endpoint, Interruption, Judge, JudgeSetup, Prepare, TurnJudge, Verdict, View
from server.agent.voice_agent import VoiceAgent
from tests.fakes.mind import Mind
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual


class RadioJudge:
    """For people who say "over" when they are done, and "break" when they want to cut in."""

    def __init__(self, setup: JudgeSetup) -> None:
        self.setup = setup

    def hearing(self, view: View) -> Verdict:
        if view.voice.voiced:
            return Verdict(Prepare.CANCEL)
        if view.lexicon.words(view.text)[-1:] == ("over",) and view.settled:
            return Verdict(Prepare.ANSWER, Endpoint(view.utterance))
        return Verdict(Prepare.WORDS)

    def overlap(self, view: View) -> Verdict:
        if "break" in view.lexicon.words(view.text):
            return Verdict(Prepare.CANCEL, Interruption(view.utterance))
        if view.voice.silence_ms < 300:
            return Verdict()
        return Verdict(event=Backchannel(view.utterance))


@dataclass
class Judged(Mind):
    """A mind whose agent brings a judge of its own."""

    judge: Callable[[JudgeSetup], Judge] | None = None

    def agent(self, greeting: str = "") -> VoiceAgent:
        return replace(super().agent(greeting), judge=self.judge, phrases=("roger",), digits=4)


def test_a_judge_of_its_own_decides_who_may_speak() -> None:
    """The agent's own judge ends utterances and decides on interruptions, by what it is told of the call."""
    made: list[JudgeSetup] = []

    def make(setup: JudgeSetup) -> Judge:
        made.append(setup)
        return RadioJudge(setup)

    async def scenario() -> None:
        story = "Once upon a time there was a shop. It sold books of every kind. Nobody came."
        async with Caller(Judged(judge=make, answers={"tell me a story over": story})) as caller:
            await caller.say("tell me a story")
            await caller.wait(5_000)
            assert caller.answers == []
            await caller.say("over")
            await caller.wait(2_500)
            await caller.say("stop it please and listen to me")
            await caller.until_silent()
            assert [(answer.text, answer.interrupted) for answer in caller.answers] == [(story, False)]
            await caller.say("who are you over")
            await caller.wait(500)
            await caller.say("break who is there over")
            await caller.until_silent()
        assert caller.answers[-1].text.endswith("break who is there over.")

    run_virtual(scenario())
    (setup,) = made
    assert (setup.phrases, setup.digits) == (("roger",), 4)


def test_a_judge_that_waits_for_ever_is_overruled() -> None:
    """A cough that the judge leaves open is dropped after a while, and an utterance without end is answered."""

    async def scenario() -> None:
        async with Caller(Judged(judge=RadioJudge)) as caller:
            await caller.say("* *")
            await caller.wait(6_000)
            assert caller.states[-1] == "listening"
            await caller.say("tell me a story")
            await caller.wait(27_000)
            assert caller.states[-1] == "speaking"
            await caller.until_silent()
        assert caller.answers[-1].text == "You said tell me a story."

    run_virtual(scenario())


class Deaf(RadioJudge):
    """Never decides what a sound over the agent means."""

    def overlap(self, view: View) -> Verdict:
        return Verdict(Prepare.NOTHING if view.voice.voiced else Prepare.WORDS)


def test_a_judge_that_never_decides_does_not_silence_the_agent() -> None:
    """After a cough over the agent that the judge leaves open, the answer goes on."""

    async def scenario() -> None:
        story = "Once upon a time there was a shop. It sold books of every kind. Nobody came."
        async with Caller(Judged(judge=Deaf, answers={"tell me a story over": story})) as caller:
            await caller.say("tell me a story over")
            await caller.wait(1_000)
            await caller.say("*")
            await caller.wait(4_000)
            assert caller.states[-1] == "overlap"
            await caller.wait(6_000)
        assert [(answer.text, answer.interrupted) for answer in caller.answers] == [(story, False)]

    run_virtual(scenario())


class Faulty(TurnJudge):
    """Fails in the middle of a call."""

    def hearing(self, view: View) -> Verdict:
        if view.utterance > 1:
            raise ZeroDivisionError
        return super().hearing(view)


class Confused(TurnJudge):
    """Says that the caller interrupts the agent, while the caller has the floor."""

    def hearing(self, view: View) -> Verdict:
        return Verdict(event=Interruption(view.utterance))


def refused(setup: JudgeSetup) -> Judge:
    raise ValueError


@pytest.mark.parametrize("make", [Faulty, Confused, refused])
def test_a_faulty_judge_does_not_end_the_call(
    make: Callable[[JudgeSetup], Judge], caplog: pytest.LogCaptureFixture
) -> None:
    """When the agent's own judge cannot be made or fails, the log says so once, and the usual judge goes on."""

    async def scenario() -> None:
        async with Caller(Judged(judge=make)) as caller:
            for words in ("who are you", "where is my order"):
                await caller.say(words)
                await caller.until_silent()
        assert [answer.text for answer in caller.answers] == ["You said who are you.", "You said where is my order."]

    run_virtual(scenario())
    assert len([record for record in caplog.records if "judge" in record.message]) == 1


def test_a_judge_cannot_cut_off_what_has_to_be_heard() -> None:
    """Over a line that is not interruptible its interruption has no effect. The words are answered afterwards."""

    async def scenario() -> None:
        async with Caller(Judged(judge=RadioJudge)) as caller:
            caller.session.control.say("This call is recorded for training.", "now", interruptible=False)
            await caller.wait(400)
            await caller.say("break now over")
            await caller.until_silent(1_500)
        heard = [(answer.text, answer.interrupted) for answer in caller.answers]
        assert heard == [("This call is recorded for training.", False), ("You said break now over.", False)]

    run_virtual(scenario())
