import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from server.media.recordings import Recordings
from server.record.archive import Archive
from server.record.conversation import json_pieces
from server.record.store import Store
from server.record.stores.sqlite import SqliteStore
from signaling.admin import Admin
from signaling.conversations import add_routes, joined
from signaling.errors import errors_as_json
from tests.conversations import START_MS, conversation

Client = TestClient[web.Request, web.Application]
NewClient = Callable[[web.Application], Awaitable[Client]]

TOKEN = "a token of the admin"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
REQUESTS = [
    ("GET", "/api/conversations"),
    ("GET", "/api/conversations/one"),
    ("GET", "/api/conversations/one/export"),
    ("GET", "/api/conversations/one/recording"),
    ("DELETE", "/api/conversations/one"),
]
SOUND = bytes(range(256)) * 4_000


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    kept = SqliteStore(":memory:")
    await kept.open()
    yield kept
    await kept.close()


@pytest.fixture
async def recordings(tmp_path: Path) -> AsyncIterator[Recordings]:
    """The recordings of conversation "one", in two parts."""
    kept = Recordings(tmp_path)
    (tmp_path / "one.1.opus").write_bytes(SOUND)
    (tmp_path / "one.10.opus").write_bytes(b"the rest")
    yield kept
    await kept.close()


async def serving(aiohttp_client: NewClient, store: Store, recordings: Recordings | None, token: str) -> Client:
    app = web.Application(middlewares=[errors_as_json])
    add_routes(app, Archive(store, recordings, lambda: START_MS), Admin(token))
    return await aiohttp_client(app)


@pytest.fixture
async def client(aiohttp_client: NewClient, store: Store, recordings: Recordings) -> Client:
    return await serving(aiohttp_client, store, recordings, TOKEN)


async def code(client: Client, method: str, path: str, **headers: str) -> tuple[int, str]:
    response = await client.request(method, path, headers=headers)
    body = await response.json() if response.content_type == "application/json" else {}
    return response.status, body["error"]["code"] if "error" in body else ""


@pytest.mark.parametrize(("method", "path"), REQUESTS)
async def test_nobody_reads_without_the_token(client: Client, store: Store, method: str, path: str) -> None:
    """Without the token, or with a wrong one, every request is refused in the same way, and nothing is deleted."""
    await store.save(conversation())
    assert await code(client, method, path) == (401, "unauthorized")
    for wrong in (
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {TOKEN}x",
        f"Bearer {TOKEN[:-1]}",
        f"Basic {TOKEN}",
        TOKEN,
        "Bearer é",
    ):
        assert await code(client, method, path, Authorization=wrong) == (401, "unauthorized")
    assert await code(client, method, path.replace("one", "none")) == (401, "unauthorized")
    assert await store.load("one") == conversation()
    assert (await client.request(method, path, headers=BEARER)).status == 200
    assert (
        await client.request(method, path.replace("one", "two"), headers={"Authorization": f"bearer  {TOKEN}"})
    ).status in (200, 404)


@pytest.mark.parametrize(("method", "path"), REQUESTS)
async def test_without_a_token_there_is_no_such_api(
    aiohttp_client: NewClient, store: Store, method: str, path: str
) -> None:
    """If the server has no admin token, its answers do not show that this API exists."""
    await store.save(conversation())
    client = await serving(aiohttp_client, store, None, "")
    for authorization in ("", "Bearer ", "Bearer", "Bearer None"):
        assert await code(client, method, path, Authorization=authorization) == (404, "not_found")


async def test_the_list_goes_from_page_to_page(client: Client, store: Store) -> None:
    """The newest conversations come first. The last page says that there is no next page."""
    for i in range(5):
        await store.save(conversation(f"c{i}", exchanges=i, created_ms=START_MS + i))
    pages, before = [], ""
    for _ in range(3):
        response = await client.get(f"/api/conversations?limit=2{before}", headers=BEARER)
        page = await response.json()
        pages.append([each["id"] for each in page["conversations"]])
        before = f"&before={page['next']}"
    assert (pages, page["next"]) == ([["c4", "c3"], ["c2", "c1"], ["c0"]], None)
    assert page["conversations"] == [
        {"id": "c0", "agent": "Riverside Books", "created_ms": START_MS, "updated_ms": START_MS, "ended_ms": None,
         "exchanges": 0, "caller": "ann", "transport": "webrtc", "end_reason": "", "gap_p50_ms": None,
         "gap_max_ms": None, "interruptions": 0, "false_starts": 0, "agents": ["Riverside Books"], "tools": [],
         "failures": []}
    ]  # fmt: skip


@pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", f"before={'x' * 101}"])
async def test_what_is_wrong_with_a_query_is_said(client: Client, query: str) -> None:
    """If a query is wrong, the error names the parameter."""
    response = await client.get(f"/api/conversations?{query}", headers=BEARER)
    assert response.status == 400
    assert query.partition("=")[0] in (await response.json())["error"]["message"]


