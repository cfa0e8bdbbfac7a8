import logging
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from server.errors import (
    AgentUnavailable,
    AntiphonError,
    AtCapacity,
    ConfigError,
    Conflict,
    EngineError,
    Forbidden,
    InvalidToken,
    NotAcceptable,
    NotFound,
    NotJson,
    NotSdp,
    PeerError,
    Stale,
    StoreError,
    TooLarge,
    TooMany,
    Unauthorized,
    Unreachable,
)
from signaling.errors import errors_as_json

Client = TestClient[web.Request, web.Application]
FAULTS: dict[str, Callable[[], Exception]] = {
    "peer": lambda: PeerError("The SDP is not valid."),
    "acceptable": lambda: NotAcceptable("There is no audio."),
    "late": lambda: Conflict("This call has 16 instructions already."),
    "found": lambda: NotFound("There is no such call."),
    "foreign": lambda: Forbidden("Pages of this origin may not call here."),
    "large": lambda: TooLarge("The body may have at most 10 bytes."),
    "busy": lambda: AtCapacity("All lines are busy.", 7),
    "many": lambda: TooMany("You call too often.", 9),
    "engine": lambda: EngineError("model", "The model failed."),
    "config": lambda: ConfigError("no libopus in /secret/place"),
    "token": lambda: Unauthorized("This request needs the admin token."),
    "expired": lambda: InvalidToken('The claim "a\\b" is\nnot valid…'),
    "text": lambda: NotJson("The body must be JSON."),
    "other": lambda: NotSdp("The body must be SDP."),
    "stale": lambda: Stale("The ETag is another one."),
    "store": lambda: StoreError("The store of conversations is not available."),
    "agent": lambda: AgentUnavailable("The agent cannot take this call."),
    "away": lambda: Unreachable(sent=True),
    "bug": lambda: KeyError("secret"),
    "see-other": lambda: web.HTTPSeeOther("/api/found"),
    "gone": web.HTTPGone,
}


@pytest.fixture
async def client(aiohttp_client: Callable[[web.Application], Awaitable[Client]]) -> Client:
    async def fail(request: web.Request) -> web.Response:
        raise FAULTS[request.match_info["fault"]]()

    async def fine(request: web.Request) -> web.Response:
        return web.Response(text="fine")

    app = web.Application(middlewares=[errors_as_json])
    app.router.add_get("/api/fine", fine)
    app.router.add_get("/api/{fault}", fail)
    app.router.add_get("/page/{fault}", fail)
    return await aiohttp_client(app)


@pytest.mark.parametrize(
    ("fault", "status", "code", "message"),
    [
        ("away", 504, "worker_unreachable", "The server that has this call does not answer."),
        ("peer", 400, "bad_request", "The SDP is not valid."),
        ("acceptable", 406, "not_acceptable", "There is no audio."),
        ("found", 404, "not_found", "There is no such call."),
        ("late", 409, "conflict", "This call has 16 instructions already."),
        ("foreign", 403, "forbidden", "Pages of this origin may not call here."),
        ("large", 413, "too_large", "The body may have at most 10 bytes."),
        ("busy", 503, "at_capacity", "All lines are busy."),
        ("many", 429, "too_many", "You call too often."),
        ("engine", 502, "engine_failed", "The model failed."),
        ("config", 500, "config", "The server is not set up for this."),
        ("token", 401, "unauthorized", "This request needs the admin token."),
        ("expired", 401, "invalid_token", 'The claim "a\\b" is\nnot valid…'),
        ("agent", 503, "agent_unavailable", "The agent cannot take this call."),
        ("text", 415, "not_json", "The body must be JSON."),
        ("store", 503, "store_unavailable", "The store of conversations is not available."),
        ("bug", 500, "internal", "Something went wrong in the server."),
        ("gone", 410, "gone", "Gone."),
        ("nothing/here", 404, "not_found", "Not Found."),
    ],
)
async def test_every_failure_has_its_status_and_sentence(
    client: Client, fault: str, status: int, code: str, message: str
) -> None:
    """Every failure has its status, a code for programs and a sentence for people. None shows the server's inside."""
    response = await client.get(f"/api/{fault}")
    assert response.status == status
    assert await response.json() == {"error": {"code": code, "message": message}}


async def test_a_refusal_says_when_to_come_again(client: Client) -> None:
    """A refusal for lack of capacity, or of a caller who has too many calls, has a Retry-After header."""
    assert (await client.get("/api/busy")).headers["Retry-After"] == "7"
    assert (await client.get("/api/many")).headers["Retry-After"] == "9"
    assert "Retry-After" not in (await client.get("/api/peer")).headers


async def test_a_client_without_a_token_is_told_how_to_send_one(client: Client) -> None:
    """Only a 401 has a challenge, the WWW-Authenticate header (RFC 6750, section 3)."""
    assert (await client.get("/api/token")).headers["WWW-Authenticate"] == "Bearer"
    assert "WWW-Authenticate" not in (await client.get("/api/peer")).headers
    described = (await client.get("/api/expired")).headers["WWW-Authenticate"]
    assert described == """Bearer error="invalid_token", error_description="The claim 'a'b' is'not valid'\""""


async def test_a_wrong_method_is_told_the_right_ones(client: Client) -> None:
    """A 405 has an Allow header."""
    response = await client.delete("/api/fine")
    assert response.status == 405
    assert "GET" in response.headers["Allow"]


async def test_what_is_not_a_failure_passes(client: Client) -> None:
    """Answers and redirects are not changed."""
    assert await (await client.get("/api/fine")).text() == "fine"
    assert (await client.get("/api/see-other", allow_redirects=False)).status == 303


async def test_a_page_that_is_not_found_is_not_json(client: Client) -> None:
    """Outside the API, HTTP failures are aiohttp's own."""
    response = await client.get("/nothing")
    assert response.status == 404
    assert response.content_type == "text/plain"


@pytest.mark.parametrize("path", ["/api/bug", "/page/bug", "/api/config"])
async def test_our_own_faults_are_logged_once(client: Client, path: str, caplog: pytest.LogCaptureFixture) -> None:
    """A fault of the server is in the log, with the details that the client does not get."""
    with caplog.at_level(logging.ERROR):
        assert (await client.get(path)).status == 500
    [record] = caplog.records
    assert "secret" in record.getMessage() + str(record.exc_info)


async def test_mistakes_of_peers_are_not_logged(client: Client, caplog: pytest.LogCaptureFixture) -> None:
    """Clients cannot fill our log with their mistakes."""
    for fault in ("peer", "found", "busy"):
        await client.get(f"/api/{fault}")
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


def test_every_error_of_ours_is_tried() -> None:
    """The table above has every error class."""
    tried = {type(make()) for make in FAULTS.values()}
    assert set(AntiphonError.__subclasses__()) | set(PeerError.__subclasses__()) | {InvalidToken} <= tried
