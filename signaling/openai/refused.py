"""Refused: what a client of OpenAI's protocols is told when its event cannot be carried out. Pure."""

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from signaling.json_values import TooMuch, read_value


class Refused(Exception):
    """A client's event cannot be carried out. The client is told by the event `error`, in OpenAI's shape."""

    def __init__(self, message: str, code: str = "invalid_value", param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.param = param


def refusal(error: ValidationError, given: Any) -> Refused:
    """What a client is told of the first thing that is wrong with what it has given. It does not repeat the value."""
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return Refused("There is no event of this type.", "invalid_value", "type")
    param = ".".join(_path(first["loc"], given, first["type"] == "missing")) or None
    code = {"missing": "missing_required_parameter"}.get(first["type"], "invalid_value")
    return Refused(f"{first['msg'].removeprefix('Value error, ')}.", code, param)


def _path(where: Sequence[str | int], given: Any, missing: bool) -> list[str]:
    """Where the wrong value is, or what is missing. `where` also has names of types, which say nothing to a client."""
    path = []
    for part in where:
        known: Any = given if isinstance(given, dict) else dict(enumerate(given)) if isinstance(given, list) else {}
        if part in known:
            given = known[part]
            path.append(str(part))
    return [*path, str(where[-1])] if missing else path


def event_id_of(given: Any) -> str | None:
    """The id that a client has given to an event, whatever else is wrong with it."""
    event_id = given.get("event_id") if isinstance(given, dict) else None
    return event_id[:512] if isinstance(event_id, str) else None


def read_json(text: str | bytes) -> Any:
    """The JSON value of a message, as `read_value` reads it. Raises Refused."""
    try:
        return read_value(text)
    except TooMuch as exc:
        raise Refused(str(exc), "too_large") from exc
    except ValueError as exc:
        raise Refused("The message is not JSON.", "invalid_json") from exc
