"""The finder in an SQLite file. The methods with a `db` run on the thread of the store, in a transaction.

Each conversation has a row as JSON, with what it is searched and ordered by beside it, and the names of its agents,
tools and failures. Each exchange has its figures in columns, its failures, and its words as they are searched.
"""

import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import astuple, fields, replace
from typing import Any, Protocol

from server.errors import StoreError
from server.record.conversation import Conversation
from server.record.query import (
    ANY,
    BUCKET_MS,
    MEASURES,
    MOST_COUNTED,
    MOST_LOOKED_AT,
    Counted,
    Found,
    Period,
    Wanted,
    folded,
)
from server.record.rows import ExchangeRow, call_row, exchange_row, failed_stages, words_of
from server.record.stores.codec import DELETED_EPOCH, decode_rows, encode_row, plain
from server.record.stores.sqlite_outbox import Transaction
from server.record.tally import BIN_MS, COUNTED, Tally

CAUGHT_UP_AT_ONCE = 10
"""How many conversations of earlier servers are prepared in one transaction. Each takes milliseconds, and no call's
record is written meanwhile."""
_COLUMNS = [each.name for each in fields(ExchangeRow)]
SCHEMA = f"""
    CREATE TABLE IF NOT EXISTS call_rows (
        conversation_id TEXT PRIMARY KEY REFERENCES conversations (id) ON DELETE CASCADE,
        cursor TEXT NOT NULL, slow_cursor TEXT NOT NULL, caller TEXT NOT NULL, transport TEXT NOT NULL,
        row TEXT NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS call_rows_by_cursor ON call_rows (cursor);
    CREATE INDEX IF NOT EXISTS call_rows_by_slowness ON call_rows (slow_cursor);
    CREATE TABLE IF NOT EXISTS call_names (
        kind TEXT NOT NULL, name TEXT NOT NULL,
        conversation_id TEXT NOT NULL REFERENCES call_rows (conversation_id) ON DELETE CASCADE,
        PRIMARY KEY (kind, name, conversation_id)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS call_names_by_call ON call_names (conversation_id);
    CREATE TABLE IF NOT EXISTS exchange_rows (
        conversation_id TEXT NOT NULL REFERENCES call_rows (conversation_id) ON DELETE CASCADE,
        number INTEGER NOT NULL, {", ".join(_COLUMNS)}, PRIMARY KEY (at_ms, conversation_id, number)
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS exchange_rows_by_call ON exchange_rows (conversation_id, number);
    CREATE TABLE IF NOT EXISTS exchange_failures (
        conversation_id TEXT NOT NULL REFERENCES call_rows (conversation_id) ON DELETE CASCADE,
        number INTEGER NOT NULL, stage TEXT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS exchange_failures_by_exchange ON exchange_failures (conversation_id, number);
    CREATE TABLE IF NOT EXISTS exchange_words (
        conversation_id TEXT NOT NULL REFERENCES call_rows (conversation_id) ON DELETE CASCADE,
        number INTEGER NOT NULL, words TEXT NOT NULL, PRIMARY KEY (conversation_id, number)
    ) WITHOUT ROWID
"""
"""Files of earlier servers get these tables, too. They do no harm there if an earlier server opens them again."""
_NAMED = "EXISTS (SELECT 1 FROM call_names n WHERE n.conversation_id = c.conversation_id AND kind = ? AND name = ?)"
_FAILED = "EXISTS (SELECT 1 FROM call_names n WHERE n.conversation_id = c.conversation_id AND kind = 'failure')"
_SAID = """EXISTS (SELECT 1 FROM exchange_words w
    WHERE w.conversation_id = found.conversation_id AND instr(words, ?))"""


class _Run(Protocol):
    def __call__(self, work: Callable[[], Any]) -> Awaitable[Any]: ...


Load = Callable[[sqlite3.Connection, str], Conversation | None]


