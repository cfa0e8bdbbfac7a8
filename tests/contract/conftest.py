"""Each store in turn. The tests of a module share the servers of Redis."""

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from server.record.store import Store
from tests.contract.stores import STORES, Open, RedisServers


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServers]:
    with contextlib.ExitStack() as stack:
        yield RedisServers(tmp_path_factory.mktemp("redis"), stack)


@pytest.fixture(params=STORES, ids=lambda make: make.__name__)
async def open_store(request: pytest.FixtureRequest, tmp_path: Path, redis: RedisServers) -> AsyncIterator[Open]:
    """A function that opens another connection to the same conversations, as another server does."""
    async with request.param(tmp_path, redis) as opener:
        yield opener


@pytest.fixture
async def store(open_store: Open) -> Store:
    return await open_store()
