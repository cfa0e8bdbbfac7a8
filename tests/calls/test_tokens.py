"""Calls with tokens over real sockets: who begins a call, who goes on with it, and what the token decides about it."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, WSServerHandshakeError
from pydantic_ai import Agent
from pydantic_ai.models.function import FunctionModel

from antiphon import CallInfo, VoiceAgent
from server.call.options import CallOptions
from signaling.access import Access
from signaling.key_set import KeySet
from signaling.keys import secret_key
from signaling.tokens import Expected
from tests.exchange import Exchange, exchange
from tests.fakes.mind import Mind
from tests.offers import HOST, audio, offer
from tests.phone import Phone
from tests.socket_phone import SocketPhone
from tests.started import started
from tests.tokens import OTHER_SECRET, SECRET, jwk, key_set, private_key, token

OFFER = {"sdp": offer(audio("0", HOST)), "type": "offer"}
ADMIN = {"Authorization": "Bearer of the admin's token"}
NOW_S = int(time.time())


@asynccontextmanager
async def with_tokens(**changes: Any) -> AsyncIterator[Exchange]:
    """A server that takes calls with a token only, and that keeps a lost call for a while."""
    access = Access(KeySet([secret_key(SECRET)]), Expected(frozenset({"Test"})))
    async with exchange(**{"agent": Mind().agent(), "resume_s": 30, "access": access} | changes) as running:
        yield running


@asynccontextmanager
async def client(given: str = "") -> AsyncIterator[ClientSession]:
    async with ClientSession(headers={"Authorization": f"Bearer {given}"} if given else {}) as http:
        yield http


@asynccontextmanager
async def phone_of(running: Exchange, given: str, **more: Any) -> AsyncIterator[Phone]:
    async with client(given) as http:
        phone = Phone(running.url, http)
        try:
            await phone.dial(**more)
            await phone.opened.wait()
            await phone.until(type="session")
            yield phone
        finally:
            await phone.hang_up()


async def refusal(http: ClientSession, method: str, url: str, **how: Any) -> tuple[int, str]:
    async with http.request(method, url, **how) as response:
        return response.status, (await response.json())["error"]["code"]


@pytest.mark.parametrize(
    ("given", "status", "code"),
    [
        ("", 401, "unauthorized"),
        (token(secret=OTHER_SECRET), 401, "invalid_token"),
        (token(exp=NOW_S - 100_000), 401, "invalid_token"),
        (token(exp=NOW_S - 100), 401, "invalid_token"),
        (token(agent="Bank"), 403, "forbidden"),
    ],
    ids=["none", "forged", "long expired", "expired", "another agent"],
)
async def test_nobody_begins_a_call_without_a_good_token(given: str, status: int, code: str) -> None:
    """Without a good token every request is refused, and nothing is allocated; a WebSocket before its upgrade."""
    async with asyncio.timeout(20), with_tokens() as running, client(given) as http:
        assert await refusal(http, "POST", running.url, json=OFFER) == (status, code)
        unknown = {"pc_id": "none", "candidates": []}
        expired = given == token(exp=NOW_S - 100)
        if not expired:
            assert await refusal(http, "PATCH", running.url, json=unknown) == (status, code)
            assert await refusal(http, "DELETE", f"{running.url}?pc_id=none") == (status, code)
            with pytest.raises(WSServerHandshakeError) as handshake:
                await http.ws_connect(f"{running.home}/api/voice/conversation/new")
            assert handshake.value.status == status
        else:
            async with http.ws_connect(f"{running.home}/api/voice/conversation/new") as ws:
                await ws.send_json({"type": "start"})
                assert (await ws.receive_json())["code"] == code
        assert (len(running.directory), running.directory.opened) == (0, 0)


async def test_a_call_by_webrtc_has_the_callers_name_in_its_record() -> None:
    """A call with a token works, its record names the caller, and candidates and hanging up need the same caller."""
    async with asyncio.timeout(30), with_tokens() as running, phone_of(running, token()) as phone:
        phone.send(type="text", text="hello")
        await phone.until(type="response", final=True)
        [record] = running.notebook.records.values()
        assert record.caller == "ann"
        async with client(token("bob")) as stranger, client(token(exp=NOW_S - 100)) as late:
            candidates = {"pc_id": phone.pc_id, "candidates": [{"candidate": ""}]}
            nobody = await refusal(stranger, "PATCH", running.url, json=candidates | {"pc_id": "nobody"})
            assert await refusal(stranger, "PATCH", running.url, json=candidates) == nobody == (404, "not_found")
            assert await refusal(stranger, "DELETE", f"{running.url}?pc_id={phone.pc_id}") == nobody
            async with late.patch(running.url, json=candidates) as response:
                assert response.status == 200
            assert len(running.directory) == 1
            async with late.delete(running.url, params={"pc_id": phone.pc_id}) as response:
                assert response.status == 200
        assert len(running.directory) == 0


async def test_a_call_goes_on_after_its_token_has_expired() -> None:
    """The caller resumes with an expired token, over another way too; another caller with the right secret does not."""
    async with asyncio.timeout(30), with_tokens() as running:
        async with phone_of(running, token()) as phone:
            hello = phone.told[0]
            phone.send(type="text", text="my name is Anna")
            await phone.until(type="response", final=True)
            await phone.drop()
        resume = {"session_id": hello["session_id"], "resume": hello["resume"]}
        for stranger in (token("bob"), token("bob", exp=NOW_S - 100)):
            async with client(stranger) as http:
                stolen = await refusal(http, "POST", running.url, json={**OFFER, "requestData": resume})
                unknown = await refusal(
                    http, "POST", running.url, json={**OFFER, "requestData": resume | {"session_id": "none"}}
                )
                assert stolen == unknown == (404, "not_found")
                other = SocketPhone(running.home, http)
                await other.dial(hello["session_id"], resume=hello["resume"])
                assert (await other.until(type="error"))["code"] == "not_found"
                await other.hang_up()
        async with client(token(exp=NOW_S - 100)) as http:
            back = SocketPhone(running.home, http)
            await back.dial(hello["session_id"], resume=hello["resume"])
            assert (await back.until(type="session"))["resumed"]
            await back.hang_up()


@pytest.mark.parametrize("way", ["header", "subprotocol", "query"])
async def test_a_websocket_brings_its_token_in_three_ways(way: str) -> None:
    """A page, which cannot set headers, sends the token as a subprotocol; the server agrees on `antiphon`."""
    good = token()
    headers = {"Authorization": f"Bearer {good}"} if way == "header" else {}
    protocols = ["antiphon", f"bearer.{good}"] if way == "subprotocol" else []
    query = f"?access_token={good}" if way == "query" else ""
    async with asyncio.timeout(20), with_tokens() as running, client() as http:
        url = f"{running.home}/api/voice/conversation/new{query}"
        async with http.ws_connect(url, headers=headers, protocols=protocols) as ws:
            await ws.send_json({"type": "start"})
            assert (await ws.receive_json())["type"] == "session"
            assert ws.protocol == ("antiphon" if way == "subprotocol" else None)
            [session] = running.directory._places.sessions
            assert session.caller.name == "ann"


async def test_a_token_of_one_use_begins_one_call_by_any_way() -> None:
    """Two clients with the same token begin one call. The one that has it goes on with it."""
    once = token(once=True, jti="one")
    async with asyncio.timeout(30), with_tokens() as running, phone_of(running, once) as phone, client(once) as http:
        assert await refusal(http, "POST", running.url, json=OFFER) == (401, "invalid_token")
        other = SocketPhone(running.home, http)
        await other.dial()
        told = await other.until(type="error")
        assert (told["code"], told["final"]) == ("invalid_token", True)
        await other.hang_up()
        hello = phone.told[0]
        await phone.drop()
        back = SocketPhone(running.home, http)
        await back.dial(hello["session_id"], resume=hello["resume"])
        assert (await back.until(type="session"))["resumed"]
        await back.hang_up()


async def test_a_set_up_that_does_not_get_through_uses_no_token_up() -> None:
    """A client whose WebRTC does not get through calls by WebSocket with the same token of one use."""
    once = token(once=True, jti="two")
    async with asyncio.timeout(30), with_tokens() as running, client(once) as http:
        async with http.post(running.url, json=OFFER) as response:
            assert response.status == 200
        phone = SocketPhone(running.home, http)
        await phone.dial()
        await phone.until(type="session")
        await phone.hang_up()


@dataclass
class Visit:
    info: CallInfo


async def test_the_agent_is_told_who_calls() -> None:
    """The token's subject and context reach the agent's dependencies, also when the call is restored elsewhere."""
    seen: list[CallInfo] = []

    def visit(info: CallInfo) -> Visit:
        seen.append(info)
        return Visit(info)

    agent = VoiceAgent(agent=Agent(FunctionModel(stream_function=Mind()._think), deps_type=Visit), make_deps=visit)
    context = {"plan": "gold", "orders": [4271]}
    async with asyncio.timeout(20), with_tokens(agent=replace(agent, name="Test")) as running:
        async with phone_of(running, token(context=context), requestData={"language": "de"}):
            assert seen == [CallInfo("ann", context, "de", "webrtc")]


async def test_what_the_token_sets_is_what_the_call_has() -> None:
    """The caller's own choice does not replace the token's, at the beginning or when the call is resumed elsewhere."""
    options = {"voice": "amy", "max_tokens": 50}
    wanted = {"voice": "bob", "max_tokens": 9_999, "patience": "quick"}
    async with asyncio.timeout(20), with_tokens() as running:
        async with (
            phone_of(running, token(options=options), requestData=wanted) as phone,
            client(token(options=options)) as http,
        ):
            [session] = running.directory._places.sessions
            session.move()
            await session.over.wait()
            back = SocketPhone(running.home, http)
            await back.dial(session.id, resume=phone.told[0]["resume"], **wanted)
            assert (await back.until(type="session"))["resumed"] is False, "nothing was said yet"
            await back.hang_up()
        assert running.options == [CallOptions(voice="amy", max_tokens=50, patience="quick")] * 2


async def test_a_started_server_with_tokens(tmp_path: Path) -> None:
    """A server with a secret and a file of keys makes tokens, takes both kinds, and records only whom it may record.

    Neither a token nor its context is in the log.
    """
    keys = tmp_path / "keys.json"
    keys.write_bytes(key_set(jwk("p-256", kid="backend")))
    settings = {
        "ANTIPHON_ACCESS_SECRET": SECRET,
        "ANTIPHON_ACCESS_JWKS": str(keys),
        "ANTIPHON_ADMIN_TOKEN": "of the admin's token",
        "ANTIPHON_RECORDINGS_DIR": str(tmp_path / "sound"),
        "ANTIPHON_LOG_LEVEL": "debug",
        "ANTIPHON_TURN_URLS": "turn:127.0.0.1:9",
        "ANTIPHON_TURN_SECRET": "north",
    }
    with started(**settings) as server:
        async with asyncio.timeout(60), client() as http:
            api = f"{server.url}/api"
            assert (await (await http.get(f"{api}/agent")).json())["access"] == "token"
            assert await refusal(http, "POST", f"{api}/tokens", json={"sub": "ann"}) == (401, "unauthorized")
            assert await refusal(http, "GET", f"{api}/ice-servers") == (401, "unauthorized")
            wrong = {"sub": "ann", "max_seconds": 5}
            assert await refusal(http, "POST", f"{api}/tokens", json=wrong, headers=ADMIN) == (400, "bad_request")
            body = {"sub": "ann", "record": False, "context": {"diagnosis": "confidential"}, "ttl_s": 60}
            async with http.post(f"{api}/tokens", json=body, headers=ADMIN) as response:
                made = await response.json()
                assert (response.status, response.headers["Cache-Control"]) == (200, "no-store")
            assert set(made) == {"token", "expires_at"}
            assert 0 < made["expires_at"] - time.time() <= 61
            signed = token("bob", secret=private_key("p-256"), algorithm="ES256", headers={"kid": "backend"})
            users = []
            for given, recorded in ((made["token"], False), (signed, True)):
                async with client(given) as caller:
                    phone = Phone(f"{api}/offer", caller)
                    await phone.dial()
                    assert (await phone.until(type="session"))["recorded"] is recorded
                    await phone.until(type="response", final=True)
                    await phone.hang_up()
                    for _ in range(2):
                        servers = await (await caller.get(f"{api}/ice-servers")).json()
                        users.append(servers["iceServers"][0]["username"].partition(":")[2])
                late = f"{api}/ice-servers?access_token={given}"
                assert (await http.get(late)).status == 200
            assert (users[0], users[2]) == (users[1], users[3])
            assert users[0] != users[2]
            listed = await (await http.get(f"{api}/conversations", headers=ADMIN)).json()
            assert sorted(each["caller"] for each in listed["conversations"]) == ["ann", "bob"]
            keys.write_bytes(key_set(jwk("p-384", kid="other")))
            async with client(signed) as caller:
                while (await caller.get(f"{api}/ice-servers")).status == 200:  # noqa: ASYNC110
                    await asyncio.sleep(0.2)  # the file is read again when it is five seconds old
                assert await refusal(caller, "GET", f"{api}/ice-servers") == (401, "invalid_token")
        log = "\n".join(server.lines)
    assert "confidential" not in log
    for secret in (made["token"], signed, SECRET):
        assert secret not in log
        assert secret.rpartition(".")[2] not in log


async def test_a_page_of_any_site_cannot_fill_a_local_server() -> None:
    """Eight posts that any page can make take no place of a server on this machine."""
    with started("--max-calls", "8") as server:
        async with asyncio.timeout(30), client() as http:
            for kind in ("text/plain;charset=UTF-8", "application/json"):
                for _ in range(8):
                    headers = {"Content-Type": kind, "Origin": "https://evil.example"}
                    async with http.post(f"{server.url}/api/offer", data=b"{}", headers=headers) as response:
                        assert response.status == 403
            rebound = {"Host": "evil.example", "Origin": "http://evil.example"}
            assert await refusal(http, "POST", f"{server.url}/api/offer", json=OFFER, headers=rebound) == (
                403, "forbidden",
            )  # fmt: skip
            async with http.get(f"{server.url}/health/ready") as response:
                assert response.status == 200
            metrics = await (await http.get(f"{server.url}/metrics")).text()
        assert "antiphon_call_opened_total 0" in metrics
