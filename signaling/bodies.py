"""Reads the JSON body of a request as one of our classes, or says what is wrong with it."""

from typing import TypeVar

from aiohttp import web
from pydantic import BaseModel, ValidationError

from server.errors import NotJson, PeerError, TooLarge

MAX_BODY_BYTES = 64 * 1024
"""How large the body of a request may be. The offers of browsers have 2 to 8 KB."""

_M = TypeVar("_M", bound=BaseModel)


async def read_json(request: web.Request, model: type[_M]) -> _M:
    """Read the body as `model`. Raises NotJson, PeerError or TooLarge, which say what is wrong."""
    if request.content_type != "application/json":
        raise NotJson("The body must be JSON, with the header Content-Type: application/json.")
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge as exc:
        raise TooLarge(f"The body may have at most {MAX_BODY_BYTES} bytes.") from exc
    except web.RequestPayloadError as exc:
        raise PeerError("The body does not match its headers.") from exc
    try:
        return model.model_validate_json(body)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PeerError(f"{where or 'body'}: {first['msg']}") from exc
