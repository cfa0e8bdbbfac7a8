"""Where the server finds a caller's token, and what it answers without a good one."""

import time
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from server.call.caller import Caller
from signaling.access import Access
from signaling.errors import errors_as_json
from signaling.key_set import KeySet
from signaling.keys import Key, fitting, secret_key
from signaling.tokens import Expected, Header
from tests.tokens import OTHER_SECRET, SECRET, token


class OneSecret:
    """The keys of a server with a secret."""

    async def find(self, header: Header) -> Sequence[Key]:
        return fitting([secret_key(SECRET)], header.algorithm, header.kid)


async def client_of(access: Access) -> TestClient[web.Request, web.Application]:
    async def who(request: web.Request) -> web.Response:
        caller = await access.admit(request)
        return web.json_response({"name": caller.name, "address": caller.address, "expired": caller.expired})

    app = web.Application(middlewares=[errors_as_json])
    app.router.add_get("/api/who", who)
    return TestClient(TestServer(app, host="127.0.0.1"))


@pytest.fixture
async def client() -> AsyncIterator[Any]:
    async with await client_of(Access(OneSecret(), Expected(frozenset({"Museum"})))) as client:
        yield client


@pytest.mark.parametrize(
    ("headers", "query"),
    [
        ({"Authorization": "Bearer {}"}, ""),
        ({"Authorization": "bearer  {} "}, ""),
        ({"Sec-WebSocket-Protocol": "antiphon, bearer.{}"}, ""),
        ({"Sec-WebSocket-Protocol": "bearer.{},antiphon"}, ""),
        ({}, "?access_token={}"),
        ({"Authorization": "Basic YTpi"}, "?access_token={}"),
    ],
)
async def test_a_token_comes_in_one_of_three_ways(client: Any, headers: dict[str, str], query: str) -> None:
    """A token in the header, among the subprotocols or in the query names the caller."""
    good = token()
    response = await client.get(
        f"/api/who{query.format(good)}", headers={k: v.format(good) for k, v in headers.items()}
    )
    assert await response.json() == {"name": "ann", "address": "", "expired": False}


async def test_without_a_token_nobody_is_let_in(client: Any) -> None:
    """A request without a token is told that it needs one; a bad one is told what is wrong with it (RFC 6750)."""
    response = await client.get("/api/who")
    assert (response.status, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert (await response.json())["error"]["message"] == "This server takes calls only with a token."
    response = await client.get("/api/who", headers={"Authorization": f"Bearer {token(secret=OTHER_SECRET)}"})
    assert response.status == 401
    assert response.headers["WWW-Authenticate"] == (
        'Bearer error="invalid_token", error_description="The token is not signed with a key of this server."'
    )
    response = await client.get("/api/who", headers={"Authorization": f"Bearer {token(agent='Bank')}"})
    assert (response.status, (await response.json())["error"]["code"]) == (403, "forbidden")


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer ", "Bearer x y", "Bearer é", "Basic eDp5", "Bearer null"])
async def test_what_is_no_token_lets_nobody_in(client: Any, given: str) -> None:
    """A header without a token in it is refused, and is no fault of the server."""
    assert (await client.get("/api/who", headers={"Authorization": given})).status == 401


async def test_a_token_among_subprotocols_needs_one_to_agree_on(client: Any, caplog: pytest.LogCaptureFixture) -> None:
    """A token without `antiphon` beside it is refused before aiohttp would log it."""
    response = await client.get("/api/who", headers={"Sec-WebSocket-Protocol": f"bearer.{token()}"})
    assert (response.status, (await response.json())["error"]["code"]) == (400, "bad_request")
    assert caplog.text == ""


async def test_an_expired_token_still_names_its_caller(client: Any) -> None:
    """It is not refused here: it may go on with a call."""
    response = await client.get("/api/who", headers={"Authorization": f"Bearer {token(exp=1)}"})
    assert response.status == 401, "for a day"
    late = token(exp=int(time.time()) - 3_600)
    response = await client.get("/api/who", headers={"Authorization": f"Bearer {late}"})
    assert await response.json() == {"name": "ann", "address": "", "expired": True}


async def test_where_everybody_may_call_tokens_are_not_looked_at() -> None:
    """An open server knows callers by their addresses, whatever token they send."""
    async with await client_of(Access()) as client:
        for given in ("Bearer garbage", f"Bearer {token()}"):
            response = await client.get("/api/who", headers={"Authorization": given})
            assert await response.json() == {"name": "", "address": "", "expired": False}


async def test_a_server_with_a_secret_alone_knows_no_other_key() -> None:
    """With only a secret, tokens of every other algorithm are refused."""
    async with await client_of(Access(KeySet([secret_key(SECRET)]))) as client:
        assert (await client.get("/api/who", headers={"Authorization": f"Bearer {token()}"})).status == 200
        longer = token(algorithm="HS512")
        assert (await client.get("/api/who", headers={"Authorization": f"Bearer {longer}"})).status == 401


async def test_the_headers_without_secrets() -> None:
    """The agent is told the headers of the request, but no token, password or cookie, and not without an end."""
    seen: list[Caller] = []
    access = Access()

    async def handle(request: web.Request) -> web.Response:
        seen.append(await access.admit(request))
        return web.Response()

    app = web.Application()
    app.router.add_get("/", handle)
    given = {"User-Agent": "a phone", "X-Case": "7", "X-Long": "x" * 2_000, "Cookie": "a=secret", "X-Api-Key": "secret"}
    secrets = {"Authorization": "Bearer secret", "Sec-WebSocket-Protocol": "antiphon, bearer.secret"}
    async with TestClient(TestServer(app)) as client:
        await client.get("/", headers=given | secrets)
        await client.get("/", headers={f"X-{number}": "1" for number in range(100)})
    told, many = seen[0].headers, seen[1].headers
    assert (told["user-agent"], told["x-case"], told["x-long"]) == ("a phone", "7", "x" * 1_000)
    assert "secret" not in str(told)
    assert len(many) == 64
