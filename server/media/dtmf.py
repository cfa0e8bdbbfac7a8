"""Digits in RTP: telephone events (RFC 4733), sent many times each, as they are lost and duplicated."""

DIGITS = "0123456789*#ABCD"
"""By their event number (RFC 4733, section 3.2)."""
MAX_DURATION = 0xFFFF
"""A longer event goes on as a further segment, with a timestamp of its own (section 2.5.1.3)."""


class TelephoneEvents:
    """The packets of one sender → each digit once, at the first packet of it that comes."""

    def __init__(self) -> None:
        self._timestamp: int | None = None
        self._event = -1
        self._duration = 0

    def receive(self, timestamp: int, payload: bytes) -> str | None:
        """The digit that begins with this packet. All packets of an event have the timestamp of its start."""
        if len(payload) < 4:
            return None
        event, duration = payload[0], int.from_bytes(payload[2:4], "big")
        if self._timestamp is not None:
            since = (timestamp - self._timestamp) & 0xFFFFFFFF
            if since >= 0x80000000:
                return None  # of an event before this one
            if since == 0:
                self._duration = max(self._duration, duration)
                return None
            if event == self._event and since == self._duration == MAX_DURATION:
                self._timestamp, self._duration = timestamp, duration
                return None
        self._timestamp, self._event, self._duration = timestamp, event, duration
        return DIGITS[event] if event < len(DIGITS) else None
