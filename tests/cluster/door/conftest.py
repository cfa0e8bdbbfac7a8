"""A roster for the door, in a real Redis."""

from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from server.cluster import roster as roster_file
from server.cluster.door import door
from server.cluster.roster import Roster
from tests.redis_server import RedisServer


@pytest.fixture
async def roster(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Roster]:
    monkeypatch.setattr(door, "EVERY_S", 0.05)
    for file in (roster_file, door):
        monkeypatch.setattr(file, "EXPIRY_S", 60.0)  # the workers announce themselves only once
    redis = Redis.from_url(redis_server.url, decode_responses=True)
    await redis.flushall()
    yield Roster(redis)
    await redis.aclose()
