"""Leg: joins one connection to a session, so that a fault of ours in one call stays in that call.

To the session it is the Connection, to a peer or a socket (the wire) it is the Listener.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from server.call.messages import AudioFormat, Error, Interrupted, Reconnect, ServerMessage, parse_client
from server.call.session import Session
from server.errors import PeerError
from server.media.frame import Frame

log = logging.getLogger(__name__)


class Wire(Protocol):
    """What carries a leg."""

    @property
    def unheard_ms(self) -> float:
        """How much of what it took has not been heard: on its way, or sent since the last sign of life."""

    def send_text(self, text: str) -> None:
        """Never waits."""

    def hush(self) -> None:
        """Sound that was taken and has not been sent is not wanted any more."""

    def hurry(self) -> None:
        """An answer is ready to begin: it need not wait for the next tick."""


class Leg:
    """One connection of a session, from its first sign of life until it is `over`."""

    def __init__(self, session: Session, attach: Callable[["Leg"], None], audio: AudioFormat | None = None) -> None:
        """`attach` is called when the connection stands; it raises PeerError when the session is not to be had."""
        self.session = session
        self.audio = audio
        self.wire: Wire | None = None
        self.connected = asyncio.Event()
        self.over = asyncio.Event()
        self.reason = ""
        """What the client was told of its end: the code of the final error, "reconnect", or nothing."""
        self._attach = attach

    # The session's connection

    @property
    def unheard_ms(self) -> float:
        return 0.0 if self.wire is None else self.wire.unheard_ms

    def send(self, message: ServerMessage) -> None:
        if isinstance(message, Reconnect):
            self.reason = "reconnect"
        elif isinstance(message, Error) and message.final:
            self.reason = message.code
        if self.wire is None:
            return
        if isinstance(message, Interrupted):
            self.wire.hush()
        self.wire.send_text(message.to_json())

    def hurry(self) -> None:
        if self.wire is not None:
            self.wire.hurry()

    def close(self) -> None:
        self.connected.set()
        self.over.set()

    # The wire's listener

    def ready(self) -> None:
        if self.over.is_set():
            return
        self.connected.set()
        try:
            self._attach(self)
        except PeerError as error:
            self._refuse(error)

    def hear(self, frame: Frame) -> None:
        if self._live:
            try:
                self.session.hear(frame)
            except Exception:
                self._fault()

    def digit(self, digit: str) -> None:
        """A key of the telephone was pressed."""
        if self._live:
            self.session.digit(digit)

    def next_frame(self) -> bytes | None:
        return self._given(self.session.next_frame)

    def frame_ahead(self) -> bytes | None:
        """One more frame, for a wire that keeps its client's buffer filled, or need not wait; no time passes by it."""
        return self._given(self.session.frame_ahead)

    def _given(self, frame: Callable[[], bytes | None]) -> bytes | None:
        if self._live:
            try:
                return frame()
            except Exception:
                self._fault()
        return None

    def receive_text(self, text: str | bytes) -> None:
        if not self._live:
            return
        try:
            self.session.receive(parse_client(text))
        except PeerError as error:
            self.send(Error(code=error.code, message=error.sentence))
        except Exception:
            self._fault()

    def lost(self) -> None:
        """The connection is gone; the session may wait for another."""
        self.session.detach(self)
        self.close()

    @property
    def _live(self) -> bool:
        return self.connected.is_set() and not self.over.is_set()

    def _refuse(self, error: PeerError) -> None:
        self.send(Error(code=error.code, message=error.sentence, final=True))
        self.over.set()

    def _fault(self) -> None:
        """A fault of ours ends this call, and no other: the caller reads that it was ours."""
        log.exception("x fault in call %s", self.session.id)
        self.send(Error(code="internal", message="Something went wrong in the server.", final=True))
        self.session.end()
