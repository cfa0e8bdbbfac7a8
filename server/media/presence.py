"""Is the caller still there? Pure: from the times of the signs of it.

Sound comes all the time, also from a muted browser, so its absence is noticed within seconds. But a client on hold, or
one that sends nothing in silence (DTX), is there without it: when sound stops it is asked by a STUN check, which every
ICE agent answers (RFC 7675). A stall of this process is no sign of the caller's absence, and does not count.
"""

from enum import Enum

ASK_AFTER_S = 1.0
"""A pause of a browser whose machine is busy is shorter."""
ASK_EVERY_S = 0.4
"""So that on a bad network, with every fifth packet lost each way, one of several answers comes through."""
STALL_S = 0.5
"""Looks are 20 ms apart; a longer gap is ours."""


class Absence(Enum):
    """What to do about a caller of whom nothing comes."""

    NONE = "none"
    ASK = "ask"
    NO_SOUND = "no sound"
    VANISHED = "vanished"


class Presence:
    """Signs of one caller, from the moment that it is connected. Times in seconds, of any one clock."""

    def __init__(self, now_s: float, first_packet_s: float | None, vanished_s: float) -> None:
        """`first_packet_s`: time until the first sound; None for a caller who only listens."""
        self._begin_s = self._sign_s = self._asked_s = self._looked_s = now_s
        self._first_packet_s = first_packet_s
        self._vanished_s = vanished_s

    def sound(self, now_s: float) -> None:
        """A packet of the caller's sound came."""
        self._first_packet_s = None
        self._sign_s = now_s

    def sign(self, now_s: float) -> None:
        """Something else came that only the caller can have sent."""
        self._sign_s = now_s

    def silent_ms(self, now_s: float) -> float:
        """Since the newest sign."""
        return max(0.0, now_s - self._sign_s) * 1000

    def look(self, now_s: float) -> Absence:
        """To be called every 20 ms."""
        stall_s = now_s - self._looked_s
        self._looked_s = now_s
        if stall_s > STALL_S:
            self._begin_s += stall_s
            self._sign_s += stall_s
        if now_s - self._sign_s > self._vanished_s:
            return Absence.VANISHED
        if self._first_packet_s is not None and now_s - self._begin_s > self._first_packet_s:
            return Absence.NO_SOUND
        if now_s - self._sign_s > ASK_AFTER_S and now_s - self._asked_s > ASK_EVERY_S:
            self._asked_s = now_s
            return Absence.ASK
        return Absence.NONE
