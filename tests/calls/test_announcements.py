"""The lines of operators and tools in a call, on virtual time: none is lost, and no word of the caller either."""

import pytest

from server.agent.call_control import When
from server.call import messages
from tests.fakes.engines import LetterSpeechToText
from tests.fakes.mind import Mind
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual

LONG = "It was shipped on Monday by train, it crossed the river at noon, and it will be with you tomorrow morning."
NOTICE = "This call is recorded."


def said(caller: Caller) -> list[tuple[str, bool]]:
    """What the caller heard of each reply, and whether it was cut off."""
    return [(answer.text, answer.interrupted) for answer in caller.answers if answer.text]


@pytest.mark.parametrize("when", ["now", "next"])
def test_a_line_in_silence_is_said_at_once(when: When) -> None:
    """It stands in the history and in the record, after a message that says why."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            caller.session.control.say("The shop is closed today.", when)
            await caller.wait(200)
            assert caller.first_sound_ms(0) is not None
            await caller.until_silent()
            history = caller.session.dialogue.history.messages
            assert history[0].parts[0].content == "(The agent was told to say this.)"
        assert said(caller) == [("The shop is closed today.", False)]
        assert [each.text for each in caller.notebook.records["call"].said] == ["The shop is closed today."]

    run_virtual(scenario())


def test_now_cuts_the_present_answer_off() -> None:
    """What is left of an answer that the caller has begun to hear is not said any more."""

    async def scenario() -> None:
        async with Caller(Mind(answers={"where is it": LONG})) as caller:
            await caller.say("where is it")
            await caller.wait(2_500)
            caller.session.control.say(NOTICE, "now")
            await caller.until_silent(2_000)
        (answer, cut), *rest = said(caller)
        assert (LONG.startswith(answer.removesuffix(" —")), cut) == (True, True)
        assert rest == [(NOTICE, False)]

    run_virtual(scenario())


@pytest.mark.parametrize("final_ms", [100, 1_500, 4_000])
def test_now_before_the_answer_is_heard_loses_no_words(final_ms: float) -> None:
    """The line comes at once, also while speech-to-text still works, and then the words are answered."""

    async def scenario() -> None:
        mind = Mind(first_token_ms=1_500)
        async with Caller(mind, LetterSpeechToText(final_ms=final_ms, partial_ms=None)) as caller:
            await caller.say("where is my order")
            await caller.wait(1_200)
            caller.session.control.say(NOTICE, "now")
            await caller.until_silent(5_000)
        assert said(caller) == [(NOTICE, False), ("You said where is my order.", False)]
        assert caller.captions == ["where is my order"]

    run_virtual(scenario())


@pytest.mark.parametrize(
    ("when", "lines"),
    [
        ("now", [NOTICE, "You said i would like a book."]),
        ("next", ["You said i would like a book.", NOTICE]),
        ("idle", ["You said i would like a book.", NOTICE]),
    ],
)
def test_a_line_while_the_caller_speaks_waits_for_the_end(when: When, lines: list[str]) -> None:
    """The caller speaks to the end. A line that comes now is said before the answer, the others after it."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            await caller.say("i would like")
            caller.session.control.say(NOTICE, when)
            await caller.say("a book")
            await caller.until_silent(3_000)
        assert said(caller) == [(line, False) for line in lines]
        assert caller.captions == ["i would like a book"]

    run_virtual(scenario())


def test_a_line_that_has_to_be_heard_is_said_over_the_caller() -> None:
    """It begins at once, is not interrupted by anything the caller says, and all words are answered afterwards."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            await caller.say("i would")
            caller.session.control.say(NOTICE, "now", interruptible=False)
            await caller.say("like a book please stop")
            await caller.until_silent(2_000)
        assert said(caller) == [(NOTICE, False), ("You said i would like a book please stop.", False)]

    run_virtual(scenario())


def test_nothing_cuts_off_a_line_that_has_to_be_heard() -> None:
    """Neither the voice, nor typed words, nor the Stop button, nor another line; and typed words are answered."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            caller.session.control.say(LONG, "next", interruptible=False)
            await caller.wait(500)
            await caller.say("stop it please")
            caller.session.receive_text(messages.Interrupt().to_json())
            caller.session.control.say(NOTICE, "now")
            caller.session.receive_text(messages.Text(text="hello").to_json())
            await caller.until_silent(2_000)
        assert said(caller)[:2] == [(LONG, False), (NOTICE, False)]
        assert said(caller)[2:] == [("You said hello stop it please.", False)]
        assert "hello" in caller.captions

    run_virtual(scenario())


