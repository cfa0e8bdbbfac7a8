"""Operators search conversations and count exchanges over HTTP."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient

from server.record.archive import Archive
from server.record.moments import moment
from server.record.stores.sqlite import SqliteStore
from signaling import conversations, figures
from signaling.admin import Admin
from signaling.errors import errors_as_json
from tests.conversations import START_MS, conversation

Client = TestClient[web.Request, web.Application]
BEARER = {"Authorization": "Bearer secret"}


@pytest.fixture
async def client(aiohttp_client: Callable[[web.Application], Awaitable[Client]]) -> AsyncIterator[Client]:
    """A server with three conversations: of two exchanges, of one, and of none."""
    store = SqliteStore(":memory:")
    await store.open()
    for number in range(3):
        await store.save(conversation(f"c{number}", 2 - number, START_MS + number))
    app = web.Application(middlewares=[errors_as_json])
    archive, admin = Archive(store, None, lambda: START_MS), Admin("secret")
    conversations.add_routes(app, archive, admin)
    figures.add_routes(app, archive, admin)
    yield await aiohttp_client(app)
    await store.close()


async def get(client: Client, path: str, **query: str) -> Any:
    response = await client.get(path, params=query, headers=BEARER)
    return await response.json() | {"status": response.status}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"word": "ORDER"}, ["c1", "c0"]),
        ({"tool": "order_status", "caller": "ann", "transport": "webrtc"}, ["c1", "c0"]),
        ({"failure": "text-to-speech", "until": str(START_MS + 1)}, ["c0"]),
        ({"failure": "model"}, []),
        ({"agent": "Riverside Books", "since": "2023-11-14T22:13:20.001"}, ["c2", "c1"]),
        ({"sort": "slowest"}, ["c0", "c1", "c2"]),
        ({"since": "1d"}, []),
    ],
)
async def test_conversations_are_searched(client: Client, query: dict[str, str], found: list[str]) -> None:
    """Each filter of the list, and its order, are given in the query."""
    body = await get(client, "/api/conversations", **query)
    assert [each["id"] for each in body["conversations"]] == found
    assert body["next"] is None


async def test_a_conversation_has_the_figures_of_its_exchanges(client: Client) -> None:
    """A conversation is shown with the figures, without those that were not measured."""
    body = await get(client, "/api/conversations/c1")
    told = body["exchanges"][0]["figures"]
    assert (told["gap_ms"], told["first_token_ms"], told["line"]["lost_in_percent"]) == (500.0, 300.0, 0.0)
    assert told["tools"] == [
        {"name": "order_status", "ms": 80.5, "outcome": "returned"}, {"name": "refund", "outcome": "unknown"}
    ]  # fmt: skip
    assert told["failures"] == [{"stage": "text-to-speech", "sentence": "The engine gave no sound within 3 s."}]


async def test_exchanges_are_counted(client: Client) -> None:
    """The answer has the period that was counted, and a row for each bucket and name."""
    body = await get(
        client, "/api/figures", since=str(START_MS), until=str(START_MS + 60_000), by="model", bucket="day"
    )
    assert (body["since_ms"], body["until_ms"], body["by"], body["bucket"]) == (
        START_MS,
        START_MS + 60_000,
        "model",
        "day",
    )
    (row,) = body["rows"]
    assert (row["name"], row["conversations"], row["exchanges"], row["failures"]) == (
        "openai:gpt",
        2,
        3,
        {"text-to-speech": 3},
    )
    assert row["measures"]["gap"] == {"count": 3, "p50_ms": 500, "p95_ms": 600, "p99_ms": 600}
    assert (await get(client, "/api/figures"))["rows"] == []


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("/api/conversations", {"since": "tuesday"}),
        ("/api/conversations", {"sort": "oldest"}),
        ("/api/conversations", {"word": "x" * 201}),
        ("/api/figures", {"since": "9999999999999999999"}),
        ("/api/figures", {"by": "caller"}),
        ("/api/figures", {"bucket": "minute"}),
        ("/api/figures", {"since": "1d", "until": "2d"}),
    ],
)
async def test_what_is_wrong_with_a_query_is_said(client: Client, path: str, query: dict[str, str]) -> None:
    """A query that cannot be understood gives an error that names the parameter."""
    body = await get(client, path, **query)
    assert body["status"] == 400
    assert body["error"]["message"].startswith(next(iter(query)))
    assert "Value error" not in body["error"]["message"]


async def test_a_field_that_is_left_empty_is_left_out(client: Client) -> None:
    """A form sends all its fields, and a program that reads page after page begins without a cursor."""
    empty = dict.fromkeys(("before", "since", "until", "limit", "sort", "agent", "word", "failure"), "")
    assert await get(client, "/api/conversations", **empty) == await get(client, "/api/conversations")


async def test_figures_are_for_the_admin(client: Client) -> None:
    """Without the admin token, nothing is told."""
    assert (await client.get("/api/figures")).status == 401


def test_moments_are_read() -> None:
    """A moment is so long ago, a time in ISO 8601, or Unix milliseconds."""
    now_ms = 1_764_547_200_000
    assert [moment(text, now_ms) for text in ("0m", "90m", "12h", "7d", "2w")] == [
        now_ms - minutes * 60_000 for minutes in (0, 90, 720, 7 * 1440, 14 * 1440)
    ]
    assert moment("2025-12-01", 0) == moment("2025-12-01T01:00+01:00", 0) == moment(str(now_ms), 0) == now_ms
    for wrong in ("", "soon", "7", "7y", "-7d", "12345678901234567", "2025-13-01", "٣d"):
        with pytest.raises(ValueError, match="must be a time"):
            moment(wrong, now_ms)
