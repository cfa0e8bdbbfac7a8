"""Decides whether the client is still there, from the times at which something came from it. Pure.

A browser with a microphone sends sound all the time, so we notice within seconds when it stops. But a client that is
muted, on hold, or typing, or one that sends nothing in silence (DTX), is there without sending. So when nothing comes,
we send a STUN check, which every ICE agent answers (RFC 7675). Time in which this process has stalled does not count.
"""

from enum import Enum

ASK_AFTER_S = 1.0
"""How long nothing may come until the client is asked. A browser on a busy machine pauses for less than this."""
ASK_EVERY_S = 0.4
"""How often the client is asked. On a bad network that loses every fifth packet each way, one of several answers still
comes through."""
STALL_S = 0.5
"""How far two calls of `look` may be apart until this process counts as stalled. They should be 20 ms apart."""


class Absence(Enum):
    """How absent a client is, and so what is to be done."""

    NONE = "none"
    """The client is there."""
    ASK = "ask"
    """The client has been silent for a while: send it a STUN check."""
    VANISHED = "nothing has come from the client for too long"
    """The client is gone: end the connection."""


class Presence:
    """Watches one client, from the moment when it is connected. Times are seconds of any steady clock."""

    def __init__(self, now_s: float, vanished_s: float) -> None:
        """`vanished_s` is how long nothing may come until the client counts as gone."""
        self._sign_s = self._asked_s = self._looked_s = now_s
        self._vanished_s = vanished_s

    def sign(self, now_s: float) -> None:
        """Something has come that only this client can send: sound, a message, or the answer to a STUN check."""
        self._sign_s = now_s

    def silent_ms(self, now_s: float) -> float:
        """How long nothing has come."""
        return max(0.0, now_s - self._sign_s) * 1000

    def look(self, now_s: float) -> Absence:
        """Judge whether the client is there. Call it every 20 ms."""
        stall_s = now_s - self._looked_s
        self._looked_s = now_s
        if stall_s > STALL_S:
            self._sign_s += stall_s
        if now_s - self._sign_s > self._vanished_s:
            return Absence.VANISHED
        if now_s - self._sign_s > ASK_AFTER_S and now_s - self._asked_s > ASK_EVERY_S:
            self._asked_s = now_s
            return Absence.ASK
        return Absence.NONE
