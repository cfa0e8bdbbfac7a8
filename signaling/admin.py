"""Decides who may read conversations: only an operator with the admin token (RFC 6750, section 2.1)."""

import hmac

from aiohttp import web

from server.errors import NotFound, Unauthorized


class Admin:
    """Admits the requests that carry `token`. If `token` is empty, it admits nobody."""

    def __init__(self, token: str) -> None:
        self._token = token

    def admit(self, request: web.Request) -> None:
        """Check a request. Raises Unauthorized if it does not carry the token.

        Raises NotFound if the server has no token, so that nobody learns that this API exists.
        """
        if not self._token:
            raise NotFound("Not Found.")
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(_bytes(given.strip()), _bytes(self._token)):
            raise Unauthorized("This request needs the admin token.")


def _bytes(token: str) -> bytes:
    return token.encode("utf-8", "surrogateescape")  # the HTTP parser represents bytes that are not UTF-8 this way
