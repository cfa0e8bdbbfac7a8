import asyncio
import contextlib
import sqlite3
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.errors import ConfigError, StoreError
from server.record.query import Wanted
from server.record.stores.sqlite import SqliteStore
from tests.conversations import ASKED, conversation
from tests.started import ROOT

WRITER = """
import asyncio, sys
from server.record.stores.sqlite import SqliteStore
from tests.conversations import conversation, said_more

async def main():
    store, kept = SqliteStore(sys.argv[1]), conversation()
    await store.open()
    while True:
        kept = said_more(kept)
        await store.save(kept)
        print(kept.revision, flush=True)

asyncio.run(main())
"""


@contextlib.asynccontextmanager
async def opened(path: Path | str) -> AsyncIterator[SqliteStore]:
    store = SqliteStore(str(path))
    try:
        await store.open()
        yield store
    finally:
        await store.close()


def killed(path: Path, after: int) -> int:
    """Kill a process that writes, when `after` of its saves have returned. Returns how many had returned in the end."""
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert writer.stdout is not None
    with writer.stdout as lines:
        committed = [int(lines.readline()) for _ in range(after)][-1]
        writer.kill()
        writer.wait()
        return committed + len(lines.read().splitlines())


@pytest.mark.parametrize("after", [1, 2, 5, 13])
async def test_a_killed_writer_leaves_what_it_committed(tmp_path: Path, after: int) -> None:
    """After kill -9 during a write, every record whose save has returned is complete, and no record is half written."""
    path = tmp_path / "conversations.db"
    committed = killed(path, after)
    async with opened(path) as store:
        kept = await store.load("one")
        assert kept is not None
        assert committed <= kept.revision == len(kept.exchanges) <= committed + 1
        assert kept.said == conversation(exchanges=kept.revision).said


def modes(directory: Path) -> set[int]:
    return {path.stat().st_mode & 0o777 for path in directory.iterdir()}


async def test_the_file_is_for_its_owner(tmp_path: Path) -> None:
    """Other users of the machine cannot read the file."""
    async with opened(tmp_path / "conversations.db") as store:
        await store.save(conversation(exchanges=1))
        assert modes(tmp_path) == {0o600}


@pytest.mark.parametrize("forget", ["delete", "sweep"])
async def test_deleted_words_are_in_no_file(tmp_path: Path, forget: str) -> None:
    """The words of a deleted conversation are in none of the store's files."""

    def on_disk() -> bool:
        return any(ASKED.encode() in path.read_bytes() for path in tmp_path.iterdir())

    async with opened(tmp_path / "conversations.db") as store:
        kept = conversation(exchanges=50)
        await store.save(kept)
        assert on_disk()
        assert await (store.delete("one") if forget == "delete" else store.sweep(kept.updated_ms + 1))
        assert not on_disk()


async def test_memory_keeps_nothing_after_close() -> None:
    """ ":memory:" keeps conversations only until it is closed."""
    async with opened(":memory:") as store:
        await store.save(conversation())
        assert await store.load("one") == conversation()
    async with opened(":memory:") as store:
        assert await store.load("one") is None


async def test_a_file_that_stays_locked_is_an_error(tmp_path: Path) -> None:
    """While another process has locked the file, `save` raises StoreError. It works again after that."""
    path = tmp_path / "conversations.db"
    async with opened(path) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError):
            await store.save(conversation())
        other.execute("COMMIT")
        other.close()
        assert await store.save(conversation())


async def test_a_disk_that_hangs_is_an_error(tmp_path: Path) -> None:
    """What waits behind a disk that hangs raises StoreError within its limit, and is not done later."""
    store, go_on = SqliteStore(str(tmp_path / "conversations.db"), limit_s=0.5), threading.Event()
    await store.open()
    store._thread.submit(go_on.wait)
    for name in ("one", "two"):
        with pytest.raises(StoreError):
            await store.save(conversation(name))
    go_on.set()
    assert (await store.finder.find(Wanted(), 10)).rows == ()
    assert await store.save(conversation("three"))
    await store.close()


async def test_waiting_for_the_store_may_be_cancelled(tmp_path: Path) -> None:
    """A task that waits for the store may be cancelled at any time, and the store still works."""
    async with opened(tmp_path / "conversations.db") as store:
        for name in ("one", "two", "three"):
            saving = asyncio.create_task(store.save(conversation(name, exchanges=20)))
            await asyncio.sleep(0)
            saving.cancel()
            with pytest.raises(asyncio.CancelledError):
                await saving
        assert await store.save(conversation("four"))
        assert "four" in [row.id for row in (await store.finder.find(Wanted(), 10)).rows]


@pytest.mark.parametrize("content", [b"not a database, but long enough to look like one" * 100, None])
async def test_a_file_that_is_not_ours_is_a_config_error(tmp_path: Path, content: bytes | None) -> None:
    """A file that is not ours, or cannot be made, is a ConfigError that names the setting. The file stays unchanged."""
    path = tmp_path / "conversations.db"
    if content is None:
        path = tmp_path / "nowhere" / "conversations.db"
    else:
        path.write_bytes(content)
    with pytest.raises(ConfigError, match="ANTIPHON_STORE"):
        async with opened(path):
            pass
    assert content is None or path.read_bytes() == content


async def test_a_file_of_a_later_version_is_not_touched(tmp_path: Path) -> None:
    """A server does not write into the tables of a newer version."""
    path = tmp_path / "conversations.db"
    with contextlib.closing(sqlite3.connect(path)) as later:
        later.execute("PRAGMA user_version = 99")
    with pytest.raises(ConfigError, match="version 99"):
        async with opened(path):
            pass
