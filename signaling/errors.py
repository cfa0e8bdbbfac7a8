"""Turns what handlers raise into HTTP responses. Clients learn nothing about the inside of the server."""

import logging
import re
from collections.abc import Awaitable, Callable

from aiohttp import web

from server.errors import AntiphonError, AtCapacity, ConfigError, InvalidToken, TooMany, Unauthorized
from signaling.ways import API

MAX_FILE_PATH = 255
"""How many characters the path of one of the page's files may have. Most systems allow 255 bytes for a file name; our
paths have about twenty."""

OPENAI = re.compile(r"(/agents/[^/]+)?/v1/")
"""What the paths begin with whose clients expect the errors of OpenAI."""
_NOT_IN_A_QUOTED_TEXT = re.compile(r'[^\x20-\x7e]|["\\]')
"""What the description of an error cannot have in the header (RFC 6750, section 3)."""

log = logging.getLogger(__name__)


@web.middleware
async def errors_as_json(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Answer every failure of the API with its status and the body `{"error": {code, message}}`."""
    try:
        if _is_no_file(request):
            raise web.HTTPNotFound
        return await handler(request)
    except ConfigError as error:
        log.error("x %s %s: %s", request.method, request.path, error)
        return _response(error, request)
    except AntiphonError as error:
        return _response(error, request)
    except web.HTTPException as error:
        if error.status < 400 or not request.path.startswith(API):
            raise
        body = {"error": {"code": error.reason.lower().replace(" ", "_"), "message": f"{error.reason}."}}
        headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else None
        return web.json_response(body, status=error.status, headers=headers)
    except Exception:
        log.exception("x fault while handling %s %s", request.method, request.path)
        return _response(AntiphonError("Something went wrong in the server."), request)


def _is_no_file(request: web.Request) -> bool:
    """Whether a request that aiohttp takes for one of the page's files cannot be for one.

    aiohttp itself would answer it without a body, or fail if the name is long.
    """
    if not isinstance(request.match_info.route.resource, web.StaticResource):
        return False
    path = request.rel_url.raw_path
    return path.startswith(API) or len(path) > MAX_FILE_PATH


def _response(error: AntiphonError, request: web.Request) -> web.Response:
    about: dict[str, str | None] = {"code": error.code, "message": error.sentence}
    if OPENAI.match(request.path):
        kind = "invalid_request_error" if error.status < web.HTTPInternalServerError.status_code else "server_error"
        about |= {"type": kind, "param": None}
    return web.json_response({"error": about}, status=error.status, headers=_headers(error))


def _headers(error: AntiphonError) -> dict[str, str]:
    match error:
        case AtCapacity() | TooMany():
            return {"Retry-After": str(error.retry_after_s)}
        case InvalidToken():
            why = _NOT_IN_A_QUOTED_TEXT.sub("'", error.sentence)
            return {"WWW-Authenticate": f'Bearer error="invalid_token", error_description="{why}"'}
        case Unauthorized():
            return {"WWW-Authenticate": "Bearer"}
    return {}
