"""The toolsets of the agent: entered once, for all runs; entered again when their connection is lost."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai import Agent, ModelRetry, RunContext
from pydantic_ai.messages import ModelMessage, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel
from pydantic_ai.toolsets import AbstractToolset, CombinedToolset, FunctionToolset

from server.agent.held_toolset import BACKOFF_MOST_S, DRAIN_S, ENTER_S, LEAVE_S, may_be_lost
from server.agent.limits import RunLimits
from server.agent.run import AgentRun
from server.agent.run_setup import RunSetup
from server.agent.toolsets import Toolsets
from server.agent.voice_agent import VoiceAgent
from server.errors import ConfigError, EngineError
from tests.started import START_S, Started, started
from tests.virtual_time import run_virtual

CONNECT_S = 0.7
TRY_AGAIN = "try again"
LIMITS = RunLimits()


class Clock(FunctionToolset[None]):
    """A toolset that takes 0.7 s to connect. It keeps no count of its users, and its connection can be cut."""

    def __init__(self, name: str = "clock") -> None:
        super().__init__([self.tell], id=name)
        self.entries = self.exits = 0
        self.entered_by = self.left_by = asyncio.current_task()
        self.connected = self.down = self.hangs = self.cancelled = False
        self.calls = 0

    async def __aenter__(self) -> "Clock":
        self.entries += 1
        self.entered_by = asyncio.current_task()
        await asyncio.sleep(CONNECT_S)
        if self.hangs:
            await asyncio.Event().wait()
        if self.cancelled:
            raise asyncio.CancelledError
        if self.down:
            raise ConnectionRefusedError("nobody\nis there")
        self.connected = True
        return self

    async def __aexit__(self, *args: Any) -> None:
        self.exits += 1
        self.left_by = asyncio.current_task()
        self.connected = False

    async def tell(self) -> str:
        """Tell the time."""
        self.calls += 1
        if not self.connected:
            raise ConnectionResetError
        if self.hangs:
            await asyncio.Event().wait()
        return "noon"


async def think(history: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
    """Call the first tool that is not an output, and say what it has returned; after a refusal, call it once more."""
    newest = history[-1].parts[-1]
    if isinstance(newest, ToolReturnPart) and newest.content != TRY_AGAIN:
        yield f"It is {newest.content}."
    else:
        yield {0: DeltaToolCall(info.function_tools[0].name, "{}", tool_call_id=f"call{len(history)}")}


def agent_with(*toolsets: Any, **options: Any) -> VoiceAgent:
    model = FunctionModel(stream_function=think)
    return VoiceAgent(Agent(model, toolsets=toolsets, **options), cancellable=frozenset({"tell"}))


async def ask(agent: VoiceAgent) -> str:
    """One turn."""
    committed, said = asyncio.Event(), list[str]()
    committed.set()
    await AgentRun(RunSetup(agent), "what time is it", list).speak(said.append, committed)
    return "".join(said).strip()


@dataclass
class Holding:
    """The toolsets of an agent, as the server holds them."""

    voice_agent: VoiceAgent
    toolsets: Toolsets = field(init=False)

    async def __aenter__(self) -> VoiceAgent:
        self.toolsets = Toolsets(self.voice_agent, LIMITS)
        try:
            return await self.toolsets.start()
        except BaseException:
            await self.toolsets.close()
            raise

    async def __aexit__(self, *args: Any) -> None:
        await self.toolsets.close()


def test_turns_do_not_wait_for_a_toolset_to_connect() -> None:
    """Two turns of two calls each use one connection, made by the task that closes it at the end."""

    async def scenario() -> None:
        clock = Clock()
        async with Holding(agent_with(clock)) as agent:
            began = asyncio.get_running_loop().time()
            for _ in range(2):
                assert await asyncio.gather(ask(agent), ask(agent)) == ["It is noon."] * 2
            assert asyncio.get_running_loop().time() - began < CONNECT_S
            assert (clock.entries, clock.exits, clock.calls) == (1, 0, 4)
        assert (clock.entries, clock.exits) == (1, 1)
        assert clock.entered_by is clock.left_by, "as the cancel scopes of anyio demand"

    run_virtual(scenario())


def test_what_wraps_a_toolset_does_not_hide_it() -> None:
    """One toolset in two wrappers, in a combination: it is entered once."""

    async def scenario() -> None:
        clock = Clock()
        one, other = clock.prefixed("wall"), clock.filtered(lambda context, tool: True)
        async with Holding(agent_with(CombinedToolset([one, other]))) as agent:
            assert await ask(agent) == "It is noon."
        assert (clock.entries, clock.exits) == (1, 1)

    run_virtual(scenario())


def test_an_agent_of_functions_stays_as_it_is() -> None:
    """There is nothing to enter, so the runs use the agent itself."""

    async def scenario() -> None:
        async def tell() -> str:
            return "noon"

        plain = agent_with(FunctionToolset([tell]))
        async with Holding(plain) as agent:
            assert agent is plain

    run_virtual(scenario())


def test_toolsets_beside_functions_and_choices_of_a_run() -> None:
    """The agent's own functions, and a toolset that a function chooses for each run, are there as before."""

    async def scenario() -> None:
        async def own() -> str:
            return "own"

        def choose(context: RunContext[None]) -> AbstractToolset[None]:
            chosen.append(Clock())
            return chosen[-1].prefixed("chosen")

        async def list_them(history: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str]:
            yield " ".join(sorted(tool.name for tool in info.function_tools))

        chosen: list[Clock] = []
        model, held = FunctionModel(stream_function=list_them), Clock()
        async with Holding(VoiceAgent(Agent(model, toolsets=[held, choose], tools=[own]))) as agent:
            assert await ask(agent) == await ask(agent) == "chosen_tell own tell"
        assert (held.entries, held.exits) == (1, 1)
        assert [(one.entries, one.exits) for one in chosen] == [(1, 1), (1, 1)]

    run_virtual(scenario())


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ("down", "ConnectionRefusedError: nobody"),
        ("hangs", f"TimeoutError: longer than {ENTER_S:g} s"),
        ("cancelled", "its connection was cancelled"),
    ],
)
def test_a_toolset_that_cannot_be_entered_keeps_the_server_from_starting(broken: str, why: str) -> None:
    """The operator reads which toolset and why, in one line; the toolsets that were entered are left."""

    async def scenario() -> None:
        well, clock = Clock("well"), Clock()
        setattr(clock, broken, True)
        with pytest.raises(ConfigError) as failure:
            async with Holding(agent_with(well, clock)):
                pass
        assert str(failure.value) == f"ANTIPHON_AGENT: the toolset Clock 'clock' cannot be entered: {why}"
        assert (clock.entries, clock.exits) == (1, 0)
        assert (well.entries, well.exits) in ((1, 0), (1, 1))
        assert not well.connected

    run_virtual(scenario())


