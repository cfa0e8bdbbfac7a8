"""How a call over a WebSocket begins, on a virtual clock."""

import asyncio
import json

import pytest

from server.call.caller import Caller
from server.call.line.ws_calls import WsCalls
from server.call.messages import Ping, Start
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


class SlowSocket:
    """A client on a slow line. `comes` has its messages and the time at which each one arrives; then it leaves."""

    flooded = hung_up = False

    def __init__(self, comes: list[tuple[float, str]], leaves_s: float) -> None:
        self.told: list[str] = []
        self.reason: str | None = None
        self._said: asyncio.Queue[str | None] = asyncio.Queue()
        loop = asyncio.get_running_loop()
        for at_s, message in comes:
            loop.call_later(at_s, self._said.put_nowait, message)
        loop.call_later(leaves_s, self._said.put_nowait, None)

    async def receive(self) -> str | None:
        return await self._said.get()

    async def send(self, item: str | bytes) -> None:
        if isinstance(item, str):
            self.told.append(item)

    async def ping(self) -> None:
        pass

    async def close(self, reason: str) -> None:
        self.reason = reason


@pytest.mark.parametrize("delay_s", [0.1, 1.5, 5.0, 25.0])
@pytest.mark.parametrize("pings", [False, True])
def test_a_conversation_is_found_again_over_a_line_of_any_delay(delay_s: float, pings: bool) -> None:
    """However late `start` comes, and whatever the client asks before it, no other conversation begins."""

    async def scenario() -> None:
        calls = directory(resume_s=60)
        served = WsCalls(calls, Pacer(), vanished_s=60)
        first = SlowSocket([(0.1, Start().to_json())], 3)
        await served.serve("new", Caller(), first)
        hello = json.loads(next(told for told in first.told if '"session"' in told))
        assert first.reason == "lost"
        ping = [(delay_s - 0.05, Ping(t=1).to_json())] if pings else []
        comes = [*ping, (delay_s, Start(resume=hello["resume"]).to_json())]
        second = SlowSocket(comes, delay_s + 3)
        await served.serve(hello["session_id"], Caller(), second)
        types = [json.loads(told) for told in second.told]
        assert [told["type"] for told in types][: pings + 1] == ["pong"] * pings + ["session"]
        assert (types[pings]["session_id"], types[pings]["resumed"]) == (hello["session_id"], True)
        assert len(calls) == 1
        await calls.close()

    run_virtual(scenario())


def test_a_client_that_names_a_conversation_and_says_nothing_begins_none() -> None:
    """It is refused in the end."""

    async def scenario() -> None:
        calls = directory(resume_s=0)
        socket = SlowSocket([], 100)
        await WsCalls(calls, Pacer(), vanished_s=60).serve("some", Caller(), socket)
        assert json.loads(socket.told[-1])["final"] is True
        assert socket.reason == "bad_request"
        assert len(calls) == 0
        await calls.close()

    run_virtual(scenario())
