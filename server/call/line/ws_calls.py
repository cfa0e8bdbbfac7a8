"""The WebSocket calls of this process: how each begins, and which session it is of."""

import asyncio
import contextlib
import logging

from server.call.desk.directory import Directory
from server.call.line.leg import Leg
from server.call.line.ws_call import FLUSH_S, Socket, WsCall
from server.call.messages import Error, Start, parse_client
from server.call.session import Session
from server.errors import AntiphonError, ConfigError, PeerError
from server.media.pacer import Pacer

START_S = 1.0
"""A client that says nothing at first is greeted as if it had asked for the default."""
START_STEPS = 10
"""Waits that this is made of: however long the loop is held up, in each of them it looks what has come meanwhile."""

log = logging.getLogger(__name__)


class WsCalls:
    """Serves one socket at a time each."""

    def __init__(self, directory: Directory, pacer: Pacer, vanished_s: float) -> None:
        self._directory = directory
        self._pacer = pacer
        self._vanished_s = vanished_s

    async def serve(self, session_id: str, socket: Socket) -> None:
        """Hold the call, or the part of it that this socket carries, to its end."""
        try:
            start, first = await _start(socket)
            session = await self._session(session_id, start)
        except AntiphonError as error:
            if isinstance(error, ConfigError):
                log.error("x a call by WebSocket: %s", error)
            await _refuse(socket, error)
            return
        except Exception:  # of ours, or of the agent; it cannot be told by HTTP any more
            log.exception("x fault in the beginning of a call by WebSocket")
            await _refuse(socket, AntiphonError("Something went wrong in the server."))
            return
        call = WsCall(session, start.audio, socket, self._vanished_s)
        leg = Leg(session, lambda leg: self._directory.attach(session, leg, start.resume), start.audio)
        try:
            await call.run(leg, self._pacer, first)
        finally:
            self._directory.abandon(session)

    async def _session(self, session_id: str, start: Start) -> Session:
        if start.resume:
            return await self._directory.find(session_id, start.resume, start)
        return self._directory.open(start)


async def _start(socket: Socket) -> tuple[Start, str | bytes | None]:
    """What the client begins with: its wishes, and what it sent instead of any. Raises PeerError when it is gone."""
    first = await _first(socket)
    if isinstance(first, str):
        message = parse_client(first)
        if isinstance(message, Start):
            return message, None
    return Start(), first


async def _first(socket: Socket) -> str | bytes | None:
    """The first message, None when there is none in time. Raises PeerError when the client is gone."""
    for _ in range(START_STEPS):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(START_S / START_STEPS):
                while (first := await socket.receive()) is not None:
                    if first:  # a sign of life is no beginning
                        return first
            raise PeerError("The call was over before it began.")
    return None


async def _refuse(socket: Socket, error: AntiphonError) -> None:
    try:
        async with asyncio.timeout(FLUSH_S):
            await socket.send(Error(code=error.code, message=error.sentence, final=True).to_json())
            await socket.close(error.code)
    except (ConnectionError, TimeoutError):
        return
