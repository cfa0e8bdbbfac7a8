"""How a conversation is written down: a header, and one JSON text an exchange. Never pickle: a store may be shared."""

import json
from dataclasses import dataclass, replace
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from server.errors import StoreError
from server.record.conversation import Conversation, Exchange

GONE_EPOCH = 2**53
"""Of a deleted conversation: later than any epoch, so that a call that still runs cannot write it again."""

_T = TypeVar("_T")

_HEADER = TypeAdapter(Conversation)
_EXCHANGE = TypeAdapter(Exchange)
_APART = {"exchanges": True, "epoch": True, "revision": True, "token_hash": True}
"""Kept beside the header, where a store compares and changes them."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A conversation in the parts that a store keeps."""

    header: str
    epoch: int
    revision: int
    token_hash: str | None


def encode_header(conversation: Conversation) -> str:
    return _text(_HEADER, conversation, _APART)


def encode_exchange(exchange: Exchange) -> str:
    return _text(_EXCHANGE, exchange, {})


def decode_header(stored: Stored) -> Conversation:
    """The conversation without its exchanges. Raises StoreError when another version wrote it, or somebody else."""
    return replace(
        _parsed(_HEADER, stored.header),
        epoch=stored.epoch,
        revision=stored.revision,
        token_hash=stored.token_hash,
    )


def decode_exchange(text: str) -> Exchange:
    """Raises StoreError as above."""
    return _parsed(_EXCHANGE, text)


def _text(adapter: TypeAdapter[_T], value: _T, exclude: dict[str, bool]) -> str:
    """JSON, whatever a tool has returned; half a surrogate pair, which a stream may cut in two, becomes "?"."""
    try:
        return adapter.dump_json(value, exclude=exclude, fallback=str).decode()
    except PydanticSerializationError:
        plain = adapter.dump_python(value, mode="json", exclude=exclude, fallback=str)
        return json.dumps(plain, ensure_ascii=False).encode("utf-8", "replace").decode()


def _parsed(adapter: TypeAdapter[_T], text: str) -> _T:
    try:
        return adapter.validate_json(text)
    except ValidationError as exc:
        raise StoreError("A conversation in the store cannot be read.") from exc
