"""A greeting that is made for each caller. On virtual time."""

from dataclasses import dataclass, replace
from typing import Any

import pytest

from antiphon import Lines, VoiceAgent
from server.call.mind.fixed_lines import fixed_lines
from server.call.options import CallOptions
from tests.fakes.engines import SteadyTextToSpeech
from tests.fakes.mind import Desk, Mind
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual


@dataclass
class Greeter(Mind):
    greets: Any = None
    lines: tuple[tuple[str, str], ...] = ()
    """Greetings that the author has written in other languages."""

    def agent(self, greeting: str = "") -> VoiceAgent:
        lines = {language: Lines(greeting=text) for language, text in self.lines}
        return replace(super().agent(greeting), greeting=self.greets, lines=lines)


def by_name(desk: Desk) -> str:
    return f"Hello Ann, you have {len(desk.booked)} tables."


async def greeted(mind: Mind, language: str = "") -> list[str]:
    options = CallOptions(language=language)
    async with Caller(mind, options=options) as caller:
        await caller.wait(8_000)
        return [answer.text for answer in caller.answers]


def test_a_caller_is_greeted_by_name() -> None:
    """The function is given the dependencies of the call."""
    assert run_virtual(greeted(Greeter(greets=by_name))) == ["Hello Ann, you have 0 tables."]


def fails(desk: Desk) -> str:
    raise KeyError("Ann")


@pytest.mark.parametrize("greets", [fails, lambda desk: None, lambda desk: 3])
def test_a_greeting_that_fails_is_silence(caplog: pytest.LogCaptureFixture, greets: Any) -> None:
    """It is logged, and the call goes on without one."""

    async def scenario() -> None:
        async with Caller(Greeter(greets=greets)) as caller:
            await caller.say("hello")
            await caller.until_silent()
            assert [answer.text for answer in caller.answers] == ["You said hello."]

    run_virtual(scenario())
    assert caplog.text.count("x the greeting of Test") == 1


@pytest.mark.parametrize(
    ("lines", "heard"),
    [
        ((), ["Hello Ann, you have 0 tables."]),
        ((("de", "Guten Tag."),), ["Guten Tag."]),
        ((("de", ""),), []),
        ((("fr", "Bonjour."),), ["Hello Ann, you have 0 tables."]),
    ],
)
def test_a_greeting_in_another_language_comes_first(lines: Any, heard: list[str]) -> None:
    """What the author has written in the language of the call is said; the function has all other languages."""
    assert run_virtual(greeted(Greeter(greets=by_name, lines=lines), "de")) == heard


def test_it_is_spoken_in_the_language_of_the_call() -> None:
    """A written greeting is in the agent's own language; a function may know the caller's."""

    async def scenario(greets: Any) -> list[str]:
        tts = SteadyTextToSpeech()
        async with Caller(Greeter(greets=greets), tts=tts, options=CallOptions(language="de")) as caller:
            await caller.until_silent()
        return [language for _, language in tts.manners]

    assert set(run_virtual(scenario(lambda desk: "Guten Tag, Ann."))) == {"de"}
    assert set(run_virtual(scenario("Good day."))) == {"en"}


def test_it_is_not_made_in_advance() -> None:
    """Nobody knows what it says before the call; the lines in other languages are made."""
    agent = Greeter(greets=by_name, lines=(("de", "Guten Tag."),)).agent()
    said = [text for text, _ in fixed_lines(agent)]
    assert all(isinstance(text, str) for text in said)
    assert "Guten Tag." in said
    assert agent.own_lines.greeting is None
