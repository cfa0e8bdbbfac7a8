"""WebSocket /telephony/{dialect}: the lines of telephone systems, each in its own dialect."""

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol

from aiohttp import web

from server.call.caller import Caller
from server.call.line.telephone import Arrival, Begun, Dialect
from signaling.access import SUBPROTOCOL, subprotocols
from signaling.telephony.admission import SECRET, TelephoneAccess
from signaling.telephony.asterisk import Asterisk
from signaling.telephony.freeswitch import FreeSwitch
from signaling.telephony.jambonz import Jambonz
from signaling.telephony.media_streams import PROVIDERS, MediaStreams
from signaling.telephony.twilio_account import TwilioAccount
from signaling.telephony.twilio_signature import vetted
from signaling.telephony.twilio_voice import STREAM
from signaling.ways import WAYS
from signaling.websocket import HANG_UPS, NO_CODE, Limits, WebSocket, open_socket

SUBPROTOCOLS = ("media", "audio.jambonz.org", "audio.drachtio.org", SUBPROTOCOL)
"""Those that telephone systems offer: of Asterisk, as its documentation has it, and of jambonz."""
LIMITS = Limits(send_buffer_bytes=16 * 1024, unsent_bytes=4 * 1024)
"""What may wait for a telephone system that reads slowly. After a pause of the network the caller would hear all of it
too late, and a second of sound has only 13 KB in some dialects."""
_NOT_TOLD = (SECRET, "access_token", "rate")
"""The parameters of an address that say nothing about the call."""

DIALECTS: Mapping[str, Callable[[Mapping[str, str]], Dialect]] = {
    "asterisk": lambda given: Asterisk(),
    "jambonz": lambda given: Jambonz(),
    "freeswitch": lambda given: FreeSwitch(given.get("rate", "8000")),
    **{name: partial(lambda provider, given: MediaStreams(provider), each) for name, each in PROVIDERS.items()},
}
"""What makes a dialect for a connection, by its name in the path. It is given the parameters of the address."""


class TelephoneCalls(Protocol):
    """Serves the calls that come by telephone lines."""

    def pace(self, caller: Caller) -> None:
        """Count one more connection of this caller. Raises TooMany if they come too fast."""

    async def serve(self, arrival: Arrival, socket: WebSocket) -> None:
        """Serve one call until it is over."""


class TelephoneSockets:
    """The addresses to which telephone systems connect."""

    def __init__(
        self,
        calls: TelephoneCalls,
        access: TelephoneAccess,
        twilio_token: str = "",
        account: TwilioAccount | None = None,
    ) -> None:
        """With `twilio_token` the streams of Twilio need the parameters that the webhook has signed with it. With an
        `account` they can be transferred."""
        self._calls = calls
        self._access = access
        self._twilio_token = twilio_token
        self._account = account

    def add_routes(self, app: web.Application) -> None:
        for way in WAYS:
            for kind in DIALECTS:
                app.router.add_get(f"{way}/telephony/{kind}", partial(self._handle, kind))
            app.router.add_get(f"{way}{STREAM}/{{line}}", partial(self._handle, "twilio"))  # leads to one worker

    async def _handle(self, kind: str, request: web.Request) -> web.WebSocketResponse:
        subprotocols(request)  # raises PeerError
        arrival = await self._arrival(kind, request)
        self._calls.pace(arrival.caller)
        response, socket = await open_socket(request, SUBPROTOCOLS, LIMITS, (*HANG_UPS, NO_CODE))
        if socket is not None:
            await self._calls.serve(arrival, socket)
        return response

    async def _arrival(self, kind: str, request: web.Request) -> Arrival:
        """Who connects, if they are let in."""
        dialect = DIALECTS[kind](request.query)
        given = {name: value for name, value in request.query.items() if name not in _NOT_TOLD}
        transfer = self._account.transfer if kind == "twilio" and self._account is not None else None
        if kind == "twilio" and self._twilio_token and not self._access.proves(request):
            return Arrival(kind, self._access.known(request), dialect, given, True, self._vetted, transfer)
        caller = await self._access.admit(request)
        return Arrival(kind, caller, dialect, given, self._access.proves(request), transfer=transfer)

    def _vetted(self, begun: Begun) -> Begun:
        return vetted(self._twilio_token, begun, time.time())
