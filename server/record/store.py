"""Store: where conversations rest between calls, and after them."""

from collections.abc import Sequence
from typing import Protocol

from server.record.conversation import Conversation, Summary


class Store(Protocol):
    """Conversations by id. Every method raises StoreError within a few seconds when the store cannot be had."""

    async def save(self, conversation: Conversation) -> bool:
        """Write what is new in the record; True when this record or a later one of its epoch is there.

        False, and nothing is written: another server has taken the conversation over, or it was deleted.
        """

    async def claim(self, conversation_id: str, token_hash: str, new_token_hash: str) -> Conversation | None:
        """Take the conversation over with its token, which is used up: from now on it has the new one and a new epoch.

        None when the token is not the present one; whether there is such a conversation is not told. Of several who
        claim at once with the same token one succeeds. The one who did may ask again with the same two hashes.
        """

    async def load(self, conversation_id: str) -> Conversation | None: ...

    async def page(self, limit: int, before: str | None = None) -> Sequence[Summary]:
        """The newest conversations, or the newest before the cursor of one, newest first."""

    async def delete(self, conversation_id: str) -> bool:
        """Forget the conversation for good, also if a call still saves it; False when there is none."""

    async def sweep(self, before_ms: int) -> int:
        """Forget conversations that were last updated before then; returns how many."""
