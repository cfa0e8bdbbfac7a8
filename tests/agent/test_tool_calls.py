"""What the history says of tools, however a run ends. Each state of a tool meets each way to end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from pydantic_ai import Agent, ModelRetry, RunContext
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart, ToolCallPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel

from server.agent.limits import RunLimits
from server.agent.run import AgentRun
from server.agent.run_setup import RunSetup
from server.agent.tool_calls import INTERRUPTED, NOT_RUN, TIMED_OUT
from server.agent.voice_agent import VoiceAgent
from server.call.mind.history import History
from server.errors import EngineError
from tests.fakes.mind import Desk
from tests.virtual_time import run_virtual

LONG_S = 30
DONE = "number 4711"
REFUSAL = "Ask for the size."
FAILURE = "It failed (KeyError): it may or may not have taken effect."


async def quick() -> str:
    """Returns at once."""
    return DONE


async def slow() -> str:
    """Takes longer than a call."""
    await asyncio.sleep(LONG_S)
    return "done"


async def broken() -> str:
    """Fails after a while."""
    await asyncio.sleep(1)
    raise KeyError("what the caller said")


async def picky() -> str:
    """Wants other arguments."""
    raise ModelRetry(REFUSAL)


def calling(*names: str, then: Callable[[], AsyncIterator[str]]) -> FunctionModel:
    """A model that calls these tools in one step, and goes on like `then` when it is told of their results."""

    async def think(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        if isinstance(messages[-1].parts[-1], ToolReturnPart):
            async for text in then():
                yield text
        else:
            yield {number: DeltaToolCall(name, "{}", tool_call_id=name) for number, name in enumerate(names)}

    return FunctionModel(stream_function=think)


async def answers() -> AsyncIterator[str]:
    yield "It is done."


async def never_answers() -> AsyncIterator[str]:
    await asyncio.sleep(LONG_S)
    yield ""


async def stops_in_the_middle() -> AsyncIterator[str]:
    yield "It is "
    await asyncio.sleep(LONG_S)


async def fails() -> AsyncIterator[str]:
    raise ConnectionResetError
    yield ""


End = Callable[["asyncio.Task[None]"], Awaitable[None]]


async def by_itself(task: "asyncio.Task[None]") -> None:
    """It ends by an answer, by a failure, or because its time is over."""
    await asyncio.wait({task})


async def by_the_caller(task: "asyncio.Task[None]") -> None:
    """The caller goes on after two seconds: words, a stop, a hang-up and a drop all cancel the run."""
    await asyncio.sleep(2)
    task.cancel()
    await asyncio.wait({task})


@pytest.mark.parametrize(
    ("tools", "then", "end", "outcomes"),
    [
        ("quick", answers, by_itself, {"quick": DONE}),
        ("quick", never_answers, by_the_caller, {"quick": DONE}),
        ("quick", never_answers, by_itself, {"quick": DONE}),
        ("quick", stops_in_the_middle, by_the_caller, {"quick": DONE}),
        ("quick", fails, by_itself, {"quick": DONE}),
        ("slow", answers, by_the_caller, {"slow": INTERRUPTED}),
        ("slow", answers, by_itself, {"slow": TIMED_OUT}),
        ("quick slow", answers, by_the_caller, {"quick": DONE, "slow": INTERRUPTED}),
        ("quick slow", answers, by_itself, {"quick": DONE, "slow": TIMED_OUT}),
        ("broken", answers, by_itself, {"broken": FAILURE}),
        ("quick slow broken", answers, by_itself, {"quick": DONE, "slow": INTERRUPTED, "broken": FAILURE}),
        ("quick picky slow", answers, by_the_caller, {"quick": DONE, "picky": REFUSAL, "slow": INTERRUPTED}),
        ("quick nowhere slow", answers, by_the_caller, {"quick": DONE, "nowhere": NOT_RUN, "slow": INTERRUPTED}),
    ],
)
def test_the_history_says_what_is_true(
    tools: str, then: Callable[[], AsyncIterator[str]], end: End, outcomes: dict[str, str]
) -> None:
    """Each call has its result, or a sentence about what became of it, whether or not anything was heard."""

    async def scenario() -> None:
        agent, late = Agent(calling(*tools.split(), then=then), tools=[quick, slow, broken, picky]), []
        run = AgentRun(RunSetup(VoiceAgent(agent), on_late_result=late.append), "do it", list)
        committed = asyncio.Event()
        committed.set()
        task = asyncio.create_task(run.speak(lambda text: None, committed), name="run")
        await end(task)
        assert results(run.messages()) == outcomes
        history = History()
        history.add_interrupted(run.messages(), "")
        assert results(history.messages) == outcomes
        if not task.cancelled():
            assert isinstance(task.exception(), EngineError | None)
        await asyncio.sleep(LONG_S)
        assert [part.content for part in late] == [TIMED_OUT] * (outcomes.get("slow") == INTERRUPTED)

    run_virtual(scenario())


def results(messages: list[ModelMessage]) -> dict[str, object]:
    """The results by the ids of their calls. Each call must have one, and each result must follow its call."""
    found: dict[str, object] = {}
    open_calls: list[str] = []
    for message in messages:
        if isinstance(message, ModelResponse):
            assert not open_calls
            open_calls = [part.tool_call_id for part in message.parts if isinstance(part, ToolCallPart)]
            continue
        for part in message.parts:
            if isinstance(part, ToolReturnPart):
                open_calls.remove(part.tool_call_id)
                found[part.tool_call_id] = part.content
    assert not open_calls
    return found


def test_what_a_tool_has_returned_is_known_while_others_run() -> None:
    """The history can be written at any moment, not only when the run has ended."""

    async def scenario() -> None:
        agent = Agent(calling("quick", "slow", then=answers), tools=[quick, slow])
        run = AgentRun(RunSetup(VoiceAgent(agent)), "do it", list)
        committed = asyncio.Event()
        task = asyncio.create_task(run.speak(lambda text: None, committed), name="run")
        await asyncio.sleep(1)
        assert results(run.messages()) == {"quick": NOT_RUN, "slow": NOT_RUN}
        committed.set()
        await asyncio.sleep(1)
        assert results(run.messages()) == {"quick": DONE, "slow": INTERRUPTED}
        await asyncio.wait({task})
        await asyncio.sleep(LONG_S)

    run_virtual(scenario())


@pytest.mark.parametrize("stops", [False, True])
def test_a_tool_goes_on_when_the_caller_goes_on(stops: bool) -> None:
    """What has an effect is not stopped half-way, unless the agent says that it may be. The result comes late."""

    async def scenario() -> None:
        async def book() -> str:
            """Book, which takes a while."""
            await asyncio.sleep(5)
            booked.append("a table")
            return "booked"

        agent = Agent(calling("book", then=answers), tools=[book])
        cancellable = frozenset({"book"}) if stops else frozenset[str]()
        setup = RunSetup(VoiceAgent(agent, cancellable=cancellable), on_late_result=late.append)
        run, committed = AgentRun(setup, "do it", list), asyncio.Event()
        committed.set()
        await by_the_caller(asyncio.create_task(run.speak(lambda text: None, committed), name="run"))
        history = History()
        history.add_interrupted(run.messages(), "")
        assert (results(history.messages), booked, late) == ({"book": INTERRUPTED}, [], [])
        await asyncio.sleep(5)
        assert booked == ([] if stops else ["a table"])
        for returned in late:
            history.add_result(returned)
        assert results(history.messages) == {"book": INTERRUPTED if stops else "booked"}

    booked: list[str] = []
    late: list[ToolReturnPart] = []
    run_virtual(scenario())


def test_a_result_that_comes_after_other_exchanges_is_added_at_the_end() -> None:
    """What the model was told before stays as it is."""
    history, call = History(), ToolCallPart("book", {}, "one")
    returned = ToolReturnPart("book", INTERRUPTED, "one")
    history.add([ModelRequest.user_text_prompt("book"), ModelResponse(parts=[call]), ModelRequest(parts=[returned])])
    history.add([ModelRequest.user_text_prompt("hello"), ModelResponse(parts=[TextPart("Hello.")])])
    before = history.messages
    history.add_result(ToolReturnPart("book", "number 4711", "one"))
    *same, new = history.messages
    assert same == before
    assert isinstance(new, ModelRequest)
    assert [part.content for part in new.parts] == ["(The tool book has returned late: number 4711)"]


def test_a_wish_to_hang_up_is_its_own_answers() -> None:
    """A tool that ends late, after its answer was given up, hangs up on no other answer."""

    async def scenario() -> None:
        async def hang_up(context: RunContext[Desk]) -> str:
            """End the call, but not at once."""
            await asyncio.sleep(3)
            context.deps.hang_up_requested = True
            return "goodbye"

        desk = Desk()
        agent = Agent(calling("hang_up", then=answers), deps_type=Desk, tools=[hang_up])
        setup = RunSetup(VoiceAgent(agent), deps=desk, limits=RunLimits())
        committed = asyncio.Event()
        committed.set()
        first, second = (AgentRun(setup, "bye", list) for _ in range(2))
        await by_the_caller(asyncio.create_task(first.speak(lambda text: None, committed), name="first"))
        await asyncio.sleep(2)
        assert (desk.hang_up_requested, first.hang_up, second.hang_up) == (False, True, False)
        await second.speak(lambda text: None, committed)
        assert (desk.hang_up_requested, second.hang_up) == (False, True)

    run_virtual(scenario())
