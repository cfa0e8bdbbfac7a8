"""What waits in a store to be told to other systems, and what a store does with it.

Each address has a line of its own for each conversation. The first of a line is delivered before the others, so each
address hears of a conversation in order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Posting:
    """One thing to be told to one address. It is written together with the record of its conversation."""

    address: str
    """The address by a short name, without spaces. The same address has the same name on every server."""
    id: str
    """The same for every address, and unique otherwise. Has no spaces."""
    created_ms: int
    """When it happened, in Unix milliseconds."""
    body: str


@dataclass(frozen=True, slots=True)
class Taken:
    """The first posting of a line. Nobody else takes from this line until the time that `Outbox.take` was given."""

    posting: Posting
    line: str
    tries: int
    """How often it was tried before."""

    @property
    def conversation_id(self) -> str:
        return self.line.partition("/")[0]

    @property
    def aside(self) -> bool:
        """It has left the line of its conversation, so that it does not hold the others up."""
        return "/" in self.line

    @property
    def aside_line(self) -> str:
        """The line that it has for itself alone, beside that of its conversation."""
        return self.line if self.aside else f"{self.line}/{self.posting.id}"


class Outbox(Protocol):
    """The postings in a store. `Store.save` adds them. `Store.delete` and `Store.sweep` delete those of conversations
    that they delete. Every method raises StoreError within a few seconds when the store is not available.

    Times are Unix milliseconds.
    """

    async def take(self, address: str, now_ms: int, until_ms: int, limit: int) -> Sequence[Taken]:
        """The first postings of at most `limit` lines that are due at `now_ms`. Until `until_ms` they are taken."""

    async def remove(self, taken: Taken, now_ms: int) -> None:
        """The posting is delivered or given up: the next one of its line is due now.

        Nothing happens if another server has removed it already.
        """

    async def postpone(self, taken: Taken, tries: int, due_ms: int, aside_ms: int | None = None) -> None:
        """The posting was tried so often, and is due again at `due_ms`.

        With `aside_ms` it leaves the line of its conversation, of which the next posting is due at `aside_ms` then.
        Nothing happens if another server has removed it already.
        """

    async def waiting(self, address: str) -> int:
        """How many lines wait for this address."""
