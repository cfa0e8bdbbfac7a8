"""Pace: how much of something may happen per second, with a burst after a rest. It limits every rate in the server.

It is the token bucket of RFC 2697: tokens come back at a fixed rate, and the bucket holds at most one burst of them.
A user of it either refuses what is too much (`admits`) or delays it (`reserve`). Times are seconds of any steady clock.
"""


class Pace:
    """Gets `per_s` new tokens in each second and holds at most `burst`. It is full at the start."""

    def __init__(self, per_s: float, burst: float) -> None:
        self._per_s = per_s
        self._burst = self._tokens = burst
        self._last_s: float | None = None

    def admits(self, now_s: float, amount: float = 1) -> bool:
        """Take `amount` tokens if the bucket has them. Returns False, and takes nothing, if it has too few."""
        self._refill(now_s)
        if self._tokens < amount:
            return False
        self._tokens -= amount
        return True

    def reserve(self, now_s: float) -> float:
        """Take one token, even one that the bucket does not have yet. Returns how many seconds to wait for it."""
        self._refill(now_s)
        self._tokens -= 1
        return max(0.0, -self._tokens / self._per_s)

    def _refill(self, now_s: float) -> None:
        if self._last_s is not None:
            self._tokens = min(self._burst, self._tokens + (now_s - self._last_s) * self._per_s)
        self._last_s = now_s
