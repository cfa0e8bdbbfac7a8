"""The outbox in an SQLite file. The methods with a `db` run on the thread of the store, in a transaction."""

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

from server.record.outbox import Posting, Taken

SCHEMA = """
    CREATE TABLE IF NOT EXISTS posting_lines (
        address TEXT NOT NULL, line TEXT NOT NULL,
        conversation_id TEXT NOT NULL REFERENCES conversations (id) ON DELETE CASCADE,
        due_ms INTEGER NOT NULL, tries INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (address, line)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS posting_lines_by_due ON posting_lines (address, due_ms);
    CREATE INDEX IF NOT EXISTS posting_lines_by_conversation ON posting_lines (conversation_id);
    CREATE TABLE IF NOT EXISTS postings (
        number INTEGER PRIMARY KEY AUTOINCREMENT, address TEXT NOT NULL, line TEXT NOT NULL, id TEXT NOT NULL,
        created_ms INTEGER NOT NULL, body TEXT NOT NULL, UNIQUE (address, id),
        FOREIGN KEY (address, line) REFERENCES posting_lines (address, line) ON DELETE CASCADE
    );
    CREATE INDEX IF NOT EXISTS postings_by_line ON postings (address, line, number)
"""
"""Files of earlier servers get these tables, too. They do no harm there if an earlier server opens them again."""
_DUE = "SELECT line, tries FROM posting_lines WHERE address = ? AND due_ms <= ? ORDER BY due_ms LIMIT ?"
_FIRST = "SELECT id, created_ms, body FROM postings WHERE address = ? AND line = ? ORDER BY number LIMIT 1"
_LINE = "INSERT OR IGNORE INTO posting_lines (address, line, conversation_id, due_ms) VALUES (?, ?, ?, ?)"

Transaction = Callable[[], AbstractContextManager[sqlite3.Connection]]


class _Run(Protocol):
    def __call__(self, work: Callable[[], Any]) -> Awaitable[Any]: ...


class SqliteOutbox:
    """An Outbox in the file of a store, which lends its thread (`run`) and its transactions."""

    def __init__(self, run: _Run, transaction: Transaction, connected: Callable[[], sqlite3.Connection]) -> None:
        self._run = run
        self._transaction = transaction
        self._connected = connected

    async def take(self, address: str, now_ms: int, until_ms: int, limit: int) -> Sequence[Taken]:
        taken: list[Taken] = await self._run(lambda: self._take(address, now_ms, until_ms, limit))
        return taken

    async def remove(self, taken: Taken, now_ms: int) -> None:
        await self._run(lambda: self._remove(taken, now_ms))

    async def postpone(self, taken: Taken, tries: int, due_ms: int, aside_ms: int | None = None) -> None:
        await self._run(lambda: self._postpone(taken, tries, due_ms, aside_ms))

    async def waiting(self, address: str) -> int:
        query = "SELECT count(*) FROM posting_lines WHERE address = ?"
        return int(await self._run(lambda: self._connected().execute(query, [address]).fetchone()[0]))

    def add(self, db: sqlite3.Connection, conversation_id: str, postings: Sequence[Posting]) -> None:
        """Add postings to the lines of the conversation, in which one that waits already is not added again."""
        for each in postings:
            db.execute(_LINE, [each.address, conversation_id, conversation_id, each.created_ms])
            db.execute(
                "INSERT OR IGNORE INTO postings (address, line, id, created_ms, body) VALUES (?, ?, ?, ?, ?)",
                [each.address, conversation_id, each.id, each.created_ms, _plain(each.body)],
            )

    def delete(self, db: sqlite3.Connection, conversation_id: str) -> None:
        db.execute("DELETE FROM posting_lines WHERE conversation_id = ?", [conversation_id])

    def _take(self, address: str, now_ms: int, until_ms: int, limit: int) -> list[Taken]:
        if self._connected().execute(_DUE, [address, now_ms, 1]).fetchone() is None:
            return []  # without a transaction, because that would take the lock of the file
        taken = []
        with self._transaction() as db:
            for line, tries in db.execute(_DUE, [address, now_ms, limit]).fetchall():
                where = [address, line]
                if (first := db.execute(_FIRST, where).fetchone()) is None:
                    db.execute("DELETE FROM posting_lines WHERE address = ? AND line = ?", where)
                    continue
                db.execute("UPDATE posting_lines SET due_ms = ? WHERE address = ? AND line = ?", [until_ms, *where])
                taken.append(Taken(Posting(address, *first), line, tries))
        return taken

    def _remove(self, taken: Taken, now_ms: int) -> None:
        with self._transaction() as db:
            found = db.execute("DELETE FROM postings WHERE address = ? AND id = ? AND line = ?", _key(taken))
            if found.rowcount:
                self._go_on(db, taken, now_ms)

    def _postpone(self, taken: Taken, tries: int, due_ms: int, aside_ms: int | None) -> None:
        address, line, aside = taken.posting.address, taken.line, taken.aside_line
        with self._transaction() as db:
            if not db.execute(
                "SELECT 1 FROM postings WHERE address = ? AND id = ? AND line = ?", _key(taken)
            ).fetchone():
                return
            if aside_ms is not None and not taken.aside:
                db.execute(_LINE, [address, aside, taken.conversation_id, due_ms])
                db.execute(
                    "UPDATE postings SET line = ? WHERE address = ? AND id = ?", [aside, address, taken.posting.id]
                )
                self._go_on(db, taken, aside_ms)
                line = aside
            db.execute(
                "UPDATE posting_lines SET due_ms = ?, tries = ? WHERE address = ? AND line = ?",
                [due_ms, tries, address, line],
            )

    def _go_on(self, db: sqlite3.Connection, taken: Taken, due_ms: int) -> None:
        """The next posting of the line is due at `due_ms`. A line with none is deleted."""
        where = [taken.posting.address, taken.line]
        if db.execute(_FIRST, where).fetchone() is None:
            db.execute("DELETE FROM posting_lines WHERE address = ? AND line = ?", where)
        else:
            db.execute(
                "UPDATE posting_lines SET due_ms = ?, tries = 0 WHERE address = ? AND line = ?", [due_ms, *where]
            )


def _key(taken: Taken) -> list[str]:
    return [taken.posting.address, taken.posting.id, taken.line]


def _plain(text: str) -> str:
    """Half a surrogate pair, which SQLite cannot keep, becomes "?"."""
    return text.encode("utf-8", "replace").decode()
