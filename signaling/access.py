"""Says who makes a request: by the address that it comes from."""

import logging

from aiohttp import web

from server.call.caller import Caller
from signaling.addresses import Proxies

log = logging.getLogger(__name__)


class Access:
    """Knows the callers of this server."""

    def __init__(self, proxies: Proxies | None = None) -> None:
        """Without `proxies` no proxy is trusted."""
        self._proxies = proxies or Proxies()
        self._unnamed_proxy = ""
        """A proxy that the settings do not name. Since it was seen, nobody is known to be on this machine any more."""

    async def admit(self, request: web.Request) -> Caller:
        """Who makes this request."""
        if not self._unnamed_proxy and (proxy := self._proxies.unnamed_proxy(request)):
            self._unnamed_proxy = proxy
            log.warning(
                "x a proxy at %s passes requests on, but ANTIPHON_TRUSTED_PROXIES does not name it: "
                "all its callers share the limits of one address",
                proxy,
            )
        here = not self._unnamed_proxy and self._proxies.is_here(request)
        return Caller("" if here else self._proxies.address_of(request), here=here)
