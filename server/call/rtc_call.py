"""A call over WebRTC: one peer and the session it carries, set up together and released together."""

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress

from server.call.directory import Directory
from server.call.messages import Error, ServerMessage, parse_client
from server.call.session import Session
from server.errors import NotFound, PeerError
from server.media.frame import Frame
from server.media.pacer import Pacer
from server.media.peer import Peer

RELEASE_S = 5.0
"""A call is released in milliseconds; a tool that does not let go may take longer, and is not waited for."""

log = logging.getLogger(__name__)


class RtcCall:
    """Joins a Session to a Peer: the session's Connection, the peer's Listener."""

    def __init__(self, session: Session, pacer: Pacer, vanished_s: float) -> None:
        self.session = session
        self.connected = asyncio.Event()
        self.released = asyncio.Event()
        self.peer = Peer(self, pacer, vanished_s)

    # The session's connection

    def send(self, message: ServerMessage) -> None:
        self.peer.send_text(message.to_json())

    # The peer's listener

    def ready(self) -> None:
        self.connected.set()

    def hear(self, frame: Frame) -> None:
        try:
            self.session.hear(frame)
        except Exception:
            self._fault()

    def digit(self, digit: str) -> None:
        """A key was pressed: nothing listens for it yet."""

    def next_frame(self) -> bytes | None:
        try:
            return self.session.next_frame()
        except Exception:
            self._fault()
            return None

    def receive_text(self, text: str | bytes) -> None:
        try:
            self.session.receive(parse_client(text))
        except PeerError as error:
            self.send(Error(code=error.code, message=error.sentence))
        except Exception:
            self._fault()

    def lost(self) -> None:
        self.connected.set()
        self.session.end()

    def _fault(self) -> None:
        """A fault of ours ends this call, and no other: the caller reads that it was ours."""
        log.exception("x fault in call %s", self.session.id)
        self.send(Error(code="internal", message="Something went wrong in the server.", final=True))
        self.session.end()


class RtcCalls:
    """The WebRTC calls of this process by `pc_id`; owns their tasks."""

    def __init__(
        self,
        open_session: Callable[[str], Session],
        directory: Directory,
        pacer: Pacer,
        connect_s: float,
        vanished_s: float,
    ) -> None:
        self._open_session = open_session
        self._directory = directory
        self._pacer = pacer
        self._connect_s = connect_s
        self._vanished_s = vanished_s
        self._calls: dict[str, RtcCall] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def answer(self, sdp: str) -> tuple[str, str, str]:
        """Begin a call; returns the answer's SDP, its pc_id and its session id. Raises PeerError, AtCapacity."""
        self._directory.admit()
        pc_id = secrets.token_urlsafe(12)
        call = None
        try:
            call = RtcCall(self._open_session(secrets.token_urlsafe(12)), self._pacer, self._vanished_s)
            async with asyncio.timeout(self._connect_s):
                answer = await call.peer.answer(sdp)
        except BaseException:
            self._directory.leave()
            if call is not None:
                await call.peer.close()
            raise
        self._calls[pc_id] = call
        task = asyncio.get_running_loop().create_task(self._hold(pc_id, call), name=f"call-{call.session.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return answer, pc_id, call.session.id

    async def add_candidate(self, pc_id: str, candidate: str, mid: str | None, index: int | None) -> None:
        await self._find(pc_id).peer.add_candidate(candidate, mid, index)

    async def hang_up(self, pc_id: str) -> None:
        """End the call and wait until its place is free; raises NotFound."""
        call = self._find(pc_id)
        call.lost()
        with suppress(TimeoutError):
            async with asyncio.timeout(RELEASE_S):
                await call.released.wait()

    async def close(self) -> None:
        """End what is left of all calls."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _find(self, pc_id: str) -> RtcCall:
        try:
            return self._calls[pc_id]
        except KeyError:
            raise NotFound("There is no such call.") from None

    async def _hold(self, pc_id: str, call: RtcCall) -> None:
        """The life of one call, from the answer to the last thing given back."""
        session = call.session
        try:
            if not await self._connects(call):
                log.info("x call %s: no connection within %g s", session.id, self._connect_s)
                return
            log.info("- call %s begins", session.id)
            with self._directory.holding(session):
                await session.run(call)
        except Exception:
            log.exception("x call %s ended by a fault of ours", session.id)
        finally:
            del self._calls[pc_id]
            try:
                await call.peer.close()
            finally:
                self._directory.leave()
                call.released.set()
                log.info("- call %s is over", session.id)

    async def _connects(self, call: RtcCall) -> bool:
        try:
            async with asyncio.timeout(self._connect_s):
                await call.connected.wait()
        except TimeoutError:
            return False
        return True
