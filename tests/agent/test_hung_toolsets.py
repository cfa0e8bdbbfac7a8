"""A toolset whose tools hang, or whose calls outlast its connection."""

import asyncio
from typing import Any

import pytest

from server.agent.held_toolset import BACKOFF_MOST_S, DRAIN_S
from server.errors import EngineError
from tests.agent.clock import LIMITS, Clock, Holding, agent_with, ask
from tests.virtual_time import run_virtual


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
