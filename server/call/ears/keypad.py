"""Keypad: makes a number of the keys that the caller presses on a telephone, one by one."""

from collections.abc import Mapping
from types import MappingProxyType

from server.media.frame import FRAME_MS

PAUSE_MS = 2_000
"""A pause of this length ends a number. Callers pause to look at what they copy, but after 3 s the line seems dead."""
LONE_PAUSE_MS = 1_000
"""A pause of this length ends a single key where the agent has not asked for a number. It is a choice from a menu."""
NO_MENU: Mapping[str, str] = MappingProxyType({})
MAX_KEYS = 32
"""How many keys of one number are kept. The numbers of bank cards have up to 19 digits."""


class Keypad:
    """The keys of one call. A number ends with `#`, or with a pause. `#` alone is a key like any other."""

    def __init__(self) -> None:
        self._keys = ""
        self._quiet_ms = 0
        self._number_wanted = False

    def press(self, key: str, number_wanted: bool = False, menu: Mapping[str, str] = NO_MENU) -> str:
        """The caller presses a key (RFC 4733: 0-9, *, #, A-D). Returns the number that it ends, or "".

        `number_wanted`: the agent has asked for a number, so more keys are likely. `menu` has the keys that are a whole
        answer where none was pressed before and no number is wanted, and the words of each answer; "" is the key.
        """
        self._quiet_ms, self._number_wanted = 0, number_wanted
        if key in menu and not self._keys and not number_wanted:
            return menu[key] or key
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

    def clear(self) -> str:
        """Forget the keys of a number that has not ended. Returns them."""
        keys, self._keys = self._keys, ""
        return keys

    def _take(self) -> str:
        """The number with a blank between its keys, as a caller would say the keys one by one."""
        return " ".join(self.clear())
