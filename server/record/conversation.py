"""A conversation as it is stored: who said what and when, the agent's messages and state, and who may resume it.

A record never changes: the methods `with_…` and `ended` return the next record. Times are Unix milliseconds in UTC and
are passed in. Offsets count from `created_ms`.
"""

import hashlib
import hmac
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from pydantic import ConfigDict, TypeAdapter
from pydantic_ai.messages import ModelMessage, ToolCallPart, ToolReturnPart

from server.record.figures import KeptFigures
from server.record.orders import Orders
from server.record.used import Used

ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
"""The ids that a conversation may have. An id becomes a part of paths, file names and keys."""


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool that ran, with its arguments as JSON and its result as the model saw it."""

    name: str
    arguments: str
    result: str


@dataclass(frozen=True, slots=True)
class Said:
    """What one side said without a break: the caller's words as speech-to-text understood them, or the agent's words as
    far as the caller heard them."""

    who: Literal["caller", "agent"]
    text: str
    start_ms: int
    end_ms: int
    interrupted: bool = False
    tools: tuple[ToolUse, ...] = ()
    name: str = ""
    """The agent's name, if it is another one than that with which the conversation began."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """An utterance and its reply, or what the agent said without an utterance. `messages` tell the same to a model."""

    said: tuple[Said, ...]
    messages: tuple[ModelMessage, ...] = ()
    figures: KeptFigures = None
    """How it went; None where nothing was measured, as in records of earlier servers."""

    __pydantic_config__ = ConfigDict(ser_json_bytes="base64", val_json_bytes="base64")


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a conversation stands, so that another session can go on with it."""

    utterance: int = 0
    """The number of the last utterance."""
    reply: int = 0
    """The number of the last reply."""
    unsaid: str = ""
    """The part of the reply that the caller has not heard."""
    unanswered: str = ""
    """The caller's words to which the caller has heard no part of an answer yet."""
    language: str = ""
    """The language that the call is held in (BCP 47); "" when it is just the agent's own."""
    used: Used = field(default_factory=Used)
    agent: str = ""
    """The name by which the server knows the agent that has the call now; "" before its first exchange."""
    orders: Orders = field(default_factory=Orders)
    """What operators and tools have told the agent."""


@dataclass(frozen=True, slots=True)
class Conversation:
    """The record of a whole conversation.

    `(epoch, revision)` orders the records of a conversation. A new epoch begins when a server takes it over.
    """

    id: str
    agent: str
    created_ms: int
    updated_ms: int
    ended_ms: int | None = None
    end_reason: str = ""
    """Why it is over (`server.agent.hooks.EndReason`), once all that it had started has ended; "" before."""
    caller: str = ""
    """Who called: the subject of the caller's token; "" where calls need no token."""
    transport: str = ""
    """What carried the call when it began (`server.agent.call_info.Transport`); "" where that is not known."""
    traceparent: str = ""
    """The trace of the conversation (W3C Trace Context), so that another server goes on with it; "" without one."""
    agent_state: str = ""
    """What the agent's `dump_deps` returned; "" when the agent has no state to keep."""
    exchanges: tuple[Exchange, ...] = ()
    """Exchanges are only added, and only the last one may change. So stores write from the last known one on."""
    standing: Standing = Standing()
    token_hash: str | None = None
    """The hash (`hash_token`) of the token that resumes the conversation; None when it cannot be resumed."""
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
        """What both sides said, oldest first."""
        return [said for exchange in self.exchanges for said in exchange.said]

    @property
    def begun(self) -> bool:
        """Whether anything was said in the conversation."""
        return bool(self.exchanges or self.standing.unanswered)

    @property
    def cursor(self) -> str:
        """Its place in a list. As text, newer conversations compare greater, until the year 2286."""
        return f"{self.created_ms:013d}-{self.id}"

    def with_exchange(
        self, exchange: Exchange, now_ms: int, agent_state: str, standing: Standing = Standing()
    ) -> "Conversation":
        """The next record: it has one exchange more."""
        exchanges = (*self.exchanges, exchange)
        return self._next(now_ms, exchanges=exchanges, agent_state=agent_state, standing=standing)

    def with_amended(self, exchange: Exchange, now_ms: int, agent_state: str) -> "Conversation":
        """The next record: `exchange` replaces the last exchange, because the caller heard less of it, or because one
        of its tools has returned."""
        return self._next(now_ms, exchanges=(*self.exchanges[:-1], exchange), agent_state=agent_state)

    def with_standing(self, standing: Standing, now_ms: int) -> "Conversation":
        """The next record: the conversation stands at `standing`."""
        return self._next(now_ms, standing=standing)

    def with_agent(self, agent_state: str, standing: Standing, now_ms: int) -> "Conversation":
        """The next record: another agent, in this state, goes on at `standing`."""
        return self._next(now_ms, agent_state=agent_state, standing=standing)

    def with_token(self, token_hash: str, now_ms: int) -> "Conversation":
        """The next record: a new token resumes the conversation, and the old token no longer does."""
        return self._next(now_ms, token_hash=token_hash)

    def ended(self, now_ms: int) -> "Conversation":
        """The last record: the conversation is over and cannot be resumed."""
        return self._next(now_ms, ended_ms=now_ms, token_hash=None)

    def closed(self, reason: str, used: Used, now_ms: int) -> "Conversation":
        """The record after the last one: all that the conversation had started has ended, too. It has `used` this."""
        return self._next(now_ms, end_reason=reason, standing=replace(self.standing, used=used))

    def _next(self, now_ms: int, **changes: Any) -> "Conversation":
        return replace(self, updated_ms=now_ms, revision=self.revision + 1, **changes)


