import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.errors import StoreError
from server.record.archive import DAY_MS, SWEEP_S, Archive
from server.record.query import Wanted
from server.record.store import Store
from server.record.stores.sqlite import SqliteStore
from tests.conversations import START_MS, conversation
from tests.virtual_time import run_virtual


class Shelf:
    """Recordings in memory: the id of each, with the time of its last sound."""

    def __init__(self, **written_ms: int) -> None:
        self.written_ms = written_ms

    async def parts(self, conversation_id: str) -> list[Path]:
        return [Path(conversation_id)] if conversation_id in self.written_ms else []

    async def delete(self, conversation_id: str) -> bool:
        return self.written_ms.pop(conversation_id, None) is not None

    async def sweep(self, before_ms: int) -> int:
        old = [name for name, ms in self.written_ms.items() if ms < before_ms]
        for name in old:
            del self.written_ms[name]
        return len(old)


@pytest.fixture
async def store() -> AsyncIterator[Store]:
    kept = SqliteStore(":memory:")
    await kept.open()
    yield kept
    await kept.close()


async def test_words_and_sound_are_deleted_together(store: Store) -> None:
    """Deleting a conversation removes both its words and its sound, and works when only one of them exists."""
    await store.save(conversation("both"))
    await store.save(conversation("words"))
    sound = Shelf(both=1, sound=1, other=1)
    archive = Archive(store, sound, lambda: START_MS)
    for name in ("both", "words", "sound"):
        assert await archive.delete(name)
        assert not await archive.delete(name)
        assert await archive.load(name) is None
    assert list(sound.written_ms) == ["other"]
    assert await Archive(store, None, lambda: START_MS).delete("other") is False


async def test_old_words_and_sound_are_swept(store: Store) -> None:
    """Words and sound are deleted after the given number of days, and not earlier."""
    await store.save(conversation("old", created_ms=START_MS))
    await store.save(conversation("new", created_ms=START_MS + DAY_MS))
    sound = Shelf(old=START_MS, new=START_MS + DAY_MS)
    await Archive(store, sound, lambda: START_MS + 30 * DAY_MS).sweep(30)
    assert len(sound.written_ms) == len((await store.finder.find(Wanted(), 10)).rows) == 2
    await Archive(store, sound, lambda: START_MS + 30 * DAY_MS + 1).sweep(30)
    assert list(sound.written_ms) == [row.id for row in (await store.finder.find(Wanted(), 10)).rows] == ["new"]


def test_the_sweep_goes_on_after_an_outage() -> None:
    """The sweep runs every hour, even after the store has failed. `close` ends it, even when it has not started."""

    class Away(SqliteStore):
        sweeps = 0

        async def sweep(self, before_ms: int) -> int:
            self.sweeps += 1
            raise StoreError("The store of conversations is not available.")

    async def scenario() -> None:
        store = Away(":memory:")
        archive = Archive(store, None, lambda: START_MS)
        await archive.close()
        archive.start(30)
        await asyncio.sleep(3.5 * SWEEP_S)
        await archive.close()
        await archive.close()
        await store.close()
        assert store.sweeps == 4

    run_virtual(scenario(), limit_s=4 * SWEEP_S)
