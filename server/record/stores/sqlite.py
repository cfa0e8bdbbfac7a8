"""A store in an SQLite file. Its one connection has a thread of its own, so that no disk ever stops the media loop."""

import asyncio
import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from server.errors import ConfigError, StoreError
from server.record.conversation import Conversation
from server.record.outbox import Posting
from server.record.stores import sqlite_finder, sqlite_outbox
from server.record.stores.codec import (
    DELETED_EPOCH,
    Stored,
    decode_exchange,
    decode_header,
    encode_exchange,
    encode_header,
)
from server.record.stores.sqlite_finder import SqliteFinder
from server.record.stores.sqlite_outbox import SqliteOutbox

OPERATION_S = 3.0
"""How long an operation may take. A commit takes milliseconds; a disk that takes seconds counts as failed."""
BUSY_S = 2.0
"""How long to wait for a file that another process has locked. `antiphon conversations` locks it for milliseconds."""
SCHEMA_VERSION = 1
SCHEMA = """
    CREATE TABLE conversations (
        id TEXT PRIMARY KEY, cursor TEXT NOT NULL UNIQUE, updated_ms INTEGER NOT NULL,
        epoch INTEGER NOT NULL, revision INTEGER NOT NULL, token_hash TEXT, header TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX conversations_by_update ON conversations (updated_ms);
    CREATE TABLE exchanges (
        conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
        number INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (conversation_id, number)
    ) WITHOUT ROWID;
"""
SPENT_TOKENS = "CREATE TABLE IF NOT EXISTS spent_tokens (id TEXT PRIMARY KEY, until_ms INTEGER NOT NULL) WITHOUT ROWID"
"""Files of earlier servers get this table, too. It does no harm there if an earlier server opens them again."""

_T = TypeVar("_T")


