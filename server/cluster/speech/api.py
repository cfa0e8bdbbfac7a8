"""The HTTP API in front of the speech models: routes, the key, the limit of a body, and errors in OpenAI's form."""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from server.cluster.speech.held import RETRY_AFTER_S
from server.cluster.speech.names import VOICES, Names
from server.cluster.speech.refusal import apologise, refuse, refuse_http
from server.cluster.speech.spoken import Spoken
from server.cluster.speech.transcriptions import Transcriptions
from server.cluster.speech.turn_ends import TurnEnds
from server.errors import AntiphonError, AtCapacity, NotFound, TooLarge, Unauthorized

MOST_BYTES = 25 * 1024 * 1024
"""The largest body, as in OpenAI's API."""
MOST_HELD = 16 * MOST_BYTES
"""How much of the bodies of all requests a replica of the API holds in memory."""

Handler = Callable[[Request], Awaitable[Response]]


class Api:
    """A replica of the API. `build` of its Starlette app comes after `__init__`, as Ray Serve wants it."""

    def __init__(self, models: Mapping[str, Any], names: Names, key: str = "") -> None:
        """`models` are handles of the deployments `stt`, `tts` and `turn`, as far as there are any.

        Without a `key`, everybody may use the API.
        """
        self._names, self._key = names, key.encode()
        self._transcriptions = Transcriptions(models.get("stt"), names)
        self._spoken = Spoken(models.get("tts"), names)
        self._turn_ends = TurnEnds(models.get("turn"), names)

    def __serve_build_asgi_app__(self) -> ASGIApp:
        routes = [
            self._route("GET", "/models", self._models),
            self._route("GET", "/models/{name}", self._one_model),
            self._route("POST", "/audio/transcriptions", self._transcriptions.post),
            self._route("POST", "/audio/speech", self._spoken.post),
            self._route("POST", "/audio/turn", self._turn_ends.post),
            Route("/health", _health),
        ]
        errors = {AntiphonError: refuse, HTTPException: refuse_http, Exception: apologise}
        app = Starlette(routes=routes, exception_handlers=errors)
        app.add_middleware(_Limited)
        return app

    def _route(self, method: str, path: str, handle: Handler) -> Route:
        async def with_key(request: Request) -> Response:
            self._check_key(request)
            return await handle(request)

        return Route(path, with_key, methods=[method])

    def _check_key(self, request: Request) -> None:
        scheme, _, given = request.headers.get("authorization", "").partition(" ")
        right = scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(), self._key)
        if self._key and not right:
            raise Unauthorized("The API key is missing or wrong.")

    async def _models(self, _request: Request) -> Response:
        return JSONResponse({"object": "list", "data": await self._described()})

    async def _one_model(self, request: Request) -> Response:
        name = request.path_params["name"]
        for model in await self._described():
            if model["id"] == self._names.own(name):
                return JSONResponse(model)
        raise NotFound(f"There is no model {name!r} here.")

    async def _described(self) -> list[dict[str, object]]:
        """The models as OpenAI's API describes them, with their `languages` and `voices` besides."""
        found: list[dict[str, object]] = []
        if self._names.speech_to_text:
            languages = list(await self._transcriptions.languages())
            found.append(_described(self._names.speech_to_text, languages=languages))
        if self._names.voices:
            voices = await self._spoken.voices()
            spoken = [
                {"name": voice.name, "languages": voice.languages, "speakers": voice.speakers} for voice in voices
            ]
            tags = list(dict.fromkeys(tag for voice in voices for tag in voice.languages))
            found.append(_described(VOICES, languages=tags, voices=spoken))
        if self._names.endpoint:
            found.append(_described(self._names.endpoint))
        return found


def _described(name: str, **more: object) -> dict[str, object]:
    return {"id": name, "object": "model", "created": 0, "owned_by": "antiphon", **more}


async def _health(_request: Request) -> Response:
    return JSONResponse({"status": "ok"})


class _Limited:
    """Middleware that refuses a body which is larger than MOST_BYTES, and any body while MOST_HELD are held."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._held = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        read = 0

        async def limited() -> Message:
            nonlocal read
            message = await receive()
            size = len(message.get("body", b""))
            read += size
            self._held += size
            if read > MOST_BYTES:
                raise TooLarge(f"The body is larger than {MOST_BYTES // 2**20} MiB.")
            if self._held > MOST_HELD:
                raise AtCapacity("The server has too many requests.", RETRY_AFTER_S)
            return message

        try:
            await self._app(scope, limited, send)
        finally:
            self._held -= read
