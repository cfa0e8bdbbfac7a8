"""Call: one call with a phone, as its SIP messages have it, from the answer to the BYE. `IncomingCall` and
`OutgoingCall` know what comes before."""

import asyncio
import logging
import secrets
from collections.abc import Coroutine
from enum import Enum
from typing import Any, Protocol

from server.call.caller import Caller
from server.errors import AntiphonError
from signaling.sip.dialog import ALLOW, Dialog
from signaling.sip.flow import Flow
from signaling.sip.key_press import TYPES, read_key
from signaling.sip.message import Request, Response
from signaling.sip.refusal import refusal, unusable, warning
from signaling.sip.session_timer import MIN_S, SessionTimer, TooSmall, agree
from signaling.sip.transfer import Transferring
from signaling.sip.upkeep import TIMEOUT_S, Answered, Upkeep

SDP = "application/sdp"
_IN_A_CALL = {400: 488, 404: 488, 486: 500}
"""What the code of a refusal becomes where it refuses a change: nobody is busy then, but changes come too fast."""
AWAY_S = 120.0
"""How long a request waits for a phone whose connection is lost. JsSIP tries again and again to come back, with
pauses of up to 30 s."""

log = logging.getLogger(__name__)


class Line(Protocol):
    """The call behind the SIP messages."""

    @property
    def stands(self) -> bool:
        """Its sound is connected. What comes before is not heard."""

    async def reoffer(self, sdp: str) -> str:
        """Take a later offer; returns the answer. Raises AntiphonError."""

    def press(self, key: str) -> None: ...

    def type(self, text: str) -> None:
        """Raises ValueError when the text is empty or too long."""

    def transferred(self, ok: bool, reason: str) -> None: ...

    def hang_up(self) -> None: ...


class Host(Protocol):
    """What serves the calls."""

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]: ...

    def ask(self, flow: Flow, text: str, key: tuple[str, str], answered: Answered, wait_s: float = TIMEOUT_S) -> None:
        """Send a request. `key` is its branch and its method. `answered` gets its responses: those of an INVITE for as
        long as `wait_s`, because they may come again, and of another request until the final one."""

    def keep(self, call: "Call") -> None:
        """From now on the messages with the call's id belong to it."""

    def forget(self, call: "Call") -> None:
        """The call is over, and no message of it comes any more."""


class State(Enum):
    """How far a call is."""

    RINGING = "ringing"
    ANSWERED = "answered"
    """The 200 was sent, and its ACK has not come."""
    CONFIRMED = "confirmed"
    OVER = "over"


