"""Allowance: so many things a second, with a second's worth at once; more has to wait."""


class Allowance:
    """A token bucket (as RFC 2697 describes one) that says how long to wait instead of refusing."""

    def __init__(self, a_second: float) -> None:
        self._interval_s = 1 / a_second
        self._free_s = 0.0
        """When the bucket would be full."""

    def take(self, now_s: float) -> float:
        """Take one at `now_s`; returns for how many seconds to wait before using it."""
        self._free_s = max(self._free_s, now_s) + self._interval_s
        return max(0.0, self._free_s - now_s - 1.0)
