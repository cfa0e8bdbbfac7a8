"""Reads the keys that a caller presses from RTP: telephone events (RFC 4733).

A sender repeats each event in many packets, because packets get lost. Here each event becomes one digit.
"""

DIGITS = "0123456789*#ABCD"
"""The digits. The index of each is its event number (RFC 4733, section 3.2)."""
MAX_DURATION = 0xFFFF
"""The longest duration that one event can have, in RTP timestamp units. A key that is held longer is sent as several
segments, each with a timestamp of its own (RFC 4733, section 2.5.1.3)."""


class TelephoneEvents:
    """Turns the packets of one sender into digits. Each digit comes once, with the first packet of its event."""

    def __init__(self) -> None:
        self._timestamp: int | None = None
        self._event = -1
        self._duration = 0

    def receive(self, timestamp: int, payload: bytes) -> str | None:
        """Return the digit that begins with this packet, or None if no digit begins with it.

        All packets of one event have the same timestamp: that of the event's start.
        """
        if len(payload) < 4:
            return None
        event, duration = payload[0], int.from_bytes(payload[2:4], "big")
        if self._timestamp is not None:
            since = (timestamp - self._timestamp) & 0xFFFFFFFF
            if since >= 0x80000000:
                return None  # the packet belongs to an event before this one
            if since == 0:
                self._duration = max(self._duration, duration)
                return None
            if event == self._event and since == self._duration == MAX_DURATION:
                self._timestamp, self._duration = timestamp, duration
                return None
        self._timestamp, self._event, self._duration = timestamp, event, duration
        return DIGITS[event] if event < len(DIGITS) else None
