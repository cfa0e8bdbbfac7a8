"""Tools that the client runs: it is asked, answers, drops, or says nothing. On virtual time."""

from dataclasses import replace

from server.agent.tool_calls import INTERRUPTED, TIMED_OUT
from server.call import messages
from server.call.agent_messages import Note, ToolCall, ToolCancelled, ToolResult, Update
from server.call.options import CallOptions, ClientTool
from tests.calls.test_moved_orders import move
from tests.fakes.guided_mind import GuidedMind
from tests.fakes.people import CALM, Caller
from tests.virtual_time import run_virtual

LOOK_UP = ClientTool(
    name="look_up", description="Look something up.", parameters={"properties": {"what": {"type": "string"}}}
)
OPTIONS = CallOptions(tools=(LOOK_UP,))


def type_words(caller: Caller, text: str) -> None:
    caller.session.receive_text(messages.Text(text=text).to_json())


def answer(caller: Caller, call_id: str, output: object, ok: bool = True) -> None:
    caller.session.receive_text(ToolResult(id=call_id, output=output, ok=ok).to_json())


def asked(caller: Caller) -> list[ToolCall]:
    return [message for message in caller.of(ToolCall) if isinstance(message, ToolCall)]


async def until_asked(caller: Caller, times: int = 1) -> ToolCall:
    for _ in range(500):
        if len(asked(caller)) >= times:
            return asked(caller)[-1]
        await caller.wait(20)
    raise AssertionError("the client was not asked")


def test_the_client_runs_a_tool() -> None:
    """The model sees the client's tool beside the agent's own; the client gets the call and its result is told."""

    async def scenario() -> None:
        mind = GuidedMind()
        async with Caller(mind, options=OPTIONS) as caller:
            type_words(caller, "look up prices")
            call = await until_asked(caller)
            assert call == ToolCall(id="call1", name="look_up", arguments={"what": "prices", "how": None})
            answer(caller, call.id, {"euros": 12})
            await caller.until_silent()
        assert set(mind.tools_seen) == {"look_up", "book", "hang_up"}
        assert mind.tools_seen["look_up"] == {"type": "object", "properties": {"what": {"type": "string"}}}
        assert caller.answers[-1].text == "One moment. Done: {'euros': 12}."
        assert caller.answers[-1].tools == ["look_up"]
        [*_, said] = caller.session._minutes.record.said
        assert [(use.name, use.result) for use in said.tools] == [("look_up", '{"euros":12}')]

    run_virtual(scenario())


def test_the_client_could_not_run_a_tool() -> None:
    """A failure is no error of the call: the model is told why."""

    async def scenario() -> None:
        async with Caller(GuidedMind(), options=OPTIONS) as caller:
            type_words(caller, "look up prices")
            answer(caller, (await until_asked(caller)).id, "no network", ok=False)
            await caller.until_silent()
        assert caller.answers[-1].text == "One moment. Done: It failed: no network."
        assert caller.of(messages.Error) == []

    run_virtual(scenario())


def test_a_client_that_never_answers() -> None:
    """The time limit of tools holds: the client is told that nobody waits any more, and the history says so, too."""

    async def scenario() -> None:
        limits = CALM.run.model_copy(update={"tools_s": 5.0})
        async with Caller(GuidedMind(), options=OPTIONS, settings=replace(CALM, run=limits)) as caller:
            type_words(caller, "look up prices")
            call = await until_asked(caller)
            await caller.wait(8_000)
            assert caller.of(ToolCancelled) == [ToolCancelled(id=call.id)]
            [error] = caller.of(messages.Error)
            assert isinstance(error, messages.Error)
            assert error.code == "engine_failed"
            answer(caller, call.id, "too late")
            assert [each.code for each in caller.of(messages.Error)] == ["engine_failed", "bad_request"]
        results = [use.result for said in caller.session._minutes.record.said for use in said.tools]
        assert results == [TIMED_OUT]

    run_virtual(scenario())


def test_an_unknown_result_is_refused() -> None:
    """It is an error of the client, and the call goes on."""

    async def scenario() -> None:
        async with Caller(GuidedMind(), options=OPTIONS) as caller:
            answer(caller, "nobody", 1)
            [error] = caller.of(messages.Error)
            assert isinstance(error, messages.Error)
            assert (error.code, error.final) == ("bad_request", False)
            assert "'nobody'" in error.message

    run_virtual(scenario())


