"""Access: who makes a request, by the caller's token or, where everybody may call, by the address alone.

A token comes in the header `Authorization: Bearer …`, or as the subprotocol `bearer.…` of a WebSocket beside
`antiphon`, or as `?access_token=…` (RFC 6750, section 2.3). Nothing of it is ever logged.
"""

import logging
import re
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from aiohttp import web

from server.call.caller import Caller
from server.errors import PeerError, Unauthorized
from signaling.addresses import PASSED_ON, Proxies
from signaling.keys import Key
from signaling.tokens import Expected, Header, caller_of, read_claims, read_header

SUBPROTOCOL = "antiphon"
"""The subprotocol of a WebSocket (RFC 6455, section 1.9). Browsers let a page send a token only beside it."""
SIP = "sip"
"""The subprotocol of the WebSocket of a SIP phone (RFC 7118, section 4)."""
_BEARER = "bearer."
REALTIME = "realtime"
"""The subprotocol of a client of the OpenAI Realtime API."""
_OPENAI_KEY = "openai-insecure-api-key."
"""How such a client in a browser gives its token, among the subprotocols."""
EPHEMERAL = "ek_"
"""What a token begins with that such a client gets for a page (`client_secrets`)."""
_SECRET = re.compile(r"auth|cookie|token|secret|key|password|protocol")
"""In the names of headers that may carry a secret. The token of a WebSocket is among its subprotocols."""
MAX_HEADERS = 64
MAX_HEADER_CHARS = 1_000
"""How much of them an agent is told. aiohttp reads more."""

log = logging.getLogger(__name__)


class Keys(Protocol):
    """The keys of this server."""

    async def find(self, header: Header) -> Sequence[Key]:
        """Those that may have signed a token with this header. Raises AtCapacity when it cannot be told now."""


class Access:
    """Knows the callers of this server. Without `keys` everybody may call, and tokens are not looked at."""

    def __init__(
        self,
        keys: Keys | None = None,
        expected: Expected | None = None,
        proxies: Proxies | None = None,
        now_s: Callable[[], float] = time.time,
    ) -> None:
        """Without `proxies` no proxy is trusted."""
        self._keys = keys
        self._expected = expected or Expected()
        self._proxies = proxies or Proxies()
        self._now_s = now_s
        self._unnamed_proxy = ""
        """A proxy that the settings do not name. Since it was seen, nobody is known to be on this machine any more."""

    @property
    def needs_token(self) -> bool:
        return self._keys is not None

    async def admit(self, request: web.Request) -> Caller:
        """Who makes this request. Raises Unauthorized, Forbidden, and AtCapacity when the keys cannot be read now.

        A caller whose token has expired is admitted, too: what an `expired` caller may do is decided at the desk.
        """
        known = self.known(request)
        if self._keys is None:
            return known
        token = token_of(request)
        if not token:
            raise Unauthorized("This server takes calls only with a token.")
        return await self.caller_with(token, known)

    async def caller_with(self, token: str, known: Caller) -> Caller:
        """The caller whom a token names; `known` is what the network tells.

        Raises Unauthorized, Forbidden, and AtCapacity when the keys cannot be read now.
        """
        if self._keys is None:
            return known
        header = read_header(token)
        claims = read_claims(token, header, await self._keys.find(header))
        return caller_of(claims, self._expected, known, self._now_s())

    def known(self, request: web.Request) -> Caller:
        """What the network tells of the caller."""
        if not self._unnamed_proxy and (proxy := self._proxies.unnamed_proxy(request)):
            self._unnamed_proxy = proxy
            log.warning(
                "x a proxy at %s passes requests on, but ANTIPHON_TRUSTED_PROXIES does not name it: "
                "all its callers share the limits of one address",
                proxy,
            )
        here = not self._unnamed_proxy and self._proxies.is_here(request)
        dialled, address = request.match_info.get("dialled", ""), "" if here else self._proxies.address_of(request)
        return Caller(address, here=here, dialled=dialled, headers=headers_of(request))


def headers_of(request: web.Request) -> dict[str, str]:
    """The headers of a request, for the agent: by their names in lower case, without those that carry secrets."""
    lower = dict.fromkeys(map(str.lower, request.headers))
    names = [name for name in lower if not _SECRET.search(name) and name != PASSED_ON.lower()]
    return {name: ", ".join(request.headers.getall(name))[:MAX_HEADER_CHARS] for name in names[:MAX_HEADERS]}


def token_of(request: web.Request) -> str:
    """The token of a request; "" if it has none."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return given.strip().removeprefix(EPHEMERAL)
    offered = subprotocols(request)
    prefix = _OPENAI_KEY if REALTIME in offered else _BEARER
    named = next((each.removeprefix(prefix) for each in offered if each.startswith(prefix)), "")
    return named.removeprefix(EPHEMERAL) or request.query.get("access_token", "")


def subprotocols(request: web.Request) -> list[str]:
    """The subprotocols that a client offers for its WebSocket.

    Raises PeerError if there is a token among them without `antiphon` or `sip`. Then there would be none to agree on:
    browsers close such a WebSocket, and aiohttp logs all that were offered.
    """
    offered = [each.strip() for each in request.headers.get("Sec-WebSocket-Protocol", "").split(",")]
    if not {SUBPROTOCOL, SIP} & set(offered) and any(each.startswith(_BEARER) for each in offered):
        raise PeerError(f"A WebSocket with a token among its subprotocols also offers {SUBPROTOCOL}.")
    return offered


def check_agreement(request: web.Request, ours: Sequence[str]) -> None:
    """Raises PeerError if a token is among the subprotocols that a client offers, and none of `ours`: aiohttp would log
    all of them."""
    offered = subprotocols(request)
    if not set(ours) & set(offered) and any(each.startswith((_BEARER, _OPENAI_KEY)) for each in offered):
        raise PeerError("This WebSocket has none of the subprotocols that are offered beside the token.")
