"""Reads the query of a request as one of our classes, or says what is wrong with it."""

import time
from typing import Annotated, TypeVar

from aiohttp import web
from pydantic import BaseModel, BeforeValidator, ValidationError

from server.errors import PeerError
from server.record.moments import moment

_Q = TypeVar("_Q", bound=BaseModel)


def now_ms() -> int:
    """The wall clock in Unix milliseconds."""
    return time.time_ns() // 1_000_000


def _moment(text: object) -> object:
    return moment(text, now_ms()) if isinstance(text, str) else text


Moment = Annotated[int, BeforeValidator(_moment)]
"""A moment in a query, as `moment` reads it, in Unix milliseconds."""


def read_query(request: web.Request, form: type[_Q]) -> _Q:
    """Read the query as `form`. A field of a form that is left empty counts as left out. Raises PeerError, which says
    what is wrong."""
    try:
        return form.model_validate({name: value for name, value in request.query.items() if value})
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        raise PeerError(f"{first['loc'][0]}: {first['msg'].removeprefix('Value error, ')}.") from exc
