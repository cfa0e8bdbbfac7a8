"""The finder in Redis. It looks through the rows of conversations, a few hundred at a time.

The hash of a conversation has its row as JSON. Two more hashes have, by the number of each exchange, the row of the
exchange, and its words as they are searched. Nothing else is kept for searching, so what is found is never out of date.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Any

from pydantic_core import to_json
from redis.asyncio import Redis

from server.errors import StoreError
from server.record.conversation import Conversation
from server.record.query import ANY, MOST_LOOKED_AT, CallRow, Counted, Found, Period, Wanted, folded
from server.record.rows import call_row, matches, words_of
from server.record.stores.codec import decode_exchange_rows, decode_rows, encode_exchange_row, encode_row, plain
from server.record.tally import Tally

AT_ONCE = 500
"""How many conversations one step looks at. Redis serves nobody else during a step of some milliseconds, and the loop
serves calls between the steps."""

_ROWS = """
local names, rows = tonumber(ARGV[1]), {}
for i = names + 2, #ARGV do
  local row = redis.call('HGET', KEYS[1] .. ':conversation:' .. ARGV[i], 'row')
  for name = 2, names + 1 do
    row = row and string.find(row, ARGV[name], 1, true) and row
  end
  if row then rows[#rows + 1] = row end
end
return table.concat(rows, ',')
"""
"""Those of the rows that have all of ARGV[1] names somewhere, so that few have to be read here."""
_SAYING = """
local found = {}
for i = 2, #ARGV do
  for _, words in ipairs(redis.call('HVALS', KEYS[1] .. ':conversation:' .. ARGV[i] .. ':words')) do
    if string.find(words, ARGV[1], 1, true) then found[#found + 1] = ARGV[i] break end
  end
end
return found
"""
"""Those of the conversations in which ARGV[1] was said."""
_EXCHANGES = """
local found = {}
for i, id in ipairs(ARGV) do
  found[i] = table.concat(redis.call('HVALS', KEYS[1] .. ':conversation:' .. id .. ':rows'), ',')
end
return found
"""
_BEHIND = """
local behind = {}
for _, id in ipairs(ARGV) do
  local conversation = KEYS[1] .. ':conversation:' .. id
  if redis.call('HEXISTS', conversation, 'header') == 1
    and (redis.call('HEXISTS', conversation, 'row') == 0
      or redis.call('HLEN', conversation .. ':rows') ~= redis.call('LLEN', conversation .. ':exchanges')) then
    behind[#behind + 1] = id
  end
end
return behind
"""
_CATCH_UP = """
local conversation = KEYS[1] .. ':conversation:' .. ARGV[1]
if redis.call('HGET', conversation, 'revision') ~= ARGV[2] then return 0 end
redis.call('HSET', conversation, 'row', ARGV[3])
for i = 4, #ARGV, 2 do
  redis.call('HSET', conversation .. ':rows', (i - 4) / 2, ARGV[i])
  redis.call('HSET', conversation .. ':words', (i - 4) / 2, ARGV[i + 1])
end
return 1
"""

Limited = Callable[[], AbstractAsyncContextManager[None]]
Load = Callable[[str], Awaitable[Conversation | None]]


class RedisFinder:
    """A Finder beside the conversations of a store, which lends its connections, the limit of its operations, and how
    it loads."""

    def __init__(self, redis: Redis, prefix: str, limited: Limited, load: Load) -> None:
        self._redis = redis
        self._prefix = prefix
        self._limited = limited
        self._load = load
        self._rows = redis.register_script(_ROWS)
        self._saying = redis.register_script(_SAYING)
        self._exchanges = redis.register_script(_EXCHANGES)
        self._behind = redis.register_script(_BEHIND)
        self._catch_up = redis.register_script(_CATCH_UP)

    async def find(self, wanted: Wanted, limit: int, before: str | None = None) -> Found:
        """The slowest are those of the newest `MOST_LOOKED_AT` conversations."""
        newest = before if before is not None and not wanted.slowest else _cursor_at(wanted.until_ms)
        found: list[CallRow] = []
        looked = 0
        failure = "" if wanted.failure == ANY else wanted.failure
        names = [name for name in (wanted.agent, wanted.caller, wanted.transport, wanted.tool, failure) if name]
        async for cursors in self._newest(newest, wanted.since_ms):
            looked += len(cursors)
            rows = [row for row in await self._rows_of(cursors, names) if matches(row, wanted)]
            found += await self._said(wanted.word, rows)
            if not wanted.slowest and len(found) > limit:
                return Found(tuple(found[:limit]), found[limit - 1].cursor)
            if looked >= MOST_LOOKED_AT:
                break
        if not wanted.slowest:
            return Found(tuple(found), cursors[-1] if looked >= MOST_LOOKED_AT else None)
        slow = sorted((row for row in found if before is None or row.slow_cursor < before), key=_slowness, reverse=True)
        return Found(tuple(slow[:limit]), slow[limit - 1].slow_cursor if len(slow) > limit else None)

    async def figures(self, period: Period) -> Counted:
        end = _cursor_at(period.until_ms)
        async with self._limited():
            by_update = f"{self._prefix}:by-update"
            found: Any = await self._redis.zrange(
                by_update, "+inf", period.since_ms, byscore=True, desc=True, offset=0, num=MOST_LOOKED_AT + 1,
                withscores=True,
            )  # fmt: skip
        if len(found) > MOST_LOOKED_AT:
            period = replace(period, since_ms=int(found[-1][1]) + 1)
        tally = Tally(period)
        cursors = [str(cursor) for cursor, _ in found]
        ids = [_id(cursor) for cursor in cursors if end is None or cursor < end]
        for at in range(0, len(ids), AT_ONCE):
            for text in await self._run(self._exchanges, *ids[at : at + AT_ONCE]):
                tally.add_conversation(decode_exchange_rows(text))
                await asyncio.sleep(0)  # so the loop serves calls between conversations
        return tally.counted()

    async def catch_up(self) -> int:
        async for cursors in self._newest(None, None):
            behind = await self._run(self._behind, *map(_id, cursors))
            if caught_up := sum([await self._catch_up_with(each) for each in behind]):
                return caught_up
        return 0

    async def _catch_up_with(self, conversation_id: str) -> int:
        """Returns 0 when a call has written the conversation meanwhile, or when it cannot be read."""
        try:
            kept = await self._load(conversation_id)
        except StoreError:
            kept = None
        if kept is None:
            return 0
        pairs = [(encode_exchange_row(kept, each), plain(words_of(each))) for each in kept.exchanges]
        parts = [part for pair in pairs for part in pair]
        return int(await self._run(self._catch_up, conversation_id, kept.revision, encode_row(call_row(kept)), *parts))

    async def _newest(self, before: str | None, since_ms: int | None) -> AsyncIterator[list[str]]:
        """The cursors of conversations, some at a time, the newest first."""
        oldest = "-" if since_ms is None else f"[{_cursor_at(since_ms)}"
        while True:
            start = "+" if before is None else f"({before}"
            async with self._limited():
                cursors: Any = await self._redis.zrange(
                    f"{self._prefix}:by-age", start, oldest, desc=True, bylex=True, offset=0, num=AT_ONCE
                )
            if cursors:
                yield cursors
            if len(cursors) < AT_ONCE:
                return
            before = cursors[-1]

    async def _rows_of(self, cursors: Sequence[str], names: Sequence[str]) -> list[CallRow]:
        """The rows in which all these names are."""
        written = [to_json(plain(name)).decode() for name in names]
        text = await self._run(self._rows, len(names), *written, *map(_id, cursors))
        await asyncio.sleep(0)
        return decode_rows([text] if text else [])

    async def _said(self, word: str, rows: list[CallRow]) -> list[CallRow]:
        """Those of the conversations in which the word was said."""
        if not word or not rows:
            return rows
        found = set(await self._run(self._saying, plain(folded(word)), *(row.id for row in rows)))
        return [row for row in rows if row.id in found]

    async def _run(self, script: Callable[..., Awaitable[Any]], *arguments: str | int) -> Any:
        async with self._limited():
            return await script([self._prefix], arguments)


def _id(cursor: str) -> str:
    return cursor.partition("-")[2]


def _cursor_at(ms: int | None) -> str | None:
    """What all cursors of conversations before this moment are less than."""
    return None if ms is None else f"{max(0, ms):013d}"


def _slowness(row: CallRow) -> str:
    return row.slow_cursor
