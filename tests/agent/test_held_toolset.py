"""A toolset is entered again when its connection is lost."""

import asyncio
import json
import sys
from typing import Any

import pytest
from pydantic_ai import ModelRetry
from pydantic_ai.toolsets import FunctionToolset

from server.agent.held_toolset import BACKOFF_MOST_S, may_be_lost
from server.errors import EngineError
from tests.agent.clock import CONNECT_S, TRY_AGAIN, Clock, Holding, agent_with, ask
from tests.virtual_time import run_virtual


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
