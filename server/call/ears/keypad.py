"""Keypad: keys that are pressed one by one → a number that is whole."""

from server.media.frame import FRAME_MS

PAUSE_MS = 2_000
"""People look at what they copy; three seconds feel like a dead line."""
MAX_KEYS = 32
"""Card numbers have 19."""


class Keypad:
    """`#` ends a number, and so does a pause."""

    def __init__(self) -> None:
        self._keys = ""
        self._quiet_ms = 0

    def press(self, key: str) -> str:
        """One key (RFC 4733: 0-9, *, #, A-D); returns the number that it ends, or ""."""
        self._quiet_ms = 0
        if key == "#":
            return self._take()
        self._keys = (self._keys + key)[:MAX_KEYS]
        return ""

    def pass_frame(self) -> str:
        """20 ms have passed; returns the number that has ended, or ""."""
        self._quiet_ms += FRAME_MS
        return self._take() if self._keys and self._quiet_ms >= PAUSE_MS else ""

    def _take(self) -> str:
        """With a blank between the keys, as they would be spoken one by one."""
        keys, self._keys = self._keys, ""
        return " ".join(keys)
