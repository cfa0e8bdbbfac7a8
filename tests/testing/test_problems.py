"""What tells an author that something is wrong: with the agent, or with the test."""

import re

import pytest
from pydantic_ai import Agent

from antiphon import VoiceAgent
from antiphon.testing import ScriptedModel, call, run
from tests.fakes.desk import agent


def test_what_is_not_so_is_an_error_with_the_whole_call() -> None:
    """Each line of it says who did what."""

    async def scenario() -> None:
        async with call(agent) as caller:
            await caller.says("book a table")
            await caller.says("tell me a story", until="king")
            await caller.interrupts("bye")
            caller.expect_said("farewell")

    with pytest.raises(AssertionError) as raised:
        run(scenario())
    *lines, last = str(raised.value).splitlines()
    assert lines == [
        "the agent has not said 'farewell', after the caller interrupted with 'bye'.",
        "",
        "The call so far:",
        "  agent   Hello, what can I do for you?",
        "  caller  said 'book a table'",
        "  tool    book(what='a table') → 'booked a table'",
        "  agent   One moment. It is done: booked a table.",
        "  caller  said 'tell me a story'",
        lines[8],
        "  caller  interrupted with 'bye'",
        "  tool    hang_up() → 'Goodbye then.'",
        "  agent   Goodbye then.",
    ]
    assert re.fullmatch("  agent   Once upon a time there was a king.* —", lines[8])
    assert last.strip() == "(the call is over)"


@pytest.mark.parametrize(
    ("expect", "says"),
    [
        (lambda caller: caller.expect_said("chairs"), "the agent has not said 'chairs'"),
        (lambda caller: caller.expect_not_said("booked"), "the agent has said 'booked'"),
        (lambda caller: caller.expect_tool("book", what="a chair"), "book(what='a chair') has not run"),
        (lambda caller: caller.expect_tool("book", where="here"), "book(where='here') has not run"),
        (lambda caller: caller.expect_tool("hang_up"), "hang_up() has not run"),
        (lambda caller: caller.expect_no_tool("book"), "the tool book has run"),
        (lambda caller: caller.expect_failure(), "nothing has failed"),
        (lambda caller: caller.expect_hung_up(), "the agent has not hung up"),
    ],
)
def test_each_expectation_can_fail(expect, says) -> None:  # type: ignore[no-untyped-def]
    """With a sentence of its own."""

    async def scenario() -> None:
        async with call(agent) as caller:
            await caller.says("book a table")
            with pytest.raises(AssertionError, match=re.escape(f"{says}, after the caller said 'book a table'.")):
                expect(caller)

    run(scenario())


def test_what_belongs_to_an_earlier_step_does_not_count() -> None:
    """Neither what was said nor what was done."""

    async def scenario() -> None:
        async with call(agent) as caller:
            await caller.says("book a table")
            await caller.says("hello")
            caller.expect_no_tool("book")
            caller.expect_not_said("booked")

    run(scenario())


def test_a_failure_fails_the_test_unless_it_is_expected() -> None:
    """The caller only hears an apology, so a test that looks at nothing else would pass."""

    async def scenario(expected: str) -> None:
        async with call(agent) as caller:
            await caller.says("book the moon")
            caller.expect_said("something went wrong")
            if expected:
                caller.expect_failure(expected)
            await caller.says("hello")

    with pytest.raises(
        AssertionError, match=r"something failed: The tool book failed: KeyError. \(KeyError: 'the moon'"
    ):
        run(scenario(""))
    run(scenario("KeyError"))
    with pytest.raises(AssertionError, match="nothing has failed with 'ValueError'"):
        run(scenario("ValueError"))


def test_what_a_tool_asks_of_the_model_is_no_failure() -> None:
    """The tool run shows it, and the scripted model says it."""

    async def scenario() -> None:
        async with call(agent) as caller:
            assert "Ask what." in await caller.says("book nothing")
            assert "Ask what." in str(caller.tools[-1])

    run(scenario())


@pytest.mark.parametrize(
    ("steps", "says"),
    [
        ([("says", "bye"), ("says", "hello")], "the call is over, and the caller can do no more"),
        ([("says", "hello"), ("interrupts", "no")], "nobody can interrupt the agent, which does not speak"),
        ([("says", "tell me a story", "queens")], "the agent has not said 'queens'"),
        ([("says", "what is that")], "the script has no answer to 'what is that', only to 'book "),
    ],
)
def test_what_cannot_be_done_says_why(steps: list[tuple[str, ...]], says: str) -> None:
    """And does not hang."""

    async def scenario() -> None:
        async with call(agent) as caller:
            for verb, *given in steps:
                await getattr(caller, verb)(*given)

    with pytest.raises(AssertionError, match=re.escape(says)):
        run(scenario())


def test_an_answer_without_an_end_is_an_error() -> None:
    """After two minutes of the call."""

    async def scenario() -> None:
        async with call(VoiceAgent(Agent(ScriptedModel({"hello": "It goes on. " * 200})))) as caller:
            await caller.says("hello")

    with pytest.raises(AssertionError, match="has not come to an end within 120 s"):
        run(scenario())


def test_mistakes_of_the_test_itself_are_value_errors() -> None:
    """A call without a model, without a word, with a key that no telephone has."""

    async def scenario() -> None:
        with pytest.raises(ValueError, match="has no model"):
            call(VoiceAgent(Agent()))
        async with call(agent) as caller:
            with pytest.raises(ValueError, match="no word"):
                await caller.says("  ")
            with pytest.raises(ValueError, match="keys of a telephone"):
                await caller.presses("1x")
            with pytest.raises(ValueError, match="at most 600 bytes"):
                await caller.says("a" * 601)

    run(scenario())
