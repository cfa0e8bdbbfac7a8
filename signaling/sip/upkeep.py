"""Upkeep: what a call does while nothing is said: it repeats a 200 until its ACK comes, and keeps the session timer."""

import asyncio
import logging
from collections.abc import Callable
from typing import Protocol

from signaling.sip.flow import Flow
from signaling.sip.message import Response
from signaling.sip.session_timer import SessionTimer

T1_S = 0.5
T2_S = 4.0
TIMEOUT_S = 32.0
"""After which waits a 200 is sent again, and when it is given up (RFC 3261, section 13.3.1.4)."""
REFRESH_AGAIN_S = 10.0
"""When a phone is asked again that could not take the refresh of the session timer."""
_GONE = (408, 481)
_NO_UPDATE = (405, 501)
"""The phone has the call, but does not know UPDATE."""

Answered = Callable[[Response | None], None]
"""Gets each response to a request of ours, or None when none comes in time."""

log = logging.getLogger(__name__)


class Kept(Protocol):
    """The call."""

    flow: Flow

    def ask(self, method: str, more: list[tuple[str, str]], answered: Callable[[Response | None], None]) -> None:
        """Send a request. `answered` gets each response, or None when none comes in time."""

    def hang_up(self) -> None: ...


class Upkeep:
    """The timers of one call."""

    def __init__(self, call: Kept) -> None:
        self._call = call
        self._cseq = -1
        """The number of the INVITE whose 200 is repeated."""
        self._resend: asyncio.TimerHandle | None = None
        self._session: asyncio.TimerHandle | None = None
        self._closed = False

    def repeat(self, cseq: int, text: str) -> None:
        """Send the 200 of this INVITE again and again, until it is acknowledged. Otherwise the call ends."""
        self._cseq = cseq
        self._send_again(text, T1_S, T1_S)

    def acknowledged(self, cseq: int) -> bool:
        """An ACK has come. Returns whether it is the one that is waited for."""
        if cseq != self._cseq:
            return False
        _cancel(self._resend)
        return True

    def keep_time(self, timer: SessionTimer | None) -> None:
        """Begin the interval of the session timer anew."""
        _cancel(self._session)
        self._session = None
        if timer is not None and not self._closed:
            later = asyncio.get_running_loop().call_later
            if timer.phone_refreshes:
                self._session = later(timer.lapse_s, self._lapse)
            else:
                ends_s = asyncio.get_running_loop().time() + timer.interval_s
                self._session = later(timer.refresh_s, self._refresh, timer, ends_s)

    def close(self) -> None:
        """Wait for nothing any more."""
        self._closed = True
        _cancel(self._resend)
        _cancel(self._session)

    def _send_again(self, text: str, wait_s: float, waited_s: float) -> None:
        def resend() -> None:
            if waited_s >= TIMEOUT_S:
                log.info("x a call by SIP was not acknowledged")
                self._call.hang_up()
                return
            self._call.flow.send(text)
            next_s = min(2 * wait_s, T2_S)
            self._send_again(text, next_s, waited_s + next_s)

        _cancel(self._resend)
        self._resend = asyncio.get_running_loop().call_later(wait_s, resend)

    def _lapse(self) -> None:
        log.info("x a call by SIP was not refreshed in time")
        self._call.hang_up()

    def _refresh(self, timer: SessionTimer, ends_s: float) -> None:
        """Tell the phone that the call is still there. The call ends if the phone does not know it any more, or says
        nothing (RFC 4028, section 10). A phone that cannot take the request now, or is away, has until `ends_s`."""
        loop = asyncio.get_running_loop()
        self._session = loop.call_at(ends_s, self._lapse)

        def answered(response: Response | None) -> None:
            code = 408 if response is None else response.code
            if self._closed or code < 200:
                return
            if code < 300 or code in _NO_UPDATE:
                self.keep_time(timer)
            elif code in _GONE and not self._call.flow.over:
                self._lapse()
            elif loop.time() + REFRESH_AGAIN_S < ends_s:
                _cancel(self._session)
                self._session = loop.call_later(REFRESH_AGAIN_S, self._refresh, timer, ends_s)

        more = [("Supported", "timer"), ("Session-Expires", f"{timer.interval_s};refresher=uac")]
        self._call.ask("UPDATE", more, answered)


def _cancel(handle: asyncio.TimerHandle | None) -> None:
    if handle is not None:
        handle.cancel()
