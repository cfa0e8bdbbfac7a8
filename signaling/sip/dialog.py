"""Dialog: what two sides of a call know of each other, so that each request finds the call (RFC 3261, section 12).
Pure."""

from collections.abc import Iterable

from signaling.sip.address import parts
from signaling.sip.message import MAGIC, Request, Response, write_request
from signaling.sip.registrar import read_contact

ALLOW = "INVITE, ACK, CANCEL, BYE, UPDATE, INFO, MESSAGE, OPTIONS, NOTIFY, REGISTER"


class Dialog:
    """One dialog, as we see it. Our own requests go to the phone's contact."""

    def __init__(self, call_id: str, own: str, other: str, contact: str, target: str) -> None:
        """`own` and `other` are the values of From and To in our requests; `contact` is where we are, `target` the
        URI at which the phone is."""
        self.call_id = call_id
        self.contact = contact
        self.target = target
        self.cseq = 0
        """The number of our last request."""
        self.last_heard = -1
        """The number of the phone's last request; -1 before the first."""
        self.other_tag = ""
        """The phone's tag; "" while it has not answered our INVITE."""
        self._own = own
        self._other = other
        self._route: list[str] = []

    @classmethod
    def answering(cls, invite: Request, tag: str, contact: str) -> "Dialog":
        """The dialog that the answer to an INVITE makes. Raises ValueError if it has no contact."""
        values = invite.headers.all("Contact")
        if len(values) != 1:
            raise ValueError("an INVITE has one contact")
        own = f"{invite.headers.get('To')};tag={tag}"
        dialog = cls(invite.call_id, own, invite.headers.get("From"), contact, read_contact(values[0]))
        dialog.other_tag = invite.from_tag
        dialog.last_heard = invite.cseq
        dialog._route = invite.headers.all("Record-Route")
        return dialog

    def follows(self, request: Request) -> bool:
        """Whether the number of a request is higher than that of the one before. It is then the last one."""
        if request.method in ("ACK", "CANCEL"):
            return True
        if request.cseq <= self.last_heard:
            return False
        self.last_heard = request.cseq
        return True

    def retarget(self, said: Request | Response) -> None:
        """The phone says where it is now. A contact that is not valid changes nothing."""
        for value in said.headers.all("Contact")[:1]:
            try:
                self.target = read_contact(value)
            except (ValueError, TypeError):
                return

    def confirm(self, answer: Response) -> None:
        """The phone has answered our INVITE: its tag, its contact and the route belong to the dialog."""
        self.other_tag = answer.to_tag
        self._other = answer.headers.get("To")
        self._route = [part for value in answer.headers.all("Record-Route") for part in parts(value)][::-1]
        self.retarget(answer)

    def write(
        self, method: str, branch: str, more: Iterable[tuple[str, str]] = (), body: str = "", cseq: int | None = None,
        to: str = "",
    ) -> str:  # fmt: skip
        """A request of ours; the branch is `branch` behind its fixed beginning. Only an ACK and a CANCEL have the
        number of the request to which they belong; the ACK of a refusal has `to` from it."""
        if cseq is None:
            self.cseq += 1
        lines = [
            ("Via", f"SIP/2.0/WS antiphon.invalid;branch={MAGIC}{branch}"),
            ("Max-Forwards", "70"),
            *(("Route", value) for value in self._route),
            ("From", self._own),
            ("To", to or self._other),
            ("Call-ID", self.call_id),
            ("CSeq", f"{self.cseq if cseq is None else cseq} {method}"),
            ("Contact", f"<{self.contact}>"),
        ]
        return write_request(method, self.target, [*lines, *more], body)
