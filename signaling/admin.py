"""Who may see what people said: whoever has the admin token (RFC 6750, section 2.1)."""

import hmac

from aiohttp import web

from server.errors import NotFound, Unauthorized


class Admin:
    """The bearer of `token`; when it is empty there is nobody, and nothing to see."""

    def __init__(self, token: str) -> None:
        self._token = token

    def admit(self, request: web.Request) -> None:
        """Raises Unauthorized, or NotFound when there is no token: nobody learns that there could be an API."""
        if not self._token:
            raise NotFound("Not Found.")
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not hmac.compare_digest(_bytes(given.strip()), _bytes(self._token)):
            raise Unauthorized("This needs the admin token.")


def _bytes(token: str) -> bytes:
    return token.encode("utf-8", "surrogateescape")  # as the HTTP parser gives what is no text
