"""What a store of conversations can do. It keeps them between calls and after them."""

from collections.abc import Sequence
from typing import Protocol

from server.record.conversation import Conversation
from server.record.finder import Finder
from server.record.outbox import Outbox, Posting


class Store(Protocol):
    """Conversations by id. Every method raises StoreError within a few seconds when the store is not available."""

    @property
    def outbox(self) -> Outbox:
        """What waits to be told to other systems."""

    @property
    def finder(self) -> Finder:
        """Lists, searches and counts the conversations."""

    async def save(self, conversation: Conversation, postings: Sequence[Posting] = ()) -> bool:
        """Write what is new in the record, and `postings` into the outbox: both or neither.

        True when the store has this record, or a later one of its epoch. False when another server has taken the
        conversation over, or it was deleted. Then nothing is written.
        """

    async def holds(self, conversation_id: str, token_hash: str) -> bool:
        """Whether this is the present token of the conversation, so that a claim with it would succeed. Only reads."""

    async def claim(self, conversation_id: str, token_hash: str, new_token_hash: str) -> Conversation | None:
        """Take the conversation over with its token. It then has the new token and a new epoch; the old token is used
        up.

        None when the token is not the present one, or when there is no such conversation: the answer does not tell
        which. When several servers claim with the same token at once, one of them succeeds. That one may repeat the
        claim with the same two hashes.
        """

    async def spend(self, token_id: str, until_ms: int) -> bool:
        """Use up a token that begins one call only. True for the first server that asks, and False for all others.

        The store remembers it until `until_ms` (Unix milliseconds) at least.
        """

    async def load(self, conversation_id: str) -> Conversation | None: ...

    async def delete(self, conversation_id: str) -> bool:
        """Delete the conversation and its postings for ever, even if a call still saves it. False if there is none."""

    async def sweep(self, before_ms: int) -> int:
        """Delete conversations that were last updated before `before_ms`, and their postings. Returns how many
        conversations."""
