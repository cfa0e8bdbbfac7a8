"""A store in Redis, which several servers can share. Changes that must be atomic are scripts, because Redis runs a
script undivided.

Each conversation has a hash, with the header and the fields that are compared, and a list of exchanges. Two sorted sets
order the conversations by age and by last update. The outbox is described in redis_outbox.py, and what is searched in
redis_finder.py. A one-use token that was used has a key that expires. Needs Redis 6.2 or later.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from redis.asyncio import Redis

from server.errors import StoreError
from server.record.conversation import Conversation
from server.record.outbox import Posting
from server.record.rows import call_row, words_of
from server.record.stores.codec import (
    DELETED_EPOCH,
    Stored,
    decode_exchange,
    decode_header,
    encode_exchange,
    encode_exchange_row,
    encode_header,
    encode_row,
    plain,
)
from server.record.stores.redis_client import FAILURES, OPERATION_S, key_prefix, redis_client
from server.record.stores.redis_finder import RedisFinder
from server.record.stores.redis_outbox import FUNCTIONS, RedisOutbox, posting_arguments

DELETED_S = 24 * 3600
"""How long Redis remembers that a conversation was deleted, so that no call writes it again: longer than any call."""
SWEEP_AT_ONCE = 100
"""How many conversations one step of a sweep looks at. Redis serves nobody else during a step, so steps are short."""

_FIELDS = ("header", "epoch", "revision", "token_hash")
_NAMES = """
local conversation = KEYS[1] .. ':conversation:' .. ARGV[1]
local exchanges = conversation .. ':exchanges'
local rows, words = conversation .. ':rows', conversation .. ':words'
local by_age, by_update = KEYS[1] .. ':by-age', KEYS[1] .. ':by-update'
"""
_RECORD = """
return {redis.call('HMGET', conversation, 'header', 'epoch', 'revision', 'token_hash'),
        redis.call('LRANGE', exchanges, 0, -1)}
"""
_SAVE = """
local epoch, revision, known = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[8])
local postings, first = 11 + 2 * ARGV[9], math.max(0, known - 1)
local present = redis.call('HMGET', conversation, 'epoch', 'revision')
if present[1] and tonumber(present[1]) > epoch then return 'no' end
if present[1] and tonumber(present[1]) == epoch and tonumber(present[2]) >= revision then return 'yes' end
if redis.call('LLEN', exchanges) ~= known then return 'again' end
redis.call('HSET', conversation, 'epoch', ARGV[2], 'revision', ARGV[3], 'header', ARGV[4], 'cursor', ARGV[6],
           'row', ARGV[10])
if ARGV[5] == '' then redis.call('HDEL', conversation, 'token_hash')
else redis.call('HSET', conversation, 'token_hash', ARGV[5]) end
redis.call('ZADD', by_age, 0, ARGV[6])
redis.call('ZADD', by_update, ARGV[7], ARGV[6])
for i = 11, postings - 1, 2 do add_posting(ARGV[1], ARGV[i], ARGV[i + 1], ARGV[9]) end
for i = postings, #ARGV, 3 do
  local number = first + (i - postings) / 3
  if number < known then redis.call('LSET', exchanges, number, ARGV[i])
  else redis.call('RPUSH', exchanges, ARGV[i]) end
  redis.call('HSET', rows, number, ARGV[i + 1])
  redis.call('HSET', words, number, ARGV[i + 2])
end
return 'yes'
"""
_CLAIM = """
local present = redis.call('HGET', conversation, 'token_hash')
if present == ARGV[2] then
  local now, epoch = redis.call('TIME'), redis.call('HGET', conversation, 'epoch')
  epoch = math.max(epoch + 1, now[1] * 1000000 + now[2])
  redis.call('HSET', conversation, 'token_hash', ARGV[3], 'epoch', string.format('%.0f', epoch), 'holder', ARGV[4])
