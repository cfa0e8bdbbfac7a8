"""A WebRTC peer connection: it gives the caller's sound and takes the agent's sound, in frames of 20 ms.

`Bundle` is its transport, by aiortc; `RtpSession` does RTP. The client may offer again in the call: to restart ICE, to
put the call on hold, or to change its tracks. The transport lives on then, and with it the data channel.

tests/media/test_aiortc.py checks that the private names of aiortc 1.16 that the adapter uses still exist.
"""

import asyncio
import logging
from typing import Protocol

from server.errors import Conflict
from server.media.bundle import Bundle
from server.media.channel import Channel
from server.media.counters import MediaCounters
from server.media.frame import FRAME_MS, Frame
from server.media.ice import Ice
from server.media.line import Line
from server.media.negotiation import Negotiation
from server.media.offer import Offer
from server.media.pacer import Pacer
from server.media.presence import Absence, Presence
from server.media.reach import PeerSettings
from server.media.rtp_session import RtpSession
from server.media.transport import MediaTransport

SURELY_THERE_MS = 300
"""How long nothing may come from the client until its connection counts as doubtful. A network that works may hold
packets back for about this long."""

log = logging.getLogger(__name__)


class PeerListener(Protocol):
    """The call that a peer belongs to. All methods are called on the loop, and must not wait."""

    def ready(self) -> None: ...  # the connection is set up
    def hear(self, frame: Frame) -> None: ...  # the caller's next 20 ms
    def digit(self, digit: str) -> None: ...  # the caller has pressed a key
    def next_frame(self) -> bytes | None: ...  # at each tick: give the agent's next 20 ms, or None for silence
    def frame_ahead(self) -> bytes | None: ...  # between ticks: give the first 20 ms of a reply that is ready
    def receive_text(self, text: str | bytes) -> None: ...  # a message has come on the data channel
    def hold(self, on: bool) -> None: ...  # the caller does not take our sound any more, or takes it again
    def lost(self, why: str = "", closed: bool = False) -> None: ...  # gone, given up because of `why`, or closed there