def test_closing_twice_leaves_once() -> None:
    """`close` may come twice: a toolset is left once."""

    async def scenario() -> None:
        clock = Clock()
        toolsets = Toolsets(agent_with(clock), LIMITS)
        await toolsets.start()
        await toolsets.close()
        await toolsets.close()
        assert (clock.entries, clock.exits) == (1, 1)

    run_virtual(scenario())


def test_a_lost_connection_costs_one_answer() -> None:
    """The failure enters the toolset again in the background; the next turn has its tools back."""

    async def scenario() -> None:
        clock = Clock()
        async with Holding(agent_with(clock)) as agent:
            await asyncio.sleep(60)
            clock.connected = False
            with pytest.raises(EngineError, match="The tool tell failed: ConnectionResetError"):
                await ask(agent)
            assert await ask(agent) == "It is noon.", "it waits for the entering that has begun"
            assert (clock.entries, clock.exits) == (2, 1)
        assert (clock.entries, clock.exits) == (2, 2)

    run_virtual(scenario())


def test_a_server_that_is_down_is_tried_again() -> None:
    """While the server of the tools is down, answers fail at once; when it is back, so are the tools."""

    async def scenario() -> None:
        clock, loop = Clock(), asyncio.get_running_loop()
        async with Holding(agent_with(clock)) as agent:
            await asyncio.sleep(60)
            clock.down, clock.connected = True, False
            with pytest.raises(EngineError):
                await ask(agent)
            await asyncio.sleep(300)
            assert 300 / BACKOFF_MOST_S <= clock.entries <= 20
            began = loop.time()
            with pytest.raises(EngineError, match="The tools of the agent cannot be reached") as failure:
                await ask(agent)
            assert failure.value.stage == "tool"
            assert loop.time() - began <= CONNECT_S
            clock.down = False
            await asyncio.sleep(BACKOFF_MOST_S + CONNECT_S)
            assert await ask(agent) == "It is noon."

    run_virtual(scenario())


