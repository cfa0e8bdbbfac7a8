"""The WebSocket of phones, with a real client: where it is, who may open it, and what it carries."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import ClientSession, WSMsgType, WSServerHandshakeError
from aiohttp.test_utils import TestServer

from server.web import application
from signaling.access import Access
from signaling.addresses import Proxies
from signaling.origins import Origins
from signaling.sip import socket as sip_socket
from signaling.sip.digest import Accounts
from signaling.sip.gate import Gate
from signaling.sip.message import MAX_BYTES
from signaling.sip.socket import add_routes
from signaling.sip.user_agent import UserAgent
from signaling.tokens import Expected
from tests.signaling.sip.phone import ACCOUNTS, Desk, Phone, Server
from tests.signaling.test_access import OneSecret
from tests.tokens import OTHER_SECRET, token


@asynccontextmanager
async def served(accounts: Accounts | None = None, access: Access | None = None) -> AsyncIterator[tuple[Any, str]]:
    """A client, and the address of a server."""
    app, access = application(Origins(["https://allowed.example"], local=True)), access or Access()
    gate = Gate(accounts or Accounts(), access)
    desk = Desk()
    agent = UserAgent(gate, desk.answer, desk.offer)
    add_routes(app, agent, gate, access)
    async with TestServer(app, host="127.0.0.1") as server, ClientSession() as http:
        yield http, str(server.make_url("")).rstrip("/")
        agent.close()


OPTIONS = Phone(Server()).write("OPTIONS")


@pytest.mark.parametrize("path", ["/sip", "/"])
async def test_text_and_binary_frames_and_signs_of_life(path: str) -> None:
    async with served() as (http, url), http.ws_connect(url + path, protocols=["sip"]) as socket:
        assert socket.protocol == "sip"
        await socket.send_str(OPTIONS)
        assert (await socket.receive_str()).startswith("SIP/2.0 200 OK\r\n")
        await socket.send_bytes(Phone(Server()).write("OPTIONS", cseq="9").encode())
        assert (await socket.receive_str()).startswith("SIP/2.0 200 OK\r\n")
        await socket.send_str("\r\n\r\n")
        assert await socket.receive_str() == "\r\n"


async def test_the_page_is_still_there() -> None:
    async with served() as (http, url), http.get(url) as response:
        assert response.status == 200
        assert "text/html" in response.headers["Content-Type"]


@pytest.mark.parametrize("path", ["/sip", "/"])
@pytest.mark.parametrize(
    ("origin", "status"),
    [("https://evil.example", 403), ("https://allowed.example", 101), ("null", 403)],
)
async def test_pages_of_other_sites(path: str, origin: str, status: int) -> None:
    async with served() as (http, url):
        upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
        key = {"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", "Sec-WebSocket-Protocol": "sip"}
        async with http.get(url + path, headers={**upgrade, **key, "Origin": origin}) as response:
            assert response.status == status


async def test_another_subprotocol_is_refused() -> None:
    async with served() as (http, url):
        with pytest.raises(WSServerHandshakeError) as told:
            await http.ws_connect(url + "/sip", protocols=["other"])
        assert told.value.status == 400


async def test_one_address_leaves_room_for_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sip_socket, "MOST_OF_AN_ADDRESS", 2)
    async with served(access=Access(proxies=Proxies(["127.0.0.1"]))) as (http, url):
        opened = []
        for address, status in (("7", 0), ("7", 0), ("7", 429), ("8", 0)):
            upgrade = http.ws_connect(
                url + "/sip", protocols=["sip"], headers={"X-Forwarded-For": f"192.0.2.{address}"}
            )
            if status:
                with pytest.raises(WSServerHandshakeError) as told:
                    await upgrade
                assert told.value.status == status
            else:
                opened.append(await upgrade)
        for socket in opened:
            await socket.close()


async def test_a_large_message_ends_the_connection() -> None:
    async with served() as (http, url), http.ws_connect(url + "/sip", protocols=["sip"]) as socket:
        await socket.send_str(OPTIONS.ljust(MAX_BYTES))
        assert (await socket.receive_str()).startswith("SIP/2.0 200 ")
        await socket.send_str("x" * (MAX_BYTES + 1))
        assert (await socket.receive()).type is WSMsgType.CLOSE
        assert socket.close_code == 1009


async def test_a_token_of_the_websocket_itself() -> None:
    """A page may bring it in the address; then no request needs another one."""
    access = Access(OneSecret(), Expected())
    message = Phone(Server()).write("REGISTER", "sip:sip.test", to="sip:ann@sip.test")
    async with served(access=access) as (http, url):
        for path, code in (("/sip", 401), (f"/sip?access_token={token('ann')}", 200)):
            async with http.ws_connect(url + path, protocols=["sip"]) as socket:
                await socket.send_str(message)
                assert (await socket.receive_str()).startswith(f"SIP/2.0 {code} ")
        with pytest.raises(WSServerHandshakeError) as told:
            await http.ws_connect(f"{url}/sip?access_token={token('ann', secret=OTHER_SECRET)}", protocols=["sip"])
        assert told.value.status == 401


async def test_passwords_are_asked_for_on_each_connection() -> None:
    async with served(ACCOUNTS) as (http, url):
        for _ in range(2):
            async with http.ws_connect(url + "/sip", protocols=["sip"]) as socket:
                await socket.send_str(Phone(Server()).write("REGISTER", "sip:sip.test", to="sip:alice@sip.test"))
                answer = await socket.receive_str()
                assert answer.startswith("SIP/2.0 401 ")
                assert "Digest realm=" in answer