class Peer:
    """One WebRTC connection. `answer`, or `offer` and `accept`, set it up and `close` ends it. In between it calls its
    listener."""

    def __init__(self, listener: PeerListener, pacer: Pacer, settings: PeerSettings) -> None:
        self._listener = listener
        self._pacer = pacer
        self._settings = settings
        self._bundle = Bundle(settings.reach.gather_servers(), self)
        self.counters = MediaCounters()
        self._ice = Ice(self._bundle.agent, settings.reach, self._on_sign)
        self._transport = MediaTransport(self._bundle.dtls, self, self.counters)
        self._channel = Channel(self, self.counters)
        self._offer: Offer | None = None
        self._rtp: RtpSession | None = None
        self._negotiation = Negotiation()
        self._joined = self._held = self._has_received = False
        self._deadline: asyncio.TimerHandle | None = None
        self._presence: Presence | None = None
        self._now_s = 0.0
        self._closed = False

    async def answer(self, offer: Offer) -> str:
        """Take the first offer. Returns the answer, with all our candidates. Raises PeerError or AtCapacity."""
        await self._bundle.gather()
        self._transport.guard()
        self._bundle.take_roles(offer.transport, offered=False)
        self._take(offer)
        answer = self._negotiation.answer(offer, self._bundle)
        await self._connect(offer)
        return answer

    async def offer(self) -> str:
        """Make the first offer ourselves, with all our candidates. Raises PeerError or AtCapacity."""
        await self._bundle.gather()
        self._transport.guard()
        return self._negotiation.offer(self._bundle)

    async def accept(self, answer: Offer) -> None:
        """Take the client's answer to `offer`."""
        self._bundle.take_roles(answer.transport, offered=True)
        self._take(answer)
        await self._connect(answer)

    def knows(self, offer: Offer) -> bool:
        """Whether this offer comes from the connection of the client that this peer is connected to."""
        return self._offer is not None and not self._closed and offer.continues(self._offer)

    async def answer_again(self, offer: Offer) -> str:
        """Take another offer of the same connection. Returns the answer. Raises PeerError, Conflict or TooMany."""
        before = self._offer
        assert before is not None, "because the peer knows the offer"
        self._negotiation.admit(offer, before, asyncio.get_running_loop().time())
        if offer.restarts(before):
            log.info("= the client restarts ICE")
            self._ice.restart(offer.transport.ufrag, offer.transport.password)
        self._take(offer)
        answer = self._negotiation.answer(offer, self._bundle)
        await self._contact(offer)
        return answer

    async def restart(self, ufrag: str, password: str) -> str:
        """Restart ICE by the client's new credentials alone. Returns the answer. Raises what `answer_again` raises."""
        if self._offer is None:
            raise Conflict("The connection is not set up yet.")
        return await self.answer_again(self._offer.with_credentials(ufrag, password))

    @property
    def ufrag(self) -> str:
        """Our ICE user name. It changes with each restart of ICE."""
        return str(self._bundle.agent.local_username)

    async def add_candidate(self, candidate: str, sdp_mid: str | None) -> None:
        """Take a candidate that comes after the offer (trickle ICE, RFC 8838). Raises PeerError.

        An empty `candidate` says that no more come; nothing depends on it. `sdp_mid` names the candidate's section.
        """
        if self._offer is None or not candidate:
            return
        if sdp_mid is not None and sdp_mid != self._offer.mid:
            self._offer.candidates.leave_out("section")
        elif contact := self._offer.candidates.take(candidate):
            await self._ice.add(contact)

    @property
    def unheard_ms(self) -> float:
        """How long nothing has come from the client. What was sent since then may be lost. 0 if it is not long."""
        silent_ms = 0.0 if self._presence is None else self._presence.silent_ms(self._now_s)
        return silent_ms if silent_ms > SURELY_THERE_MS else 0.0

    @property
    def line(self) -> Line | None:
        """How it carries sound; None before anything was agreed on."""
        return None if self._rtp is None else self._rtp.line

    def send_text(self, text: str) -> None:
        """Send a message on the data channel, or keep it until there is one (`Channel.send`)."""
        self._channel.send(text)

    def hush(self) -> None:
        """Do nothing: no sound ever waits here that could be dropped, because each frame is sent at once."""

    def hurry(self) -> None:
        """Send the first packet of a reply now, or at the next tick if a packet was already sent in this one."""
        asyncio.get_running_loop().call_soon(self._begin)  # so that the step that made the reply ready can finish

    async def close(self) -> None:
        """End the connection and free all that it holds. Idempotent."""
        self._pacer.leave(self._tick)
        self._reached()
        self._ice.close()
        if self._rtp is not None and not self._closed:
            self._rtp.close()
        self._closed = True
        await self._bundle.close()

    # Steps of a set-up

    async def _connect(self, offer: Offer) -> None:
        self._bundle.start(offer.transport)
        self._await("ICE", self._settings.ice_s)
        await self._contact(offer)

    def _take(self, offer: Offer) -> None:
        """Do what the client says, in an offer or in an answer."""
        self._offer = offer
        if offer.data is not None and self._bundle.sctp is None:
            self._bundle.carry(offer.data, self._channel.guard)
        agreed = self._negotiation.agree(offer)
        if agreed is not None and self._rtp is not None:
            self._rtp.agree(agreed)
        elif agreed is not None:
            self._rtp = RtpSession(agreed, self._listener, self._transport, self.counters)
        self._hold(offer)

    def _hold(self, offer: Offer) -> None:
        """Tell the call when the client stops to take our sound, and when it takes it again.

        A client that has never taken it may read what the agent says, or listen by another way. Then the call goes on.
        """
        self._has_received = self._has_received or offer.receives
        reads = offer.data is not None or offer.sends
        held = not offer.receives and (self._has_received or not reads)
        if held != self._held:
            self._held = held
            if self._joined:
                self._listener.hold(held)

    async def _contact(self, offer: Offer) -> None:
        for candidate in offer.contacts:
            await self._ice.add(candidate)

    # Called by MediaTransport

    def receive_rtp(self, data: bytes, now_s: float) -> None:
        self._on_sign()
        if self._rtp is not None and not self._held and (self._offer is None or self._offer.sends):
            self._rtp.receive_rtp(data, now_s)

    def receive_rtcp(self, data: bytes, now_s: float) -> None:
        if self._rtp is not None:
            self._rtp.receive_rtcp(data, now_s)

    # Called by Channel

    def receive_text(self, text: str | bytes) -> None:
        self._on_sign()
        self._listener.receive_text(text)

    def abused(self, reason: str) -> None:
        self._lose(f"the client abuses its data channel: {reason}")

    # Called by Bundle

    def ice_found(self) -> None:
        if not self._joined:
            self._await("DTLS", self._settings.dtls_s)

    def connected(self) -> None:
        if self._joined or self._closed:
            return
        self._joined = True
        self._reached()
        self._listener.ready()
        if self._held:
            self._listener.hold(True)
        self._pacer.join(self._tick)

    def gone(self) -> None:
        if not self._closed:
            log.info("= connection is %s", self._bundle.state)
            self._listener.lost(closed=self._bundle.closed_by_client)

    def _on_sign(self) -> None:
        if self._presence is not None:
            self._presence.sign(self._now_s)

    def _tick(self, number: int) -> None:
        """Called by the pacer every 20 ms. On hold no time passes for the call, and only reports are sent."""
        now_s = asyncio.get_running_loop().time()
        assert self._rtp is not None, "because a first offer has sound"
        if not self._held:
            self._rtp.hear(now_s)
            pcm = self._listener.next_frame()
        if self._sending:
            self._rtp.speak(pcm, number, now_s)
        else:
            self._rtp.rest(number, now_s)
        self._look(number * FRAME_MS / 1000)

    @property
    def _sending(self) -> bool:
        """Whether our answer says that we send."""
        return not self._held and (self._offer is None or self._offer.receives)

    def _begin(self) -> None:
        if self._closed or self._rtp is None or not self._sending or not self._rtp.may_begin:
            return
        if (frame := self._listener.frame_ahead()) is not None:
            self._rtp.begin(frame)

    # Watching whether the client is still there

    def _await(self, stage: str, limit_s: float) -> None:
        """Give the connection up if this stage of the set-up is not reached in time."""
        self._reached()
        if not self._closed:
            self._deadline = asyncio.get_running_loop().call_later(limit_s, self._lose, f"no {stage} in time")

    def _reached(self) -> None:
        """Stop the deadline, because the stage was reached."""
        if self._deadline is not None:
            self._deadline.cancel()

    def _look(self, now_s: float) -> None:
        """Check whether the client is still there."""
        self._now_s = now_s
        if self._presence is None:
            self._presence = Presence(now_s, self._settings.vanished_s)
        absence = self._presence.look(now_s)
        if absence is Absence.ASK:
            self._ice.ask()
        elif absence is Absence.VANISHED:
            self._lose(absence.value)
        elif self._sending and self._rtp is not None and (fault := self._rtp.look()) is not None:
            self._lose(fault.value)

    def _lose(self, reason: str) -> None:
        left_out = dict(self._offer.candidates.left_out) if self._offer else {}
        log.info("x peer is lost: %s; candidates that were not contacted: %s", reason, left_out)
        self._presence = None
        self._listener.lost(reason)
