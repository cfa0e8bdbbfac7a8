"""Traffic: what the connections of one kind carry, and how they end. Counters of the server, for whoever reads them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import fields

from server.call.line.leg import Leg
from server.media.counters import MediaCounters

_COUNTED = tuple(field.name for field in fields(MediaCounters) if field.type is int)


class Traffic:
    """All connections of one kind so far, those that live and those that are over."""

    def __init__(self) -> None:
        self._live: dict[Leg, MediaCounters] = {}
        self._past = Counter[str]()
        self.ends = Counter[str]()
        """How many connections are over, by how they ended: the code of the error that the client was told, "lost",
        "reconnect", "unconnected" if they never stood, or "closed"."""

    def begin(self, leg: Leg, counters: MediaCounters) -> None:
        """A connection begins."""
        self._live[leg] = counters

    def end(self, leg: Leg, stood: bool = True) -> None:
        """It is over. Idempotent."""
        if (counters := self._live.pop(leg, None)) is not None:
            self._past += _counted(counters)
            self.ends[(leg.reason or "closed") if stood else "unconnected"] += 1

    @property
    def totals(self) -> Counter[str]:
        """The counters of `MediaCounters`, in all connections so far."""
        return sum(map(_counted, self._live.values()), start=Counter(self._past))

    @property
    def live(self) -> Iterable[MediaCounters]:
        """Those of the connections that live."""
        return self._live.values()

    @property
    def states(self) -> Counter[str]:
        """How many connections are connecting, and how many are connected."""
        states = Counter(connecting=0, connected=0)
        states.update("connected" if leg.connected.is_set() else "connecting" for leg in self._live)
        return states


def _counted(counters: MediaCounters) -> Counter[str]:
    return Counter({name: getattr(counters, name) for name in _COUNTED})
