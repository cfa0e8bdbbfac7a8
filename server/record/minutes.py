"""Minutes: the record of one call while it goes on, brought up to date exchange by exchange."""

from collections.abc import Callable
from dataclasses import replace

from server.record.conversation import Conversation, Exchange, Standing
from server.record.orders import Orders
from server.record.used import Used


class Minutes:
    """Keeps the record of a call up to date. Every change gives a new record to `note`, which never waits."""

    def __init__(
        self,
        record: Conversation,
        note: Callable[[Conversation], None],
        wall_ms: Callable[[], int],
        now_s: Callable[[], float],
    ) -> None:
        """`wall_ms` gives Unix milliseconds; `now_s` is the steady clock of the call, in seconds."""
        self.record = record
        self._note = note
        self._wall_ms = wall_ms
        self._now_s = now_s
        self._has_left = False

    def offset_ms(self, at_s: float) -> int:
        """A moment of the call's clock as milliseconds since the conversation began; never below 0."""
        now_ms = self._wall_ms() - self.record.created_ms
        return max(0, now_ms - round((self._now_s() - at_s) * 1000))

    def connected(self, token_hash: str) -> None:
        """From now on another token resumes the conversation."""
        self._keep(self.record.with_token(token_hash, self._wall_ms()))

    def exchanged(self, exchange: Exchange, agent_state: str, standing: Standing) -> None:
        """An exchange is over."""
        self._keep(self.record.with_exchange(exchange, self._wall_ms(), agent_state, standing))

    def amended(self, exchange: Exchange, agent_state: str) -> None:
        """The caller heard less of the last exchange than was written down, or a tool of it has returned.

        When another server may have gone on with the conversation, it is too late for that.
        """
        if not self._has_left:
            self._keep(self.record.with_amended(exchange, self._wall_ms(), agent_state))

    def refined(self, exchange: Exchange) -> None:
        """Something was measured that belongs to the last exchange. It is written down with the next change."""
        if not self._has_left:
            self.record = replace(self.record, exchanges=(*self.record.exchanges[:-1], exchange))

    def ordered(self, orders: Orders) -> None:
        """An operator or a tool has told the agent something. Where the conversation stands otherwise is not known in
        the middle of an exchange, and stays as it was written."""
        if not self._has_left and self.record.ended_ms is None:
            self._keep(self.record.with_standing(replace(self.record.standing, orders=orders), self._wall_ms()))

    def handed_over(self, agent_state: str, standing: Standing) -> None:
        """Another agent goes on with the conversation, in this state."""
        self._keep(self.record.with_agent(agent_state, standing, self._wall_ms()))

    def left(self, standing: Standing) -> None:
        """The conversation is not over, but nobody here goes on with it."""
        self._keep(self.record.with_standing(standing, self._wall_ms()))
        self._has_left = True

    def ended(self) -> None:
        """The conversation is over, and cannot be resumed."""
        self._keep(self.record.ended(self._wall_ms()))

    def closed(self, reason: str, used: Used) -> None:
        """The conversation is over for this reason, and so is all that it had started. It has `used` this."""
        self._keep(self.record.closed(reason, used, self._wall_ms()))

    def _keep(self, record: Conversation) -> None:
        self.record = record
        self._note(record)