def test_a_tool_that_hangs_has_its_toolset_entered_again() -> None:
    """The limit of the run ends the call to the tool. An interruption of a slow tool enters nothing again."""

    async def scenario() -> None:
        clock = Clock()
        async with Holding(agent_with(clock)) as agent:
            await asyncio.sleep(60)
            clock.hangs = True
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(LIMITS.tools_s / 2):
                    await ask(agent)
            await asyncio.sleep(0)
            assert clock.entries == 1
            with pytest.raises(EngineError, match="The tool tell took too long"):
                await ask(agent)
            clock.hangs = False
            assert await ask(agent) == "It is noon."
            assert clock.entries == 2

    run_virtual(scenario())


def test_running_calls_are_waited_for() -> None:
    """The failure may be that of one tool alone. Other calls to tools may end first, if they do so soon."""

    class Shop(Clock):
        async def tell(self) -> str:
            """Take two seconds the first time, fail the next."""
            self.calls += 1
            number = self.calls
            await asyncio.sleep(2 if number == 1 else 0)
            if number == 2:
                raise KeyError("a bug")
            assert self.connected
            return "noon"

    async def scenario() -> None:
        shop = Shop()
        async with Holding(agent_with(shop)) as agent:
            slow = asyncio.create_task(ask(agent))
            await asyncio.sleep(1)
            with pytest.raises(EngineError):
                await ask(agent)
            assert shop.entries == 1
            assert await slow == "It is noon."
            await asyncio.sleep(BACKOFF_MOST_S)
            assert (shop.entries, shop.connected) == (2, True)

    run_virtual(scenario())


def test_a_call_that_outlives_its_connection_does_not_blame_the_next_one() -> None:
    """The toolset is left under a call that takes longer than the drain. That this call fails later has no effect."""

    class Shop(Clock):
        async def tell(self) -> str:
            """Fail: after a long time, or at once."""
            self.calls += 1
            await asyncio.sleep(2 * DRAIN_S if self.calls == 1 else 0)
            raise ConnectionResetError

    async def scenario() -> None:
        shop = Shop()
        async with Holding(agent_with(shop)) as agent:
            await asyncio.sleep(60)
            slow = asyncio.create_task(ask(agent))
            await asyncio.sleep(1)
            with pytest.raises(EngineError):
                await ask(agent)
            with pytest.raises(EngineError):
                await slow
            await asyncio.sleep(60)
            assert (shop.entries, shop.connected) == (2, True)

    run_virtual(scenario())


def test_a_connection_that_dies_by_itself_is_made_again() -> None:
    """When a task inside a toolset fails, its task group cancels the task that has entered the toolset."""

    class Grouped(Clock):
        async def __aenter__(self) -> "Grouped":
            await super().__aenter__()
            self.group = asyncio.TaskGroup()
            await self.group.__aenter__()
            return self

        async def __aexit__(self, *args: Any) -> None:
            await super().__aexit__()
            await self.group.__aexit__(*args)

    async def die() -> None:
        raise ConnectionResetError

    async def scenario() -> None:
        grouped = Grouped()
        async with Holding(agent_with(grouped)) as agent:
            await asyncio.sleep(60)
            grouped.group.create_task(die())
            await asyncio.sleep(1)
            assert await ask(agent) == "It is noon."
            assert (grouped.entries, grouped.exits) == (2, 1)

    run_virtual(scenario())


def test_a_toolset_that_does_not_let_go_does_not_keep_the_server_from_stopping() -> None:
    """Leaving it has a deadline."""

    async def scenario() -> None:
        class Clinging(Clock):
            async def __aexit__(self, *args: Any) -> None:
                await super().__aexit__()
                await asyncio.Event().wait()

        clinging, loop = Clinging(), asyncio.get_running_loop()
        async with Holding(agent_with(clinging)) as agent:
            assert await ask(agent) == "It is noon."
            began = loop.time()
        assert loop.time() - began <= DRAIN_S + LEAVE_S

    run_virtual(scenario())


