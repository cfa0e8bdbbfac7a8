"""The site for callers and the site for operators, of a started server."""

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack

import pytest
from aiohttp import ClientSession

from server.config import load
from server.web import Sites
from signaling.health import Health
from tests.relay import free_port
from tests.started import Started, started

ADMIN_TOKEN = "the operator's own token"
ADMIN = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
FOR_OPERATORS = ("/health", "/health/live", "/health/ready", "/metrics", "/api/conversations", "/api/calls")
FOR_CALLERS = ("/", "/call.js", "/api/agent", "/api/ice-servers")


class TwoSites:
    def __init__(self, server: Started, port: int) -> None:
        self.callers = server.url
        self.operators = f"http://127.0.0.1:{port}"
        self.lines = server.lines


@pytest.fixture(scope="module")
def sites() -> Iterator[TwoSites]:
    port = free_port()
    with started("--operations-port", str(port), "--admin-token", ADMIN_TOKEN) as server:
        yield TwoSites(server, port)


async def statuses(url: str, paths: tuple[str, ...]) -> set[int]:
    async with asyncio.timeout(20), ClientSession(url, headers=ADMIN) as http:
        return {(await http.get(path)).status for path in paths}


async def test_operators_have_a_port_of_their_own(sites: TwoSites) -> None:
    """What is for operators is only on their port, even with the admin token. What is for callers is not there."""
    assert await statuses(sites.operators, FOR_OPERATORS) == {200}
    assert await statuses(sites.callers, FOR_OPERATORS) == {404}
    assert await statuses(sites.callers, FOR_CALLERS) == {200}
    assert await statuses(sites.operators, FOR_CALLERS) == {404}
    assert f"for operators   {sites.operators}" in sites.lines


async def test_listening_is_on_the_port_for_operators(sites: TwoSites) -> None:
    """There it is refused for what is wrong with it; the port for callers has no such address."""
    async with ClientSession(headers=ADMIN) as http:
        assert (await http.post(f"{sites.operators}/whep/none", data="v=0")).status == 415
        assert (await http.post(f"{sites.callers}/whep/none", data="v=0")).status in (404, 405)
        assert (await http.options(f"{sites.callers}/whep/none")).status in (404, 405)


async def test_without_a_port_for_operators_one_port_has_everything() -> None:
    """In the first minute of a developer there is one port."""
    with started("--admin-token", ADMIN_TOKEN) as server:
        assert await statuses(server.url, FOR_OPERATORS + FOR_CALLERS) == {200}


async def test_health_of_a_server_that_starts_is_on_the_port_for_operators() -> None:
    """While models load, operators see a server that lives and is not ready. Callers are asked to come again."""
    ports = {"port": str(free_port()), "operations_port": str(free_port())}
    sites, parts = Sites(load(**ports)), Health()
    callers, operators = f"http://127.0.0.1:{ports['port']}", f"http://127.0.0.1:{ports['operations_port']}"
    async with asyncio.timeout(20), AsyncExitStack() as stack:
        await sites.start(parts, stack)
        assert await statuses(operators, ("/health/live",)) == {200}
        assert await statuses(operators, ("/health/ready", "/health")) == {503}
        assert await statuses(callers, (*FOR_OPERATORS, *FOR_CALLERS)) == {503}
        await sites.open(parts, stack)
        assert await statuses(operators, ("/health/live", "/health/ready", "/health")) == {200}
        assert await statuses(callers, ("/health/live", "/health/ready", "/health")) == {404}
