"""Moments as operators write them."""

import re
from datetime import UTC, datetime

_AGO = re.compile(r"([0-9]{1,6})([mhdw])")
_MS = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}


def moment(text: str, now_ms: int) -> int:
    """The moment in Unix milliseconds: so long before now ("30m", "12h", "7d", "2w"), Unix milliseconds, or ISO 8601,
    which is in UTC where it names no zone. Raises ValueError, which says so."""
    if ago := _AGO.fullmatch(text):
        return max(0, now_ms - int(ago[1]) * _MS[ago[2]])
    if text.isascii() and text.isdigit() and 12 <= len(text) <= 14:
        return int(text)
    try:
        found = datetime.fromisoformat(text)
        return max(0, round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000))
    except (ValueError, OverflowError) as exc:
        raise ValueError('must be a time such as "7d" (ago), "2026-12-01T10:00Z" or Unix milliseconds') from exc
