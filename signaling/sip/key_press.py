"""Key press: a key of the telephone that comes in an INFO (application/dtmf-relay and application/dtmf). Pure."""

import re

TYPES = ("application/dtmf-relay", "application/dtmf")
KEYS = "0123456789*#ABCD"
_NUMBERS = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}
_OTHER = ("R", "!", "16")
"""Flash, which is no key."""


def read_key(content_type: str, body: bytes) -> str | None:
    """The key; "" for one that means nothing to us; None for a body that is not valid."""
    text = body.decode("ascii", "replace")
    if content_type == TYPES[0]:
        found = re.search(r"^\s*Signal\s*=\s*(\S+)\s*$", text, re.IGNORECASE | re.MULTILINE)
        signal = found[1] if found else ""
    else:
        signal = text.strip()
    signal = _NUMBERS.get(signal, signal.upper())
    if signal in _OTHER:
        return ""
    return signal if len(signal) == 1 and signal in KEYS else None
