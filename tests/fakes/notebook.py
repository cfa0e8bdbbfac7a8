"""A store for the sessions of tests: it keeps every record in memory."""

import asyncio
import itertools

from server.record.conversation import Conversation
from server.record.minutes import Minutes

WALL_MS = 1_700_000_000_000


class Notebook:
    """A store that cannot fail. `records` has the newest record of each conversation, `written` has all records.

    An operation takes `delay_s`. `reads` and `claims` count the questions about a token, and the claims.
    """

    def __init__(self, delay_s: float = 0.0) -> None:
        self.delay_s = delay_s
        self.reads = self.claims = 0
        self.records: dict[str, Conversation] = {}
        self.written: list[Conversation] = []
        self.spent: set[str] = set()
        self._numbers = itertools.count(1)

    def note(self, record: Conversation) -> None:
        self.records[record.id] = record
        self.written.append(record)

    def minutes(self, session_id: str | None = None, record: Conversation | None = None, caller: str = "") -> Minutes:
        """The Minutes of a new call, or of a call that has `record` already."""
        loop = asyncio.get_running_loop()
        now_ms = self.wall_ms()
        record = record or Conversation(
            session_id or f"call-{next(self._numbers)}", "Test", now_ms, now_ms, caller=caller
        )
        return Minutes(record, self.note, self.wall_ms, loop.time)

    def wall_ms(self) -> int:
        return WALL_MS + round(asyncio.get_running_loop().time() * 1000)

    async def holds(self, conversation_id: str, token_hash: str) -> bool:
        self.reads += 1
        await asyncio.sleep(self.delay_s)
        record = self.records.get(conversation_id)
        return record is not None and record.token_hash == token_hash

    async def spend(self, token_id: str, until_ms: int) -> bool:
        used = token_id in self.spent
        self.spent.add(token_id)
        return not used

    async def claim(self, conversation_id: str, token_hash: str, new_token_hash: str) -> Conversation | None:
        self.claims += 1
        await asyncio.sleep(self.delay_s)
        record = self.records.get(conversation_id)
        return record if record is not None and record.token_hash == token_hash else None