class SqliteFinder:
    """A Finder in the file of a store, which lends its thread (`run`), its transactions and how it loads."""

    def __init__(
        self, run: _Run, transaction: Transaction, connected: Callable[[], sqlite3.Connection], load: Load
    ) -> None:
        self._run = run
        self._transaction = transaction
        self._connected = connected
        self._load = load

    async def find(self, wanted: Wanted, limit: int, before: str | None = None) -> Found:
        found: Found = await self._run(lambda: self._find(wanted, limit, before))
        return found

    async def figures(self, period: Period) -> Counted:
        counted: Counted = await self._run(lambda: self._figures(period))
        return counted

    async def catch_up(self) -> int:
        return int(await self._run(self._catch_up))

    def add(self, db: sqlite3.Connection, conversation: Conversation, first: int) -> None:
        """The exchanges of the conversation from number `first` on are new, or have changed."""
        row, id_ = call_row(conversation), conversation.id
        if db.execute("SELECT 1 FROM call_rows WHERE conversation_id = ?", [id_]).fetchone() is None:
            first = 0  # an earlier server may have written the exchanges before
        db.execute(
            """INSERT INTO call_rows VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (conversation_id) DO UPDATE SET
            slow_cursor = excluded.slow_cursor, row = excluded.row""",
            [id_, row.cursor, row.slow_cursor, _plain(row.caller), row.transport, encode_row(row)],
        )
        names = {"agent": row.agents, "tool": row.tools, "failure": row.failures}
        pairs = [(kind, _plain(name), id_) for kind, of_kind in names.items() for name in of_kind]
        db.executemany("INSERT OR IGNORE INTO call_names VALUES (?, ?, ?)", pairs)
        new = list(enumerate(conversation.exchanges))[first:]
        for table in ("exchange_failures", "exchange_rows"):
            db.execute(f"DELETE FROM {table} WHERE conversation_id = ? AND number >= ?", [id_, first])
        failed = [(id_, number, stage) for number, each in new for stage in failed_stages(each)]
        db.executemany("INSERT INTO exchange_failures VALUES (?, ?, ?)", failed)
        marks = ", ".join("?" * (2 + len(_COLUMNS)))
        rows = [(id_, number, *map(_plain, astuple(exchange_row(conversation, each)))) for number, each in new]
        db.executemany(f"INSERT INTO exchange_rows VALUES ({marks})", rows)
        words = [(id_, number, _plain(words_of(each))) for number, each in new]
        db.executemany("INSERT OR REPLACE INTO exchange_words VALUES (?, ?, ?)", words)

    def delete(self, db: sqlite3.Connection, conversation_id: str) -> None:
        db.execute("DELETE FROM call_rows WHERE conversation_id = ?", [conversation_id])  # and with it all the others

    def _find(self, wanted: Wanted, limit: int, before: str | None) -> Found:
        """Without a transaction, because that would take the lock of the file."""
        order = "slow_cursor" if wanted.slowest else "cursor"
        where, values = _conditions(wanted, order, before)
        looked = MOST_LOOKED_AT if wanted.word else limit + 1
        inner = f"SELECT conversation_id, {order} AS place, row FROM call_rows c WHERE {where} ORDER BY {order} DESC"
        query = f"SELECT place, row FROM ({inner} LIMIT ?) found"
        if wanted.word:
            query += f" WHERE {_SAID}"
        chosen = [*values, looked, *([folded(wanted.word)] if wanted.word else []), limit + 1]
        found = self._connected().execute(f"{query} ORDER BY place DESC LIMIT ?", chosen).fetchall()
        rows = decode_rows(row for _, row in found[:limit])
        if len(found) > limit:
            return Found(tuple(rows), found[limit - 1][0])
        if not wanted.word:
            return Found(tuple(rows), None)
        last = self._connected().execute(f"{inner} LIMIT 1 OFFSET ?", [*values, looked - 1]).fetchone()
        return Found(tuple(rows), last and last[1])

    def _figures(self, period: Period) -> Counted:
        """Without a transaction, likewise. SQLite counts, and leaves the interpreter to the calls meanwhile."""
        query = "SELECT at_ms FROM exchange_rows WHERE at_ms >= ? AND at_ms < ? ORDER BY at_ms DESC LIMIT 1 OFFSET ?"
        times = [period.since_ms, period.until_ms, MOST_COUNTED]
        if (too_many := self._connected().execute(query, times).fetchone()) is not None:
            period = replace(period, since_ms=too_many[0] + 1)
        tally, width = Tally(period), BUCKET_MS[period.bucket]
        start = f"at_ms / {width} * {width}" if width else str(int(period.since_ms))
        name = period.by or "''"
        key = f"{start} AS start, {name} AS name"
        where, group = "at_ms >= ? AND at_ms < ?", "GROUP BY start, name"
        times, execute = [period.since_ms, period.until_ms], self._connected().execute
        summed = ", ".join(f"sum({counted})" for counted in COUNTED)
        counts = f"count(DISTINCT conversation_id), count(*), {summed}"
        for at, name, calls, exchanges, *sums in execute(
            f"SELECT {key}, {counts} FROM exchange_rows WHERE {where} {group}", times
        ):
            each = tally.sums(at, name)
            each.conversations, each.exchanges = calls, exchanges
            each.counts.update(dict(zip(COUNTED, sums, strict=True)))
        for at, name, stage, count in execute(
            f"""SELECT {key}, stage, count(*) FROM exchange_rows JOIN exchange_failures USING (conversation_id, number)
            WHERE {where} {group}, stage""",
            times,
        ):
            tally.sums(at, name).failures[stage] += count
        for measure in MEASURES:
            bins = f"({measure} + {BIN_MS // 2}) / {BIN_MS}"
            for at, name, bin_, count in execute(
                f"""SELECT {key}, {bins} AS bin, count(*) FROM exchange_rows
                WHERE {where} AND {measure} IS NOT NULL {group}, bin""",
                times,
            ):
                tally.sums(at, name).measures[measure][bin_] += count
        return tally.counted()

    def _catch_up(self) -> int:
        query = """SELECT id, cursor FROM conversations WHERE epoch < ?
            AND NOT EXISTS (SELECT 1 FROM call_rows WHERE conversation_id = id) ORDER BY cursor DESC LIMIT ?"""
        wanted = [DELETED_EPOCH, CAUGHT_UP_AT_ONCE]
        if self._connected().execute(query, wanted).fetchone() is None:
            return 0
        with self._transaction() as db:
            behind = db.execute(query, wanted).fetchall()
            for id_, cursor in behind:
                self.add(db, self._loaded(db, id_, int(cursor.partition("-")[0])), 0)
        return len(behind)

    def _loaded(self, db: sqlite3.Connection, id_: str, created_ms: int) -> Conversation:
        """The conversation, or an empty one if it cannot be read, so that it is not tried again and again."""
        try:
            found = self._load(db, id_)
        except StoreError:
            found = None
        return found or Conversation(id_, "", created_ms, created_ms)


def _conditions(wanted: Wanted, order: str, before: str | None) -> tuple[str, list[object]]:
    """What a row has to be like, and the values for it. The word is not among it."""
    failure = "" if wanted.failure == ANY else wanted.failure
    named = {"agent": wanted.agent, "tool": wanted.tool, "failure": failure}
    conditions: list[tuple[str, Sequence[object]]] = [("1", ())]
    conditions += [(f"c.{order} < ?", [before])] if before is not None else []
    conditions += [("c.cursor >= ?", [f"{wanted.since_ms:013d}"])] if wanted.since_ms is not None else []
    conditions += [("c.cursor < ?", [f"{wanted.until_ms:013d}"])] if wanted.until_ms is not None else []
    conditions += [("c.caller = ?", [wanted.caller])] if wanted.caller else []
    conditions += [("c.transport = ?", [wanted.transport])] if wanted.transport else []
    conditions += [(_FAILED, ())] if wanted.failure == ANY else []
    conditions += [(_NAMED, [kind, name]) for kind, name in named.items() if name]
    return " AND ".join(sql for sql, _ in conditions), [value for _, values in conditions for value in values]


def _plain(value: Any) -> Any:
    return plain(value) if isinstance(value, str) else value
