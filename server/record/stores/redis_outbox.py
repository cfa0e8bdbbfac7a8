"""The outbox in Redis. Every change is a script, because Redis runs a script undivided.

Each address has a sorted set of its lines by the time at which they are due, and a hash of how often the first of each
was tried. A line is a list of postings, each as a text: its id, when it was created, and its body. The set `of` names
the lines of a conversation.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager

from redis.asyncio import Redis

from server.record.outbox import Posting, Taken

FUNCTIONS = """
local box = KEYS[1] .. ':outbox:'
local function due_of(address) return box .. 'due:' .. address end
local function tries_of(address) return box .. 'tries:' .. address end
local function list_of(address, line) return box .. 'line:' .. address .. ':' .. line end
local function lines_of(line) return box .. 'of:' .. string.match(line, '^[^/]*') end
local function id_of(text) return string.match(text or '', '^%S*') end
local function add_line(address, line, due)
  redis.call('ZADD', due_of(address), 'NX', due, line)
  redis.call('SADD', lines_of(line), address .. ' ' .. line)
end
local function drop_line(address, line)
  redis.call('ZREM', due_of(address), line)
  redis.call('HDEL', tries_of(address), line)
  redis.call('DEL', list_of(address, line))
  redis.call('SREM', lines_of(line), address .. ' ' .. line)
end
local function drop_lines(conversation)
  for _, name in ipairs(redis.call('SMEMBERS', lines_of(conversation))) do
    local address, line = string.match(name, '^(%S+) (%S+)$')
    drop_line(address, line)
  end
end
local function add_posting(conversation, address, text, new)
  local list = list_of(address, conversation)
  for _, waiting in ipairs(redis.call('LRANGE', list, -new, -1)) do
    if id_of(waiting) == id_of(text) then return end
  end
  redis.call('RPUSH', list, text)
  add_line(address, conversation, string.match(text, '^%S+ (%S+)'))
end
local function go_on(address, line, due)
  redis.call('LPOP', list_of(address, line))
  if redis.call('LLEN', list_of(address, line)) == 0 then drop_line(address, line) return end
  redis.call('HDEL', tries_of(address), line)
  redis.call('ZADD', due_of(address), due, line)
end
"""
"""For the scripts of the store, too: `add_posting` adds one of `new` postings that come together, unless it waits
already, and `drop_lines` deletes all of a conversation."""
_TAKE = """
local address, taken = ARGV[1], {}
for _, line in ipairs(redis.call('ZRANGEBYSCORE', due_of(address), '-inf', ARGV[2], 'LIMIT', 0, ARGV[4])) do
  local first = redis.call('LINDEX', list_of(address, line), 0)
  if first then
    redis.call('ZADD', due_of(address), ARGV[3], line)
    table.insert(taken, {line, redis.call('HGET', tries_of(address), line) or '0', first})
  else drop_line(address, line) end
end
return taken
"""
_REMOVE = """
local address, line, id = ARGV[1], ARGV[2], ARGV[3]
if id_of(redis.call('LINDEX', list_of(address, line), 0)) == id then go_on(address, line, ARGV[4]) end
"""
_POSTPONE = """
local address, line, id, aside = ARGV[1], ARGV[2], ARGV[3], ARGV[7]
local first = redis.call('LINDEX', list_of(address, line), 0)
if id_of(first) ~= id then return end
if ARGV[6] ~= '' and aside ~= line then
  redis.call('RPUSH', list_of(address, aside), first)
  add_line(address, aside, ARGV[5])
  go_on(address, line, ARGV[6])
  line = aside
end
redis.call('ZADD', due_of(address), ARGV[5], line)
redis.call('HSET', tries_of(address), line, ARGV[4])
"""

Limited = Callable[[], AbstractAsyncContextManager[None]]


class RedisOutbox:
    """An Outbox beside the conversations of a store, which lends its connections and the limit of its operations."""

    def __init__(self, redis: Redis, prefix: str, limited: Limited) -> None:
        self._redis = redis
        self._prefix = prefix
        self._limited = limited
        self._take = redis.register_script(FUNCTIONS + _TAKE)
        self._remove = redis.register_script(FUNCTIONS + _REMOVE)
        self._postpone = redis.register_script(FUNCTIONS + _POSTPONE)

    async def take(self, address: str, now_ms: int, until_ms: int, limit: int) -> Sequence[Taken]:
        async with self._limited():
            rows = await self._take([self._prefix], [address, now_ms, until_ms, limit])
        return [Taken(_posting(address, text), line, int(tries)) for line, tries, text in rows]

    async def remove(self, taken: Taken, now_ms: int) -> None:
        async with self._limited():
            await self._remove([self._prefix], [*_key(taken), now_ms])

    async def postpone(self, taken: Taken, tries: int, due_ms: int, aside_ms: int | None = None) -> None:
        aside = "" if aside_ms is None else aside_ms
        async with self._limited():
            await self._postpone([self._prefix], [*_key(taken), tries, due_ms, aside, taken.aside_line])

    async def waiting(self, address: str) -> int:
        async with self._limited():
            return int(await self._redis.zcard(f"{self._prefix}:outbox:due:{address}"))


def posting_arguments(postings: Sequence[Posting]) -> list[str]:
    """The address and the text of each posting."""
    texts = [(each.address, f"{each.id} {each.created_ms} {each.body}") for each in postings]
    return [part.encode("utf-8", "replace").decode() for pair in texts for part in pair]


def _posting(address: str, text: str) -> Posting:
    id_, created_ms, body = text.split(" ", 2)
    return Posting(address, id_, int(created_ms), body)


def _key(taken: Taken) -> list[str]:
    return [taken.posting.address, taken.line, taken.posting.id]
