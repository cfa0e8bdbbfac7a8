"""Flow: one connection of a phone, and who is at its other end (RFC 5626)."""

import asyncio
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from sipmessage import URI

from server.call.caller import Caller
from signaling.sip.digest import Digest
from signaling.sip.message import Request, write_response
from signaling.sip.transactions import Transactions


@dataclass(frozen=True, slots=True)
class Place:
    """How the phone has reached us."""

    host: str
    """The name and the port of this server, as the phone knows it."""
    known: Caller
    """What the network tells of the phone."""


class Flow:
    """One connection. It is over when its WebSocket is closed."""

    def __init__(self, place: Place, digest: Digest, caller: Caller | None, put: Callable[[str], None]) -> None:
        """`caller` is who is there, if that is known before the first request. `put` sends a message and never
        waits."""
        self.place = place
        self.digest = digest
        self.caller = caller
        """Who is there, as the credentials on this connection have said; None before."""
        self.transactions = Transactions()
        self.over = False
        self.transfers = False
        """The phone that is registered here can transfer calls (REFER)."""
        self._put = put

    def send(self, text: str) -> None:
        """Send a message, if the connection is still there."""
        if not self.over:
            self._put(text)

    def answer(
        self, request: Request, code: int, more: Iterable[tuple[str, str]] = (), body: str = "", tag: str = ""
    ) -> str:
        """Answer a request. Returns the response, so that it can be sent again.

        `tag` is ours in the dialog that the request begins. Without one the answer has a tag that means nothing.
        """
        tag = tag or secrets.token_hex(6)
        text = write_response(request.headers, code, [*more, ("Server", "Antiphon")], body, tag)
        self.transactions.answered(request, text)
        self.send(text)
        return text

    def reached_at(self, target: URI) -> None:
        """The phone has sent a request to `target`. Some phones leave the port out when they open their WebSocket
        (baresip), and would then look for us at port 80. The target has it."""
        if target.port and target.host == self.place.host:
            self.place = replace(self.place, host=f"{target.host}:{target.port}")

    @property
    def now_s(self) -> float:
        return asyncio.get_running_loop().time()
