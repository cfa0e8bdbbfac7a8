"""What a store can tell about many conversations together."""

from typing import Protocol

from server.record.query import Counted, Found, Period, Wanted


class Finder(Protocol):
    """The conversations in a store. `Store.save` adds what is searched here, and `delete` and `sweep` delete it.

    Every method raises StoreError when the store is not available.
    """

    async def find(self, wanted: Wanted, limit: int, before: str | None = None) -> Found:
        """The first `limit` conversations that are wanted, or those after the cursor `before` (`Found.next`)."""

    async def figures(self, period: Period) -> Counted:
        """How the exchanges of the period went."""

    async def catch_up(self) -> int:
        """Prepare some conversations of earlier servers for being found. Returns how many; 0 when none is left."""