class Call:
    """One call. `flow` is the connection on which the phone was last."""

    def __init__(self, host: Host, flow: Flow, caller: Caller, dialog: Dialog, tag: str, home: str) -> None:
        """`tag` is ours in the dialog. At the domain `home` numbers are dialled, to which a call is transferred."""
        self.tag = tag
        self.flow = flow
        self.caller = caller
        self.dialog = dialog
        self.home = home
        self.state = State.RINGING
        self._host = host
        self._line: Line | None = None
        self._changing = False
        """A later offer of the phone is being answered."""
        self._offering = False
        """Our own offer is not answered yet, or its answer is being taken."""
        self._upkeep = Upkeep(self)
        self._transfer = Transferring(self)
        self._unanswered: dict[str, str] = {}
        """Our requests that the phone has not answered yet, by branch."""

    @property
    def id(self) -> tuple[str, str, str]:
        return self.dialog.call_id, self.tag, self.dialog.other_tag

    # How it is answered

    def _accept(self, invite: Request, sdp: str, timer: SessionTimer | None) -> None:
        """Answer an INVITE with 200, again and again until the ACK comes."""
        text = self.flow.answer(invite, 200, self._accepted(timer, sdp), sdp, self.tag)
        self._upkeep.repeat(invite.cseq, text)

    def _accepted(self, timer: SessionTimer | None, sdp: str) -> list[tuple[str, str]]:
        """The headers of a 200. It begins the interval of the session timer anew."""
        self._upkeep.keep_time(timer)
        headers = [("Contact", f"<{self.dialog.contact}>"), ("Allow", ALLOW), ("Supported", "timer")]
        return headers + (timer.headers if timer else []) + ([("Content-Type", SDP)] if sdp else [])

    # What the phone sends in the call

    def receive(self, flow: Flow, request: Request) -> None:
        """Take a request of the dialog. The phone is at this flow from now on. An ACK moves nothing, because it is not
        asked who sends it."""
        if request.method == "ACK":
            self._acknowledged(request)
            return
        self.move(flow)
        if not self.dialog.follows(request):
            flow.answer(request, 500, [("Retry-After", "1")])
        elif self.state is State.OVER:
            flow.answer(request, 200 if request.method == "BYE" else 481)  # both may hang up at the same time
        elif request.method in ("INVITE", "UPDATE"):
            self._change(request)
        elif request.method == "BYE":
            flow.answer(request, 200)
            self.hang_up(told=True)
        elif request.method == "INFO":
            self._info(request)
        elif request.method == "MESSAGE":
            self.take_message(flow, request)
        elif request.method == "NOTIFY":
            self._transfer.follow(self.flow, request)
        elif request.method == "OPTIONS":
            flow.answer(request, 200, [("Allow", ALLOW), ("Accept", SDP)])
        else:
            flow.answer(request, 405, [("Allow", ALLOW)])

    def _acknowledged(self, request: Request) -> None:
        if self._upkeep.acknowledged(request.cseq) and self.state is State.ANSWERED:
            self.state = State.CONFIRMED

    def _change(self, request: Request) -> None:
        """A later offer, as for a hold or another network; or the phone only says that it is still there."""
        self.dialog.retarget(request)
        try:
            timer = agree(request.headers)
        except TooSmall:
            self.flow.answer(request, 422, [("Min-SE", str(MIN_S))])
            return
        if self._offering:
            self.flow.answer(request, 491)
        elif self._changing or self.state is State.RINGING:
            self.flow.answer(request, 500, [("Retry-After", "1")])
        elif request.method == "UPDATE" and not request.body:
            self.flow.answer(request, 200, self._accepted(timer, ""))
        elif (refused := unusable(request, SDP)) is not None:
            self.flow.answer(request, *refused)
        else:
            self._changing = True
            self._host.start(self._reoffer(request, timer))

    async def _reoffer(self, request: Request, timer: SessionTimer | None) -> None:
        assert self._line is not None, "because the call was answered"
        if request.method == "INVITE":
            self.flow.answer(request, 100)
        try:
            sdp = await self._line.reoffer(text_of(request.body))
        except AntiphonError as error:
            code, headers = refusal(error)
            self.flow.answer(request, _IN_A_CALL.get(code, code), headers)
        except Exception:
            log.exception("x fault at an offer in a call by SIP")
            self.flow.answer(request, 500)
        else:
            if self.state is State.OVER:
                self.flow.answer(request, 487)  # somebody has hung up meanwhile (RFC 3261, section 15.1.2)
            elif request.method == "INVITE":
                self._accept(request, sdp, timer)
            else:
                self.flow.answer(request, 200, self._accepted(timer, sdp), sdp)
        finally:
            self._changing = False

    def _info(self, request: Request) -> None:
        if not request.body and not request.content_type:
            self.flow.answer(request, 200)  # a sign of life (RFC 6086, section 4.2.2)
            return
        if request.content_type not in TYPES:
            self.flow.answer(request, 415, [("Accept", ", ".join(TYPES))])
            return
        key = read_key(request.content_type, request.body)
        self.flow.answer(request, 400 if key is None else 200)
        if key and self._line:
            self._line.press(key)

    def take_message(self, flow: Flow, request: Request) -> None:
        """Typed words."""
        if request.content_type != "text/plain":
            flow.answer(request, 415, [("Accept", "text/plain")])
        elif self._line is None or not self._line.stands:
            flow.answer(request, 480, [("Retry-After", "1")])
        else:
            try:
                self._line.type(text_of(request.body))
                flow.answer(request, 200)
            except ValueError:
                flow.answer(request, 413, [warning("The message is empty or too long.")])

    def transfer(self, to: str, note: str) -> None:
        """Ask the phone to call somebody else. It is told to the line what became of it."""
        self._transfer.begin(to, note)

    def transferred(self, ok: bool, reason: str) -> None:
        if self._line is not None:
            self._line.transferred(ok, reason)

    # How it ends

    def ended(self) -> None:
        """The call behind is over: hang up."""
        if self.state is State.OVER:
            return
        self.stop()
        self.state = State.OVER
        self.ask("BYE", [], lambda response: self._leave() if response is None or response.code >= 200 else None)

    def hang_up(self, told: bool = False) -> None:
        """The phone has hung up, or does not answer any more. Unless it has `told` so, it gets a BYE."""
        if told:
            self._leave()
        if self._line is not None:
            self._line.hang_up()
        self.ended()

    def move(self, flow: Flow) -> None:
        """The phone is back on another connection. What it has not answered is sent again."""
        if flow is not self.flow:
            self.flow = flow
            for text in list(self._unanswered.values()):
                flow.send(text)

    def ask(self, method: str, more: list[tuple[str, str]], answered: Answered) -> None:
        branch = secrets.token_hex(8)
        text = self._unanswered[branch] = self.dialog.write(method, branch, more)

        def told(response: Response | None) -> None:
            if response is None or response.code >= 200:
                self._unanswered.pop(branch, None)
            answered(response)

        wait_s = AWAY_S if self.flow.over else TIMEOUT_S
        self._host.ask(self.flow, text, (branch, method), told, wait_s)

    def interrupted(self) -> None:
        """The connection is gone. A call that was not answered yet is given up: its phone has forgotten it."""
        if self.state is State.RINGING:
            self._leave()

    def close(self) -> None:
        """The server stops."""
        self.stop()

    def stop(self) -> None:
        """Wait for nothing any more."""
        self._upkeep.close()

    def _leave(self) -> None:
        self.stop()
        self.state = State.OVER
        self._host.forget(self)


def text_of(body: bytes) -> str:
    return body.decode("utf-8", "replace")
