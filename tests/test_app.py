"""What the composition root does besides composing."""

import gc
import logging

import pytest
from aiohttp.test_utils import TestClient, TestServer

from server.app import settle_memory
from server.web import application


def test_the_collector_leaves_alone_what_was_there_at_the_start() -> None:
    """A full collection looks at what calls have made, not at the libraries."""
    threshold = gc.get_threshold()
    try:
        settle_memory()
        assert gc.get_freeze_count() > 10_000
        assert len(gc.get_objects()) < 1_000
    finally:
        gc.set_threshold(*threshold)


@pytest.mark.parametrize(("path", "json"), [("/api/no/such", True), ("/no-such", False), ("/" + "a" * 300, False)])
async def test_what_is_not_there_is_404(path: str, json: bool, caplog: pytest.LogCaptureFixture) -> None:
    """Beside the page's files the API keeps its JSON, and nobody fills our log with names that no file can have."""
    async with TestClient(TestServer(application())) as client:
        assert (await client.get("/call.js")).status == 200
        response = await client.get(path)
        assert response.status == 404
        assert (response.content_type == "application/json") is json
    assert [record for record in caplog.records if record.levelno >= logging.WARNING] == []


@pytest.mark.parametrize(
    ("token_url", "more"),
    [("", ""), ("/token", ""), ("https://backend.example:8443/token?for=calls", " https://backend.example:8443")],
)
async def test_the_page_may_ask_for_tokens_where_the_operator_says(token_url: str, more: str) -> None:
    """The page may connect to its own server, and to the site of the token's address, and to no other one."""
    async with TestClient(TestServer(application(token_url=token_url))) as client:
        policy = (await client.get("/")).headers["Content-Security-Policy"].split("; ")
    assert f"connect-src 'self' ws: wss:{more}" in policy
    assert "default-src 'self'" in policy
