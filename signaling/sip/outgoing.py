"""OutgoingCall: a call to a phone that is registered here, from our INVITE on (RFC 3261, section 13.2)."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from copy import copy
from typing import Protocol

from server.call.caller import Caller
from server.errors import NotAnswered, PeerError
from signaling.sip.call import SDP, Call, Host, Line, State, text_of
from signaling.sip.dialog import ALLOW, Dialog
from signaling.sip.flow import Flow
from signaling.sip.message import Request, Response
from signaling.sip.refusal import not_answered
from signaling.sip.session_timer import agreed
from signaling.sip.upkeep import TIMEOUT_S


class OfferedLine(Line, Protocol):
    """The call behind, which waits for the phone's answer to our offer."""

    @property
    def session_id(self) -> str: ...

    async def accept(self, sdp: str) -> bool:
        """Take the answer, and wait until the sound stands. Returns whether it does. Raises PeerError."""

    async def withdraw(self) -> None:
        """There is no answer. Does nothing after `accept`."""


LOOK_S = 0.5
"""How often it is looked whether the call is still wanted."""

Offer = Callable[[Caller, bool, Call], Awaitable[tuple[str, OfferedLine]]]
"""Begins the call behind, and makes our offer: `SipCalls.offer`."""


class OutgoingCall(Call):
    """One call to a phone. An answer that comes too late is acknowledged, and the call that it begins is ended."""

    def __init__(self, host: Host, flow: Flow, caller: Caller, dialog: Dialog, tag: str, home: str) -> None:
        super().__init__(host, flow, caller, dialog, tag, home)
        self._branch = secrets.token_hex(8)
        self._cseq = 0
        """The number of our INVITE."""
        self._answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._rings = self._refused = self._cancelled = False
        self._taken: str | None = None
        """The tag of the answer that was taken."""
        self._offering = True

    async def ring(self, offer: Offer, transfers: bool, timeout_s: float, wanted: Callable[[], bool]) -> str:
        """Let the phone ring, until it answers and its sound stands. Returns the id of the session.

        `transfers`: the phone can transfer the call. It rings no longer than the call is `wanted`. Raises NotAnswered,
        and what `offer` raises.
        """
        try:
            sdp, line = await offer(self.caller, transfers, self)
        except BaseException:
            self._leave()
            raise
        self._line = line
        try:
            self._invite(sdp, timeout_s)
            await self._wait(timeout_s, wanted)
            await self._accept_answer(line, self._answer.result())
        except BaseException:
            self._give_up()
            await line.withdraw()
            raise
        self._offering = False
        return line.session_id

    async def _wait(self, timeout_s: float, wanted: Callable[[], bool]) -> None:
        """Wait until the phone has answered or refused. Raises NotAnswered."""
        now_s = asyncio.get_running_loop().time
        end_s = now_s() + timeout_s
        while not self._answer.done():
            if not wanted():
                raise NotAnswered("given_up", "Nobody waits for this call any more.")
            if (left_s := end_s - now_s()) <= 0:
                raise NotAnswered("no_answer", f"Nobody has answered within {timeout_s:g} s.")
            await asyncio.wait([self._answer], timeout=min(left_s, LOOK_S))

    async def _accept_answer(self, line: OfferedLine, sdp: str) -> None:
        """Raises NotAnswered."""
        try:
            stands = await line.accept(sdp)
        except PeerError as error:
            raise NotAnswered("not_acceptable", f"The phone's answer cannot be used. {error.sentence}") from error
        if not stands:
            raise NotAnswered("no_media", "The phone has answered, but its sound could not be connected.")

    def _invite(self, sdp: str, timeout_s: float) -> None:
        more = [("Allow", ALLOW), ("Supported", "timer"), ("Content-Type", SDP)]
        text = self._unanswered[self._branch] = self.dialog.write("INVITE", self._branch, more, sdp)
        self._cseq = self.dialog.cseq
        key = self._branch, "INVITE"
        self._host.ask(self.flow, text, key, self._heard, timeout_s + 2 * TIMEOUT_S)

    # What the phone answers

    def _heard(self, response: Response | None) -> None:
        if response is None:
            return
        if response.code >= 200:
            self._unanswered.pop(self._branch, None)
        if response.code < 200:
            self._rings = True
            if self.state is State.OVER:
                self._cancel()
        elif response.code < 300:
            self._answered(response)
        else:
            self._refused, to = True, response.headers.get("To")
            self.flow.send(self.dialog.write("ACK", self._branch, cseq=self._cseq, to=to))
            self._fail(not_answered(response.code))

    def _answered(self, response: Response) -> None:
        """A 200 has come, or has come again."""
        if self.state is State.RINGING and not self._answer.done():
            self._host.forget(self)
            self._taken = response.to_tag
            self.dialog.confirm(response)
            self._host.keep(self)
            self.state = State.CONFIRMED
            self._acknowledge(self.dialog)
            self._upkeep.keep_time(agreed(response.headers))
            self._answer.set_result(text_of(response.body))
        elif response.to_tag == self._taken:
            self._acknowledge(self.dialog)
        else:  # it has crossed our CANCEL, or another phone behind a proxy has answered, too
            late = copy(self.dialog)
            late.confirm(response)
            self._acknowledge(late)
            self.flow.send(late.write("BYE", secrets.token_hex(8)))

    def _acknowledge(self, dialog: Dialog) -> None:
        self.flow.send(dialog.write("ACK", secrets.token_hex(8), cseq=self._cseq))

    def receive(self, flow: Flow, request: Request) -> None:
        """While it rings, the phone has nothing to change: our offer is not answered yet."""
        if self.state is not State.RINGING:
            super().receive(flow, request)
        elif request.method != "ACK":
            flow.answer(request, 491 if request.method in ("INVITE", "UPDATE") else 481)

    # How it ends before the phone has answered

    def ended(self) -> None:
        if self.state is State.RINGING:
            self._fail(NotAnswered("given_up", "The server has given the call up."))
        else:
            super().ended()

    def interrupted(self) -> None:
        if self.state is State.RINGING:
            self._fail(NotAnswered("unavailable", "The phone has lost its connection."))

    def close(self) -> None:
        super().close()
        if self.state is State.RINGING:
            self.ended()

    def _fail(self, error: NotAnswered) -> None:
        if not self._answer.done():
            self._answer.set_exception(error)
            self._answer.exception()  # asyncio does not complain then if nobody waits for it any more

    def _give_up(self) -> None:
        self._unanswered.pop(self._branch, None)
        if self.state is State.RINGING:
            self._leave()
            self._cancel()
        else:
            self.ended()

    def _cancel(self) -> None:
        """Take the INVITE back. That may only be done when the phone has said something (RFC 3261, section 9.1)."""
        if self._rings and not self._refused and not self._cancelled:
            self._cancelled = True
            self.flow.send(self.dialog.write("CANCEL", self._branch, cseq=self._cseq))
