"""Keypad: makes a number of the keys that the caller presses on a telephone, one by one."""

from server.media.frame import FRAME_MS

PAUSE_MS = 2_000
"""A pause of this length ends a number. Callers pause to look at what they copy, but after 3 s the line seems dead."""
LONE_PAUSE_MS = 1_000
"""A pause of this length ends a single key where the agent has not asked for a number. It is a choice from a menu."""
MAX_KEYS = 32
"""How many keys of one number are kept. The numbers of bank cards have up to 19 digits."""


class Keypad:
    """The keys of one call. A number ends with `#`, or with a pause. `#` alone is a key like any other."""

    def __init__(self) -> None:
        self._keys = ""
        self._quiet_ms = 0
        self._number_wanted = False

    def press(self, key: str, number_wanted: bool = False) -> str:
        """The caller presses a key (RFC 4733: 0-9, *, #, A-D). Returns the number that it ends, or "".

        `number_wanted`: the agent has asked for a number, so more keys are likely.
        """
        self._quiet_ms, self._number_wanted = 0, number_wanted
        if key == "#":
            return self._take() or key
        self._keys = (self._keys + key)[:MAX_KEYS]
        return ""

    def pass_frame(self) -> str:
        """20 ms have passed. Returns the number that ends now, or ""."""
        self._quiet_ms += FRAME_MS
        lone = len(self._keys) == 1 and not self._number_wanted
        enough_ms = LONE_PAUSE_MS if lone else PAUSE_MS
        return self._take() if self._keys and self._quiet_ms >= enough_ms else ""

    def _take(self) -> str:
        """The number with a blank between its keys, as a caller would say the keys one by one."""
        keys, self._keys = self._keys, ""
        return " ".join(keys)
