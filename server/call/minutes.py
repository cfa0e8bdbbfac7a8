"""Minutes: what is written down of one call while it goes on, exchange by exchange."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pydantic_ai.messages import ModelMessage

from server.call.conversation import Conversation, Exchange, Said, tool_uses


@dataclass(frozen=True, slots=True)
class Spell:
    """From when to when somebody spoke, in seconds of the call's clock; None for an end that is now."""

    start_s: float
    end_s: float | None = None


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

    def exchanged(
        self,
        asked: tuple[str, Spell] | None,
        answered: tuple[str, Spell] | None,
        interrupted: bool,
        messages: Sequence[ModelMessage],
        agent_state: str,
    ) -> None:
        """What the caller said and what they heard of the answer; `messages` tell the same to a model."""
        said = []
        if asked is not None:
            said.append(Said("caller", asked[0], *self._offsets(asked[1])))
        tools = tool_uses(messages)
        if answered is not None:
            said.append(Said("agent", answered[0], *self._offsets(answered[1]), interrupted, tools))
        self._keep(self.record.with_exchange(Exchange(tuple(said), tuple(messages)), self._wall_ms(), agent_state))

    def ended(self) -> None:
        """The conversation is over, and cannot be resumed."""
        self._keep(self.record.ended(self._wall_ms()))

    def _offsets(self, spell: Spell) -> tuple[int, int]:
        """In ms since the conversation began."""
        now_s, now_ms = self._now_s(), self._wall_ms() - self.record.created_ms
        end_s = now_s if spell.end_s is None else spell.end_s
        start, end = (max(0, now_ms - round((now_s - at_s) * 1000)) for at_s in (spell.start_s, end_s))
        return start, max(start, end)

    def _keep(self, record: Conversation) -> None:
        self.record = record
        self._note(record)
