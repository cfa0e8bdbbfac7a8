"""How a call over a WebSocket begins, on a virtual clock."""

import asyncio

import pytest

from server.call.caller import Caller
from server.call.line.ws_calls import WsCalls
from server.call.messages import Start
from server.media.pacer import Pacer
from tests.call.directories import directory
from tests.virtual_time import VirtualLoop, run_virtual


class Socket:
    """The loop is held up for `held_up_s`. Just after that the client sends `first`, and later it leaves."""

    flooded = hung_up = False

    def __init__(self, first: str, held_up_s: float) -> None:
        self.told: list[str] = []
        self._said: asyncio.Queue[str | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualLoop)
        loop.call_later(0.05, loop.hold_up, held_up_s)
        loop.call_later(0.05 + held_up_s, self._said.put_nowait, first)
        loop.call_later(5 + held_up_s, self._said.put_nowait, None)

    async def receive(self) -> str | None:
        return await self._said.get()

    async def send(self, item: str | bytes) -> None:
        if isinstance(item, str):
            self.told.append(item)

    async def ping(self) -> None:
        pass

    async def close(self, reason: str) -> None:
        pass


@pytest.mark.parametrize("held_up_s", [0.0, 3.0])
def test_a_client_is_given_its_time_to_begin(held_up_s: float) -> None:
    """The client's `start` is not lost when the server was held up meanwhile."""

    async def scenario() -> None:
        socket = Socket(Start(language="de").to_json(), held_up_s)
        calls = directory(resume_s=0)
        await WsCalls(calls, Pacer(), vanished_s=60).serve("new", Caller(), socket)
        await calls.close()
        assert not [told for told in socket.told if '"error"' in told]

    run_virtual(scenario())