def test_next_comes_after_the_present_answer() -> None:
    """An answer that is made or said is not touched."""

    async def scenario() -> None:
        async with Caller(Mind(first_token_ms=800)) as caller:
            await caller.say("where is my order")
            await caller.wait(700)
            caller.session.control.say("One.", "next")
            await caller.wait(1_000)
            caller.session.control.say("Two.", "next")
            await caller.until_silent(1_000)
        assert said(caller) == [("You said where is my order.", False), ("One.", False), ("Two.", False)]

    run_virtual(scenario())


def test_lines_wait_in_order() -> None:
    """Those that come now do not cut each other off, and come before the next ones and those for an idle moment."""

    async def scenario() -> None:
        async with Caller(Mind()) as caller:
            for text, when in (
                ("Five.", "idle"),
                ("Three.", "next"),
                ("One.", "now"),
                ("Two.", "now"),
                ("Four.", "next"),
            ):
                caller.session.control.say(text, when)  # type: ignore[arg-type]
            await caller.until_silent(3_000)
        assert said(caller) == [(f"{word}.", False) for word in ("One", "Two", "Three", "Four", "Five")]

    run_virtual(scenario())


def test_a_line_that_gives_way_to_another_one_is_said_to_its_end() -> None:
    """A line that comes now cuts off one that has been waiting, and then the rest of that one comes."""

    async def scenario() -> None:
        first, second = "The museum opens at nine and closes at five.", "On Monday it is closed all day long."
        async with Caller(Mind()) as caller:
            caller.session.control.say(f"{first} {second}", "next")
            await caller.wait(1_500)
            caller.session.control.say(NOTICE, "now")
            await caller.until_silent(1_500)
        (begun, cut), *rest = said(caller)
        assert cut
        assert first.startswith(begun)
        assert rest == [(NOTICE, False), (f"{first} {second}", False)]

    run_virtual(scenario())


def test_idle_waits_for_a_moment_without_speech() -> None:
    """A caller who answers soon is not spoken over."""

    async def scenario() -> None:
        async with Caller(Mind(), greeting="Hello there.") as caller:
            caller.session.control.say(NOTICE, "idle")
            await caller.until_silent(600)
            await caller.say("where is my order")
            over_ms = caller.now_ms
            await caller.until_silent(3_000)
            first_ms = caller.first_sound_ms(over_ms + 3_500)
        assert [text for text, _ in said(caller)] == ["Hello there.", "You said where is my order.", NOTICE]
        assert first_ms is not None

    run_virtual(scenario())


@pytest.mark.parametrize("tool_s", [0.5, 5.0])
def test_now_over_a_tool(tool_s: float) -> None:
    """The line is said while the tool runs. It runs once, and the caller is told afterwards what it has done."""

    async def scenario() -> None:
        mind = Mind(tool_s=tool_s)
        async with Caller(mind) as caller:
            await caller.say("book a table")
            await caller.wait(1_000)
            caller.session.control.say("It takes a moment.", "now")
            await caller.wait(9_000)
        lines = [text for text, _ in said(caller)]
        assert "It takes a moment." in lines
        assert mind.booked == ["a table"]
        assert lines[-1] != "It takes a moment."
        assert mind.requests <= 4

    run_virtual(scenario())


@pytest.mark.parametrize("when", ["next", "idle"])
def test_a_line_does_not_disturb_a_tool(when: When) -> None:
    """It waits until the answer with the result was heard."""

    async def scenario() -> None:
        async with Caller(Mind(tool_s=2)) as caller:
            await caller.say("book a table")
            await caller.wait(1_000)
            caller.session.control.say(NOTICE, when)
            await caller.until_silent(4_000)
        texts = [text for text, _ in said(caller)]
        assert texts[-1] == NOTICE
        assert "booked a table" in texts[-2]

    run_virtual(scenario())
