"""KeyEntry: what the caller keys in because a tool has asked for it."""

from server.call.ears.keypad import MAX_KEYS
from server.errors import PeerError
from server.media.dtmf import DIGITS
from server.media.frame import FRAME_MS

CLEAR = "*"
"""The key that clears what was keyed in so far, where it does not end the entry."""
MAX_TIMEOUT_S = 60.0
"""How long a pause may be. After a minute nobody is at the keys any more."""
MOST_MS = 300_000
"""How long an entry may take in all, with its prompt. It is over then, whatever else goes on in the call."""


class KeyEntry:
    """One entry. It is over when it has all its digits, at a key that ends it, and after a pause."""

    def __init__(self, digits: int = MAX_KEYS, terminators: str = "#", timeout_s: float = 10.0, secret: bool = False):
        """Raises PeerError, with a sentence, if it could not be keyed in like this."""
        if not 1 <= digits <= MAX_KEYS:
            raise PeerError(f"From 1 to {MAX_KEYS} digits can be collected.")
        if not set(DIGITS).issuperset(terminators):
            raise PeerError("Only 0 to 9, *, # and A to D are keys that can end what is collected.")
        if not 0 < timeout_s <= MAX_TIMEOUT_S:
            raise PeerError(f"timeout_s is more than 0, and at most {MAX_TIMEOUT_S:g}.")
        self.digits = digits
        """How many keys it has at most."""
        self.keys = ""
        """What was keyed in so far."""
        self.terminators = terminators
        self.secret = secret
        """Nobody but the tool may learn of it."""
        self.over = False
        self._timeout_ms = timeout_s * 1000
        self._quiet_ms = 0
        self._all_ms = 0

    def press(self, key: str) -> None:
        """The caller presses a key (RFC 4733: 0-9, *, #, A-D)."""
        self._quiet_ms = 0
        if self.over:
            return
        if key in self.terminators:
            self.over = True
        elif key == CLEAR:
            self.keys = ""
        else:
            self.keys += key
            self.over = len(self.keys) == self.digits

    def pass_frame(self, asking: bool) -> None:
        """20 ms have passed. `asking`: the caller does not know yet what to key in, and so has no reason to begin."""
        self._quiet_ms = 0 if asking else self._quiet_ms + FRAME_MS
        self._all_ms += FRAME_MS
        self.over = self.over or self._quiet_ms >= self._timeout_ms or self._all_ms >= MOST_MS
