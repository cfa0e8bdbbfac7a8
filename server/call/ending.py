"""Ending: how a call ends here. It is over for good, or it goes on at another server."""

import asyncio
from collections.abc import Callable

from server.agent.hooks import CallEnd, EndReason
from server.call.dialogue import Present
from server.call.hooks import Hooks
from server.call.trace import CallTrace
from server.record.minutes import Minutes


class Ending:
    """The end of one call. Only the first way in which it ends counts."""

    def __init__(self, minutes: Minutes, present: Present, hooks: Hooks, trace: CallTrace) -> None:
        """`present` gives the dialogue."""
        self.come = asyncio.Event()
        """Set when the call has ended."""
        self._minutes = minutes
        self._present = present
        self._hooks = hooks
        self._trace = trace
        self._reason: EndReason | None = None
        """Why the call is over for good; None while it is not, or goes on elsewhere."""
        self._sign_off: Callable[[], None] = minutes.ended
        """Writes to the record how the call ended here."""

    def for_good(self, reason: EndReason) -> None:
        """The call is over, and cannot be resumed."""
        self._set(reason, self._minutes.ended)

    def move(self, goes_on: bool) -> None:
        """Another server may go on with the call, from the record. Unless it `goes_on`, no other server has that."""
        self._set(None if goes_on else "server", lambda: self._minutes.left(self._present().standing))

    def yield_elsewhere(self) -> None:
        """Another server goes on with the call already, or it was deleted. Nothing is written."""
        self._set(None, lambda: None)

    def write(self) -> None:
        """Write to the record how the call ended here, the first time that this is called."""
        sign_off, self._sign_off = self._sign_off, lambda: None
        sign_off()

    def close(self) -> None:
        """Everything of the call is over: tell the agent's hooks, if it is over for good."""
        self._trace.end(self._reason or "")
        if self._reason is None:
            self._hooks.close(None)
        else:
            self._minutes.closed(self._reason, self._present().standing.used)
            self._hooks.close(self.told(self._reason))

    def abandon(self) -> None:
        """The call has never begun, because its connection has failed."""
        self._trace.end(self._reason or "not_connected")

    def told(self, reason: EndReason) -> CallEnd:
        """What an agent's hook is told when the call is over, for it or for all."""
        used, exchanges = self._present().standing.used, len(self._minutes.record.exchanges)
        spoken_s, transcribed_s = used.speech_ms / 1000, used.transcription_ms / 1000
        return CallEnd(
            reason, exchanges, used.time_ms / 1000, used.requests, used.tokens, spoken_s, transcribed_s
        )  # fmt: skip

    def _set(self, reason: EndReason | None, sign_off: Callable[[], None]) -> None:
        if not self.come.is_set():
            self._reason, self._sign_off = reason, sign_off
            self.come.set()
