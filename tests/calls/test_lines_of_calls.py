"""Fixed lines of the agent, in the language of the call."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from server.agent.lines import DEFAULT_LINES, Lines
from server.call.mouth.reply import Pronunciation
from server.call.options import CallOptions
from server.call.settings import CallSettings
from tests.calls.speakers import GERMAN, Speaker, hearing_two, language_of, spoken
from tests.fakes.mind import Mind
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual


@pytest.mark.parametrize(
    ("fields", "language", "line", "spoken_as"),
    [
        ({}, "", "Are you still there?", ("", "en")),
        ({}, "fr", "Êtes-vous toujours là ?", ("", "fr")),
        ({}, "de-AT", "Sind Sie noch da?", ("", "de-AT")),
        ({"language": "de", "voice": "eva"}, "", "Sind Sie noch da?", ("eva", "de")),
        ({"still_there": "Hello?", "voice": "amy"}, "fr", "Hello?", ("amy", "en")),
        ({"still_there": "Hello?", "lines": {"fr": Lines(still_there="Allô ?")}}, "fr", "Allô ?", ("", "fr")),
        ({"still_there": "Hello?", "lines": {"fr": Lines(goodbye="Salut.")}}, "fr", "Hello?", ("", "en")),
        ({"lines": {"fr": Lines(goodbye="Salut.")}}, "fr", "Êtes-vous toujours là ?", ("", "fr")),
        ({"language": "cy"}, "", "Are you still there?", ("", "en")),
    ],
)
def test_a_line_is_said_in_the_language_of_the_call(
    fields: Mapping[str, Any], language: str, line: str, spoken_as: tuple[str, str]
) -> None:
    """The author's own words come first, in the language of the call if there are any. Default lines are only for
    those that the author has not written."""
    held = language_of(replace(Mind().agent(), **fields), CallOptions(language=language))
    assert held.line("still_there") == line
    assert held.of_line(line) == Pronunciation(*spoken_as)


def test_a_line_that_is_empty_is_not_said() -> None:
    """An author who wants no apology gets none, in any language."""
    agent = replace(Mind().agent(), apology="", lines={"de": Lines(goodbye="")})
    for language, lines in {"en": ("", "Goodbye."), "de": ("", ""), "fr": ("", "Au revoir.")}.items():
        held = language_of(agent, CallOptions(language=language))
        assert (held.line("apology"), held.line("goodbye")) == lines


def test_default_lines_are_complete() -> None:
    """Each language has its own lines, which end as the English ones do."""
    for lines in DEFAULT_LINES.values():
        assert lines.greeting == ""
        assert (lines.goodbye or "").endswith(".")
        assert (lines.still_there or "").endswith("?")
        assert (lines.other_voices or "").endswith("?")
        assert (lines.apology or "").endswith("?")
        assert (lines.cannot_help or "").endswith(".")
    assert len({(lines.still_there, lines.cannot_help) for lines in DEFAULT_LINES.values()}) == len(DEFAULT_LINES) == 7


def test_a_silent_caller_is_asked_in_the_language_of_the_call() -> None:
    """After a switch the agent asks "are you still there?" and says goodbye in the new language."""

    async def scenario() -> None:
        settings = CallSettings(idle_prompt_s=5, idle_prompts=1)
        caller = Caller(Speaker(language="auto"), hearing_two(), settings=settings)
        async with caller:
            await caller.say(GERMAN)
            await caller.until_silent()
            await caller.wait(20_000)
        assert spoken(caller)[-2:] == [("Sind Sie noch da?", "", "de"), ("Auf Wiederhören.", "", "de")]

    run_virtual(scenario())
