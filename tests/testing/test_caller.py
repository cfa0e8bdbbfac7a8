"""Calls with an agent of an author, as `antiphon.testing` makes them."""

import asyncio
import re
from dataclasses import dataclass, field

import pytest
from pydantic_ai import Agent, ModelRetry, RunContext
from pydantic_ai.models.test import TestModel
from pydantic_ai.toolsets import FunctionToolset

from antiphon import CallInfo, CallLanguage, Lines, VoiceAgent, switch_language
from antiphon.testing import ScriptedModel, ToolCall, call, run

STORY = (
    "Once upon a time there was a king who had three daughters, and each of them wanted to eat at another table, "
    "so that he had to book four of them."
)


@dataclass
class Desk:
    info: CallInfo
    hang_up_requested: bool = False
    booked: list[str] = field(default_factory=list)
    call_language: CallLanguage | None = None


def book(context: RunContext[Desk], what: str) -> str:
    """Book something. It is a normal function, so it runs in a thread."""
    if what == "the moon":
        raise KeyError(what)
    if what == "nothing":
        raise ModelRetry("Ask what.")
    context.deps.booked.append(what)
    return f"booked {what}"


async def wait(seconds: int) -> str:
    """Wait."""
    await asyncio.sleep(seconds)
    return "done"


def hang_up(context: RunContext[Desk]) -> str:
    """End the call."""
    context.deps.hang_up_requested = True
    return "Goodbye then."


ANSWERS = {
    r"book (.*)": ["One moment.", ToolCall("book", what=r"\1"), "It is done: {result}."],
    "wait": ["One moment.", ToolCall("wait", seconds=5)],
    "story": STORY,
    "tables": "Two tables, then.",
    "bye": ToolCall("hang_up"),
    "deutsch": [ToolCall("switch_language", tag="de"), "Gern."],
    r"^(\d) (\d)$": r"You have pressed \1 and \2.",
    "hello": "Hello to you.",
}
agent = VoiceAgent(
    agent=Agent(ScriptedModel(ANSWERS), deps_type=Desk, tools=[book, wait, hang_up, switch_language]),
    greeting="Hello, what can I do for you?",
    lines={"de": Lines(still_there="Sind Sie noch da?")},
    make_deps=Desk,
)


def test_a_call_from_the_greeting_to_the_end() -> None:
    """The caller hears the greeting and the answers; the test sees tools, their arguments and the dependencies."""

    async def scenario() -> None:
        async with call(agent) as caller:
            caller.expect_said("Hello, what can I do for you?")
            assert await caller.says("Please book a table") == "One moment. It is done: booked a table."
            caller.expect_tool("book", what="a table")
            caller.expect_no_tool("hang_up")
            caller.expect_said("BOOKED a table")
            caller.expect_not_said("what can I do")
            assert caller.deps.booked == ["a table"]
            assert [str(each) for each in caller.tools] == ["book(what='a table') → 'booked a table'"]
            await caller.says("bye")
            caller.expect_said("goodbye")
            caller.expect_hung_up()

    run(scenario())


def test_a_caller_interrupts_the_answer() -> None:
    """The agent stops; the test sees how much of the answer was heard, and then the next one."""

    async def scenario() -> None:
        async with call(agent) as caller:
            heard = await caller.says("tell me a story", until="three daughters")
            assert "four of them" not in heard
            assert await caller.interrupts("no, two tables") == "Two tables, then."
            story, tables = caller.answers[1:]
            assert story.interrupted
            assert STORY.startswith(story.text)
            assert not tables.interrupted

    run(scenario())


def test_a_murmur_does_not_interrupt() -> None:
    """The judge of turns is the server's own."""

    async def scenario() -> None:
        async with call(agent) as caller:
            await caller.says("tell me a story", until="three daughters")
            await caller.interrupts("mhm")
            assert caller.answers[-1].text.strip() == STORY
            assert not caller.answers[-1].interrupted

    run(scenario())


def test_a_caller_speaks_while_a_tool_runs() -> None:
    """The tool goes on, and its result is there for the next answer."""

    async def scenario() -> None:
        async with call(agent) as caller:
            await caller.says("wait", until="One moment")
            caller.expect_tool("wait", seconds=5)
            await caller.interrupts("hello are you there")
            assert caller.tools[-1].result == "done"

    run(scenario())


def test_a_silent_caller_is_asked_and_in_the_end_the_call_is_over() -> None:
    """After twelve seconds each, in the language of the call."""

    async def scenario(language: str, question: str) -> None:
        async with call(agent, info=CallInfo(language=language)) as caller:
            assert await caller.is_silent(10) == ""
            assert await caller.is_silent(10) == question
            await caller.is_silent(60)
            caller.expect_hung_up()

    run(scenario("", "Are you still there?"))
    run(scenario("de", "Sind Sie noch da?"))


def test_typed_words_and_keys_are_answered() -> None:
    """However fast they follow each other."""

    async def scenario() -> None:
        async with call(agent) as caller:
            for _ in range(8):
                assert await caller.types("hello") == "Hello to you."
            assert await caller.presses("12") == "You have pressed 1 and 2."
            assert await caller.presses("34#") == "You have pressed 3 and 4."

    run(scenario())


def test_the_agent_knows_who_calls_and_in_which_language() -> None:
    """`info` goes to make_deps, and a tool may change the language of the call."""

    async def scenario() -> None:
        async with call(agent, info=CallInfo("ann", {"plan": "gold"})) as caller:
            assert caller.deps.info == CallInfo("ann", {"plan": "gold"}, "en")
            assert caller.deps.call_language.tag == "en"
            await caller.says("sprechen Sie deutsch")
            assert caller.deps.call_language.tag == "de"

    run(scenario())


def test_another_model_answers() -> None:
    """In place of the agent's own, also one of pydantic-ai's for tests."""

    async def scenario() -> None:
        async with call(agent, TestModel(call_tools=[], custom_output_text="I am a test.")) as caller:
            assert await caller.says("hello") == "I am a test."

    run(scenario())


def test_toolsets_are_entered_as_on_the_server() -> None:
    """Once for the call, and left at its end."""
    entered: list[bool] = []

    class Counted(FunctionToolset[Desk]):
        async def __aenter__(self) -> "Counted":
            entered.append(True)
            return self

        async def __aexit__(self, *exc: object) -> None:
            entered.append(False)

    async def scenario() -> None:
        own = VoiceAgent(Agent(ScriptedModel({"hello": "Hi."}), toolsets=[Counted([wait])]))
        async with call(own) as caller:
            await caller.says("hello")
            await caller.says("hello")
            assert entered == [True]

    run(scenario())
    assert entered == [True, False]


async def test_it_runs_on_the_clock_of_the_world_too() -> None:
    """In an event loop of any other kind, such as that of a plugin of pytest."""
    async with call(VoiceAgent(Agent(ScriptedModel({"hello": "Hi."})))) as caller:
        assert await caller.says("hello") == "Hi."


# What tells an author that something is wrong


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
