"""The port of AudioSocket: connections that are not as they should be."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from server.errors import ConfigError
from signaling.telephony.audiosocket_port import GONE_MS, SEND_BUFFER_BYTES, AudioSocketPort, TcpSocket
from tests.exchange import Exchange, exchange
from tests.fakes.mind import Mind
from tests.telephony.system import until
from tests.telephony.systems import AudioSocketSystem
from tests.virtual_time import run_virtual


class Transport(asyncio.Transport):
    """A connection that takes everything."""

    closed = False

    def close(self) -> None:
        self.closed = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        pass

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def is_closing(self) -> bool:
        return self.closed


def on_a_socket(scenario: Callable[[TcpSocket, asyncio.StreamReader], Awaitable[None]]) -> None:
    """Run a scenario on a connection on which comes what the reader is fed with."""

    async def run() -> None:
        reader, loop = asyncio.StreamReader(), asyncio.get_running_loop()
        protocol = asyncio.StreamReaderProtocol(reader)
        writer = asyncio.StreamWriter(Transport(), protocol, reader, loop)
        await scenario(TcpSocket(reader, writer), reader)
        writer.close()

    run_virtual(run())


def test_many_messages_at_once_take_their_time() -> None:
    """However many come in one packet, no more than 200 a second are read. So they cannot hold up other calls."""

    async def scenario(tcp: TcpSocket, reader: asyncio.StreamReader) -> None:
        reader.feed_data(b"\x03\x00\x015" * 1_000)
        for _ in range(1_000):
            assert await tcp.receive() == b"\x03\x00\x015"
        assert asyncio.get_running_loop().time() == pytest.approx(4, abs=0.1)
        assert not tcp.flooded

    on_a_socket(scenario)


def test_a_message_may_come_in_pieces() -> None:
    """However long its parts are on their way. A connection that is closed is a hang-up."""

    async def scenario(tcp: TcpSocket, reader: asyncio.StreamReader) -> None:
        for piece in (b"\x12", b"\x00\x04", b"\1\2", b"\3"):
            reader.feed_data(piece)
            assert await tcp.receive() == b""
        reader.feed_data(b"\4\x12\x00")
        assert await tcp.receive() == b"\x12\x00\x04\1\2\3\4"
        reader.feed_eof()
        assert await tcp.receive() is None
        assert tcp.hung_up

    on_a_socket(scenario)


@pytest.mark.parametrize("error", [TimeoutError(110, "Connection timed out"), OSError(113, "No route to host")])
def test_a_peer_that_is_gone_has_not_hung_up(error: OSError) -> None:
    """The kernel gives up: the connection is lost, both for who reads and for who writes."""

    async def scenario(tcp: TcpSocket, reader: asyncio.StreamReader) -> None:
        reader.set_exception(error)
        assert await tcp.receive() is None
        assert not tcp.hung_up
        with pytest.raises(ConnectionError):
            await tcp.send(b"\0\0\0")

    on_a_socket(scenario)


async def test_what_the_kernel_keeps_of_a_connection() -> None:
    """A peer that is gone is noticed, and a slow one does not hear what was said long ago."""
    made: list[tuple[int, int]] = []

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        TcpSocket(reader, writer)
        raw = writer.get_extra_info("socket")
        made.append(
            (
                raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT),
                raw.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF),
            )
        )
        writer.close()

    async with await asyncio.start_server(connected, "127.0.0.1", 0) as port:
        reader, writer = await asyncio.open_connection(*port.sockets[0].getsockname())
        await reader.read()
        writer.close()
    assert made == [(GONE_MS, 2 * SEND_BUFFER_BYTES)]


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
