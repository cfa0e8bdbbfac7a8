"""The WebRTC calls of this process: each a peer and the leg that joins it to its session."""

import asyncio
import logging
import secrets
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress

from server.call.desk.directory import Directory
from server.call.line.leg import Leg
from server.call.options import CallOptions
from server.call.session import Session
from server.errors import NotFound
from server.media.counters import MediaCounters
from server.media.offer import Offer, read_offer
from server.media.pacer import Pacer
from server.media.peer import Peer
from server.media.reach import PeerSettings

RELEASE_S = 5.0
"""A call is released in milliseconds; a tool that does not let go may take longer, and is not waited for."""

log = logging.getLogger(__name__)


class _RtcCall:
    """One peer connection, and the one whose place it takes."""

    def __init__(self, leg: Leg, peer: Peer, before: "_RtcCall | None") -> None:
        self.leg = leg
        self.peer = peer
        self.before = before
        leg.wire = peer

    @property
    def alive_before(self) -> "_RtcCall | None":
        """Of those whose place was to be taken, one after the other, the newest that is not over."""
        before = self.before
        while before is not None and before.leg.over.is_set():
            before = before.before
        return before


class RtcCalls:
    """The WebRTC calls by `pc_id`; owns their tasks."""

    def __init__(self, directory: Directory, pacer: Pacer, connect_s: float, peers: PeerSettings) -> None:
        self._directory = directory
        self._pacer = pacer
        self._connect_s = connect_s
        self._peers = peers
        self._calls: dict[str, _RtcCall] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._past = Counter[str]()
        """Drops of calls that are over."""

    def drops(self) -> Mapping[str, int]:
        """What came to our media ports and was not used, by reason, of all calls so far."""
        return sum((_drops(call.peer.counters) for call in self._calls.values()), start=Counter(self._past))

    async def answer(self, sdp: str, options: CallOptions) -> tuple[str, str, str]:
        """Begin a conversation; → the answer's SDP, pc_id, session_id. Raises PeerError, AtCapacity."""
        self._directory.admit()  # a busy server does not even read
        offer = self._read(sdp)
        session = self._directory.open(options)
        return await self._answer(offer, session, secrets.token_urlsafe(12), None, "")

    async def resume(self, sdp: str, session_id: str, token: str, options: CallOptions) -> tuple[str, str, str]:
        """Go on with a conversation that has lost its connection. Raises PeerError, NotFound, AtCapacity."""
        offer = self._read(sdp)
        session = await self._directory.find(session_id, token, options)
        return await self._answer(offer, session, secrets.token_urlsafe(12), None, token)

    async def move(self, sdp: str, pc_id: str) -> tuple[str, str, str]:
        """Let a live call go on over a new peer (ICE restart, another network). Raises PeerError, NotFound."""
        before = self._find(pc_id)
        return await self._answer(self._read(sdp), before.leg.session, pc_id, before, "")

    async def add_candidate(self, pc_id: str, candidate: str, mid: str | None) -> None:
        await self._find(pc_id).peer.add_candidate(candidate, mid)

    async def hang_up(self, pc_id: str) -> None:
        """End the call and wait until its place is free; raises NotFound."""
        leg = self._find(pc_id).leg
        leg.session.end()
        self._directory.abandon(leg.session)
        with suppress(TimeoutError):
            async with asyncio.timeout(RELEASE_S):
                await leg.session.over.wait()
        leg.close()

    async def close(self) -> None:
        """Release what is left of all peers. aiortc must not be cancelled while it closes."""
        for call in self._calls.values():
            call.leg.close()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=RELEASE_S)
        for task in self._tasks:
            task.cancel()

    def _find(self, pc_id: str) -> _RtcCall:
        try:
            return self._calls[pc_id]
        except KeyError:
            raise NotFound("There is no such call.") from None

    def _read(self, sdp: str) -> Offer:
        """Before anything is made for it."""
        return read_offer(sdp, self._peers.reach.contact)

    async def _answer(
        self, offer: Offer, session: Session, pc_id: str, before: _RtcCall | None, token: str
    ) -> tuple[str, str, str]:
        leg = Leg(session, lambda leg: self._directory.attach(session, leg, token))
        call = _RtcCall(leg, Peer(leg, self._pacer, self._peers), before)
        try:
            async with asyncio.timeout(self._connect_s):
                answer = await call.peer.answer(offer)
        except BaseException:
            self._directory.abandon(session)
            await call.peer.close()
            raise
        self._calls[pc_id] = call
        task = asyncio.get_running_loop().create_task(self._hold(pc_id, call), name=f"peer-{session.id}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return answer, pc_id, session.id

    async def _hold(self, pc_id: str, call: _RtcCall) -> None:
        """The life of one peer, from the answer to the last thing given back."""
        leg = call.leg
        try:
            if await self._connects(leg):
                call.before = call.alive_before  # else a long call that moves often would keep all its peers
                await leg.over.wait()
            else:
                log.info("x call %s: no connection within %g s", leg.session.id, self._connect_s)
        finally:
            self._directory.abandon(leg.session)
            self._forget(pc_id, call)
            await call.peer.close()

    def _forget(self, pc_id: str, call: _RtcCall) -> None:
        """The call is over; one that was to be replaced by it and still lives has its name back."""
        self._past += _drops(call.peer.counters)
        if self._calls.get(pc_id) is call:
            del self._calls[pc_id]
            if (before := call.alive_before) is not None:
                self._calls[pc_id] = before

    async def _connects(self, leg: Leg) -> bool:
        try:
            async with asyncio.timeout(self._connect_s):
                await leg.connected.wait()
        except TimeoutError:
            return False
        return True


def _drops(counters: MediaCounters) -> Counter[str]:
    reasons = ("empty", "unknown_kind", "unvalidated", "over_rate", "unauthentic", "malformed", "duplicate", "too_fast")
    return Counter({reason: getattr(counters, reason) for reason in (*reasons, "lost")})
