"""POST /v1/realtime/client_secrets: a secret with which a page begins a call. It is an access token of this server.

A backend asks with the admin token for what its page may use. On a server that everybody may call, everybody may ask,
and the secret opens nothing: it is there because stock clients do not call without one. It says how the session begins.
"""

import json
import secrets
import time
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from server.errors import PeerError
from signaling.access import EPHEMERAL
from signaling.admin import Admin
from signaling.bodies import read_json
from signaling.openai.refused import Refused
from signaling.openai.refused import read_json as parse
from signaling.realtime.endpoint import DAY_S, PATH, chosen, new_config
from signaling.realtime.page_secret import claims_of, unsigned
from signaling.realtime.session_config import OF_THE_AGENT
from signaling.tokens import Expected, NewToken, complaint, issue

WHO = "openai-realtime"
"""Who calls with such a secret, if the backend does not say it by the header. Something random is added: callers of one
name share its limits, and may watch and end each other's calls."""
WHO_HEADER = "OpenAI-Safety-Identifier"
"""Where a backend tells which of its users calls. It becomes the name of the caller."""
DEFAULT_S = 600


class _ExpiresAfter(BaseModel):
    model_config = ConfigDict(extra="ignore")
    anchor: Literal["created_at"] = "created_at"
    seconds: Annotated[int, Field(ge=10, le=7200)] = DEFAULT_S


class _Wanted(BaseModel):
    model_config = ConfigDict(extra="ignore")
    expires_after: _ExpiresAfter | None = None
    session: dict[str, Any] | None = None


def add_routes(app: web.Application, admin: Admin, secret: str, expected: Expected, needs_token: bool) -> None:
    """Serve it on `app`. With `needs_token` the secrets are tokens that are signed with `secret`."""

    async def post(request: web.Request) -> web.Response:
        if needs_token:
            admin.admit(request)
        wanted = await read_json(request, _Wanted)
        given, now_s = wanted.session or {}, int(time.time())
        config = new_config(secrets.token_urlsafe(12), "", now_s + DAY_S)
        try:
            config.update(parse(json.dumps(given)))  # which has limits that a body has not
        except Refused as refused:
            raise PeerError(f"{refused.param or 'session'}: {refused.message}") from refused
        expires_at = now_s + (wanted.expires_after or _ExpiresAfter()).seconds
        try:
            if needs_token:
                who = request.headers.get(WHO_HEADER, "")[:128] or f"{WHO}-{secrets.token_urlsafe(9)}"
                agent = config.object["model"] if config.object["model"] in expected.agents else ""
                claims = {"sub": who, "exp": expires_at, "agent": agent, "options": chosen(config)}
                value = _token(claims, given, secret, expected)
            else:
                value = unsigned(given, secrets.token_urlsafe(24))
        except ValueError as exc:
            raise PeerError(f"It cannot be made: {exc}.") from exc
        body = {"value": EPHEMERAL + value, "expires_at": expires_at, "session": config.object}
        return web.json_response(body, headers={"Cache-Control": "no-store"})

    app.router.add_post(f"{PATH}/client_secrets", post)


def _token(claims: Mapping[str, Any], session: Mapping[str, Any], secret: str, expected: Expected) -> str:
    """A token with these claims, for a session that begins so. Raises PeerError and ValueError."""
    if not secret:
        raise PeerError("This server has no secret to make tokens with.")
    try:
        wanted = NewToken.model_validate_json(json.dumps(claims))
        more = claims_of({name: value for name, value in session.items() if name not in OF_THE_AGENT})
        return issue(wanted, expected, secret, time.time(), secrets.token_urlsafe(12), more).token
    except ValidationError as exc:
        raise PeerError(f"It cannot be made: {complaint(exc)}.") from exc
