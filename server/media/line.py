"""The line: how a connection carries sound, as its counters tell. Pure."""

from dataclasses import dataclass, field, replace

from server.media.counters import MediaCounters
from server.media.e_model import CODECS, rating
from server.media.frame import FRAME_MS

BUFFERED_MS = 20.0
"""What a client's jitter buffer keeps at least, beside what the jitter needs. No client tells it; browsers keep one
packet or two."""


@dataclass(frozen=True, slots=True)
class Line:
    """A connection at one moment."""

    codec: str = ""
    """With which we speak, by its SDP name in lower case."""
    counters: MediaCounters = field(default_factory=MediaCounters)
    window_ms: float = 0.0
    """How long the jitter buffer waits at present for a packet that is missing."""

    @property
    def kept(self) -> "Line":
        """The same at another place, where it does not change any more."""
        return replace(self, counters=replace(self.counters))


def lost_in_percent(before: Line, now: Line) -> float | None:
    """The share of the caller's packets since `before` that were neither played nor recovered. None without any."""
    came = now.counters.received - before.counters.received
    lost = now.counters.lost - before.counters.lost
    recovered = now.counters.recovered - before.counters.recovered
    return 100 * max(0, lost - recovered) / (came + lost) if came + lost > 0 else None


def rating_in(before: Line, now: Line) -> float | None:
    """R of the sound that has come since `before`; None while the round trip is not known."""
    lost, way_ms = lost_in_percent(before, now), _way_ms(now)
    if lost is None or way_ms is None:
        return None
    return rating(now.codec, way_ms + now.window_ms, lost)


def rating_out(now: Line) -> float | None:
    """R of the sound that the caller hears lately; None while the client reports nothing."""
    counters, way_ms = now.counters, _way_ms(now)
    if not counters.reports or way_ms is None:
        return None
    return rating(now.codec, way_ms + BUFFERED_MS + 2 * counters.jitter_ms, counters.lost_percent)


def _way_ms(line: Line) -> float | None:
    """From the speaker's mouth to the buffer of the listener: half the round trip, a packet, and what the codec looks
    ahead. None while it is not known."""
    codec, round_trip_ms = CODECS.get(line.codec), line.counters.round_trip_ms
    return None if codec is None or round_trip_ms is None else round_trip_ms / 2 + FRAME_MS + codec.ahead_ms
