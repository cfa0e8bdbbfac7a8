"""Elsewhere: which calls of a worker that drains may move now, because they are saved and another worker has room."""

import asyncio
from collections.abc import Callable

from server.cluster.member import Member

COUNT_S = 3.0
"""How often the free places of the others are counted. A client that is told to connect again does so within two
seconds, and its new worker announces that within one. So a call that has moved is in the next count, and until then its
place is not given to another one."""


class Elsewhere:
    """The other workers, as a place for calls. Needs a running event loop."""

    def __init__(self, member: Member, saved: Callable[[str], bool]) -> None:
        """`saved` tells of a conversation whether all that was said in it is in the store."""
        self._member = member
        self._saved = saved
        self._now = asyncio.get_running_loop().time
        self._counted_s = -COUNT_S
        self._free = 0

    async def look(self) -> None:
        """Count the free places, if that was not done lately. Takes as long as Redis, 2 s at most."""
        if self._now() - self._counted_s >= COUNT_S:
            ready = await self._member.ready()
            self._free = sum(max(0, worker.places - worker.calls) for worker in ready)
            self._counted_s = self._now()

    def takes(self, conversation_id: str) -> bool:
        """Whether this call may move now. Then its place is taken."""
        if self._free <= 0 or not self._saved(conversation_id):
            return False
        self._free -= 1
        return True
