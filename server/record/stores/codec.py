"""How a conversation is written into a store: as a header and one JSON text for each exchange.

Never as a pickle, because other programs may write into the store.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from typing import TypeVar

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from server.errors import StoreError
from server.record.conversation import Conversation, Exchange
from server.record.query import CallRow
from server.record.rows import ExchangeRow, exchange_row, failed_stages

DELETED_EPOCH = 2**53
"""The epoch of a deleted conversation. It is later than any other, so a call that still runs cannot write it again."""

_T = TypeVar("_T")

_HEADER = TypeAdapter(Conversation)
_EXCHANGE = TypeAdapter(Exchange)
_ROW = TypeAdapter(CallRow)
_ROWS = TypeAdapter(list[CallRow])
_APART = {"exchanges": True, "epoch": True, "revision": True, "token_hash": True}
"""The fields that are not in the header. A store keeps them separately, so that it can compare and change them."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A conversation without its exchanges, in the parts that a store keeps."""

    header: str
    epoch: int
    revision: int
    token_hash: str | None


def encode_header(conversation: Conversation) -> str:
    return _text(_HEADER, conversation, _APART)


def encode_exchange(exchange: Exchange) -> str:
    return _text(_EXCHANGE, exchange, {})


def decode_header(stored: Stored) -> Conversation:
    """The conversation without its exchanges. Raises StoreError when another version or program wrote it."""
    return replace(
        _parsed(_HEADER, stored.header),
        epoch=stored.epoch,
        revision=stored.revision,
        token_hash=stored.token_hash,
    )


def decode_exchange(text: str) -> Exchange:
    """Raises StoreError when another version or program wrote it."""
    return _parsed(_EXCHANGE, text)


def encode_row(row: CallRow) -> str:
    return _text(_ROW, row, {})


def decode_rows(texts: Iterable[str]) -> list[CallRow]:
    """Raises StoreError when another version or program wrote one of them."""
    return _parsed(_ROWS, f"[{','.join(texts)}]")


def encode_exchange_row(conversation: Conversation, exchange: Exchange) -> str:
    """The row of an exchange and its failures by stage, as short as possible: there is one for each exchange."""
    told = [*astuple(exchange_row(conversation, exchange)), Counter(failed_stages(exchange))]
    return plain(json.dumps(told, ensure_ascii=False, separators=(",", ":")))


def decode_exchange_rows(text: str) -> list[tuple[ExchangeRow, dict[str, int]]]:
    """Read several rows, with commas between them. Raises StoreError when another version or program wrote them."""
    try:
        return [(ExchangeRow(*values), failures) for *values, failures in json.loads(f"[{text}]")]
    except (ValueError, TypeError) as exc:
        raise StoreError("A conversation in the store cannot be read.") from exc


def plain(text: str) -> str:
    """Half a surrogate pair, which no store keeps, becomes "?"."""
    return text.encode("utf-8", "replace").decode()


def _text(adapter: TypeAdapter[_T], value: _T, exclude: dict[str, bool]) -> str:
    """`value` as JSON. An object of an unknown type, which a tool may return, becomes its `str`; half a surrogate pair,
    which a stream may leave when it is cut, becomes "?"."""
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
