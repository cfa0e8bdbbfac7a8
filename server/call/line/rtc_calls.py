"""The WebRTC calls of this process. Each is a peer, and the leg that joins it to its session."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress

from server.call.caller import Caller
from server.call.desk.directory import Directory
from server.call.line.leg import Leg
from server.call.line.rtc_call import MakeLeg, OwnLeg, RtcCall
from server.call.line.traffic import Traffic
from server.call.options import CallOptions
from server.call.session import Session
from server.errors import Conflict, NotFound, PeerError
from server.media.counters import DROPS
from server.media.offer import Offer, read_offer
from server.media.own_offer import read_answer
from server.media.pacer import Pacer
from server.media.peer import Peer
from server.media.reach import PeerSettings

RELEASE_S = 5.0
"""How long the end of a call is waited for. It takes milliseconds, unless a tool does not stop."""

log = logging.getLogger(__name__)


class RtcCalls:
    """Finds WebRTC calls by their `pc_id`, and owns their tasks."""

    def __init__(
        self, directory: Directory, pacer: Pacer, connect_s: float, peers: PeerSettings, make_leg: MakeLeg = Leg
    ) -> None:
        """`make_leg` makes the legs of calls for which nobody gives another one."""
        self._directory = directory
        self._pacer = pacer
        self._connect_s = connect_s
        self._peers = peers
        self._make_leg = make_leg
        self._calls: dict[str, RtcCall] = {}
        self._offered: dict[str, RtcCall] = {}
        """The calls whose offers of ours are not answered yet."""
        self._pending: dict[Session, RtcCall] = {}
        """The one call of each session that is not connected yet. A newer one takes its place."""
        self._waiting: dict[str, RtcCall] = {}
        """The last calls of the sessions that have lost their peers, each by the pc_id that its client knows."""
        self._tasks: set[asyncio.Task[None]] = set()
        self.traffic = Traffic()

    def drops(self) -> Mapping[str, int]:
        """How many packets came to the media ports and were not used, in all calls so far, by reason."""
        totals = self.traffic.totals
        return {reason: totals[reason] for reason in DROPS if totals[reason]}

    async def answer(
        self, sdp: str, caller: Caller, options: CallOptions, make_leg: OwnLeg = None
    ) -> tuple[str, str, str]:
        """Begin a conversation. Returns the answer's SDP, pc_id and session_id.

        Raises PeerError, AtCapacity, TooMany.
        """
        self._directory.pace(caller)
        self._directory.admit(caller)  # a busy server does not even read the offer
        offer = self._read_offer(sdp, caller)
        session = await self._directory.open(caller, options)
        return await self._answer(offer, self._make(session, None, "", make_leg), self._directory.ids.new())

    async def offer(self, caller: Caller, options: CallOptions, make_leg: MakeLeg) -> tuple[str, str]:
        """Begin a conversation by an offer of ours. Returns the offer's SDP and pc_id.

        It keeps its place until it is given to `accept` or `withdraw`. Raises AtCapacity, TooMany, PeerError.
        """
        self._directory.pace(caller)
        call = self._make(await self._directory.open(caller, options), None, "", make_leg)
        pc_id = self._directory.ids.new()
        async with self._or_given_up(call):
            sdp = await call.peer.offer()
        self._offered[pc_id] = call
        return sdp, pc_id

    async def accept(self, sdp: str, pc_id: str) -> None:
        """Take the answer to our offer. Raises PeerError; then the offer is withdrawn."""
        call = self._offered.pop(pc_id)
        async with self._or_given_up(call):
            await call.peer.accept(read_answer(sdp, self._peers.reach.contact_of(call.leg.session.caller.here)))
        self._begin(pc_id, call)

    async def withdraw(self, pc_id: str) -> None:
        """Nobody answers our offer: give its place back. An offer that is not there any more changes nothing."""
        if (call := self._offered.pop(pc_id, None)) is not None:
            await self._give_up(call)

    async def resume(
        self, sdp: str, caller: Caller, session_id: str, token: str, options: CallOptions, make_leg: OwnLeg = None
    ) -> tuple[str, str, str]:
        """Go on with a conversation that has lost its connection. Raises PeerError, NotFound, AtCapacity, TooMany."""
        self._directory.pace(caller)
        offer = self._read_offer(sdp, caller)
        session = await self._directory.find(caller, session_id, token, options)
        session.expect_another()
        return await self._answer(offer, self._make(session, None, token, make_leg), self._directory.ids.new())

    async def move(self, sdp: str, caller: Caller, pc_id: str) -> tuple[str, str, str]:
        """Take an offer for a live call: change the peer that it has, or go on over a new peer (another network).

        A call that has lost its peer is live while its session waits. Raises PeerError, NotFound, TooMany.
        """
        if pc_id not in self._calls and pc_id in self._waiting:
            return await self._come_back(sdp, caller, pc_id)
        predecessor = self._find(caller, pc_id)
        self._directory.pace(caller)
        offer = self._read_offer(sdp, caller, live=True)
        if (known := predecessor.knowing(offer)) is not None:
            return await known.peer.answer_again(offer), pc_id, known.leg.session.id
        offer = self._read_offer(sdp, caller)  # a new peer needs sound
        predecessor.leg.session.expect_another()
        call = self._make(predecessor.leg.session, predecessor, "", predecessor.make_leg)
        return await self._answer(offer, call, pc_id)

    async def _come_back(self, sdp: str, caller: Caller, pc_id: str) -> tuple[str, str, str]:
        """Go on with a session that waits, for a client that has only the pc_id."""
        last = self._waiting[pc_id]
        session = last.leg.session
        if session.caller.name != caller.name or session.absence.since_s is None:
            raise NotFound("There is no such call.")
        self._directory.pace(caller)
        offer = self._read_offer(sdp, caller)
        session.expect_another()
        return await self._answer(offer, self._make(session, last, "", last.make_leg), pc_id)

    async def reoffer(self, sdp: str, caller: Caller, pc_id: str) -> tuple[str, str, str]:
        """Take another offer of the connection that a live call has: an ICE restart, a hold, a change of its tracks.

        Raises PeerError, NotFound, TooMany, and Conflict for an offer of another connection.
        """
        call = self._find(caller, pc_id)
        self._directory.pace(caller)
        offer = self._read_offer(sdp, caller, live=True)
        if (known := call.knowing(offer)) is None:
            raise Conflict("The offer comes from another connection than the one that this call has.")
        return await known.peer.answer_again(offer), pc_id, known.leg.session.id

    async def restart(self, caller: Caller, pc_id: str, ufrag: str, password: str) -> str:
        """Restart ICE by the client's new credentials alone. Returns the answer's SDP. Raises as `reoffer`."""
        call = self._find(caller, pc_id)
        self._directory.pace(caller)
        return await call.peer.restart(ufrag, password)

    def ufrag(self, caller: Caller, pc_id: str) -> str:
        """Our ICE user name in this call: it names the present ICE session. Raises NotFound."""
        return self._find(caller, pc_id).peer.ufrag

    async def add_candidate(self, caller: Caller, pc_id: str, candidate: str, mid: str | None) -> None:
        """Take a late ICE candidate of the client; `mid` names its media section. Raises NotFound."""
        await self._find(caller, pc_id).peer.add_candidate(candidate, mid)

    async def hang_up(self, caller: Caller, pc_id: str) -> None:
        """End the call, and wait until its place is free. Raises NotFound."""
        leg = self._find(caller, pc_id).leg
        leg.session.end("caller")
        self._directory.abandon(leg.session)
        with suppress(TimeoutError):
            await asyncio.wait_for(leg.session.over.wait(), RELEASE_S)
        leg.close()

    async def close(self) -> None:
        """Close all peers and wait for them: aiortc must not be cancelled while it closes."""
        for pc_id in list(self._offered):
            await self.withdraw(pc_id)
        for call in self._calls.values():
            call.leg.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=RELEASE_S)
        for task in self._tasks:
            task.cancel()

    def _find(self, caller: Caller, pc_id: str) -> RtcCall:
        """The caller's call. Whether somebody else has a call of that name is not told."""
        call = self._calls.get(pc_id)
        if call is None or call.leg.session.caller.name != caller.name:
            raise NotFound("There is no such call.")
        return call

    def _read_offer(self, sdp: str, caller: Caller, live: bool = False) -> Offer:
        """Raises PeerError for an offer that cannot be used, before anything is made for it."""
        return read_offer(sdp, self._peers.reach.contact_of(caller.here), live)

    async def _answer(self, offer: Offer, call: RtcCall, pc_id: str) -> tuple[str, str, str]:
        async with self._or_given_up(call):
            answer = await call.peer.answer(offer)
        self._begin(pc_id, call)
        return answer, pc_id, call.leg.session.id

    @asynccontextmanager
    async def _or_given_up(self, call: RtcCall) -> AsyncIterator[None]:
        """Give the call up if the block takes too long or fails."""
        try:
            async with asyncio.timeout(self._connect_s):
                yield
            if call.leg.over.is_set():
                raise PeerError("A newer offer has taken the place of this one.")
        except BaseException:
            await self._give_up(call)
            raise

    async def _give_up(self, call: RtcCall) -> None:
        self._not_pending(call.leg.session, call)
        await call.peer.close()

    def _begin(self, pc_id: str, call: RtcCall) -> None:
        """What was agreed on is about to connect."""
        self._calls[pc_id] = call
        self.traffic.begin(call.leg, call.peer.counters)
        name = f"peer-{call.leg.session.id}"
        task = asyncio.get_running_loop().create_task(self._run_to_its_end(pc_id, call), name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _make(self, session: Session, predecessor: RtcCall | None, token: str, make_leg: OwnLeg) -> RtcCall:
        """A call for `session`, whose client comes from `predecessor`, if it had one.

        It takes the place of another one that is not connected yet.
        """
        make_leg = make_leg or self._make_leg
        leg = make_leg(session, lambda leg: self._directory.attach(session, leg, token))
        if predecessor is not None:
            leg.speak_as(predecessor.leg)
        older = self._pending.get(session)
        try:
            call = self._pending[session] = RtcCall(leg, Peer(leg, self._pacer, self._peers), predecessor, make_leg)
        except BaseException:
            self._not_pending(session, None)
            raise
        if older is not None and not older.leg.connected.is_set():
            older.leg.close()
        return call

    def _not_pending(self, session: Session, call: RtcCall | None) -> None:
        """`call` is connected, or has failed. A session that nobody else is about to reach gives its place back."""
        if self._pending.get(session) is call:
            self._pending.pop(session, None)
        if session not in self._pending:
            self._directory.abandon(session)

    async def _run_to_its_end(self, pc_id: str, call: RtcCall) -> None:
        """The life of one peer, from the answer until everything of it is released."""
        leg, stood = call.leg, False
        try:
            if stood := await self._connects_in_time(leg):
                self._not_pending(leg.session, call)
                call.predecessor = call.live_predecessor  # or a long call that moves often would keep all its peers
                await leg.over.wait()
            elif not leg.session.over.is_set():
                log.info("x call %s: no connection within %g s", leg.session.id, self._connect_s)
        finally:
            self._not_pending(leg.session, call)
            self.traffic.end(leg, stood)
            self._remove(pc_id, call)
            await call.peer.close()

    def _remove(self, pc_id: str, call: RtcCall) -> None:
        """The peer is over. If its predecessor still lives, because the move has failed, `pc_id` names that again."""
        if self._calls.get(pc_id) is call:
            del self._calls[pc_id]
            if (predecessor := call.live_predecessor) is not None:
                self._calls[pc_id] = predecessor
        self._waiting = {
            known: each for known, each in self._waiting.items()
            if each.leg.session is not call.leg.session and each.leg.session.absence.since_s is not None
        }  # fmt: skip
        if pc_id not in self._calls and call.leg.session.absence.since_s is not None:
            self._waiting[pc_id] = call

    async def _connects_in_time(self, leg: Leg) -> bool:
        """Whether the peer connects in time, while its session still has a place."""
        ways = [
            asyncio.get_running_loop().create_task(event.wait(), name=f"connect-{leg.session.id}")
            for event in (leg.connected, leg.session.over)
        ]
        try:
            await asyncio.wait(ways, timeout=self._connect_s, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
        return leg.connected.is_set()
