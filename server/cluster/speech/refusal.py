"""Tells clients why a request failed, in the form of OpenAI's API."""

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from server.errors import AntiphonError, AtCapacity, NotFound, PeerError, Unauthorized


def body(error: AntiphonError) -> dict[str, object]:
    """The error as an object of OpenAI's API."""
    kind = "invalid_request_error" if isinstance(error, PeerError) else "server_error"
    codes: dict[type[AntiphonError], str] = {NotFound: "model_not_found", Unauthorized: "invalid_api_key"}
    return {
        "error": {
            "message": error.sentence,
            "type": kind,
            "param": None,
            "code": codes.get(type(error), error.code),
        }
    }


async def refuse(_request: Request, error: Exception) -> JSONResponse:
    """The response for one of our errors."""
    assert isinstance(error, AntiphonError), "because it is called for no other"
    headers = {"Retry-After": str(error.retry_after_s)} if isinstance(error, AtCapacity) else {}
    if isinstance(error, Unauthorized):
        headers["WWW-Authenticate"] = "Bearer"
    return JSONResponse(body(error), error.status, headers)


async def refuse_http(_request: Request, error: Exception) -> JSONResponse:
    """The response for an error of HTTP itself, such as a path that is not there."""
    assert isinstance(error, HTTPException), "because it is called for no other"
    told = {"message": error.detail, "type": "invalid_request_error", "param": None, "code": None}
    return JSONResponse({"error": told}, error.status_code, error.headers)


async def apologise(_request: Request, _error: Exception) -> JSONResponse:
    """The response for a mistake of ours, which the log has."""
    told = {"message": "The server has made a mistake.", "type": "server_error", "param": None, "code": "internal"}
    return JSONResponse({"error": told}, 500)
