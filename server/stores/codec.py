"""How a conversation is written down: a header, and one JSON text an exchange. Never pickle: a store may be shared."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from pydantic import TypeAdapter, ValidationError

from server.call.conversation import Conversation, Exchange
from server.errors import StoreError

GONE_EPOCH = 2**53
"""Of a deleted conversation: later than any epoch, so that a call that still runs cannot write it again."""

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
    return _HEADER.dump_json(conversation, exclude=_APART).decode()


def encode_exchanges(exchanges: Iterable[Exchange]) -> list[str]:
    return [_EXCHANGE.dump_json(exchange).decode() for exchange in exchanges]


def decode(stored: Stored, exchanges: Iterable[str] = ()) -> Conversation:
    """Raises StoreError when it is not what `encode_…` gave: another version wrote it, or somebody else."""
    try:
        return replace(
            _HEADER.validate_json(stored.header),
            epoch=stored.epoch,
            revision=stored.revision,
            token_hash=stored.token_hash,
            exchanges=tuple(_EXCHANGE.validate_json(exchange) for exchange in exchanges),
        )
    except ValidationError as exc:
        raise StoreError("A conversation in the store cannot be read.") from exc