class SqliteStore:
    """A Store in the file `path`, which is created if needed; ":memory:" keeps nothing after `close`.

    An operation may take `limit_s`.
    """

    def __init__(self, path: str, limit_s: float = OPERATION_S) -> None:
        self._path = path
        self._limit_s = limit_s
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="sqlite")
        self._connection: sqlite3.Connection | None = None
        self.outbox = SqliteOutbox(self._run, self._transaction, self._connected)
        self.finder = SqliteFinder(self._run, self._transaction, self._connected, _load)

    async def open(self) -> None:
        """Raises ConfigError when the file cannot be created, or when Antiphon did not write it."""
        try:
            await self._run(self._open)
        except StoreError as exc:
            raise ConfigError(f"ANTIPHON_STORE: {self._path}: {exc.__cause__ or exc}") from exc

    async def close(self) -> None:
        """Close the file after the pending writes, without waiting for a disk that hangs; idempotent."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            self._thread.submit(connection.close)
        self._thread.shutdown(wait=False)

    async def save(self, conversation: Conversation, postings: Sequence[Posting] = ()) -> bool:
        return await self._run(lambda: self._save(conversation, postings))

    async def holds(self, conversation_id: str, token_hash: str) -> bool:
        return await self._run(lambda: self._holds(conversation_id, token_hash))

    async def claim(self, conversation_id: str, token_hash: str, new_token_hash: str) -> Conversation | None:
        return await self._run(lambda: self._claim(conversation_id, token_hash, new_token_hash))

    async def spend(self, token_id: str, until_ms: int) -> bool:
        return await self._run(lambda: self._spend(token_id, until_ms))

    async def load(self, conversation_id: str) -> Conversation | None:
        return await self._run(lambda: self._load(conversation_id))

    async def delete(self, conversation_id: str) -> bool:
        return await self._run(lambda: self._delete(conversation_id))

    async def sweep(self, before_ms: int) -> int:
        return await self._run(lambda: self._sweep(before_ms))

    async def _run(self, work: Callable[[], _T]) -> _T:
        """Do `work` on the thread, within the limit. Work that could not start within the limit is cancelled."""
        try:
            future = self._thread.submit(work)
        except RuntimeError as exc:
            raise StoreError("The store of conversations is closed.") from exc
        try:
            async with asyncio.timeout(self._limit_s):
                return await asyncio.wrap_future(future)
        except (sqlite3.Error, OSError) as exc:  # TimeoutError is an OSError
            raise StoreError("The store of conversations is not available.") from exc

    # The methods below run on the thread.

    def _open(self) -> None:
        if self._path != ":memory:":
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))  # other users must not read what people said
        connection = sqlite3.connect(Path(self._path) if self._path != ":memory:" else self._path, timeout=BUSY_S)
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")  # commits survive a power cut; no call waits for a commit
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA secure_delete = ON")
        self._connection = connection
        with self._transaction() as db:
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if version == 0:
                for statement in SCHEMA.split(";"):
                    db.execute(statement)
                db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
            elif version != SCHEMA_VERSION:
                raise sqlite3.DatabaseError(f"its tables have version {version}, not {SCHEMA_VERSION}")
            for statement in [SPENT_TOKENS, *sqlite_outbox.SCHEMA.split(";"), *sqlite_finder.SCHEMA.split(";")]:
                db.execute(statement)

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """COMMIT at the end of the block, or ROLLBACK after an exception. The lock is taken at the start, so a locked
        file cannot make a transaction fail halfway."""
        connection = self._connected()
        connection.execute("BEGIN IMMEDIATE")
        with connection:
            yield connection

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            raise StoreError("The store of conversations is closed.")
        return self._connection

    def _save(self, conversation: Conversation, postings: Sequence[Posting]) -> bool:
        with self._transaction() as db:
            row = db.execute("SELECT epoch, revision FROM conversations WHERE id = ?", [conversation.id]).fetchone()
            if row is not None and row[0] > conversation.epoch:
                return False
            if row is not None and row >= (conversation.epoch, conversation.revision):
                return True
            db.execute(
                """INSERT INTO conversations (id, cursor, updated_ms, epoch, revision, token_hash, header)
                VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET updated_ms = excluded.updated_ms,
                epoch = excluded.epoch, revision = excluded.revision, token_hash = excluded.token_hash,
                header = excluded.header""",
                [conversation.id, conversation.cursor, conversation.updated_ms, conversation.epoch,
                 conversation.revision, conversation.token_hash, encode_header(conversation)],
            )  # fmt: skip
            first = max(0, _count(db, conversation.id) - 1)  # the last exchange in the file may have changed
            new = enumerate(conversation.exchanges[first:], first)
            rows = [(conversation.id, number, encode_exchange(exchange)) for number, exchange in new]
            db.executemany("INSERT OR REPLACE INTO exchanges VALUES (?, ?, ?)", rows)
            self.finder.add(db, conversation, first)
            self.outbox.add(db, conversation.id, postings)
        return True

    def _holds(self, conversation_id: str, token_hash: str) -> bool:
        """Without a transaction, because that would take the lock of the file."""
        query = "SELECT 1 FROM conversations WHERE id = ? AND token_hash = ?"
        return self._connected().execute(query, [conversation_id, token_hash]).fetchone() is not None

    def _claim(self, conversation_id: str, token_hash: str, new_token_hash: str) -> Conversation | None:
        with self._transaction() as db:
            db.execute(
                "UPDATE conversations SET token_hash = ?, epoch = epoch + 1 WHERE id = ? AND token_hash = ?",
                [new_token_hash, conversation_id, token_hash],
            )
            return _find(db, "id = ? AND token_hash = ?", conversation_id, new_token_hash)

    def _spend(self, token_id: str, until_ms: int) -> bool:
        with self._transaction() as db:
            return db.execute("INSERT OR IGNORE INTO spent_tokens VALUES (?, ?)", [token_id, until_ms]).rowcount > 0

    def _load(self, conversation_id: str) -> Conversation | None:
        with self._transaction() as db:
            return _load(db, conversation_id)

    def _delete(self, conversation_id: str) -> bool:
        with self._transaction() as db:
            db.execute("DELETE FROM exchanges WHERE conversation_id = ?", [conversation_id])
            self.outbox.delete(db, conversation_id)
            self.finder.delete(db, conversation_id)
            changed = db.execute(
                "UPDATE conversations SET epoch = ?, token_hash = NULL, header = '' WHERE id = ? AND epoch < ?",
                [DELETED_EPOCH, conversation_id, DELETED_EPOCH],
            )
        self._truncate_log()
        return changed.rowcount > 0

    def _sweep(self, before_ms: int) -> int:
        with self._transaction() as db:
            db.execute("DELETE FROM conversations WHERE updated_ms < ? AND epoch = ?", [before_ms, DELETED_EPOCH])
            swept = db.execute("DELETE FROM conversations WHERE updated_ms < ?", [before_ms]).rowcount
            db.execute("DELETE FROM spent_tokens WHERE until_ms < ?", [before_ms])
        self._truncate_log()
        return swept

    def _truncate_log(self) -> None:
        """Empty the write-ahead log, because it still has the words that were deleted."""
        assert self._connection is not None, "because a transaction has just ended"
        self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _load(db: sqlite3.Connection, conversation_id: str) -> Conversation | None:
    return _find(db, "id = ? AND epoch < ?", conversation_id, DELETED_EPOCH)


def _find(db: sqlite3.Connection, where: str, *values: object) -> Conversation | None:
    row = db.execute(
        f"SELECT id, header, epoch, revision, token_hash FROM conversations WHERE {where}", values
    ).fetchone()
    if row is None:
        return None
    bodies = db.execute("SELECT body FROM exchanges WHERE conversation_id = ? ORDER BY number", row[:1])
    exchanges = tuple(decode_exchange(body) for (body,) in bodies)
    return replace(decode_header(Stored(*row[1:])), exchanges=exchanges)


def _count(db: sqlite3.Connection, conversation_id: str) -> int:
    (count,) = db.execute("SELECT count(*) FROM exchanges WHERE conversation_id = ?", [conversation_id]).fetchone()
    return int(count)
