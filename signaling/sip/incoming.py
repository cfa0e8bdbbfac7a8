"""IncomingCall: a call that a phone begins, from its INVITE on."""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable

from server.call.caller import Caller
from server.errors import AntiphonError
from signaling.sip.call import SDP, Call, Host, Line, State, text_of
from signaling.sip.dialog import Dialog
from signaling.sip.flow import Flow
from signaling.sip.message import Request
from signaling.sip.refusal import refusal, unusable
from signaling.sip.session_timer import MIN_S, TooSmall, agree

Answer = Callable[[str, Caller, bool, Call], Awaitable[tuple[str, Line]]]
"""Begins the call behind an offer: `SipCalls.answer`."""

log = logging.getLogger(__name__)


class IncomingCall(Call):
    """One call of a phone."""

    def __init__(self, host: Host, flow: Flow, caller: Caller, invite: Request, contact: str) -> None:
        """Raises ValueError if the INVITE has no contact."""
        tag = secrets.token_hex(12)
        super().__init__(host, flow, caller, Dialog.answering(invite, tag, contact), tag, invite.to.uri.host)
        self.invite = invite
        self._task: asyncio.Task[None] | None = None

    def begin(self, answer: Answer) -> None:
        """Ring, and answer as soon as the call behind it stands."""
        self._task = self._host.start(self._begin(answer))

    async def _begin(self, answer: Answer) -> None:
        invite = self.invite
        try:
            timer = agree(invite.headers)
        except TooSmall:
            self._refuse(invite, 422, [("Min-SE", str(MIN_S))])
            return
        if (refused := unusable(invite, SDP)) is not None:
            self._refuse(invite, *refused)
            return
        self.flow.answer(invite, 180, [("Contact", f"<{self.dialog.contact}>")], tag=self.tag)
        transfers = "refer" in invite.headers.tokens("Allow")
        try:
            sdp, self._line = await answer(text_of(invite.body), self.caller, transfers, self)
        except AntiphonError as error:
            self._refuse(invite, *refusal(error))
        except Exception:
            log.exception("x fault at the beginning of a call by SIP")
            self._refuse(invite, 500, [])
        else:
            self.state = State.ANSWERED
            self._accept(invite, sdp, timer)

    def cancel(self, request: Request, flow: Flow) -> None:
        """The caller gives up while it rings. A CANCEL that comes too late changes nothing."""
        flow.answer(request, 200, tag=self.tag)
        if self.state is State.RINGING:
            self._give_up()

    def hang_up(self, told: bool = False) -> None:
        """A caller may say BYE while it rings, too (RFC 3261, section 15)."""
        if self.state is State.RINGING:
            self._give_up()
        else:
            super().hang_up(told)

    def _give_up(self) -> None:
        if self._task is not None:
            self._task.cancel()
        self._refuse(self.invite, 487, [])

    def _refuse(self, request: Request, code: int, headers: list[tuple[str, str]]) -> None:
        self.flow.answer(request, code, headers, tag=self.tag)
        self._leave()

    def interrupted(self) -> None:
        if self.state is State.RINGING and self._task is not None:
            self._task.cancel()
        super().interrupted()
