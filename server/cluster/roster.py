"""The workers of a cluster that are alive, in Redis. Each says so every second, and is forgotten when it does not.

A sorted set has the names by the time until which they count, and each worker has a key that expires. So a listing is
two commands, however many keys there are in Redis.
"""

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from redis.asyncio import Redis

from server.cluster.announcement import Announcement, read
from server.errors import StoreError
from server.record.stores.redis_client import FAILURES

EVERY_S = 1.0
"""How often a worker announces itself."""
EXPIRY_S = 4.0
"""After how long without a word a worker counts as gone. A stop of three seconds, of a worker or of Redis, loses
nobody."""
OPERATION_S = 2.0
"""How long an operation may take."""
FORGET_S = 60.0
"""How long a worker that is gone counts as missing."""


class Roster:
    """The workers in this Redis. Every method raises StoreError within a few seconds when Redis is not available."""

    def __init__(self, redis: Redis, prefix: str = "antiphon") -> None:
        """`redis` decodes its answers to str. Whoever made it closes it."""
        self._redis = redis
        self._names = f"{prefix}:workers"
        self._prefix = f"{prefix}:worker"

    async def announce(self, worker: Announcement) -> Announcement | None:
        """Say that the worker is alive. Returns what was announced under its name before, if that still counts."""
        now_ms = time.time_ns() // 1_000_000
        text, until_ms = replace(worker, at_ms=now_ms).written(), now_ms + EXPIRY_S * 1000
        async with _limited(), self._redis.pipeline(transaction=False) as pipeline:
            pipeline.set(f"{self._prefix}:{worker.name}", text, px=int(EXPIRY_S * 1000), get=True)
            pipeline.zadd(self._names, {worker.name: until_ms})
            before, _ = await pipeline.execute()
        return read(str(before)) if before else None

    async def leave(self, name: str) -> None:
        """Say that the worker is gone."""
        async with _limited(), self._redis.pipeline(transaction=False) as pipeline:
            pipeline.delete(f"{self._prefix}:{name}")
            pipeline.zrem(self._names, name)
            await pipeline.execute()

    async def find(self, name: str) -> Announcement | None:
        """The worker of this name, if it is alive."""
        async with _limited():
            text = await self._redis.get(f"{self._prefix}:{name}")
        return read(str(text)) if text else None

    async def secret(self) -> str:
        """A secret that all workers know, and nobody else. The first one who asks makes it."""
        async with _limited(), self._redis.pipeline(transaction=False) as pipeline:
            pipeline.set(f"{self._prefix}-secret", secrets.token_urlsafe(32), nx=True)
            pipeline.get(f"{self._prefix}-secret")
            _, secret = await pipeline.execute()
        return str(secret)

    async def present(self) -> Sequence[Announcement]:
        """The workers that are alive, by their names."""
        return (await self.seen()).present

    async def seen(self) -> "Seen":
        """The workers that are alive, and those that were. Forgets those that have been gone for a minute."""
        async with _limited():
            found: Any = await self._redis.zrange(self._names, 0, -1, withscores=True)
            until = {str(name): float(until_ms) for name, until_ms in found}
            names = list(until)
            texts = await self._redis.mget([f"{self._prefix}:{name}" for name in names]) if names else []
            silent = [name for name, text in zip(names, texts, strict=True) if text is None]
            oldest_ms = (time.time() - FORGET_S) * 1000
            # The time is that of the other machine's clock. So it says nothing of a worker that is there.
            if gone := [name for name in silent if until[name] < oldest_ms]:
                await self._redis.zrem(self._names, *gone)
        workers = [read(str(text)) for text in texts if text is not None]
        present = sorted((worker for worker in workers if worker is not None), key=lambda worker: worker.name)
        return Seen(present, sorted({*names} - {worker.name for worker in present}))


@dataclass(frozen=True, slots=True)
class Seen:
    """The workers of a cluster."""

    present: Sequence[Announcement]
    missing: Sequence[str]
    """The names of those that have said nothing for some seconds, and did not leave."""


@asynccontextmanager
async def _limited() -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(OPERATION_S):
            yield
    except FAILURES as exc:
        raise StoreError("The list of workers is not available.") from exc
