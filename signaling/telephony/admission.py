"""Who may dial in: telephone systems that know the secret of the telephone lines, or have a token as other callers."""

import hmac
from base64 import b64decode
from binascii import Error as NotBase64
from dataclasses import replace

from aiohttp import web

from server.call.caller import Caller
from server.errors import Unauthorized
from signaling.access import Access

SECRET = "secret"
"""The parameter of an address that has the secret."""


class TelephoneAccess:
    """Admits telephone systems. Without a `secret` they are admitted as other callers are."""

    def __init__(self, access: Access, secret: str = "") -> None:
        self._access = access
        self._secret = secret

    def proves(self, request: web.Request) -> bool:
        """Whether the request has the secret: in its address, as the password of Basic, or as a bearer token."""
        given = request.query.get(SECRET, "") or _authorization(request)
        return bool(self._secret) and hmac.compare_digest(_bytes(given), _bytes(self._secret))

    async def admit(self, request: web.Request) -> Caller:
        """Who makes this request. Raises as `Access.admit` does.

        The address of a telephone system that has the secret is not told: behind it are many callers, so they are not
        counted by it.
        """
        if self.proves(request):
            return replace(self._access.known(request), address="")
        if self._secret and not self._access.needs_token:
            raise Unauthorized("This server takes calls by telephone only with its secret.")
        return await self._access.admit(request)

    def known(self, request: web.Request) -> Caller:
        """What the network tells of whoever makes this request."""
        return self._access.known(request)


def _authorization(request: web.Request) -> str:
    """The password, or the bearer token, that a request has in its header; "" if it has none."""
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return given.strip()
    if scheme.lower() != "basic":
        return ""
    try:
        return b64decode(given.strip(), validate=True).partition(b":")[2].decode("utf-8", "replace")
    except (NotBase64, ValueError):
        return ""


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
