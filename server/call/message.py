"""Message: what all messages between a session and its client have in common."""

import json

from pydantic import BaseModel, ConfigDict

MAX_REF_CHARS = 1_000
"""How long the name may be that a client gives to a message (`ref`)."""


class Message(BaseModel):
    """A message. On every kind of connection it is a JSON object."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    def to_json(self) -> str:
        return self.model_dump_json(exclude_none=True)


def ref_of(data: str | bytes) -> str | None:
    """The `ref` of a client's message, also of one that is not valid."""
    try:
        found = json.loads(data)["ref"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return found if isinstance(found, str) and 0 < len(found) <= MAX_REF_CHARS else None
