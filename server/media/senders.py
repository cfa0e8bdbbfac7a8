"""Decides which senders (SSRCs) of a call are heard. Pure.

libsrtp keeps a state for every sender that it has ever heard in a call, and searches them one after the other. So a
client that takes a new SSRC for each packet makes each packet dearer than the one before: 3 µs for a stream more, and
120 µs after 8,000. A client needs one SSRC; it takes another one when its sound comes from another source.
"""

MAX_AT_ONCE = 4
"""How many senders are known at a time. If one more comes, the one that was silent for longest is forgotten."""
MAX_EVER = 64
"""How many senders a call may have in its life."""


class Senders:
    """The SSRCs of one call. A forgotten one never comes back: libsrtp could not tell a repeated packet of it any more
    (a replay, RFC 3711, section 3.3.2)."""

    def __init__(self) -> None:
        self._known: dict[int, None] = {}
        """The one that was silent for longest comes first."""
        self._forgotten: set[int] = set()

    def admits(self, ssrc: int) -> bool:
        """Whether a packet that says it is from `ssrc` is worth decrypting."""
        if ssrc in self._known:
            return True
        return ssrc not in self._forgotten and len(self._known) + len(self._forgotten) < MAX_EVER

    def note(self, ssrc: int) -> int | None:
        """An authentic packet of an admitted sender has come. Returns the sender that is forgotten for it, or None."""
        self._known.pop(ssrc, None)
        self._known[ssrc] = None
        if len(self._known) <= MAX_AT_ONCE:
            return None
        oldest = next(iter(self._known))
        del self._known[oldest]
        self._forgotten.add(oldest)
        return oldest
