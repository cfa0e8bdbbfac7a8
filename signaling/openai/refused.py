"""Refused: what a client of OpenAI's protocols is told when its event cannot be carried out. Pure."""

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


def refusal(error: ValidationError) -> Refused:
    """What a client is told of the first thing that is wrong. It does not repeat the client's value."""
    first = error.errors(include_url=False, include_input=False)[0]
    if first["type"] in ("union_tag_invalid", "union_tag_not_found"):
        return Refused("There is no event of this type.", "invalid_value", "type")
    path = [str(part) for part in first["loc"]]
    param = ".".join(path[1:] if path[:1] and "." in path[0] else path) or None  # the first one is the type's name
    code = {"missing": "missing_required_parameter"}.get(first["type"], "invalid_value")
    return Refused(f"{first['msg']}.", code, param)


def read_json(text: str | bytes) -> Any:
    """The JSON value of a message, as `read_value` reads it. Raises Refused."""
    try:
        return read_value(text)
    except TooMuch as exc:
        raise Refused(str(exc), "too_large") from exc
    except ValueError as exc:
        raise Refused("The message is not JSON.", "invalid_json") from exc
