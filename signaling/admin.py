"""Admits to what is for operators: who has the admin token (RFC 6750, section 2.1), or the control token of a call."""

import hmac

from aiohttp import web

from server.call.control_token import ControlTokens
from server.errors import NotFound, Unauthorized


class Admin:
    """Admits the requests that carry `token`. If `token` is empty, it admits nobody."""

    def __init__(self, token: str) -> None:
        self._token = token
        self.control_tokens = ControlTokens(token)

    def admit(self, request: web.Request) -> None:
        """Check a request. Raises Unauthorized if it does not carry the token.

        Raises NotFound if the server has no token, so that nobody learns that this API exists.
        """
        if not self._is_admin(_bearer(self._token, request)):
            raise Unauthorized("This request needs the admin token.")

    def admit_to(self, request: web.Request, call_id: str) -> None:
        """Check a request that concerns one call. It may carry the control token of that call, too.

        Raises as `admit` does, whether there is such a call or not.
        """
        if not self._opens(_bearer(self._token, request), call_id):
            raise Unauthorized("This request needs the admin token, or the control token of the call.")

    def opens(self, request: web.Request, call_id: str) -> bool:
        """Whether a request carries the admin token, or the control token of this call. Callers may ask as well."""
        return bool(self._token) and self._opens(_bearer(self._token, request), call_id)

    def _opens(self, given: str, call_id: str) -> bool:
        return self._is_admin(given) or self.control_tokens.opens(given, call_id)

    def _is_admin(self, given: str) -> bool:
        return hmac.compare_digest(_bytes(given), _bytes(self._token))


def _bearer(admin_token: str, request: web.Request) -> str:
    """The bearer token of a request, "" if it has none. Raises NotFound if the server has no `admin_token`."""
    if not admin_token:
        raise NotFound("Not Found.")
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return given.strip() if scheme.lower() == "bearer" else ""


def _bytes(token: str) -> bytes:
    return token.encode("utf-8", "surrogateescape")  # the HTTP parser represents bytes that are not UTF-8 this way
