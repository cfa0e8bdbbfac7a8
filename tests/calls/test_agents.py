"""One server with several agents, as an operator starts it, and calls that go from one of them to another."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.calls.test_restarts import ask
from tests.offers import HOST, audio, offer
from tests.socket_phone import SocketPhone
from tests.started import Started, started
from tests.tokens import SECRET, token

FILE = """
from dataclasses import dataclass

from pydantic_ai import Agent

from antiphon import CallInfo, HandOver, VoiceAgent
from antiphon.testing import ScriptedModel, ToolCall


@dataclass
class Desk:
    asked: int = 0


model = ScriptedModel({
    "handed over to you": "I know all about it.",
    "invoice": ["I put you through.", ToolCall("put_through", to="billing")],
    "": "This is %s.",
})
own = Agent(model, deps_type=Desk)


@own.tool_plain
def put_through(to: str) -> HandOver:
    return HandOver(to)


def make(info: CallInfo) -> Desk:
    return Desk()


agent = VoiceAgent(own, name="%s", make_deps=make, dump_deps=lambda deps: "%s", load_deps=lambda state: Desk())


def route(info: CallInfo) -> str:
    return "billing" if info.request.get("x_page") == "invoices" else ""
"""


@pytest.fixture(scope="module")
def agents(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("agents")
    for name in ("desk", "billing"):
        (directory / f"{name}.py").write_text(FILE.replace("%s", name.capitalize()))
    return directory


@pytest.fixture(scope="module")
def server(agents: Path) -> Iterator[Started]:
    both = ("--agent", f"{agents}/desk.py:agent", "--agent", f"{agents}/billing.py:agent")
    with started(*both, "--router", f"{agents}/desk.py:route") as running:
        yield running


async def test_each_agent_has_its_way(server: Started) -> None:
    """The page, what it loads and what it asks are at the way of the agent. The operator reads where that is."""
    async with ClientSession(server.url) as http, asyncio.timeout(20):

        async def get(path: str) -> tuple[int, str]:
            async with http.get(path) as response:
                return response.status, await response.text()

        assert '"name": "Desk"' in (await get("/api/agent"))[1]
        assert '"name": "Billing"' in (await get("/agents/billing/api/agent"))[1]
        page = await get("/")
        assert await get("/agents/billing/") == page
        assert await get("/agents/billing") == page
        assert await get("/agents/billing/ui.js") == await get("/ui.js")
        assert (await get("/agents/billing/missing.js"))[0] == 404
        assert (await get("/agents/billing/..%2f..%2fpyproject.toml"))[0] == 404
        async with http.get("/agents/billing", allow_redirects=False) as response:
            assert (response.status, response.headers["Location"]) == (308, "/agents/billing/")
    assert await asyncio.to_thread(server.logs, "Billing at /agents/billing, model its own")


@pytest.mark.parametrize(
    ("way", "page", "answer"),
    [("", "", "Desk"), ("/agents/Billing", "", "Billing"), ("/agents/desk", "invoices", "Billing")],
)
async def test_a_call_reaches_its_agent(server: Started, way: str, page: str, answer: str) -> None:
    """By its way, or because the router says so."""
    async with ClientSession() as http, asyncio.timeout(30):
        phone = SocketPhone(server.url + way, http)
        await phone.dial(x_page=page)
        assert (await phone.until(type="session"))["agent"] == answer
        assert (await ask(phone, "hello"))["text"] == f"This is {answer}."
        await phone.hang_up()


async def test_an_agent_that_is_not_there(server: Started) -> None:
    """By WebRTC and by WebSocket the client reads it. Pages of other sites may not call, on any way."""
    async with ClientSession() as http, asyncio.timeout(30):
        phone = SocketPhone(f"{server.url}/agents/nobody", http)
        await phone.dial()
        told = await phone.until(type="error")
        assert (told["code"], told["final"]) == ("not_found", True)
        await phone.hang_up()
        wanted = {"sdp": offer(audio("0", HOST)), "type": "offer"}
        for way, origin, status in (
            ("/agents/nobody", None, 404),
            ("/agents/billing", "https://evil.example", 403),
            ("/agents/a%2Fb", "https://evil.example", 403),
        ):
            headers = {"Origin": origin} if origin else {}
            async with http.post(f"{server.url}{way}/api/offer", json=wanted, headers=headers) as response:
                assert response.status == status


async def test_a_call_is_handed_over_and_survives_a_restart(agents: Path, tmp_path: Path) -> None:
    """The client learns who speaks, the record has both, and after a kill the second agent goes on."""
    options = ("--agent", f"{agents}/desk.py:agent,{agents}/billing.py:agent", "--store", str(tmp_path / "c.db"))
    admin = {"Authorization": "Bearer the-admin-of-these-tests"}
    environment = {"ANTIPHON_ADMIN_TOKEN": "the-admin-of-these-tests"}
    async with asyncio.timeout(110), ClientSession() as http:
        with started(*options, **environment) as server:
            phone = SocketPhone(server.url, http)
            await phone.dial()
            hello = await phone.until(type="session")
            assert hello["agent"] == "Desk"
            await ask(phone, "it is about an invoice")
            assert (await phone.until(type="agent"))["agent"] == "Billing"
            said = await phone.until(type="response", reply=2, final=True)
            assert said["text"] == "Hello, this is Billing. I know all about it."
            await asyncio.sleep(0.5)  # for the journal
            server.process.kill()
            await phone.closed.wait()
            await phone.hang_up()
        with started(*options, **environment) as server:
            phone = SocketPhone(server.url, http)
            await phone.dial(hello["session_id"], resume=hello["resume"])
            back = await phone.until(type="session")
            assert (back["agent"], back["resumed"]) == ("Billing", True)
            assert (await ask(phone, "hello"))["text"] == "This is Billing."
            async with http.get(f"{server.url}/api/conversations/{hello['session_id']}", headers=admin) as response:
                record = await response.json()
            await phone.hang_up()
    assert record["agent"] == "Desk"
    names = [said["name"] for exchange in record["exchanges"] for said in exchange["said"] if said["who"] == "agent"]
    assert names == ["", "Billing", "Billing"]


async def test_a_token_is_for_one_agent(agents: Path) -> None:
    """It reaches its agent whatever way it takes, except that of another one."""
    with started("--agent", str(agents), ANTIPHON_ACCESS_SECRET=SECRET) as server:
        async with ClientSession() as http, asyncio.timeout(30):
            for way, agent, told in (
                ("", "desk", "Desk"),
                ("", "Billing", "Billing"),
                ("/agents/billing", "billing", "Billing"),
                ("/agents/desk", "billing", "forbidden"),
                ("", "shop", 403),
            ):
                bearer = {"Authorization": f"Bearer {token(agent=agent)}"}
                address = f"{server.url}{way}/api/voice/conversation/new"
                async with http.get(address, headers=bearer) as response:
                    if told == 403:
                        assert response.status == 403
                        continue
                async with http.ws_connect(address, headers=bearer) as ws:
                    await ws.send_json({"type": "start"})
                    first = await ws.receive_json()
                    assert told in (first.get("agent"), first.get("code"))
