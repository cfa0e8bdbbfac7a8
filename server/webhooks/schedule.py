"""What becomes of an event after a try to deliver it: it is delivered, given up, or tried again later.

Times are Unix milliseconds, and are passed in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from email.utils import mktime_tz, parsedate_tz
from enum import Enum

PAUSES_S = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
"""How long to wait after each try, as the Standard Webhooks specification suggests. After more tries, as the last."""
JITTER = 0.2
"""A pause is longer by up to this part, by chance, so that what has failed together does not come back together."""
LONGEST_RETRY_AFTER_S = PAUSES_S[-1]
"""How long a receiver may ask to be left alone."""
_COME_LATER = (408, 425, 429)


class Verdict(Enum):
    """What an HTTP status, or its absence, says about an event."""

    DELIVERED = "delivered"
    GONE = "gone"
    """The receiver will never take it."""
    REFUSED = "refused"
    """The receiver does not take this event now. It may be set up wrongly, and it may take others."""
    LATER = "later"
    """The receiver takes nothing now."""


def judge(status: int | None) -> Verdict:
    """`status` is None when no answer came."""
    if status is not None and 200 <= status < 300:
        return Verdict.DELIVERED
    if status == 410:
        return Verdict.GONE
    if status is not None and 400 <= status < 500 and status not in _COME_LATER:
        return Verdict.REFUSED
    return Verdict.LATER


@dataclass(frozen=True, slots=True)
class Schedule:
    """When events are tried again. `longest_ms` after it has happened an event is tried for the last time."""

    longest_ms: int
    pauses_s: Sequence[float] = PAUSES_S

    def again_ms(self, created_ms: int, tries: int, now_ms: int, chance: float, wanted_s: float = 0.0) -> int | None:
        """When to try again after this many failed tries; None when that was the last one.

        `chance` is in [0, 1). `wanted_s` is how long the receiver asks to be left alone.
        """
        last_ms = created_ms + self.longest_ms
        if now_ms >= last_ms:
            return None
        pause_s = self.pauses_s[min(tries, len(self.pauses_s)) - 1] * (1 + JITTER * chance)
        pause_s = max(pause_s, min(wanted_s, LONGEST_RETRY_AFTER_S))
        return min(now_ms + round(pause_s * 1000), last_ms)


def retry_after_s(header: str, now_s: float) -> float:
    """How long a header `Retry-After` asks to wait (RFC 9110, section 10.2.3); 0 when it says nothing that is
    understood."""
    if header.strip().isascii() and header.strip().isdigit():
        return float(header[:12])
    try:
        date = parsedate_tz(header)
        return max(0.0, mktime_tz(date) - now_s) if date is not None else 0.0
    except (ValueError, OverflowError, TypeError, IndexError):
        return 0.0
