"""Transferring: a phone is asked to call somebody else in place of the agent, and tells how that goes (RFC 3515)."""

from collections.abc import Callable
from typing import Protocol

from signaling.sip.dialog import Dialog
from signaling.sip.flow import Flow
from signaling.sip.message import Request, Response
from signaling.sip.refer import outcome, refer_to


class Transferred(Protocol):
    """The call."""

    home: str
    """Where numbers are dialled."""
    dialog: Dialog

    def ask(self, method: str, more: list[tuple[str, str]], answered: Callable[[Response | None], None]) -> None:
        """Send a request. `answered` gets each response, or None when none comes in time."""

    def transferred(self, ok: bool, reason: str) -> None:
        """What became of the transfer. `reason` says why it has failed."""


class Transferring:
    """The transfers of one call."""

    def __init__(self, call: Transferred) -> None:
        self._call = call

    def begin(self, to: str, note: str) -> None:
        """Ask the phone to call `to`, a telephone number or an address, and to tell there the `note`."""
        call = self._call
        try:
            target = refer_to(to, call.home, note)
        except ValueError:
            call.transferred(False, f"{to} is neither a number nor a SIP address.")
            return

        def answered(response: Response | None) -> None:
            if response is None:
                call.transferred(False, "The phone has not answered.")
            elif response.code >= 300:
                call.transferred(False, f"The phone has refused ({response.code}).")

        call.ask("REFER", [("Refer-To", f"<{target}>"), ("Referred-By", f"<{call.dialog.contact}>")], answered)

    def follow(self, flow: Flow, request: Request) -> None:
        """The phone tells how the transfer goes (NOTIFY)."""
        if request.headers.get("Event").partition(";")[0].strip().lower() != "refer":
            flow.answer(request, 489)
            return
        flow.answer(request, 200)
        ended = request.headers.get("Subscription-State").lower().startswith("terminated")
        if (told := outcome(request.body, ended)) is not None:
            self._call.transferred(*told)