def test_the_connection_drops_while_the_client_runs_a_tool() -> None:
    """On the next connection it is asked again, by the same id, and the tool runs once for the model."""

    async def scenario() -> None:
        async with Caller(GuidedMind(), options=OPTIONS) as caller:
            type_words(caller, "look up prices")
            first = await until_asked(caller)
            await caller.drop(noticed_ms=500)
            await caller.wait(2_000)
            caller.come_back()
            again = await until_asked(caller, times=2)
            assert again == first
            hello = [told.message for told in caller.told].index(again)
            assert any(isinstance(told.message, messages.Hello) for told in caller.told[:hello])
            answer(caller, again.id, "twelve")
            answer(caller, again.id, "thirteen")
            await caller.until_silent()
        assert caller.answers[-1].text.endswith("Done: twelve.")

    run_virtual(scenario())


def test_the_caller_interrupts_while_the_client_runs_a_tool() -> None:
    """The tool goes on, and its result comes into the history all the same."""

    async def scenario() -> None:
        mind = GuidedMind()
        async with Caller(mind, options=OPTIONS) as caller:
            type_words(caller, "look up prices")
            call = await until_asked(caller)
            await caller.wait(1_500)
            type_words(caller, "hello")
            await caller.wait(100)
            answer(caller, call.id, "twelve")
            await caller.until_silent()
            assert caller.of(ToolCancelled) == []
            type_words(caller, "and now")
            await caller.until_silent()
        assert "twelve" in str(mind.seen[-1])

    run_virtual(scenario())


def test_the_call_ends_while_the_client_runs_a_tool() -> None:
    """Nobody will answer any more, so the end does not wait for the time limit of tools."""

    async def scenario() -> None:
        async with Caller(GuidedMind(), options=OPTIONS) as caller:
            type_words(caller, "look up prices")
            await until_asked(caller)
            ended_ms = caller.now_ms
            caller.session.end("caller")
            await caller.session.over.wait()
            assert caller.now_ms - ended_ms < 2_000

    run_virtual(scenario())


def test_the_call_moves_while_the_client_runs_a_tool() -> None:
    """The other server knows that the tool was called, and not what became of it. It has the tools that the client
    brings again, and notes from before."""

    async def scenario() -> None:
        async with Caller(GuidedMind(), options=OPTIONS) as first:
            first.session.receive_text(Note(text="My name is Ann.").to_json())
            type_words(first, "look up prices")
            call = await until_asked(first)
            await first.wait(1_000)
            record = await move(first)
        mind = GuidedMind()
        async with Caller(mind, options=OPTIONS, record=record) as second:
            answer(second, call.id, "twelve")
            assert len(second.of(messages.Error)) == 1
            type_words(second, "hello")
            await second.until_silent()
        told = str(mind.seen[-1])
        assert "My name is Ann." in told
        assert INTERRUPTED in told
        assert "twelve" not in told
        assert "look_up" in mind.tools_seen

    run_virtual(scenario())


def test_a_call_moves_to_an_agent_that_takes_no_tools() -> None:
    """The client is told, and the call goes on without them."""

    async def scenario() -> None:
        async with Caller(GuidedMind()) as first:
            type_words(first, "hello")
            await first.until_silent()
            record = await move(first)
        mind = GuidedMind(by_client=False)
        async with Caller(mind, options=OPTIONS, record=record) as second:
            type_words(second, "hello again")
            await second.until_silent()
        assert [each.message for each in second.of(messages.Error)] == ["The agent Test takes no tools from clients."]
        assert second.answers[-1].text
        assert "look_up" not in mind.tools_seen

    run_virtual(scenario())


def test_tools_change_in_mid_call() -> None:
    """From the next answer on the model has the tools that `update` brings."""

    async def scenario() -> None:
        mind = GuidedMind()
        async with Caller(mind) as caller:
            type_words(caller, "hello")
            await caller.until_silent()
            assert "look_up" not in mind.tools_seen
            caller.session.receive_text(Update(tools=(LOOK_UP,)).to_json())
            type_words(caller, "look up prices")
            answer(caller, (await until_asked(caller)).id, "twelve")
            await caller.until_silent()
            caller.session.receive_text(Update(tools=()).to_json())
            type_words(caller, "hello")
            await caller.until_silent()
            assert "look_up" not in mind.tools_seen

    run_virtual(scenario())
