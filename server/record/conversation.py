"""Conversation: what is kept of a call: who said what and when, the agent's messages and state, who may go on with it.

A record is never changed: the methods `with_…` and `ended` give the next one. Times are Unix
milliseconds in UTC, handed in; offsets count from `created_ms`.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter
from pydantic_ai.messages import ModelMessage, ToolCallPart, ToolReturnPart

ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""What may name a conversation: it becomes a part of paths, file names and keys."""


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool that ran: its arguments as JSON, and its result as the model saw it."""

    name: str
    arguments: str
    result: str


@dataclass(frozen=True, slots=True)
class Said:
    """One stretch of speech: the caller's as it was understood, the agent's as far as it was heard."""

    who: Literal["caller", "agent"]
    text: str
    start_ms: int
    end_ms: int
    interrupted: bool = False
    tools: tuple[ToolUse, ...] = ()


@dataclass(frozen=True, slots=True)
class Exchange:
    """An utterance and its reply, or what the agent said unasked; `messages` are the model's view of the same."""

    said: tuple[Said, ...]
    messages: tuple[ModelMessage, ...] = ()

    __pydantic_config__ = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the talking stands, for whoever goes on with it."""

    utterance: int = 0
    """The last number that an utterance was given."""
    reply: int = 0
    """The last number that an answer was given."""
    unsaid: str = ""
    """What the agent was about to say, or was saying and was not heard."""
    unanswered: str = ""
    """What the caller has said, and of whose answer nothing was heard."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """A whole conversation. `(epoch, revision)` orders its records: a new epoch begins when a server takes it over."""

    id: str
    agent: str
    created_ms: int
    updated_ms: int
    ended_ms: int | None = None
    agent_state: str = ""
    """What the agent's own `dump_deps` gave; "" when it keeps nothing."""
    exchanges: tuple[Exchange, ...] = ()
    """Only ever grows, and of what is there only the last one may change: stores write from there on."""
    standing: Standing = Standing()
    token_hash: str | None = None
    """Of the token that resumes it, by `hash_token`; None when nobody can."""
    epoch: int = 1
    revision: int = 0

    def __post_init__(self) -> None:
        if not ID.fullmatch(self.id):
            raise ValueError("a conversation's id has 1 to 64 letters, digits, - and _")

    @property
    def messages(self) -> list[ModelMessage]:
        """The history for a model, oldest first."""
        return [message for exchange in self.exchanges for message in exchange.messages]

    @property
    def said(self) -> list[Said]:
        """All that was said, oldest first."""
        return [said for exchange in self.exchanges for said in exchange.said]

    @property
    def begun(self) -> bool:
        """Whether anything has been said in it."""
        return bool(self.exchanges or self.standing.unanswered)

    @property
    def summary(self) -> "Summary":
        return Summary(self.id, self.agent, self.created_ms, self.updated_ms, self.ended_ms, len(self.exchanges))

    def with_exchange(
        self, exchange: Exchange, now_ms: int, agent_state: str, standing: Standing = Standing()
    ) -> "Conversation":
        """The next record: one exchange more."""
        exchanges = (*self.exchanges, exchange)
        return self._next(now_ms, exchanges=exchanges, agent_state=agent_state, standing=standing)

    def with_amended(self, exchange: Exchange, now_ms: int) -> "Conversation":
        """The next record: the last exchange was `exchange`, as it turns out."""
        return self._next(now_ms, exchanges=(*self.exchanges[:-1], exchange))

    def with_standing(self, standing: Standing, now_ms: int) -> "Conversation":
        """The next record: the talking was left like this."""
        return self._next(now_ms, standing=standing)

    def with_token(self, token_hash: str, now_ms: int) -> "Conversation":
        """The next record: another token resumes it, and the one before does no longer."""
        return self._next(now_ms, token_hash=token_hash)

    def ended(self, now_ms: int) -> "Conversation":
        """The last record: it is over, and nobody can resume it."""
        return self._next(now_ms, ended_ms=now_ms, token_hash=None)

    def _next(self, now_ms: int, **changes: Any) -> "Conversation":
        return replace(self, updated_ms=now_ms, revision=self.revision + 1, **changes)


@dataclass(frozen=True, slots=True)
class Summary:
    """A conversation in a list."""

    id: str
    agent: str
    created_ms: int
    updated_ms: int
    ended_ms: int | None
    exchanges: int

    @property
    def cursor(self) -> str:
        """Where it stands in the list: newer ones compare greater, as text, until the year 2286."""
        return f"{self.created_ms:013d}-{self.id}"


def hash_token(token: str) -> str:
    """SHA-256 in hex. A token is random and long, so that it needs neither salt nor work."""
    return hashlib.sha256(token.encode()).hexdigest()


def tool_uses(messages: Sequence[ModelMessage]) -> tuple[ToolUse, ...]:
    """The tools that ran in `messages`, with their results."""
    parts = [part for message in messages for part in message.parts]
    results = {part.tool_call_id: part.model_response_str() for part in parts if isinstance(part, ToolReturnPart)}
    return tuple(
        ToolUse(part.tool_name, part.args_as_json_str(), results[part.tool_call_id])
        for part in parts
        if isinstance(part, ToolCallPart) and part.tool_call_id in results
    )


_CONVERSATION = TypeAdapter(Conversation)
_RESUMPTION = {"agent_state", "standing", "token_hash", "epoch", "revision"}


def to_json(conversation: Conversation, messages: bool) -> bytes:
    """The conversation for people and programs, with the model's messages or without; nothing that would resume it."""
    exchanges = {"__all__": {"messages": True}}
    exclude = dict.fromkeys(_RESUMPTION, True) | ({} if messages else {"exchanges": exchanges})
    return _CONVERSATION.dump_json(conversation, exclude=exclude)
