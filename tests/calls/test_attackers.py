"""Ten callers who want to take a started server away from the others. Each comes from an address of its own."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
from aiohttp import ClientConnectionError, ClientSession, WSServerHandshakeError

from tests.offers import audio, data, offer
from tests.socket_phone import SocketPhone
from tests.started import Started, started

ATTACKERS, TALKING, PLACES = 10, 4, 8
SILENT_S = 2
"""For how long a silent caller is safe here. The default is longer than a test should take."""
ROUNDS = 30
"""How often the attacked server is looked at, every quarter of a second."""


@pytest.fixture(scope="module")
def server() -> Iterator[Started]:
    settings = {
        "ANTIPHON_ACCESS": "open",
        "ANTIPHON_TRUSTED_PROXIES": "127.0.0.1",
        "ANTIPHON_CALLERS_SILENT_S": str(SILENT_S),
    }
    with started("--max-calls", str(PLACES), **settings) as running:
        yield running


@contextlib.asynccontextmanager
async def coming_from(address: str) -> AsyncIterator[ClientSession]:
    """Requests that a trusted proxy has passed on for this address."""
    async with ClientSession(headers={"X-Forwarded-For": address}) as http:
        yield http


Attack = Callable[[str, ClientSession], Awaitable[str]]
"""One step of an attacker against the server at this address. Returns what became of it."""


async def offer_blindly(url: str, http: ClientSession) -> str:
    """Send an offer, and never connect."""
    async with http.post(f"{url}/api/offer", json={"sdp": offer(audio(), data()), "type": "offer"}) as response:
        return str(response.status)


async def say_nothing(url: str, http: ClientSession) -> str:
    """Connect by WebSocket and say nothing, for as long as the server allows it."""
    try:
        async with http.ws_connect(f"{url}/api/voice/conversation/new") as ws:
            await ws.send_json({"type": "start"})
            async for message in ws:
                if isinstance(message.data, str) and '"error"' in message.data:
                    return str(message.json()["code"])
    except WSServerHandshakeError as refused:
        return str(refused.status)
    return str(ws.close_code)


async def guess(url: str, http: ClientSession) -> str:
    """Try to resume a conversation of somebody else."""
    wanted = {"session_id": "abcdefghijklmnop", "resume": "guess"}
    body = {"sdp": offer(audio(), data()), "type": "offer", "requestData": wanted}
    async with http.post(f"{url}/api/offer", json=body) as response:
        return str(response.status)


@contextlib.asynccontextmanager
async def under(attack: Attack, network: str, url: str) -> AsyncIterator[Counter[str]]:
    """Ten attackers from this network do this again and again while the block runs. Gives the outcomes."""
    outcomes = Counter[str]()

    async def go_on(number: int) -> None:
        async with coming_from(f"{network}.{number}") as http:
            while True:
                with contextlib.suppress(ClientConnectionError):
                    outcomes[await attack(url, http)] += 1
                await asyncio.sleep(0.05)

    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(go_on(number), name=f"attacker-{number}") for number in range(ATTACKERS)]
    try:
        yield outcomes
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def call(url: str, http: ClientSession) -> SocketPhone | None:
    """A caller who says something at once. None if the call is refused."""
    phone = SocketPhone(url, http)
    await phone.dial()
    told = [asyncio.create_task(phone.until(type=kind), name=kind) for kind in ("session", "error")]
    (first, *_), _ = await asyncio.wait(told, return_when=asyncio.FIRST_COMPLETED)
    for task in told:
        task.cancel()
    if first.get_name() == "error":
        await phone.hang_up()
        return None
    phone.send(type="text", text="When do you open on Monday?")
    phone.send(type="ping", t=1)
    await phone.until(type="pong", t=1)
    return phone


async def persistent_call(url: str, http: ClientSession) -> SocketPhone:
    """A caller who calls again until there is a place."""
    while (phone := await call(url, http)) is None:  # noqa: ASYNC110  # no event comes from another process
        await asyncio.sleep(0.5)
    return phone


@pytest.mark.parametrize(
    ("attack", "network", "refused"),
    [(offer_blindly, "10.1.0", "429"), (say_nothing, "10.2.0", "at_capacity"), (guess, "10.3.0", "429")],
)
async def test_ten_attackers_do_not_take_the_server_away(
    server: Started, attack: Attack, network: str, refused: str
) -> None:
    """The server is ready at every moment, the callers who talk keep their calls, and a new caller gets a place."""
    async with asyncio.timeout(120), contextlib.AsyncExitStack() as stack:
        callers = [await stack.enter_async_context(coming_from(f"198.51.100.{n}")) for n in range(TALKING + 1)]
        phones = await asyncio.gather(*(persistent_call(server.url, http) for http in callers[:TALKING]))
        watcher = await stack.enter_async_context(ClientSession(server.url))
        async with under(attack, network, server.url) as outcomes:
            for _ in range(ROUNDS):
                async with watcher.get("/health/ready") as ready:
                    assert ready.status == 200, await ready.text()
                await asyncio.sleep(0.25)
            phones.append(await persistent_call(server.url, callers[-1]))
            for phone in phones:
                await phone.until(type="response", reply=2)
        assert not any(phone.closed.is_set() for phone in phones)
        assert outcomes[refused] > 0, outcomes
        for phone in phones:
            phone.send(type="hangup")
            await phone.closed.wait()
            await phone.hang_up()
