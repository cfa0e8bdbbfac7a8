"""A bad network that behaves the same every time: it says when each packet arrives: once, twice or never."""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from server.media.rtp_session import PacketSender


@dataclass(frozen=True, slots=True)
class Impairment:
    """How bad the network is. Shares of packets are from 0 to 1.

    Jitter keeps the order of packets. A packet that is reordered comes `reorder_ms` later than without it. Losses come
    in bursts of `burst` packets.
    """

    loss: float = 0.0
    burst: int = 1
    jitter_ms: float = 0.0
    reorder: float = 0.0
    reorder_ms: float = 45.0
    duplicate: float = 0.0
    delay_ms: float = 0.0
    cuts_ms: tuple[tuple[float, float], ...] = ()
    """Times from and to: no packet that is sent between them arrives."""


@dataclass(slots=True)
class Link:
    """The network in one direction."""

    impairment: Impairment
    seed: int = 1
    _last_ms: float = 0.0
    _still_to_lose: int = 0
    _rng: random.Random = field(init=False)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)

    def arrivals_ms(self, now_ms: float) -> list[float]:
        """When a packet that is sent now arrives. Empty if it is lost, two times if it is duplicated."""
        bad = self.impairment
        lost, late, twice, jitter = (self._rng.random() for _ in range(4))
        if self._loses(lost) or any(start <= now_ms < end for start, end in bad.cuts_ms):
            return []
        self._last_ms = at_ms = max(self._last_ms, now_ms + bad.delay_ms + jitter * bad.jitter_ms)
        if late < bad.reorder:
            at_ms += bad.reorder_ms
        return [at_ms, at_ms + 5.0] if twice < bad.duplicate else [at_ms]

    def _loses(self, chance: float) -> bool:
        """Whether the next packet is lost. `chance` is a random number."""
        bad = self.impairment
        if not self._still_to_lose and chance < bad.loss / (bad.burst - (bad.burst - 1) * bad.loss):
            self._still_to_lose = bad.burst
        if not self._still_to_lose:
            return False
        self._still_to_lose -= 1
        return True


class Clock:
    """A clock that jumps from one event to the next."""

    def __init__(self) -> None:
        self.now_ms = 0.0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = count()

    def at(self, time_ms: float, do: Callable[[], None]) -> None:
        heapq.heappush(self._events, (time_ms, next(self._numbers), do))

    def run(self) -> None:
        """Run all events, until none is left."""
        while self._events:
            self.now_ms, _, do = heapq.heappop(self._events)
            do()


class LossySender:
    """A PacketSender between a session and its transport. It loses sound as the link does. Reports get through."""

    def __init__(self, inner: PacketSender, link: Link) -> None:
        self._inner = inner
        self._link = link

    def send_rtp(self, packet: bytes) -> None:
        if self._link.arrivals_ms(0.0):
            self._inner.send_rtp(packet)

    def send_rtcp(self, packet: bytes) -> None:
        self._inner.send_rtcp(packet)
