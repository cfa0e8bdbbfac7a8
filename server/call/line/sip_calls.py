"""The calls of SIP phones: their sound comes by WebRTC, and all the rest in SIP messages of the phone."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from server.call.caller import Caller
from server.call.line.leg import Leg
from server.call.line.rtc_calls import RtcCalls
from server.call.messages import MAX_REASON_CHARS, Hello, ServerMessage, Text, Transfer, Transferred
from server.call.options import CallOptions
from server.call.session import Session
from server.errors import NotFound

Attach = Callable[[Leg], None]
"""Joins a leg to its session (`Leg`)."""


class Phone(Protocol):
    """The phone of a call, as the call uses it. Its methods never wait."""

    def transfer(self, to: str, note: str) -> None:
        """Let the phone call somebody else in place of the agent. It tells later what became of it."""

    def ended(self) -> None:
        """The call is over."""


class _SipLeg(Leg):
    """A leg whose client reads no JSON: what a phone can do is told in SIP."""

    def __init__(self, call: "SipCall", session: Session, attach: Attach) -> None:
        super().__init__(session, attach, transport="sip")
        self._call = call

    def send(self, message: ServerMessage) -> None:
        self.note(message)
        if isinstance(message, Hello):
            self._call.resume_token = message.resume
        elif isinstance(message, Transfer):
            self._call.phone.transfer(message.to, message.note)


class SipCalls:
    """Begins the calls of SIP phones, and watches each until it is over."""

    def __init__(self, calls: RtcCalls) -> None:
        self._calls = calls
        self._watches: set[asyncio.Task[None]] = set()

    async def answer(self, sdp: str, caller: Caller, transfers: bool, phone: Phone) -> "tuple[str, SipCall]":
        """Begin a conversation over the offer `sdp`. Returns the answer's SDP, and the call.

        `transfers`: the phone can transfer the call. Raises what `RtcCalls.answer` raises.
        """
        call = SipCall(self._calls, caller, phone)
        answer, call.pc_id, _ = await self._calls.answer(sdp, caller, CallOptions(transfers=transfers), call.make_leg)
        self._watch(call)
        return answer, call

    async def offer(self, caller: Caller, transfers: bool, phone: Phone) -> "tuple[str, SipCall]":
        """Begin a conversation with a phone that is about to be called. Returns the offer's SDP, and the call, which
        has to be accepted or withdrawn. Raises what `RtcCalls.offer` raises."""
        call = SipCall(self._calls, caller, phone)
        offer, call.pc_id = await self._calls.offer(caller, CallOptions(transfers=transfers), call.make_leg)
        self._watch(call)
        return offer, call

    def _watch(self, call: "SipCall") -> None:
        task = asyncio.get_running_loop().create_task(call.watch(), name=f"sip-{call.leg.session.id}")
        self._watches.add(task)
        task.add_done_callback(self._watches.discard)

    def close(self) -> None:
        for task in self._watches:
            task.cancel()


class SipCall:
    """One call of a phone, from its answer on. When its connection is lost, it waits for a new offer of the phone."""

    def __init__(self, calls: RtcCalls, caller: Caller, phone: Phone) -> None:
        self.phone = phone
        self.pc_id = ""
        self.resume_token = ""
        self._calls = calls
        self._caller = caller
        self._legs: list[Leg] = []
        """The present leg, behind the ones before it that are not over."""
        self._renewed = asyncio.Event()

    @property
    def leg(self) -> Leg:
        return self._legs[-1]

    @property
    def _live_leg(self) -> Leg:
        """The newest leg that stands. A newer one may still be on its way."""
        return next((leg for leg in reversed(self._legs) if leg.connected.is_set()), self.leg)

    def make_leg(self, session: Session, attach: Attach) -> Leg:
        self._legs = [*(leg for leg in self._legs if not leg.over.is_set()), _SipLeg(self, session, attach)]
        self._renewed.set()
        return self.leg

    @property
    def session_id(self) -> str:
        return self.leg.session.id

    async def accept(self, sdp: str) -> bool:
        """Take the phone's answer to our offer, and wait until the sound stands. Returns whether it does.

        Raises PeerError for an answer that cannot be used.
        """
        await self._calls.accept(sdp, self.pc_id)
        session = self.leg.session
        await _first(self.leg.connected, session.over)
        return not session.over.is_set()

    async def withdraw(self) -> None:
        """The phone does not answer our offer."""
        await self._calls.withdraw(self.pc_id)

    async def reoffer(self, sdp: str) -> str:
        """Take a later offer of the phone. Returns the answer's SDP. Raises what `RtcCalls` raises, and NotFound when
        the call is over."""
        session = self.leg.session
        if session.ended or session.over.is_set():
            raise NotFound("The call is over.")
        try:
            answer, _, _ = await self._calls.move(sdp, self._caller, self.pc_id)
        except NotFound:
            answer, self.pc_id, _ = await self._calls.resume(
                sdp, self._caller, session.id, self.resume_token, CallOptions(), self.make_leg
            )
        return answer

    @property
    def stands(self) -> bool:
        """The connection stands. What the caller presses and types before is lost."""
        return self._live_leg.connected.is_set()

    def press(self, key: str) -> None:
        """The caller presses a key."""
        self._live_leg.digit(key)

    def type(self, text: str) -> None:
        """The caller types. Raises ValueError when the text is empty or too long."""
        self._live_leg.receive_text(Text(text=text).to_json())

    def transferred(self, ok: bool, reason: str) -> None:
        """The phone tells what became of the transfer."""
        self._live_leg.receive_text(Transferred(ok=ok, reason=reason[:MAX_REASON_CHARS]).to_json())

    def hang_up(self) -> None:
        """The caller hangs up."""
        self.leg.session.end("caller")
        self._live_leg.hung_up()

    async def watch(self) -> None:
        """Wait until the call is over, and tell the phone."""
        session = self.leg.session
        while not (session.ended or session.over.is_set()):
            leg = self.leg
            self._renewed.clear()
            await _first(leg.over, session.over, self._renewed)
            if leg is self.leg and leg.over.is_set() and not session.ended:
                await _first(session.over, self._renewed)  # the connection is lost, and the session waits
        self.phone.ended()


async def _first(*events: asyncio.Event) -> None:
    """Wait until one of the events is set."""
    waits = [asyncio.get_running_loop().create_task(event.wait(), name="sip-event") for event in events]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for wait in waits:
            wait.cancel()
