"""Minutes: what is written down of one call while it goes on, exchange by exchange."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic_ai.messages import ModelMessage

from server.record.conversation import Conversation, Exchange, Said, Standing, tool_uses


@dataclass(frozen=True, slots=True)
class Spell:
    """From when to when somebody spoke, in seconds of the call's clock."""

    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Entry:
    """An exchange on the call's clock: what the caller said, and what they heard of the answer, if anything.

    `messages` tell the same to a model.
    """

    asked: tuple[str, Spell] | None
    answered: tuple[str, Spell] | None
    interrupted: bool
    messages: Sequence[ModelMessage]


class Minutes:
    """Keeps the record of a call up to date. Every change gives a new record to `note`, which never waits."""

    def __init__(
        self,
        record: Conversation,
        note: Callable[[Conversation], None],
        wall_ms: Callable[[], int],
        now_s: Callable[[], float],
    ) -> None:
        """`wall_ms` gives Unix milliseconds, `now_s` the steady clock that spells are counted by."""
        self.record = record
        self._note = note
        self._wall_ms = wall_ms
        self._now_s = now_s

    def connected(self, token_hash: str) -> None:
        """From now on the conversation is resumed by another token."""
        self._keep(self.record.with_token(token_hash, self._wall_ms()))

    def exchanged(self, entry: Entry, agent_state: str, standing: Standing) -> None:
        """An exchange is over."""
        self._keep(self.record.with_exchange(self._written(entry), self._wall_ms(), agent_state, standing))

    def amended(self, entry: Entry) -> None:
        """The last exchange was another one than was thought."""
        self._keep(self.record.with_amended(self._written(entry), self._wall_ms()))

    def left(self, standing: Standing) -> None:
        """The conversation is not over, and nobody here goes on with it."""
        self._keep(self.record.with_standing(standing, self._wall_ms()))

    def ended(self) -> None:
        """The conversation is over, and cannot be resumed."""
        self._keep(self.record.ended(self._wall_ms()))

    def _written(self, entry: Entry) -> Exchange:
        said = []
        if entry.asked is not None:
            said.append(Said("caller", entry.asked[0], *self._offsets(entry.asked[1])))
        tools = tool_uses(entry.messages)
        if entry.answered is not None:
            text, spell = entry.answered
            said.append(Said("agent", text, *self._offsets(spell), entry.interrupted, tools))
        return Exchange(tuple(said), tuple(entry.messages))

    def _offsets(self, spell: Spell) -> tuple[int, int]:
        """In ms since the conversation began."""
        now_s, now_ms = self._now_s(), self._wall_ms() - self.record.created_ms
        start, end = (max(0, now_ms - round((now_s - at_s) * 1000)) for at_s in (spell.start_s, spell.end_s))
        return start, max(start, end)

    def _keep(self, record: Conversation) -> None:
        self.record = record
        self._note(record)
