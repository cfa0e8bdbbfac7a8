"""The port of AudioSocket: connections that are not as they should be."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from server.errors import ConfigError
from signaling.telephony.audiosocket_port import AudioSocketPort
from tests.exchange import Exchange, exchange
from tests.fakes.mind import Mind
from tests.telephony.system import until
from tests.telephony.systems import AudioSocketSystem


@asynccontextmanager
async def opened(resume_s: float = 0) -> AsyncIterator[tuple[Exchange, AudioSocketPort]]:
    async with asyncio.timeout(40), exchange(Mind().agent("Hello, this is the shop."), resume_s=resume_s) as running:
        port = AudioSocketPort(running.lines, "127.0.0.1", 0)
        await port.open()
        yield running, port
        port.close()


async def test_a_port_that_is_taken() -> None:
    """The operator reads which one it is."""
    async with opened() as (running, port):
        host, taken = port.address.split(":")
        with pytest.raises(ConfigError, match=f"cannot listen on {host}:{taken}: address already in use"):
            await AudioSocketPort(running.lines, host, int(taken)).open()


async def test_a_flood_ends_the_call() -> None:
    """Whoever sends far more than sound is read no further, and cut off."""
    async with opened() as (running, port):
        system = AudioSocketSystem()
        reader, writer = await asyncio.open_connection(*port.address.split(":"))
        writer.write(system.opening()[0] + system.sound(bytes(640)))
        await until(lambda: running.directory.live)

        async def flood() -> None:
            while True:
                writer.write(b"\x7f\xff\xff" + bytes(0xFFFF))
                await writer.drain()

        flooding = asyncio.create_task(flood())
        await until(lambda: not len(running.directory))
        flooding.cancel()
        await asyncio.gather(flooding, return_exceptions=True)
        writer.close()
        del reader


async def test_a_telephone_that_is_muted_keeps_its_call() -> None:
    """No sound comes for longer than a client may be silent, and the call goes on: the connection stands. Asterisk is
    sent some silence meanwhile, so that it does not give up either."""
    async with opened() as (running, port):
        system = AudioSocketSystem()
        reader, writer = await asyncio.open_connection(*port.address.split(":"))
        writer.write(system.opening()[0] + system.sound(bytes(640)))
        await until(lambda: running.directory.live)
        quiet_s, loop = 0.0, asyncio.get_running_loop()
        began_s = loop.time()
        while loop.time() - began_s < 8:
            read_s = loop.time()
            header = await reader.readexactly(3)
            await reader.readexactly(int.from_bytes(header[1:]))
            quiet_s = max(quiet_s, loop.time() - read_s)
        assert running.directory.live
        assert quiet_s < 2
        writer.close()
        await until(lambda: not len(running.directory))
