"""Session timer: how two sides notice that the other one is gone without a word (RFC 4028). Pure."""

import re
from dataclasses import dataclass

from signaling.sip.message import Headers

MIN_S = 90
"""The shortest interval (RFC 4028, section 5). JsSIP asks for exactly this."""
MAX_S = 86_400
SPARE_S = 32.0
"""How much of an interval is left when a call ends because nothing has refreshed it, at most a third of it."""

_INTERVAL = re.compile(r"\s*([0-9]{1,9})\s*(;.*)?$")


class TooSmall(Exception):
    """The phone asks for an interval below MIN_S."""


@dataclass(frozen=True, slots=True)
class SessionTimer:
    """What both sides have agreed on."""

    interval_s: int
    phone_refreshes: bool

    @property
    def headers(self) -> list[tuple[str, str]]:
        """What the answer says about it."""
        refresher = "uac" if self.phone_refreshes else "uas"
        return [("Require", "timer"), ("Session-Expires", f"{self.interval_s};refresher={refresher}")]

    @property
    def refresh_s(self) -> float:
        """After how long we refresh, if the phone does not."""
        return self.interval_s / 2

    @property
    def lapse_s(self) -> float:
        """After how long without a refresh the call is over."""
        return self.interval_s - min(SPARE_S, self.interval_s / 3)


def agreed(headers: Headers) -> SessionTimer | None:
    """The timer that a phone's answer to our INVITE tells; None: there is none."""
    found = _INTERVAL.match(headers.get("Session-Expires"))
    if found is None or int(found[1]) < MIN_S:
        return None
    phone = re.search(r"refresher\s*=\s*uas", found[2] or "", re.IGNORECASE)
    return _timer(headers, int(found[1]), phone is not None)


def agree(headers: Headers) -> SessionTimer | None:
    """The timer that the answer to these headers tells; None: there is none. Raises TooSmall."""
    found = _INTERVAL.match(headers.get("Session-Expires"))
    if found is None or "timer" not in headers.tokens("Supported"):
        return None
    if int(found[1]) < MIN_S:
        raise TooSmall
    ours = re.search(r"refresher\s*=\s*uas", found[2] or "", re.IGNORECASE)
    return _timer(headers, int(found[1]), ours is None)


def _timer(headers: Headers, interval_s: int, phone_refreshes: bool) -> SessionTimer | None:
    """None if we would have to refresh, and the phone says that it takes no UPDATE."""
    allowed = headers.tokens("Allow")
    if not phone_refreshes and allowed and "update" not in allowed:
        return None
    return SessionTimer(min(interval_s, MAX_S), phone_refreshes)
