"""Calls a SIP phone that is registered here, and lets an agent speak with whoever answers. It needs the admin token.

POST /api/calls    {"to": "sip:alice@example.org", "agent"?, "context"?, "timeout_s"?}: 200 {"id"} when the phone has
                   answered, and an error that says why it has not. The phone rings no longer than the request waits.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator
from sipmessage import Address

from server.call.caller import Caller
from server.call.options import MAX_REQUEST_CHARS
from server.errors import PeerError
from signaling.admin import Admin
from signaling.bodies import read_json
from signaling.calls import NO_STORE
from signaling.sip.address import read_address

MAX_S = 120.0
"""How long a phone may ring."""


class Wanted(BaseModel):
    """A call that is to be made."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    to: Annotated[
        str,
        StringConstraints(
            strip_whitespace=True,
            pattern=r"^[Ss][Ii][Pp][Ss]?:([A-Za-z0-9_.!~*'()&=+$,;?/-]|%[0-9A-Fa-f]{2}){1,100}"
            r"@([A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(:[0-9]{1,5})?$",
        ),
    ]
    """A SIP address."""
    agent: Annotated[str, StringConstraints(strip_whitespace=True, max_length=100)] = ""
    context: dict[str, Any] = Field(default_factory=dict)
    timeout_s: Annotated[float, Field(ge=1, le=MAX_S)] = 30.0

    @field_validator("context")
    @classmethod
    def _short(cls, context: dict[str, Any]) -> dict[str, Any]:
        if len(json.dumps(context, ensure_ascii=False, separators=(",", ":"))) > MAX_REQUEST_CHARS:
            raise ValueError(f"it has more than {MAX_REQUEST_CHARS} characters")
        return context


Ring = Callable[[Address, float, Callable[[Caller], Caller], Callable[[], bool]], Awaitable[str]]
"""Calls a phone: `UserAgent.ring`."""


def add_routes(app: web.Application, ring: Ring, find: Callable[[str], str], admin: Admin) -> None:
    """Serve POST /api/calls on `app`. `find` gives the name of an agent, and raises NotFound."""

    async def call(request: web.Request) -> web.Response:
        admin.admit(request)
        wanted = await read_json(request, Wanted)
        agent = find(wanted.agent) if wanted.agent else ""
        try:
            to = read_address(f"<{wanted.to}>")
        except ValueError as exc:
            raise PeerError("to: this is not a SIP address.") from exc

        def about(caller: Caller) -> Caller:
            return replace(caller, agent=agent or caller.agent, context={**caller.context, **wanted.context})

        def waits() -> bool:
            return request.transport is not None and not request.transport.is_closing()

        return web.json_response({"id": await ring(to, wanted.timeout_s, about, waits)}, headers=NO_STORE)

    app.router.add_post("/api/calls", call)
