"""Keypad: makes a number of the keys that the caller presses on a telephone, one by one."""

from server.media.frame import FRAME_MS

PAUSE_MS = 2_000
"""A pause of this length ends a number. Callers pause to look at what they copy, but after 3 s the line seems dead."""
MAX_KEYS = 32
"""How many keys of one number are kept. The numbers of bank cards have up to 19 digits."""


class Keypad:
    """The keys of one call. A number ends with `#`, or with a pause."""

    def __init__(self) -> None:
        self._keys = ""
        self._quiet_ms = 0

    def press(self, key: str) -> str:
        """The caller presses a key (RFC 4733: 0-9, *, #, A-D). Returns the number that it ends, or ""."""
        self._quiet_ms = 0
        if key == "#":
            return self._take()
        self._keys = (self._keys + key)[:MAX_KEYS]
        return ""

    def pass_frame(self) -> str:
        """20 ms have passed. Returns the number that ends now, or ""."""
        self._quiet_ms += FRAME_MS
        return self._take() if self._keys and self._quiet_ms >= PAUSE_MS else ""

    def _take(self) -> str:
        """The number with a blank between its keys, as a caller would say the keys one by one."""
        keys, self._keys = self._keys, ""
        return " ".join(keys)
