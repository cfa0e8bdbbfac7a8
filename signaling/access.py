"""Says who makes a request: by the address that it comes from."""

from aiohttp import web

from server.call.caller import Caller

LOOPBACK = ("127.0.0.1", "::1")


class Access:
    """Knows the callers of this server."""

    async def admit(self, request: web.Request) -> Caller:
        """Who makes this request."""
        address = request.remote or ""
        return Caller("" if address in LOOPBACK else address)
