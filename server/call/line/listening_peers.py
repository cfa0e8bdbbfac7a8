"""The WebRTC connections of those who listen to live calls. Each is a peer that only sends."""

import asyncio
import logging
from collections import deque
from dataclasses import dataclass, replace

from server.call.desk.directory import Directory
from server.call.listeners import Listeners
from server.errors import NotAcceptable, NotFound
from server.media.frame import Frame
from server.media.offer import Offer, read_offer
from server.media.pacer import Pacer
from server.media.peer import Peer
from server.media.reach import PeerSettings

MAX_WAITING = 5
"""How many frames may wait for the tick of a listener's peer: 100 ms. When more come, the oldest are left out."""
RELEASE_S = 5.0
"""How long the end of all peers is waited for. It takes milliseconds."""

log = logging.getLogger(__name__)


class _Ear:
    """Takes the sound of a call for a peer, and nothing from the peer: a Listener, and a PeerListener."""

    def __init__(self) -> None:
        self.over = asyncio.Event()
        self._waiting: deque[bytes | None] = deque(maxlen=MAX_WAITING)

    # Called by the call

    def play(self, pcm: bytes | None) -> None:
        self._waiting.append(pcm)

    def end(self) -> None:
        self.over.set()

    # Called by the peer

    def ready(self) -> None:
        self._waiting.clear()

    def next_frame(self) -> bytes | None:
        return self._waiting.popleft() if self._waiting else None

    def frame_ahead(self) -> bytes | None:
        return None

    def lost(self, why: str = "", closed: bool = False) -> None:
        self.over.set()

    def hear(self, frame: Frame) -> None: ...
    def digit(self, digit: str) -> None: ...
    def receive_text(self, text: str | bytes) -> None: ...
    def hold(self, on: bool) -> None: ...


@dataclass(frozen=True, slots=True)
class _Listening:
    """One who listens to a call."""

    call_id: str
    ear: _Ear
    peer: Peer


class ListeningPeers:
    """Finds the listeners of calls by their ids, and owns their tasks."""

    def __init__(self, directory: Directory, pacer: Pacer, settings: PeerSettings) -> None:
        self._directory = directory
        self._pacer = pacer
        self._settings = settings
        self._listening: dict[str, _Listening] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    async def answer(self, sdp: str, call_id: str, here: bool) -> tuple[str, str]:
        """Let somebody listen to a live call. `here`: the offer comes from this machine.

        Returns the answer's SDP and the id of the listener. Raises NotFound, PeerError and AtCapacity.
        """
        listeners = self._directory.control(call_id).listeners
        offer = self._read_offer(sdp, here)
        ear = _Ear()
        peer = Peer(ear, self._pacer, self._settings)
        try:
            listeners.join(ear)
            async with asyncio.timeout(self._settings.connect_s):
                answer = await peer.answer(offer)
        except BaseException:
            listeners.leave(ear)
            await peer.close()
            raise
        listener_id = self._directory.ids.new()
        self._listening[listener_id] = _Listening(call_id, ear, peer)
        task = asyncio.get_running_loop().create_task(
            self._run_to_its_end(listener_id, listeners), name=f"listener-{call_id}"
        )
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return answer, listener_id

    async def restart(self, call_id: str, listener_id: str, ufrag: str, password: str) -> str:
        """Restart ICE by the client's new credentials. Returns the answer. Raises NotFound, PeerError and TooMany."""
        return await self._find(call_id, listener_id).peer.restart(ufrag, password)

    async def add_candidate(self, call_id: str, listener_id: str, candidate: str) -> None:
        """Take a late ICE candidate of the client. Raises NotFound and PeerError."""
        await self._find(call_id, listener_id).peer.add_candidate(candidate, None)

    def ufrag(self, call_id: str, listener_id: str) -> str:
        """Our ICE user name: it names the present ICE session. Raises NotFound."""
        return self._find(call_id, listener_id).peer.ufrag

    def leave(self, call_id: str, listener_id: str) -> None:
        """Listen no more. Raises NotFound."""
        self._find(call_id, listener_id).ear.end()

    async def close(self) -> None:
        """Close all peers and wait for them: aiortc must not be cancelled while it closes."""
        for listening in self._listening.values():
            listening.ear.end()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=RELEASE_S)
        for task in self._tasks:
            task.cancel()

    def _find(self, call_id: str, listener_id: str) -> _Listening:
        """The listener of this call. One that has ended is not found, while its peer still closes."""
        listening = self._listening.get(listener_id)
        if listening is None or listening.call_id != call_id or listening.ear.over.is_set():
            raise NotFound("There is no such listener.")
        return listening

    def _read_offer(self, sdp: str, here: bool) -> Offer:
        """Raises PeerError for an offer that cannot be used. Whatever else it offers, it is answered `sendonly`."""
        offer = read_offer(sdp, self._settings.reach.contact_of(here))
        if not offer.receives:
            raise NotAcceptable("The offer does not receive audio.")
        return replace(offer, direction="recvonly")

    async def _run_to_its_end(self, listener_id: str, listeners: Listeners) -> None:
        """The life of one peer, from the answer until everything of it is released."""
        listening = self._listening[listener_id]
        log.info("- call %s: somebody listens", listening.call_id)
        try:
            await listening.ear.over.wait()
        finally:
            log.info("- call %s: somebody listens no more", listening.call_id)
            listeners.leave(listening.ear)
            del self._listening[listener_id]
            await listening.peer.close()
