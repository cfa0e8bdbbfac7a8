"""The WebSocket calls of this process: how a call begins, and to which session it belongs."""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace

from server.call.caller import Caller
from server.call.desk.directory import Directory
from server.call.line.leg import Leg
from server.call.line.translated_socket import TranslatedSocket
from server.call.line.translator import Guest
from server.call.line.ws_call import FLUSH_S, Socket, WsCall
from server.call.messages import Error, Ping, Pong, Start, parse_client
from server.call.session import Session
from server.errors import AntiphonError, ConfigError, PeerError
from server.media.pacer import Pacer

START_S = 2.0
"""How long a client of a new call may take to send its `start`. After that the call begins with the default choices."""
START_AGAIN_S = 30.0
"""How long a client may take whose address names a conversation: it comes back to it, over a line of any delay. After
that it is refused, because no other conversation is begun in place of the one that it wants."""
NEW = "new"
"""The address of a new conversation."""
START_STEPS = 10
"""The wait for `start` consists of this many short waits. When the loop was held up, one wait may time out before a
message that has come meanwhile is read. The next wait finds it."""

Began = Callable[[WsCall, Leg], None]

log = logging.getLogger(__name__)


class WsCalls:
    """Serves the sockets of all calls. Each call of `serve` holds one socket."""

    def __init__(self, directory: Directory, pacer: Pacer, vanished_s: float) -> None:
        self._directory = directory
        self._pacer = pacer
        self._vanished_s = vanished_s

    def pace(self, caller: Caller) -> None:
        """Count one more socket of this caller. Raises TooMany if they come too fast."""
        self._directory.pace(caller)

    async def serve(
        self, session_id: str, caller: Caller, socket: Socket, guest: Guest | None = None, began: Began | None = None
    ) -> None:
        """Hold the call, or the part of it that this socket carries, until it ends. `began` is told of it first."""
        if guest is not None:
            socket = TranslatedSocket(socket, guest.translator)
        try:
            start, first = (guest.start, None) if guest else await _read_start(socket, session_id)
            session = await self._find_or_open(session_id, caller, start)
            call, leg = self._make(session, start, socket, guest is not None and guest.patient)
            if guest is not None:
                leg.comes_back = False
                call.reformat(start.audio, guest.spoken)
        except AntiphonError as error:
            if isinstance(error, ConfigError):
                log.error("x a call by WebSocket: %s", error)
            await refuse(socket, error)
            return
        except ConnectionError:
            return  # the client is gone
        except Exception:  # a fault of the server or of the agent; it is too late to tell it by HTTP
            log.exception("x fault at the beginning of a call by WebSocket")
            await refuse(socket, AntiphonError("Something went wrong in the server."))
            return
        try:
            if began is not None:
                began(call, leg)
            await call.run(leg, self._pacer, first)
        finally:
            self._directory.abandon(session)

    async def _find_or_open(self, session_id: str, caller: Caller, start: Start) -> Session:
        caller = replace(caller, transport="websocket", request=start.own)
        if not start.resume:
            return await self._directory.open(caller, start)
        session = await self._directory.find(caller, session_id, start.resume, start)
        session.expect_another()
        return session

    def _make(self, session: Session, start: Start, socket: Socket, patient: bool) -> tuple[WsCall, Leg]:
        """A call for `session`. If it cannot be made, the session gives its place back."""
        try:
            leg = Leg(session, lambda leg: self._directory.attach(session, leg, start.resume), start.audio, "websocket")
            return WsCall(session, start.audio, socket, self._vanished_s, patient), leg
        except BaseException:
            self._directory.abandon(session)
            raise


async def _read_start(socket: Socket, session_id: str) -> tuple[Start, str | bytes | None]:
    """The client's choices, and the message that it sent instead of them. Raises PeerError when the client is gone."""
    fresh = session_id == NEW
    limit_s = START_S if fresh else START_AGAIN_S
    until_s = asyncio.get_running_loop().time() + limit_s
    while (first := await _first_message(socket, until_s)) is not None:
        message = parse_client(first) if isinstance(first, str) else None
        if isinstance(message, Start):
            return message, None
        if not isinstance(message, Ping):
            return Start(), first
        await socket.send(Pong(t=message.t).to_json())
    if fresh:
        return Start(), None
    raise PeerError(f"No `start` with `resume` has come within {limit_s:g} s.")


async def _first_message(socket: Socket, until_s: float) -> str | bytes | None:
    """The next message, or None if there is none in time. Raises PeerError when the client is gone."""
    wait_s = max(0.0, until_s - asyncio.get_running_loop().time()) / START_STEPS
    for _ in range(START_STEPS):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                while (first := await socket.receive()) is not None:
                    if first:  # an empty message is only a sign of life
                        return first
            raise PeerError("The call was over before it began.")
        if socket.flooded:
            raise PeerError("The client has sent too much before the call began.")
    return None


async def refuse(socket: Socket, error: AntiphonError) -> None:
    """Tell a client why there is no call for it, and close."""
    try:
        async with asyncio.timeout(FLUSH_S):
            await socket.send(Error(code=error.code, message=error.sentence, final=True).to_json())
            await socket.close(error.code)
    except (ConnectionError, TimeoutError):
        return
