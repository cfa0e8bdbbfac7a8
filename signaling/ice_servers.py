"""GET /api/ice-servers: tells a client which STUN and TURN servers it can use to reach us from behind a firewall.

The client passes them to its RTCPeerConnection. Only who may call gets credentials, and each caller has one user name
at the TURN server, however many clients the caller uses. So the TURN server's quota for users counts per caller.
"""

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from server.call.caller import Caller
from server.errors import InvalidToken
from signaling.ice import IceServer
from signaling.ways import WAYS

_NAME_CHARS = 16


def add_routes(
    app: web.Application,
    servers: Callable[[str], list[IceServer]],
    ttl_s: int,
    admit: Callable[[web.Request], Awaitable[Caller]],
    has_call: Callable[[Caller], bool],
) -> None:
    """Serve /api/ice-servers on `app`.

    `servers` makes the list for a user of the TURN server, with credentials that are valid for `ttl_s`. A caller whose
    token has expired gets it only while there is a call to go on with (`has_call`).
    """

    async def get(request: web.Request) -> web.Response:
        body = {"iceServers": servers_of(await admit(request), servers, has_call), "ttl": ttl_s}
        return web.json_response(body, headers={"Cache-Control": "no-store"})

    for way in WAYS:
        app.router.add_get(f"{way}/api/ice-servers", get)


def servers_of(
    caller: Caller, servers: Callable[[str], list[IceServer]], has_call: Callable[[Caller], bool]
) -> list[dict[str, Any]]:
    """The servers for a caller, as JSON. Raises InvalidToken if the token has expired and there is no call."""
    if caller.expired and not has_call(caller):
        raise InvalidToken("The token has expired.")
    return [server.to_json() for server in servers(turn_user(caller))]


def turn_user(caller: Caller) -> str:
    """The caller's name for the TURN server, which does not tell it who that is. Without a token it is that of the
    address; programs on this machine get a new one each time."""
    who = caller.name or caller.address
    return hashlib.sha256(who.encode()).hexdigest()[:_NAME_CHARS] if who else secrets.token_hex(_NAME_CHARS // 2)
