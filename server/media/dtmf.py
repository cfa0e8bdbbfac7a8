"""Keys of a telephone in RTP: telephone events (RFC 4733), which are read here and written. Pure.

A sender repeats each event in many packets, because packets get lost. `TelephoneEvents` makes one digit of each event.
`KeyPackets` makes the packets of a key that the agent presses.
"""

from dataclasses import dataclass

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


END_PACKETS = 3
"""How often the end of an event is sent, because it may get lost (RFC 4733, section 2.5.1.4)."""
VOLUME_DBM0 = 7
"""How loud a key is, without the sign: the two sines of `tones.py` together have -7 dBm0 (RFC 4733, section 2.3)."""
_END = 0x80


@dataclass(frozen=True, slots=True)
class KeyPacket:
    """What one packet of an event carries."""

    payload: bytes
    timestamp: int
    """That of the beginning of the event, in all its packets."""
    begins: bool
    """It is the first packet of the event, so it has the marker bit."""


class KeyPackets:
    """Makes the packets of the keys that are pressed one after the other: one every 20 ms."""

    def __init__(self, samples_a_frame: int) -> None:
        """`samples_a_frame` are the units of the RTP clock in 20 ms."""
        self._samples_a_frame = samples_a_frame
        self._event = b""
        self._begun = self._duration = 0
        self._ends = 0
        """How many packets are left that tell the end of the event."""

    def next(self, key: str | None, timestamp: int) -> KeyPacket | None:
        """The packet of the 20 ms that begin at `timestamp`, in which `key` is down; None if there is none to send.

        `key` is one of DIGITS, or None while no key is down. A key that follows on another one without a pause between
        is an event of its own; the end of the one before is not told then, as the RFC allows.
        """
        if key is None:
            if not self._ends:
                return None
            self._ends -= 1
            return self._packet(_END)
        event = bytes([DIGITS.index(key)])
        begins = event != self._event or self._ends < END_PACKETS
        if begins:
            self._event, self._begun, self._duration = event, timestamp, 0
        self._ends = END_PACKETS
        self._duration = min(self._duration + self._samples_a_frame, MAX_DURATION)
        return self._packet(0, begins)

    def _packet(self, end: int, begins: bool = False) -> KeyPacket:
        payload = self._event + bytes([end | VOLUME_DBM0]) + self._duration.to_bytes(2)
        return KeyPacket(payload, self._begun, begins)
