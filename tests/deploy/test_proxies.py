"""Antiphon behind Caddy and nginx, with the configurations in deploy/."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.deploy.proxies import IMPATIENT_S, PROXIES, Proxy
from tests.phone import Phone
from tests.socket_phone import SocketPhone
from tests.started import Started, started
from tests.voices import speak

Make = Callable[..., Proxy]
OPERATORS = (
    "/metrics",
    "/health",
    "/health/live",
    "/health/ready",
    "/api/calls",
    "/api/conversations",
    "/api/tokens",
    "/api/cluster",
    "/console/",
    "/api/figures",
    "/whep/x",
)
JSON = {"Content-Type": "application/json"}
TLS_GOODBYE_S = 0.5
"""aiohttp does not wait until a connection with TLS has said goodbye, which is a way to the proxy and back."""
ADMIN_TOKEN = "the operator's own token"


@pytest.fixture(scope="module")
def server() -> Iterator[Started]:
    """A server that has everything on one port, so that only the proxy keeps what is for operators back."""
    proxied = {"ANTIPHON_ACCESS": "open", "ANTIPHON_TRUSTED_PROXIES": "127.0.0.1"}
    with started("--admin-token", ADMIN_TOKEN, "--remote-candidates", "local", **proxied) as running:
        yield running


@pytest.fixture(scope="module", params=PROXIES)
def proxy(request: pytest.FixtureRequest, server: Started, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    with running(request.param, tmp_path_factory.mktemp("proxy"), server.url) as found:
        yield found


@contextmanager
def running(make: Make, directory: Path, url: str, **how: Any) -> Iterator[Proxy]:
    proxy = make(directory, url.removeprefix("http://"), **how)
    try:
        proxy.wait()
        yield proxy
    except BaseException:
        print((directory / "output").read_text())
        raise
    finally:
        proxy.stop()


@asynccontextmanager
async def client(proxy: Proxy, limit_s: float = 60) -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(ssl=proxy.trust)
    async with asyncio.timeout(limit_s), aiohttp.ClientSession(proxy.url, connector=connector) as http:
        yield http
    await asyncio.sleep(TLS_GOODBYE_S)


async def by_webrtc(proxy: Proxy, http: aiohttp.ClientSession, session_id: str = "", resume: str = "") -> Phone:
    phone = Phone(f"{proxy.url}/api/offer", http)
    await phone.dial(requestData={"session_id": session_id, "resume": resume})
    await phone.opened.wait()
    return phone


async def by_websocket(
    proxy: Proxy, http: aiohttp.ClientSession, session_id: str = "new", resume: str = ""
) -> SocketPhone:
    phone = SocketPhone(proxy.url, http)
    await phone.dial(session_id, resume=resume)
    return phone


async def answer(phone: Phone | SocketPhone, word: str) -> None:
    """Wait for an answer, heard to its end, that has this word."""
    found = False
    while not found:
        found = any(told["type"] == "response" and told["final"] and word in told["text"] for told in phone.told)
        await asyncio.sleep(0.05)


@pytest.mark.parametrize("dial", [by_webrtc, by_websocket])
async def test_a_call_that_drops_and_is_resumed(proxy: Proxy, dial: Any) -> None:
    """A question is heard and answered aloud, the connection drops, and another one goes on with the conversation."""
    async with client(proxy) as http:
        phone = await dial(proxy, http)
        hello = await phone.until(type="session")
        phone.send(type="text", text="my name is Anna")
        await answer(phone, "Anna")
        await phone.drop()
        again = await dial(proxy, http, hello["session_id"], hello["resume"])
        assert (await again.until(type="session"))["resumed"]
        again.say(speak("What time do you close on Saturday?", rate_hz=48_000))
        await answer(again, "Saturday")
        again.send(type="text", text="what is my name")
        await answer(again, "Anna")
        assert sum(again.loud) > 20
        await again.hang_up()


async def test_only_pages_of_the_site_may_call(proxy: Proxy) -> None:
    """The page that came through the proxy may call over the WebSocket, a page of another site may not."""
    path = f"{proxy.url}/api/voice/conversation/new"
    async with client(proxy) as http:
        async with http.get("/") as page:
            assert "Antiphon" in await page.text()
        with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
            await http.ws_connect(path, headers={"Origin": "https://evil.example"})
        socket = await http.ws_connect(path, headers={"Origin": proxy.url})
        await socket.close()


async def test_what_is_for_operators_stays_inside(proxy: Proxy, server: Started) -> None:
    """The proxy answers 404 for it, although this server would give it, and although the caller has the token."""
    admin = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
    async with client(proxy) as http:
        async with http.get(f"{server.url}/api/conversations", headers=admin) as given:
            assert given.status == 200
        for how, path in itertools.product(("GET", "POST"), OPERATORS):
            async with http.request(how, path, headers=admin) as answer:
                assert answer.status == 404


async def test_everything_is_encrypted(proxy: Proxy) -> None:
    """Plain HTTP is redirected, and browsers are told never to use it again."""
    async with client(proxy) as http:
        async with http.get(f"{proxy.http_url}/call.js", allow_redirects=False) as plain:
            assert plain.status == 308
            assert plain.headers["Location"].startswith("https://localhost")
        async with http.get("/call.js") as answer:
            assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
            assert answer.headers["Content-Security-Policy"]
            assert "." not in answer.headers.get("Server", ""), "no version"


async def test_bodies_have_a_limit(proxy: Proxy) -> None:
    """A body that is a bit too large gets the server's sentence, and one that is much too large the proxy's refusal."""
    async with client(proxy) as http:
        async with http.post("/api/offer", data=b" " * 100_000, headers=JSON) as refused:
            assert (refused.status, (await refused.json())["error"]["code"]) == (413, "too_large")
        async with http.post("/api/offer", data=b" " * 200_000, headers=JSON) as much:
            assert much.status in (413, 502), "Caddy 2.6 says 502"
            assert "error" not in await much.text(), "the server does not get it"


@pytest.mark.parametrize("make", PROXIES)
async def test_the_server_learns_who_calls(make: Make, tmp_path: Path) -> None:
    """The server gets the caller's address and the name of the site, whatever the caller claims."""
    seen: list[Any] = []

    async def remember(request: web.Request) -> web.Response:
        seen.append([request.headers.getall("X-Forwarded-For"), request.headers.getall("Host")])
        return web.Response()

    app = web.Application()
    app.router.add_get("/", remember)
    async with TestServer(app) as upstream:
        with running(make, tmp_path, f"127.0.0.1:{upstream.port}") as proxy:
            async with client(proxy) as http:
                lie = {"X-Forwarded-For": "203.0.113.7, 127.0.0.1", "Forwarded": "for=203.0.113.7"}
                for headers in ({}, lie):
                    async with http.get("/", headers=headers) as answer:
                        assert answer.status == 200
    host = proxy.url.removeprefix("https://")
    assert seen[0] == seen[1]
    assert seen[0] in ([["127.0.0.1"], [host]], [["::1"], [host]])


@pytest.mark.parametrize("make", PROXIES)
async def test_a_call_may_be_longer_than_every_time_limit(make: Make, server: Started, tmp_path: Path) -> None:
    """A WebSocket on which nobody says anything outlives the limits of the proxy, because the server pings."""
    with running(make, tmp_path, server.url, impatient=True) as proxy:
        async with client(proxy) as http:
            phone = await by_websocket(proxy, http)
            await phone.until(type="response", reply=1)
            mute = phone._tasks.pop()
            mute.cancel()
            await asyncio.sleep(3 * IMPATIENT_S)
            assert not phone.closed.is_set()
            phone.send(type="text", text="are you a robot")
            await phone.until(type="response", reply=2)
            await phone.hang_up()