class Remote:
    """A client of the kind that fastmcp has. Its connection stays as it is until the client is closed."""

    def __init__(self) -> None:
        self.connections = 0
        self.ended: asyncio.Event | None = None
        self.hangs = False

    def connect(self) -> None:
        """Use the connection that is there, or else make one that is well."""
        if self.ended is None:
            self.ended, self.hangs = asyncio.Event(), False
            self.connections += 1

    async def ask(self) -> str:
        """Raises ConnectionResetError when the client is closed meanwhile."""
        if self.ended is None:
            raise ConnectionResetError
        if self.hangs:
            await self.ended.wait()
            raise ConnectionResetError
        return "noon"

    async def close(self) -> None:
        await asyncio.sleep(4)
        if self.ended is not None:
            self.ended.set()
        self.ended = None


class Counting(Clock):
    """A toolset that counts its users, as MCPToolset does, and whose client keeps its connection when it is left."""

    def __init__(self) -> None:
        super().__init__()
        self.client, self.users = Remote(), 0

    async def __aenter__(self) -> "Counting":
        if not self.users:
            self.client.connect()
        self.users += 1
        return self

    async def __aexit__(self, *args: Any) -> None:
        self.users -= 1

    async def tell(self) -> str:
        """Tell the time."""
        async with self:
            return await self.client.ask()


def test_a_connection_that_hangs_is_ended_before_a_new_one_is_made() -> None:
    """The client is closed, which ends a younger call that hangs too. Otherwise the same connection is used again."""

    async def scenario() -> None:
        counting = Counting()
        async with Holding(agent_with(counting)) as agent:
            await asyncio.sleep(60)
            counting.client.hangs = True
            older = asyncio.create_task(ask(agent))
            await asyncio.sleep(LIMITS.tools_s - 2)
            younger = asyncio.create_task(ask(agent))
            with pytest.raises(EngineError, match="The tool tell took too long"):
                await older
            assert await ask(agent) == "It is noon."
            with pytest.raises(EngineError, match="The tool tell failed: ConnectionResetError"):
                await younger
            assert (counting.client.connections, counting.users) == (2, 1)
        assert counting.client.ended is None
        assert counting.users == 0

    run_virtual(scenario())


def test_losses_that_follow_each_other_cost_no_pause() -> None:
    """Pauses are for attempts that fail. A toolset that could be entered is entered again at once."""

    async def scenario() -> None:
        clock, loop = Clock(), asyncio.get_running_loop()
        async with Holding(agent_with(clock)) as agent:
            for losses in range(1, 6):
                clock.connected = False
                with pytest.raises(EngineError, match="ConnectionResetError"):
                    await ask(agent)
                began = loop.time()
                assert await ask(agent) == "It is noon."
                assert loop.time() - began <= CONNECT_S + 0.01
                assert clock.entries == 1 + losses

    run_virtual(scenario())


class McpError(Exception):
    """An error like that of the MCP SDK, with a JSON-RPC code."""

    def __init__(self, code: int) -> None:
        super().__init__("Connection closed")
        self.error = type("ErrorData", (), {"code": code})()


def told_to_the_model(cause: Exception | None) -> ModelRetry:
    failure = ModelRetry(TRY_AGAIN)
    failure.__cause__ = cause
    return failure


@pytest.mark.parametrize(
    ("failure", "lost"),
    [
        (ConnectionResetError(), True),
        (RuntimeError("Session task completed unexpectedly"), True),
        (told_to_the_model(McpError(-32000)), True),
        (told_to_the_model(McpError(32600)), True),
        (told_to_the_model(ExceptionGroup("session", [McpError(-32000)])), True),
        (told_to_the_model(McpError(-32602)), False),
        (told_to_the_model(KeyError("no such book")), False),
        (told_to_the_model(None), False),
    ],
    ids=str,
)
def test_what_a_tool_tells_the_model_is_no_lost_connection(failure: Exception, lost: bool) -> None:
    """pydantic-ai tells the model also of a closed MCP connection and of an MCP session that has ended."""
    assert may_be_lost(failure) is lost


