"""Calls with an agent of an author, as `antiphon.testing` makes them."""

import asyncio
from dataclasses import replace

import pytest
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel
from pydantic_ai.toolsets import FunctionToolset

from antiphon import CallEnd, CallExchange, CallInfo, VoiceAgent
from antiphon.testing import ScriptedModel, ToolCall, call, run
from server.errors import AgentUnavailable
from tests.fakes.desk import STORY, Desk, agent, wait


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


def test_hooks_run_and_the_greeting_is_made() -> None:
    """As on the server: the function greets by name, and the hooks have run when the caller has hung up."""
    told: list[object] = []

    async def told_later(deps: Desk, what: object) -> None:
        await asyncio.sleep(2)
        told.append(what)

    hooked = replace(
        agent,
        make_deps=desk_of,
        greeting=lambda desk: f"Hello {desk.info.request['name']}.",
        on_start=told.append,
        on_exchange=told_later,
        on_end=told_later,
    )

    async def scenario() -> None:
        async with call(hooked, info=CallInfo(request={"name": "Ann"})) as caller:
            caller.expect_said("Hello Ann.")
            await caller.says("book a table")
        begun, greeting, booking, ended = told
        assert begun is caller.deps
        assert isinstance(greeting, CallExchange)
        assert isinstance(booking, CallExchange)
        assert (greeting.agent, booking.tools[0].name) == ("Hello Ann.", "book")
        assert isinstance(ended, CallEnd)
        assert (ended.reason, ended.exchanges) == ("caller", 2)

    run(scenario())


async def desk_of(info: CallInfo) -> Desk:
    await asyncio.sleep(1)
    return Desk(info)


def test_dependencies_that_cannot_be_made_fail_the_test() -> None:
    """With the reason, and before the call begins."""

    async def make_deps() -> None:
        raise KeyError("a column")

    async def scenario() -> None:
        async with call(replace(agent, make_deps=make_deps)):
            raise AssertionError("there is no call")

    with pytest.raises(AgentUnavailable) as raised:
        run(scenario())
    assert repr(raised.value.__cause__) == "KeyError('a column')"


@pytest.mark.parametrize("hook", ["on_start", "on_exchange", "on_end"])
def test_a_hook_that_fails_fails_the_test(hook: str) -> None:
    """On the server nobody would notice it but the log."""

    async def fails(*told: object) -> None:
        raise KeyError("a column")

    async def scenario() -> None:
        async with call(replace(agent, **{hook: fails})):
            pass

    with pytest.raises(AssertionError, match=rf"something failed: {hook} failed \(KeyError: 'a column'\)"):
        run(scenario())


def test_tools_in_the_background_are_waited_for() -> None:
    """Until they have returned and the agent has told of all of them. Other steps do not wait."""
    desk = Agent(instructions="You book.")

    @desk.tool_plain
    async def search(what: str) -> str:
        """Search."""
        await asyncio.sleep(60 if what == "seats" else 90)
        return f"found {what}"

    model = ScriptedModel(
        {
            "seats and meals": [ToolCall("search", what="seats"), ToolCall("search", what="meals"), "I will look."],
            "Tell the caller now": "Here it is.",
            "hello": "Hello.",
        }
    )
    errands = VoiceAgent(agent=desk, background=frozenset({"search"}))

    async def scenario() -> None:
        began_s = asyncio.get_running_loop().time()
        async with call(errands, model) as caller:
            await caller.says("seats and meals please")
            assert [tool.over for tool in caller.tools] == [False, False]
            assert await caller.settles() == "Here it is. Here it is."
            assert [tool.result for tool in caller.tools] == ["found seats", "found meals"]
            assert 90 < asyncio.get_running_loop().time() - began_s < 110
            assert await caller.settles() == ""
            assert await caller.says("hello") == "Hello."

    run(scenario())