async def test_a_conversation_is_read(client: Client, store: Store) -> None:
    """A conversation shows what each side said and the tool calls, but not its resume token. It is not cached."""
    await store.save(conversation(exchanges=1))
    response = await client.get("/api/conversations/one", headers=BEARER)
    assert response.headers["Cache-Control"] == "no-store"
    body = await response.json()
    assert body["exchanges"][0]["said"][1] == {
        "who": "agent", "text": "It was", "start_ms": 2_000, "end_ms": 2_700, "interrupted": True, "name": "",
        "tools": [{"name": "order_status", "arguments": '{"number":"4271"}', "result": "It was shipped."}],
    }  # fmt: skip
    assert not {"token_hash", "standing"} & body.keys()


async def test_an_export_is_a_file(client: Client, store: Store) -> None:
    """An export is a JSON file with the agent's messages, or a file of captions, with the right name and type."""
    await store.save(conversation(exchanges=1))
    response = await client.get("/api/conversations/one/export", headers=BEARER)
    assert response.headers["Content-Disposition"] == 'attachment; filename="one.json"'
    assert len((await response.json())["exchanges"][0]["messages"]) == 4
    response = await client.get("/api/conversations/one/export?format=vtt", headers=BEARER)
    assert response.headers["Content-Type"] == "text/vtt; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'attachment; filename="one.vtt"'
    assert (await response.text()).startswith("WEBVTT\n\n")
    assert await code(client, "GET", "/api/conversations/one/export?format=pdf", **BEARER) == (400, "bad_request")


async def test_a_recording_is_heard(client: Client) -> None:
    """A recording is sent as an Ogg file, whole or in ranges, part after part. It is not cached."""
    url = "/api/conversations/one/recording"
    response = await client.get(url, headers=BEARER)
    assert (response.headers["Content-Type"], response.headers["Cache-Control"]) == ("audio/ogg", "no-store")
    assert response.headers["Content-Disposition"] == 'attachment; filename="one.1.opus"'
    assert await response.read() == SOUND
    part = await client.get(url, headers=BEARER | {"Range": "bytes=1000-1999"})
    assert (part.status, part.headers["Content-Range"]) == (206, f"bytes 1000-1999/{len(SOUND)}")
    assert await part.read() == SOUND[1_000:2_000]
    rest = await client.get(response.links["next"]["url"].relative(), headers=BEARER)
    assert await rest.read() == b"the rest"
    assert not rest.links


async def test_what_was_not_recorded_is_not_there(client: Client, aiohttp_client: NewClient, store: Store) -> None:
    """A part that does not exist, another conversation, and a server that does not record give 404."""
    for path in ("one/recording?part=3", "two/recording", "../one/recording", "one.1/recording"):
        assert await code(client, "GET", f"/api/conversations/{path}", **BEARER) == (404, "not_found")
    for part in ("0", "x"):
        path = f"/api/conversations/one/recording?part={part}"
        assert await code(client, "GET", path, **BEARER) == (400, "bad_request")
    deaf = await serving(aiohttp_client, store, None, TOKEN)
    assert await code(deaf, "GET", "/api/conversations/one/recording", **BEARER) == (404, "not_found")


async def test_deleting(client: Client, store: Store) -> None:
    """A conversation can be deleted once. After that it is not found."""
    await store.save(conversation())
    assert await code(client, "DELETE", "/api/conversations/one", **BEARER) == (200, "")
    for method, path in REQUESTS[1:]:
        assert await code(client, method, path, **BEARER) == (404, "not_found")


@pytest.mark.parametrize("name", ["..%2fone", "a:b", "a" * 65, "%00", "one%0a"])
async def test_what_is_not_an_id_is_not_found(client: Client, name: str) -> None:
    """A name that is not an id gets 404. It does not reach the store."""
    assert await code(client, "GET", f"/api/conversations/{name}", **BEARER) == (404, "not_found")


async def test_a_store_that_is_down_is_said(client: Client, store: SqliteStore) -> None:
    """If the store is down, the answer is 503, not 404."""
    await store.close()
    for method, path in [request for request in REQUESTS if "recording" not in request[1]]:
        assert await code(client, method, path, **BEARER) == (503, "store_unavailable")


async def test_calls_are_served_while_a_long_conversation_is_written() -> None:
    """It is written in pieces, one for each exchange, and the loop turns between them."""
    turns = 0

    def turn() -> None:
        nonlocal turns
        turns += 1
        loop.call_soon(turn) if turns < 100 else None

    loop, seen = asyncio.get_running_loop(), list[int]()
    loop.call_soon(turn)
    kept = conversation("long", 5)

    def pieces() -> Iterator[bytes]:
        for piece in json_pieces(kept, messages=True):
            seen.append(turns)
            yield piece

    assert json.loads(await joined(pieces()))["exchanges"][4]["messages"]
    assert seen == sorted(set(seen))
    assert len(seen) == 7
