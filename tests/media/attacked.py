"""A call with an attacker who was let in and has the right keys."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from tests.hostile_caller import HostileCaller
from tests.media.test_transport import FRAMES, Call, calling


class Attacked:
    """Our side of the call, and the attacker on the other one."""

    def __init__(self, call: Call) -> None:
        self.call = call
        self.caller = HostileCaller(call.caller)
        self.counters = call.peer.counters
        self.sctp: Any = call.peer._bundle.sctp
        self.dtls: Any = self.sctp.transport

    async def goes_on(self) -> None:
        """The caller is still heard, and its messages still come."""
        await asyncio.sleep(1.1)  # until the allowance is there again
        self.caller.pc.sctp._data_channels[1].send("still there")  # type: ignore[union-attr]
        await until(lambda: "still there" in self.call.listening.texts)
        await self.call.listening.hears(FRAMES)
        assert not self.call.listening.is_lost


@asynccontextmanager
async def attacked() -> AsyncIterator[Attacked]:
    async with calling() as call:
        await call.connect()
        call.channel.send("hello")
        await until(lambda: call.listening.texts == ["hello"])
        try:
            yield Attacked(call)
        finally:
            call.caller.sctp._abort = nothing  # type: ignore[union-attr,method-assign]  # its DTLS may be broken


async def nothing() -> None:
    return


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110  # real sockets are at work
        await asyncio.sleep(0.005)