elseif present ~= ARGV[3] then return false end
"""
"""The epoch is the time in microseconds, and not one more than before: a failover may lose a claim that was answered.
The server that claims next must not get the epoch of the first one, or both could write."""
_DELETE = """
local cursor = redis.call('HGET', conversation, 'cursor')
if not cursor then return 0 end
redis.call('DEL', conversation, exchanges, rows, words)
drop_lines(ARGV[1])
redis.call('HSET', conversation, 'epoch', ARGV[2], 'revision', 0)
redis.call('EXPIRE', conversation, ARGV[3])
redis.call('ZREM', by_age, cursor)
redis.call('ZREM', by_update, cursor)
return 1
"""
_SWEEP = """
local updated = redis.call('ZSCORE', by_update, ARGV[2])
if not updated or tonumber(updated) >= tonumber(ARGV[3]) then return 0 end
redis.call('ZREM', by_age, ARGV[2])
redis.call('ZREM', by_update, ARGV[2])
redis.call('DEL', exchanges, rows, words)
drop_lines(ARGV[1])
return redis.call('DEL', conversation)
"""


class RedisStore:
    """A Store at `url`, as `redis_client` takes it. Its keys begin with `prefix`, in a cluster in braces.

    An operation may take `limit_s`. Raises ConfigError when `url` is not valid.
    """

    def __init__(self, url: str, prefix: str = "antiphon", limit_s: float = OPERATION_S, holder: str = "") -> None:
        """`holder` is the name of this server in a cluster."""
        self._redis = redis_client(url, limit_s)
        self._prefix = key_prefix(url, prefix)
        self._limit_s = limit_s
        self._holder = holder
        self._save = self._redis.register_script(_NAMES + FUNCTIONS + _SAVE)
        self._claim = self._redis.register_script(_NAMES + _CLAIM + _RECORD)
        self._load = self._redis.register_script(_NAMES + _RECORD)
        self._delete = self._redis.register_script(_NAMES + FUNCTIONS + _DELETE)
        self._sweep = self._redis.register_script(_NAMES + FUNCTIONS + _SWEEP)
        self.outbox = RedisOutbox(self._redis, self._prefix, self._limited)
        self.finder = RedisFinder(self._redis, self._prefix, self._limited, self.load)

    @property
    def redis(self) -> Redis:
        """What the store speaks with Redis by. It decodes answers to str."""
        return self._redis

    @property
    def prefix(self) -> str:
        """With what all keys begin that belong to this store's servers."""
        return self._prefix

    async def close(self) -> None:
        """Close the connections to Redis; idempotent."""
        async with self._limited():
            await self._redis.aclose()

    async def save(self, conversation: Conversation, postings: Sequence[Posting] = ()) -> bool:
        saved = "again"
        async with self._limited():
            while saved == "again":  # another server wrote between the two steps: this happens only at a takeover
                known = int(await self._redis.llen(f"{self._key(conversation.id)}:exchanges"))
                saved = await self._save([self._prefix], self._arguments(conversation, postings, known))
        return saved == "yes"

    async def holds(self, conversation_id: str, token_hash: str) -> bool:
        async with self._limited():
            return bool(await self._redis.hget(self._key(conversation_id), "token_hash") == token_hash)

    async def claim(self, conversation_id: str, token_hash: str, new_token_hash: str) -> Conversation | None:
        async with self._limited():
            return await _record(
                await self._claim([self._prefix], [conversation_id, token_hash, new_token_hash, self._holder])
            )

    async def holder(self, conversation_id: str) -> str:
        """The name of the worker that took the conversation over last; "" if none has, so that it is where it began."""
        async with self._limited():
            return str(await self._redis.hget(self._key(conversation_id), "holder") or "")

    async def spend(self, token_id: str, until_ms: int) -> bool:
        async with self._limited():
            return bool(await self._redis.set(f"{self._prefix}:spent:{token_id}", "1", nx=True, pxat=until_ms))

    async def load(self, conversation_id: str) -> Conversation | None:
        async with self._limited():
            return await _record(await self._load([self._prefix], [conversation_id]))

    async def delete(self, conversation_id: str) -> bool:
        async with self._limited():
            return bool(await self._delete([self._prefix], [conversation_id, DELETED_EPOCH, DELETED_S]))

    async def sweep(self, before_ms: int) -> int:
        swept = 0
        while True:
            async with self._limited():
                cursors = await self._redis.zrange(
                    f"{self._prefix}:by-update", "-inf", f"({before_ms}", byscore=True, offset=0, num=SWEEP_AT_ONCE
                )
                for cursor in cursors:
                    swept += await self._sweep([self._prefix], [_id(cursor), str(cursor), before_ms])
            if len(cursors) < SWEEP_AT_ONCE:
                return swept

    @asynccontextmanager
    async def _limited(self) -> AsyncIterator[None]:
        """Raises StoreError when Redis fails inside the block, or when the block takes longer than the limit."""
        try:
            async with asyncio.timeout(self._limit_s):
                yield
        except FAILURES as exc:
            raise StoreError("The store of conversations is not available.") from exc

    def _key(self, conversation_id: str) -> str:
        return f"{self._prefix}:conversation:{conversation_id}"

    @staticmethod
    def _arguments(conversation: Conversation, postings: Sequence[Posting], known: int) -> list[str | int]:
        """The arguments of the script `_SAVE`. `known` is how many exchanges Redis has; it gets the last of them again,
        because that one may have changed."""
        return [
            conversation.id, conversation.epoch, conversation.revision, encode_header(conversation),
            conversation.token_hash or "", conversation.cursor, conversation.updated_ms, known,
            len(postings), encode_row(call_row(conversation)), *posting_arguments(postings),
            *(part for each in conversation.exchanges[max(0, known - 1) :] for part in (
                encode_exchange(each), encode_exchange_row(conversation, each), plain(words_of(each)))),
        ]  # fmt: skip


async def _record(answer: list[list[str]] | None) -> Conversation | None:
    """The conversation in the answer of a script. A long one takes milliseconds to decode, so the loop serves calls
    between its exchanges."""
    if answer is None or not answer[0][0]:
        return None
    fields, texts = answer
    exchanges = []
    for text in texts:
        exchanges.append(decode_exchange(text))
        await asyncio.sleep(0)
    return replace(decode_header(_stored(fields)), exchanges=tuple(exchanges))


def _stored(fields: Sequence[str]) -> Stored:
    header, epoch, revision, token_hash = fields
    return Stored(header, int(epoch), int(revision), token_hash)


def _id(cursor: object) -> str:
    """The id of the conversation that a member of the sorted sets stands for."""
    return str(cursor).partition("-")[2]
