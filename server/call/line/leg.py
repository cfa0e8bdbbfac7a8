"""Leg: joins a session to the wire of one connection, which is a WebRTC peer or a WebSocket.

For the session the leg is its Connection; for a peer it is the PeerListener. A fault of the server in one call is
caught here, so that it does not touch other calls.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from server.agent.call_info import Transport
from server.call.line.translator import Recognize, Translator
from server.call.messages import AudioFormat, Error, Interrupted, Reconnect, ServerMessage
from server.call.session import Session
from server.errors import PeerError
from server.media.frame import Frame
from server.media.line import Line

MAX_UNREAD = 64
"""How many messages are kept for a client that has said nothing yet, in case that it speaks another protocol. Such
clients speak at once; a call tells about ten messages a second."""

log = logging.getLogger(__name__)


class Wire(Protocol):
    """What carries the sound and the messages of a leg."""

    @property
    def unheard_ms(self) -> float:
        """How much of the sound that the wire has taken the caller has not heard.

        It is still on its way, or it was sent after the client gave its last sign of life.
        """

    @property
    def line(self) -> Line | None:
        """How it carries sound; None where that is not measured."""

    def send_text(self, text: str) -> None:
        """Send a message to the client. Never waits."""

    def hush(self) -> None:
        """Drop the sound that the wire has taken and not sent yet."""

    def hurry(self) -> None:
        """A reply is ready to begin, and need not wait for the next tick."""


class Leg:
    """One connection of a session, from the moment at which it stands until it is `over`."""

    def __init__(
        self,
        session: Session,
        attach: Callable[["Leg"], None],
        audio: AudioFormat | None = None,
        transport: Transport = "webrtc",
        translator: Translator | None = None,
        recognize: Recognize | None = None,
    ) -> None:
        """`attach` is called when the connection stands. It raises PeerError if the session is not there any more.

        With a `translator` the client speaks another protocol. Without one, `recognize` may find it out by the client's
        first message.
        """
        self.transport = transport
        self.comes_back = transport in ("webrtc", "websocket") and translator is None
        """Clients of other protocols do not know how to go on elsewhere."""
        self._translator = translator
        self._recognize = recognize
        self._unread: list[ServerMessage] = []
        """What the client was told before it was known which protocol it speaks."""
        self.session = session
        self.audio = audio
        self.wire: Wire | None = None
        self.connected = asyncio.Event()
        self.over = asyncio.Event()
        self.reason = ""
        """Why the leg ended, as the client was told: the code of the final error, "reconnect", "lost" if the
        conversation waits for another connection, or "" for none of them."""
        self.closing_hangs_up = False
        """A client that closes the connection hangs up, and does not come back to the conversation."""
        self.only_reads: Callable[[], bool] = lambda: False
        """Whether the client wants what the agent says at present as text alone: then it gets silence."""
        self._attach = attach

    def speak_as(self, before: "Leg") -> None:
        """The client comes from the leg `before`. If that one has found out its protocol, it is spoken on here: the
        client has been told what it was told there."""
        if self._recognize is not None and before._translator is not None:
            self._translator, self._recognize = before._translator, None
            self.comes_back = False

    # What the session calls: the leg is its Connection

    @property
    def unheard_ms(self) -> float:
        return 0.0 if self.wire is None else self.wire.unheard_ms

    @property
    def line(self) -> Line | None:
        return None if self.wire is None else self.wire.line

    def send(self, message: ServerMessage) -> None:
        self.note(message)
        if self.wire is None:
            return
        if isinstance(message, Interrupted):
            self.wire.hush()
        if self._recognize is not None and len(self._unread) < MAX_UNREAD:
            self._unread.append(message)
        if self._translator is None:
            self.wire.send_text(message.to_json())
        else:
            self.tell(self._translator.write(message))

    def tell(self, items: Sequence[str | bytes]) -> None:
        """Send the client what a translator has made. Nothing is sent to a leg without a wire."""
        for item in items:
            if self.wire is not None and isinstance(item, str):
                self.wire.send_text(item)

    def note(self, message: ServerMessage) -> None:
        """Keep why the leg ends, if the message says so."""
        if isinstance(message, Reconnect):
            self.reason = "reconnect"
        elif isinstance(message, Error) and message.final:
            self.reason = message.code

    def hurry(self) -> None:
        if self.wire is not None:
            self.wire.hurry()

    def close(self) -> None:
        self.connected.set()
        self.over.set()

    # What the wire calls: for a peer, the leg is the PeerListener

    def ready(self) -> None:
        """The connection stands: attach it to the session."""
        if self.over.is_set():
            return
        self.connected.set()
        try:
            self._attach(self)
        except PeerError as error:
            self._refuse(error)
        except Exception:
            self._end_by_fault()
            self.close()

    def hear(self, frame: Frame) -> None:
        """The caller's next 20 ms."""
        if self._live:
            try:
                self.session.hear(frame)
            except Exception:
                self._end_by_fault()

    def digit(self, digit: str) -> None:
        """The caller pressed a key of the telephone."""
        if self._live:
            try:
                self.session.digit(digit)
            except Exception:
                self._end_by_fault()

    def next_frame(self) -> bytes | None:
        """The next 20 ms for the caller's ear, or None. Called every 20 ms."""
        return self._frame_of(self.session.next_frame)

    def frame_ahead(self) -> bytes | None:
        """One more frame before its time, for a wire that fills its client's buffer. No time passes by it."""
        return self._frame_of(self.session.frame_ahead)

    def _frame_of(self, source: Callable[[], bytes | None]) -> bytes | None:
        if self._live:
            try:
                pcm = source()
                return bytes(len(pcm)) if pcm and self.only_reads() else pcm
            except Exception:
                self._end_by_fault()
        return None

    def receive_text(self, text: str | bytes) -> None:
        """Take a message of the client."""
        if self._live:
            try:
                self.tell_session(self._read(text))
            except Exception:
                self._end_by_fault()

    def tell_session(self, messages: Sequence[str | bytes]) -> None:
        """Tell the session what a translator has read. Nothing is told when the leg is over."""
        for message in messages:
            if self._live:
                self.session.receive_text(message)

    def _read(self, text: str | bytes) -> Sequence[str | bytes]:
        """What a message of the client tells the session. The client is answered what can be answered at once."""
        if self._recognize is not None:
            self._translator, self._recognize = self._translator or self._recognize(text), None
            unread, self._unread = self._unread, []
            if self._translator is not None:
                self.comes_back = False
                for message in unread:
                    self.tell(self._translator.write(message))
        if self._translator is None:
            return [text]
        read = self._translator.read(text)
        self.tell(read.answers)
        return read.told

    def hold(self, on: bool) -> None:
        """The caller puts the call on hold, or takes it up again."""
        if self._live:
            self.session.hold.put(self) if on else self.session.hold.take_up(self)

    def lost(self, why: str = "", closed: bool = False) -> None:
        """The connection is gone, or we give it up: `why` tells the client. The session may wait for another one.

        `closed`: the client has closed it in an orderly way.
        """
        if closed and self.closing_hangs_up:
            self.hung_up()
            return
        if why and self._live:
            self.send(Error(code="connection_lost", message=f"The connection is given up: {why}."))
        self.session.detach(self)
        if not self.reason and not self.session.ended:
            self.reason = "lost"
        self.close()

    def hung_up(self) -> None:
        """The client has closed the connection for good: the call is over."""
        self.session.detach(self, for_good=True)
        self.close()

    @property
    def _live(self) -> bool:
        """The connection stands, and the leg is not over."""
        return self.connected.is_set() and not self.over.is_set()

    def _refuse(self, error: PeerError) -> None:
        """The connection cannot have the session: tell the client why, and end the leg."""
        self.send(Error(code=error.code, message=error.sentence, final=True))
        self.over.set()

    def _end_by_fault(self) -> None:
        """A fault of the server ends this call and no other one. The caller is told that it was the server's."""
        log.exception("x fault in call %s", self.session.id)
        self.send(Error(code="internal", message="Something went wrong in the server.", final=True))
        self.session.end("server")
