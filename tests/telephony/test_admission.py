"""Who may dial in."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from signaling.access import Access
from signaling.key_set import KeySet
from signaling.keys import secret_key
from tests.exchange import Exchange, exchange
from tests.fakes.mind import Mind
from tests.telephony.system import until
from tests.telephony.systems import AsteriskSystem
from tests.tokens import SECRET as KEY
from tests.tokens import token

SECRET = "a secret of telephone lines"
BASIC = {"Authorization": "Basic " + b64encode(f"anybody:{SECRET}".encode()).decode()}


@asynccontextmanager
async def server(secret: str = SECRET, tokens: bool = False) -> AsyncIterator[tuple[Exchange, aiohttp.ClientSession]]:
    access = Access(KeySet([secret_key(KEY)])) if tokens else Access()
    agent = Mind().agent("Hello, this is the shop.")
    async with asyncio.timeout(20), exchange(agent, secret=secret, access=access) as running:
        async with aiohttp.ClientSession() as http:
            yield running, http


async def call(running: Exchange, http: aiohttp.ClientSession, query: str = "", **headers: str) -> None:
    """A call by Asterisk with this query or these headers. Raises WSServerHandshakeError if it is refused."""
    system = AsteriskSystem()
    url = f"{running.home}{system.path}{query}"
    system.ws = await http.ws_connect(url, headers=headers, protocols=["media"])
    assert system.ws.protocol == "media"
    await system.begin()
    await system.hears(5)
    await system.hang_up()


@pytest.mark.parametrize("tokens", [True, False])
async def test_a_system_with_the_secret_is_let_in(tokens: bool) -> None:
    """In the address, as the password of Basic or as a bearer token; whether other callers need tokens or not."""
    async with server(tokens=tokens) as (running, http):
        await call(running, http, f"?secret={SECRET}")
        await call(running, http, **BASIC)
        await call(running, http, Authorization=f"Bearer {SECRET}")


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Basic ?"}, {"Authorization": f"Bearer {SECRET}x"}])
@pytest.mark.parametrize("tokens", [True, False])
async def test_a_system_without_the_secret_is_not(headers: dict[str, str], tokens: bool) -> None:
    """It gets 401 and no WebSocket, and no place is taken."""
    async with server(tokens=tokens) as (running, http):
        for query in ("", "?secret=", "?secret=guess"):
            with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                await call(running, http, query, **headers)
            assert refusal.value.status == 401
        assert running.directory.opened == 0


async def test_a_token_lets_a_system_in_as_any_caller() -> None:
    """Where callers need tokens, a telephone system may have one, too, with or without a secret."""
    for secret in ("", SECRET):
        async with server(secret, tokens=True) as (running, http):
            await call(running, http, f"?access_token={token('pbx')}")
            await until(lambda running=running: running.notebook.records)
            assert [record.caller for record in running.notebook.records.values()] == ["pbx"]


async def test_an_open_server_without_a_secret_is_open() -> None:
    """As it is for other callers."""
    async with server(secret="") as (running, http):
        await call(running, http)


async def test_a_page_of_another_site_may_not_call() -> None:
    """The origin of a page counts here as it does for other requests."""
    async with server() as (running, http):
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await call(running, http, f"?secret={SECRET}", Origin="https://elsewhere.example")


async def test_the_secret_is_never_logged(caplog: pytest.LogCaptureFixture) -> None:
    """Nor is it kept."""
    async with server() as (running, http):
        await call(running, http, f"?secret={SECRET}&vip=1")
        assert SECRET not in str(running.notebook.records)
    assert SECRET not in caplog.text


async def test_calls_of_one_system_do_not_count_as_one_caller() -> None:
    """Behind a system with the secret are many callers: it may have all places of the server, and not only half."""
    async with server() as (running, http):
        systems = [AsteriskSystem() for _ in range(4)]
        for number, system in enumerate(systems):
            system.ws = await http.ws_connect(f"{running.home}{system.path}?call={number}&secret={SECRET}")
            await system.begin()
            await system.hears(3)
        assert len(running.directory) == 4
        for system in systems:
            await system.hang_up()


async def test_a_stranger_who_knows_the_id_of_a_call_does_not_get_it() -> None:
    """On an open server a call goes on only for whom it was, by address and name. Another caller begins a new one."""
    access = Access(KeySet([secret_key(KEY)]))
    agent = Mind().agent("Hello, this is the shop.")
    async with asyncio.timeout(20), exchange(agent, access=access, resume_s=30) as running:
        async with aiohttp.ClientSession() as http:
            systems = []
            for name in ("ann", "bob"):
                system = AsteriskSystem()
                url = f"{running.home}{system.path}?call=4711&access_token={token(name)}"
                system.ws = await http.ws_connect(url)
                await system.begin()
                await system.hears(3)
                systems.append(system)
            assert len(running.directory) == 2
            for system in systems:
                await system.hang_up()
