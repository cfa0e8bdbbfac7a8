"""Telephone systems call a server that an operator has started, one of each family."""

import asyncio
import socket
from collections.abc import Iterator

import aiohttp
import pytest

from tests.started import Started, started
from tests.telephony.media_streams_systems import TelnyxSystem
from tests.telephony.system import System, until
from tests.telephony.systems import AsteriskSystem, AudioSocketSystem, FreeSwitchSystem, JambonzSystem

SECRET = "a secret of telephone lines"
FAMILIES = (AsteriskSystem, TelnyxSystem, JambonzSystem, FreeSwitchSystem, AudioSocketSystem)


@pytest.fixture(scope="module")
def server() -> Iterator[Started]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    lines = {"ANTIPHON_TELEPHONY_SECRET": SECRET, "ANTIPHON_TELEPHONY_AUDIOSOCKET_PORT": port}
    with started(**lines) as running:
        yield running


@pytest.mark.parametrize("kind", FAMILIES)
async def test_a_call_to_a_started_server(server: Started, kind: type[System]) -> None:
    """The greeting is heard, and the caller hangs up. The secret is in no line of the log."""
    over = server.lines.copy
    system = kind()
    audiosocket = next(line.split()[-1] for line in server.lines if line.startswith("AudioSocket"))
    async with asyncio.timeout(30), aiohttp.ClientSession() as http:
        ended = sum("is over" in line for line in over())
        await system.dial(http, audiosocket if kind is AudioSocketSystem else server.url, secret=SECRET)
        await system.hears(30)
        await system.hang_up()
        await until(lambda: sum("is over" in line for line in over()) > ended)
    assert system.wrong == []
    assert SECRET not in "".join(server.lines)