def test_a_closed_connection_that_the_model_is_told_of_costs_nothing() -> None:
    """The model tries again, as it was told to. Its second call waits until the toolset is entered again."""

    class Remote(Clock):
        async def call_tool(self, name: str, *args: Any) -> Any:
            if not self.connected:
                raise told_to_the_model(McpError(-32000))
            return await super().call_tool(name, *args)

    async def scenario() -> None:
        remote = Remote()
        async with Holding(agent_with(remote)) as agent:
            await asyncio.sleep(60)
            remote.connected = False
            assert await ask(agent) == "It is noon."
            assert remote.entries == 2

    run_virtual(scenario())


SERVER = """
import json, sys
for line in sys.stdin:
    print(json.dumps({"answer": "noon"}), flush=True)
"""


class Process(FunctionToolset[None]):
    """The tools of a program of its own, which answers a line with a line, as an MCP server over stdio does."""

    def __init__(self) -> None:
        super().__init__([self.tell])
        self.started: list[asyncio.subprocess.Process] = []

    async def __aenter__(self) -> "Process":
        pipe = asyncio.subprocess.PIPE
        program = await asyncio.create_subprocess_exec(sys.executable, "-c", SERVER, stdin=pipe, stdout=pipe)
        self.started.append(program)
        return self

    async def __aexit__(self, *args: Any) -> None:
        program = self.started[-1]
        assert program.stdin is not None
        program.stdin.close()
        await program.wait()

    async def tell(self) -> str:
        """Tell the time."""
        program = self.started[-1]
        assert program.stdin is not None
        assert program.stdout is not None
        program.stdin.write(b"{}\n")
        return str(json.loads(await program.stdout.readline())["answer"])


async def test_a_program_that_is_killed_is_started_again() -> None:
    """One answer fails; the next one has the tools of a new process. The stop ends that process."""
    process = Process()
    async with Holding(agent_with(process)) as agent:
        assert [await ask(agent), await ask(agent)] == ["It is noon."] * 2
        assert len(process.started) == 1
        process.started[0].kill()
        await process.started[0].wait()
        with pytest.raises(EngineError, match="The tool tell failed"):
            await ask(agent)
        assert await ask(agent) == "It is noon."
        assert len(process.started) == 2
    assert [program.returncode for program in process.started] == [-9, 0]


AGENT = """
from pathlib import Path
from pydantic_ai import Agent
from pydantic_ai.toolsets import FunctionToolset
from server.agent.voice_agent import VoiceAgent

class Noted(FunctionToolset):
    def note(self, what):
        with Path(__file__).with_name("notes").open("a") as notes:
            notes.write(what + " ")
    async def __aenter__(self):
        self.note("entered")
        return self
    async def __aexit__(self, *args):
        self.note("left")

class Away(FunctionToolset):
    async def __aenter__(self):
        raise ConnectionRefusedError("nobody is there")

well = VoiceAgent(Agent("test", toolsets=[Noted()]))
away = VoiceAgent(Agent("test", toolsets=[Noted(), Away()]))
"""


def test_a_server_enters_its_toolsets_when_it_starts_and_leaves_them_when_it_stops(tmp_path: Path) -> None:
    """They are entered when the server says where it is, and left once when it has ended."""
    (tmp_path / "agent.py").write_text(AGENT)
    with started("--agent", f"{tmp_path}/agent.py:well"):
        assert (tmp_path / "notes").read_text() == "entered "
    assert (tmp_path / "notes").read_text() == "entered left "


def test_a_server_whose_toolset_cannot_be_entered_does_not_start(tmp_path: Path) -> None:
    """It says why in one line, and leaves the toolsets that it has entered."""
    (tmp_path / "agent.py").write_text(AGENT)
    server = Started("--agent", f"{tmp_path}/agent.py:away")
    assert server.process.wait(START_S) == 2
    server.stop()
    why = "the toolset Away cannot be entered: ConnectionRefusedError: nobody is there"
    assert server.lines[-1].endswith(f"ANTIPHON_AGENT: {why}")
    assert (tmp_path / "notes").read_text() == "entered left "