def hash_token(token: str, caller: str = "") -> str:
    """SHA-256 in hex. Tokens are random and long, so the hash needs neither a salt nor many rounds.

    The token of a `caller` with a name is worth nothing to another one: with that name it has another hash.
    """
    if caller:
        return hmac.new(token.encode(), caller.encode(), hashlib.sha256).hexdigest()
    return hashlib.sha256(token.encode()).hexdigest()


def tool_uses(
    messages: Sequence[ModelMessage], late: Sequence[tuple[ToolCallPart, ToolReturnPart]] = ()
) -> tuple[ToolUse, ...]:
    """The tools that ran in `messages`, with their results. A call without a result did not run.

    `late` are results that have come since. Those of calls that were made before `messages` are uses of their own.
    """
    parts = [part for message in messages for part in message.parts]
    here = {part.tool_call_id for part in parts if isinstance(part, ToolCallPart)}
    for call, returned in late:
        parts += [returned] if call.tool_call_id in here else [call, returned]
    results = {part.tool_call_id: part.model_response_str() for part in parts if isinstance(part, ToolReturnPart)}
    return tuple(
        ToolUse(part.tool_name, part.args_as_json_str(), results[part.tool_call_id])
        for part in parts
        if isinstance(part, ToolCallPart) and part.tool_call_id in results
    )


_CONVERSATION = TypeAdapter(Conversation)
_EXCHANGE = TypeAdapter(Exchange)
_RESUMPTION = {"agent_state", "standing", "token_hash", "epoch", "revision"}


def to_json(conversation: Conversation, messages: bool) -> bytes:
    """The conversation for people and programs, with or without the model's messages.

    It has no fields that could help to resume the conversation.
    """
    return b"".join(json_pieces(conversation, messages))


def json_pieces(conversation: Conversation, messages: bool) -> Iterator[bytes]:
    """The same in pieces, one for each exchange: two hours of talk take 0.1 s, and no loop should wait for them."""
    exclude = dict.fromkeys(_RESUMPTION | {"exchanges"}, True)
    yield _CONVERSATION.dump_json(conversation, exclude=exclude)[:-1] + b',"exchanges":['
    for number, exchange in enumerate(conversation.exchanges):
        piece = _EXCHANGE.dump_json(exchange, exclude=None if messages else {"messages": True})
        yield b"," + piece if number else piece
    yield b"]}"
