"""Which web sites' pages may use the API, and what their browsers are told."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer

from signaling.bodies import read_json
from signaling.errors import errors_as_json
from signaling.offer import OfferBody
from signaling.origins import PREFLIGHT_S, Origins

OURS = "https://ours.example"
THEIRS = "https://theirs.example"
OFFER = {"sdp": "v=0", "type": "offer"}


async def serving(origins: Origins) -> TestClient[web.Request, web.Application]:
    taken: list[str] = []

    async def post(request: web.Request) -> web.Response:
        taken.append((await read_json(request, OfferBody)).sdp)
        return web.json_response({"taken": len(taken)})

    async def get(request: web.Request) -> web.Response:
        return web.json_response({"taken": len(taken)})

    async def socket(request: web.Request) -> web.WebSocketResponse:
        response = web.WebSocketResponse()
        await response.prepare(request)
        await response.close()
        return response

    app = web.Application(middlewares=[errors_as_json])
    origins.guard(app)
    app.router.add_post("/api/offer", post)
    app.router.add_delete("/api/offer", get)
    app.router.add_get("/api/offer", get)
    app.router.add_get("/api/socket", socket)
    app.router.add_get("/health", get)
    return TestClient(TestServer(app, host="127.0.0.1"))


@pytest.fixture
async def client() -> AsyncIterator[Any]:
    async with await serving(Origins([OURS, "null"], local=True)) as client:
        yield client


def home(client: Any) -> str:
    return str(client.make_url("")).rstrip("/")


async def test_pages_of_ours_and_programs_may_call(client: Any) -> None:
    """The server's own page, the allowed sites and programs without an origin may use the API."""
    for origin in (home(client), OURS, "null", None):
        response = await client.post("/api/offer", json=OFFER, headers={"Origin": origin} if origin else {})
        assert response.status == 200, origin
        assert response.headers["Vary"] == "Origin"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT", "OPTIONS"])
@pytest.mark.parametrize(
    "origin", [THEIRS, "http://ours.example", "https://ours.example:8443", "", "http://[of no form"]
)
async def test_pages_of_other_sites_may_not(client: Any, method: str, origin: str) -> None:
    """Every request of a page of another site is refused, before its body is read, and with no leave to read why."""
    response = await client.request(method, "/api/offer", headers={"Origin": origin}, data=b"{")
    assert response.status == 403
    assert "Access-Control-Allow-Origin" not in response.headers
    assert (await (await client.get("/api/offer")).json()) == {"taken": 0}


async def test_a_page_of_another_site_opens_no_websocket(client: Any) -> None:
    """A foreign page gets 403 in place of the WebSocket; an allowed one gets it."""
    with pytest.raises(Exception, match="403"):
        await client.ws_connect("/api/socket", headers={"Origin": THEIRS})
    async with client.ws_connect("/api/socket", headers={"Origin": OURS}):
        pass


async def test_a_blind_post_allocates_nothing(client: Any) -> None:
    """What any page can post without asking (`no-cors`) is refused by its origin, and by its kind of body."""
    for kind in ("text/plain;charset=UTF-8", "application/x-www-form-urlencoded", "multipart/form-data", ""):
        headers = {"Content-Type": kind} if kind else {}
        response = await client.post("/api/offer", data=b'{"sdp": "v=0", "type": "offer"}', headers=headers)
        assert (response.status, (await response.json())["error"]["code"]) == (415, "not_json")
        response = await client.post("/api/offer", data=b"{}", headers={**headers, "Origin": THEIRS})
        assert response.status == 403
    assert (await (await client.get("/api/offer")).json()) == {"taken": 0}
    good = {"Content-Type": "application/json; charset=utf-8"}
    assert (await client.post("/api/offer", data=b'{"sdp": "v=0", "type": "offer"}', headers=good)).status == 200


async def test_browsers_ask_before_a_page_of_another_site_calls(client: Any) -> None:
    """The preflight of an allowed site says what its pages may send; failures may be read by them, too."""
    asks = {"Origin": OURS, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    response = await client.options("/api/offer", headers=asks)
    assert response.status == 204
    told = {name: value for name, value in response.headers.items() if name.startswith("Access-Control")}
    assert told == {
        "Access-Control-Allow-Origin": OURS,
        "Access-Control-Allow-Methods": "GET, POST, PATCH, DELETE",
        "Access-Control-Allow-Headers": "Authorization, Content-Type, If-Match, ETag, X-OpenAI-Agents-SDK",
        "Access-Control-Expose-Headers": (
            "Retry-After, WWW-Authenticate, Location, ETag, Link, Accept-Post, Access-Control-Allow-Methods"
        ),
        "Access-Control-Max-Age": str(PREFLIGHT_S),
    }
    assert (await client.options("/api/offer", headers=asks | {"Origin": THEIRS})).status == 403
    for response in (
        await client.post("/api/offer", data=b"{", headers={"Origin": OURS}),
        await client.get("/api/nothing", headers={"Origin": OURS}),
    ):
        assert response.status >= 400
        assert response.headers["Access-Control-Allow-Origin"] == OURS


LOCAL_NAMES = [
    "localhost",
    "localhost:8080",
    "LOCALHOST",
    "app.localhost:3",
    "127.0.0.1:8080",
    "127.9.9.9",
    "[::1]:8080",
]
OTHER_NAMES = [
    "evil.example", "evil.example:8080", "127.0.0.1.evil.example", "localhost.evil.example", "192.168.0.2", "0.0.0.0",
    "[::2]", "[::1", "notlocalhost", "10.0.0.1:80",
]  # fmt: skip


@pytest.mark.parametrize(
    ("host", "status"), [(host, 200) for host in [*LOCAL_NAMES, "ours.example"]] + [(host, 403) for host in OTHER_NAMES]
)
async def test_a_local_server_goes_by_no_other_name(client: Any, host: str, status: int) -> None:
    """A name that somebody else has pointed at this machine is refused, although it is the page's own origin there."""
    for headers in ({"Host": host}, {"Host": host, "Origin": f"http://{host}"}):
        assert (await client.post("/api/offer", json=OFFER, headers=headers)).status == status
    assert (await client.get("/health", headers={"Host": host})).status == 200


async def test_a_server_that_others_reach_goes_by_any_name() -> None:
    """Such a server does not know its names. Its own page is one whose origin has the name of the request."""
    async with await serving(Origins()) as client:
        own = {"Host": "voice.example", "Origin": "https://voice.example"}
        assert (await client.post("/api/offer", json=OFFER, headers=own)).status == 200
        assert (await client.post("/api/offer", json=OFFER, headers=own | {"Origin": THEIRS})).status == 403
