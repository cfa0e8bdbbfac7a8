"""OneUse: tokens that begin one call only, on all servers that share a store.

A token is used up when its call stands, so when it has its first connection. A set-up that fails may be tried again at
the same server, also by another way: a client whose WebRTC does not get through calls by WebSocket.
"""

from typing import Protocol

from server.call.caller import Caller
from server.errors import InvalidToken
from server.record.conversation import hash_token

MOST_UNPROVEN = 1_000
"""How many tokens whose call does not stand yet are remembered. The oldest are forgotten first: they begin none."""
KEPT_MS = 3_600_000
"""How much longer than the token is good the store remembers it, because the clocks of machines differ."""


class Spending(Protocol):
    """Remembers which tokens were used."""

    async def spend(self, token_id: str, until_ms: int) -> bool:
        """Use a token up; True for the first one who asks. Remembered until then, in Unix ms. Raises StoreError."""


class OneUse:
    """The one-use tokens that have come to this server."""

    def __init__(self, store: Spending) -> None:
        self._store = store
        self._unproven: dict[str, None] = {}
        """The tokens that were spent by this server, and whose calls do not stand yet; the oldest is first."""

    async def begin(self, caller: Caller) -> None:
        """Let the caller begin a call. Raises InvalidToken if the token has begun one, and StoreError."""
        if not caller.once or (token := _token(caller)) in self._unproven:
            return
        if not await self._store.spend(token, caller.good_until_ms + KEPT_MS):
            raise InvalidToken("The token has begun a call already, and it begins only one.")
        self._unproven[token] = None
        if len(self._unproven) > MOST_UNPROVEN:
            del self._unproven[next(iter(self._unproven))]

    def stands(self, caller: Caller) -> bool:
        """The call that the caller began has its first connection. False if another one with the same token has."""
        token = _token(caller)
        if caller.once and token not in self._unproven:
            return False
        self._unproven.pop(token, None)
        return True


def _token(caller: Caller) -> str:
    """The name of a token in the store: its id, which is unique for the callers of one maker of tokens."""
    return hash_token(caller.once, caller.name)
