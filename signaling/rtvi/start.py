"""What Pipecat's clients ask for before and beside an offer: /start, /connect, and the WebSocket /rtvi.

`startBotAndConnect` posts to /start. For the WebRTC transport the answer has a `sessionId`, and the client posts its
offer to /sessions/{sessionId}/api/offer (`signaling/offer.py`). For the WebSocket transport it has the address of the
WebSocket, and a token that goes on with an older conversation.
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlencode

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from server.call.caller import Caller
from server.call.line.translator import Guest
from server.call.messages import MAX_TOKEN_CHARS, AudioFormat, Start
from server.errors import PeerError
from signaling.access import token_of
from signaling.addresses import Proxies
from signaling.bodies import read_json
from signaling.ice import IceServer
from signaling.ice_servers import servers_of
from signaling.offer import RequestData
from signaling.rtvi.session_id import NEW, read_session_id, write_session_id
from signaling.rtvi.translator import HEARD_RATE, SPOKEN_RATE, FramedRtvi
from signaling.ways import RTVI, WAYS
from signaling.websocket import WebSocket, open_socket

HEARD, SPOKEN = AudioFormat(sample_rate=HEARD_RATE), AudioFormat(sample_rate=SPOKEN_RATE)

Admit = Callable[[web.Request], Awaitable[Caller]]


def timestamp() -> str:
    """The present time in the form of ISO 8601."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


class StartBody(BaseModel):
    """The body of POST /start. What a client sends beside these fields is not read.

    Some libraries write null for what a page has left out.
    """

    model_config = ConfigDict(frozen=True)
    transport: str | None = Field(default=None, max_length=40)
    """"websocket", or anything else for WebRTC. /connect is asked for a WebSocket if it says nothing."""
    body: dict[str, Any] | None = Field(default=None, repr=False)
    """What is chosen for the call: the fields of `requestData`, and more of them for the agent."""


class WsCalls(Protocol):
    """Serves the calls that come by WebSocket."""

    def pace(self, caller: Caller) -> None:
        """Count one more WebSocket of this caller. Raises TooMany if they come too fast."""

    async def serve(self, session_id: str, caller: Caller, socket: WebSocket, guest: Guest) -> None:
        """Serve one call until it is over."""


class RtviRoutes:
    """The addresses for Pipecat's clients."""

    def __init__(
        self,
        calls: WsCalls,
        admit: Admit,
        proxies: Proxies,
        servers: Callable[[str], list[IceServer]],
        has_call: Callable[[Caller], bool],
    ) -> None:
        """`servers` makes the list of ICE servers for a user of the TURN server. A caller whose token has expired gets
        it only while there is a call to go on with (`has_call`)."""
        self._calls = calls
        self._admit = admit
        self._proxies = proxies
        self._servers = servers
        self._has_call = has_call

    def add_to(self, app: web.Application) -> None:
        for way in WAYS:
            app.router.add_post(f"{way}/start", self._start)
            app.router.add_post(f"{way}/connect", self._connect)
            app.router.add_get(f"{way}{RTVI}", self._handle)
            app.router.add_get(f"{way}{RTVI}/{{session}}", self._handle)

    async def _start(self, request: web.Request) -> web.Response:
        return await self._answer(request, "webrtc")

    async def _connect(self, request: web.Request) -> web.Response:
        return await self._answer(request, "websocket")

    async def _answer(self, request: web.Request, default: str) -> web.Response:
        """Tell a client where its call begins."""
        caller = await self._admit(request)
        asked = await read_json(request, StartBody) if request.can_read_body else StartBody()
        chosen = asked.body or {}
        with _saying_where("body"):  # a page is not told why its WebSocket is refused later
            RequestData.model_validate(chosen)
        if (asked.transport or default) == "websocket":
            answer: dict[str, Any] = self._socket(request, dict(chosen))
        else:
            session_id = write_session_id(chosen)
            servers = servers_of(caller, self._servers, self._has_call)
            answer = {"sessionId": session_id, "iceConfig": {"iceServers": servers}}
        return web.json_response(answer, headers={"Cache-Control": "no-store"})

    def _socket(self, request: web.Request, chosen: dict[str, Any]) -> dict[str, str]:
        """Where the WebSocket is. The client can send its own token only in the address."""
        resumed, resume = chosen.pop("session_id", ""), chosen.pop("resume", "")
        scheme, host = self._proxies.origin_of(request)
        way = request.rel_url.raw_path.rpartition("/")[0]
        address = f"{'wss' if scheme == 'https' else 'ws'}://{host}{way}{RTVI}/{write_session_id(chosen)}"
        query = urlencode({"access_token": token}) if (token := token_of(request)) else ""
        answer = {"wsUrl": f"{address}?{query}" if query else address}
        return answer | ({"token": f"{resumed}.{resume}"} if resumed and resume else {})

    async def _handle(self, request: web.Request) -> web.WebSocketResponse:
        caller = await self._admit(request)
        session_id, start = _begun(request)
        self._calls.pace(caller)
        response, socket = await open_socket(request, ())
        if socket is not None:
            await self._calls.serve(session_id, caller, socket, Guest(FramedRtvi(timestamp), start, SPOKEN))
        return response


def _begun(request: web.Request) -> tuple[str, Start]:
    """Which conversation a WebSocket is for, and what was chosen for it. Raises NotFound and PeerError."""
    chosen = read_session_id(request.match_info.get("session", NEW))
    session_id, _, resume = request.query.get("token", "").partition(".")
    with _saying_where():
        start = Start.model_validate({**chosen, "type": "start", "resume": resume, "audio": HEARD})
    return (session_id if resume else NEW)[:MAX_TOKEN_CHARS], start


@contextmanager
def _saying_where(*before: str) -> Iterator[None]:
    """Raises PeerError, which names the field that is wrong."""
    try:
        yield
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        raise PeerError(f"{'.'.join(map(str, (*before, *first['loc'])))}: {first['msg']}") from exc
