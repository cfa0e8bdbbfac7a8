"""UserAgent: what is done with each SIP message of all phones (RFC 3261, section 8.2): it is the registrar, and it
begins calls and finds them."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from sipmessage import Address

from server.call.caller import Caller
from server.errors import NotRegistered, TooMany
from signaling.sip.address import written
from signaling.sip.call import SDP, Call, State
from signaling.sip.dialog import ALLOW, Dialog
from signaling.sip.flow import Flow
from signaling.sip.gate import Gate
from signaling.sip.incoming import Answer, IncomingCall
from signaling.sip.limits import RETRY_AFTER_S
from signaling.sip.message import MAGIC, PHRASES, Malformed, Request, Response, read, write_response
from signaling.sip.outgoing import Offer, OutgoingCall
from signaling.sip.refusal import warning
from signaling.sip.registrar import MIN_S, Binding, Contact, Full, Registrar, TooBrief, place, read_contacts
from signaling.sip.upkeep import TIMEOUT_S

EXTENSIONS = frozenset({"timer"})
"""What a phone may require of us (the header Require)."""
MOST_CALLS_OF_A_FLOW = 16
"""How many calls one connection may have. The calls of a caller have their own limits behind this one."""

About = Callable[[Caller], Caller]
Wanted = Callable[[], bool]

log = logging.getLogger(__name__)


class UserAgent:
    """Serves the phones of one process. Needs a running event loop."""

    def __init__(self, gate: Gate, answer: Answer, offer: Offer) -> None:
        """`answer` begins the call behind an INVITE of a phone, `offer` that behind one of ours."""
        self._gate = gate
        self._answer = answer
        self._offer = offer
        self._registrar = Registrar[Flow]()
        self._calls: dict[tuple[str, str, str], Call] = {}
        """By Call-ID, our tag and the phone's tag, which is "" until it has answered."""
        self._asked: dict[tuple[str, str], tuple[Callable[[Response | None], None], asyncio.TimerHandle]] = {}
        """What our requests wait for, by branch and method."""
        self._tasks: set[asyncio.Task[None]] = set()

    async def receive(self, flow: Flow, data: str | bytes) -> None:
        """Take one message. Whatever it is, this raises nothing."""
        try:
            message = read(data)
        except Malformed as error:
            log.debug("x a SIP message is not valid: %s", error)
            if error.headers is not None and error.code in PHRASES:
                flow.send(write_response(error.headers, error.code, [warning(str(error))], to_tag="malformed"))
            return
        try:
            if message is None:
                if data in ("\r\n\r\n", b"\r\n\r\n"):
                    flow.send("\r\n")  # the phone asks for a sign of life (RFC 5626, section 4.4.1)
            elif isinstance(message, Response):
                self._take_answer(message)
            else:
                await self._take(flow, message)
        except Exception:
            log.exception("x fault at a SIP message")
            if isinstance(message, Request) and message.method != "ACK":
                flow.answer(message, 500)

    async def ring(self, to: Address, timeout_s: float, about: About, wanted: Wanted = lambda: True) -> str:
        """Call the phone that has registered last under the address `to`. Returns the id of the session when it has
        answered and its sound stands. It rings as long as `timeout_s`, and as the call is `wanted`.

        `about` adds what the call is about to what is known of the phone's owner, whose limits hold. Raises
        NotRegistered, NotAnswered, AtCapacity, TooMany, PeerError and AgentUnavailable.
        """
        if not (bindings := self.phones(to)):
            raise NotRegistered("No phone is registered under this address.")
        phone = bindings[-1]
        flow, tag, host = phone.flow, secrets.token_hex(12), phone.flow.place.host
        if self._is_full(flow):
            raise TooMany("This phone has too many calls.", RETRY_AFTER_S)
        address = f"{to.uri.scheme}:{to.uri.user}@{to.uri.host}"
        known = flow.caller or flow.place.known
        caller = about(replace(known, transport="sip", number=address, expired=False, once=""))
        own = f"<sip:{quote(caller.agent, safe='') or 'antiphon'}@{host}>;tag={tag}"
        dialog = Dialog(secrets.token_hex(16), own, written(to.uri), _contact(flow), phone.contact.uri)
        call = OutgoingCall(self, flow, caller, dialog, tag, host)
        self.keep(call)
        return await call.ring(self._offer, flow.transfers, timeout_s, wanted)

    def phones(self, to: Address) -> list[Binding[Flow]]:
        """The phones that are registered under this address now, the newest last."""
        return self._registrar.find(to.uri.user or "", asyncio.get_running_loop().time())

    def closed(self, flow: Flow) -> None:
        """The connection is gone. Calls that were answered go on: the phone comes back on another one."""
        flow.over = True
        self._registrar.drop(flow)
        for call in list(self._calls.values()):
            if call.flow is flow:
                call.interrupted()

    def close(self) -> None:
        """The server stops."""
        for task in self._tasks:
            task.cancel()
        for _, timeout in self._asked.values():
            timeout.cancel()
        for call in list(self._calls.values()):
            call.close()

    # What calls need: this is their Host

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name="sip-request")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def ask(
        self,
        flow: Flow,
        text: str,
        key: tuple[str, str],
        answered: Callable[[Response | None], None],
        wait_s: float = TIMEOUT_S,
    ) -> None:
        def late() -> None:
            self._asked.pop(key, None)
            answered(None)

        self._asked[key] = answered, asyncio.get_running_loop().call_later(wait_s, late)
        flow.send(text)

    def keep(self, call: Call) -> None:
        self._calls[call.id] = call

    def forget(self, call: Call) -> None:
        self._calls.pop(call.id, None)

    # Messages

    def _take_answer(self, response: Response) -> None:
        key = response.branch.removeprefix(MAGIC), response.method
        if (waiting := self._asked.get(key)) is None:
            return
        answered, timeout = waiting
        if response.code >= 200 and response.method != "INVITE":
            timeout.cancel()
            self._asked.pop(key)
        answered(response)

    async def _take(self, flow: Flow, request: Request) -> None:
        if request.method == "ACK":
            if (call := self._call(request)) is not None:
                call.receive(flow, request)
            return
        if (answered := flow.transactions.again(request, flow.now_s)) is not None:
            flow.send(answered) if answered else None
            return
        if request.method == "CANCEL":
            self._cancel(flow, request)
            return
        if unknown := [each for each in request.headers.words("Require") if each.lower() not in EXTENSIONS]:
            flow.answer(request, 420, [("Unsupported", ", ".join(unknown))])
        elif request.to_tag:
            await self._in_call(flow, request)
        elif not self._gate.limits.admits_request(flow.place.known.address, flow.now_s):
            flow.answer(request, 503, [warning("Requests come too fast."), ("Retry-After", str(RETRY_AFTER_S))])
        elif flow.transactions.merged(request, flow.now_s):
            flow.answer(request, 482)
        else:
            flow.reached_at(request.target)
            await self._outside(flow, request)

    async def _in_call(self, flow: Flow, request: Request) -> None:
        """A request of a call: it has to come from whoever has the call."""
        call = self._call(request)
        if call is None:
            flow.answer(request, 481)
            return
        caller = await self._gate.admit(flow, request)
        if caller is None:
            return
        if caller.name == call.caller.name:
            call.receive(flow, request)
        else:
            flow.answer(request, 481)  # whether somebody else has such a call is not told

    async def _outside(self, flow: Flow, request: Request) -> None:
        """A request that belongs to no call yet."""
        if request.method == "OPTIONS":
            flow.answer(request, 200, [("Allow", ALLOW), ("Accept", f"{SDP}, text/plain"), ("Supported", "timer")])
        elif request.method not in ("REGISTER", "INVITE", "MESSAGE"):
            code = 489 if request.method == "SUBSCRIBE" else 405 if request.method in ALLOW.split(", ") else 501
            flow.answer(request, 481 if request.method in ("BYE", "UPDATE", "INFO", "NOTIFY") else code,
                        [("Allow", ALLOW)])  # fmt: skip
        elif (caller := await self._gate.admit(flow, request)) is None:
            return
        elif request.method == "REGISTER":
            self._register(flow, request, caller)
        elif request.method == "INVITE":
            self._invite(flow, request, caller)
        else:
            self._message(flow, request, caller)

    def _register(self, flow: Flow, request: Request, caller: Caller) -> None:
        address = request.to.uri.user or ""
        if caller.name and address != caller.name:
            flow.answer(request, 403, [warning("This address belongs to somebody else.")])
            return
        order = request.call_id, request.cseq
        try:
            contacts = read_contacts(request.headers)
            if not caller.name and self._is_taken(address, contacts, flow):
                flow.answer(request, 403, [warning("This address belongs to somebody else at present.")])
                return
            shown = self._registrar.register(address, contacts, order, flow, flow.now_s)
        except TooBrief:
            flow.answer(request, 423, [("Min-Expires", str(MIN_S))])
        except Full:
            flow.answer(request, 503, [("Retry-After", str(RETRY_AFTER_S))])
        except (ValueError, TypeError) as error:
            flow.answer(request, 400, [warning(f"The contacts are not valid: {error}.")])
        else:
            flow.transfers = "refer" in request.headers.tokens("Allow")
            flow.answer(request, 200, [("Contact", value) for value in shown])
            self._bring_back(flow, caller, address, [place(contact.uri) for contact in contacts or ()])

    def _is_taken(self, address: str, contacts: list[Contact] | None, flow: Flow) -> bool:
        """Without names, an address belongs to the network address that has registered it first, as long as it is
        registered. A phone that is back by another network is known by its contact."""
        here, own = flow.place.known.address, {contact.uri for contact in contacts or ()}
        found = self._registrar.find(address, flow.now_s)
        return any(each.flow.place.known.address != here and each.contact.uri not in own for each in found)

    def _bring_back(self, flow: Flow, caller: Caller, address: str, places: list[str]) -> None:
        """A phone has registered: its calls are at this connection from now on. Without names they are those of its
        address: phones of other networks may be at a place of the same name, such as alice@192.168.1.2."""
        own = (f"sip:{address}@", f"sips:{address}@")
        for call in list(self._calls.values()):
            same = call.caller.name == caller.name and (caller.name or call.caller.number.startswith(own))
            if same and place(call.dialog.target) in places:
                call.move(flow)

    def _invite(self, flow: Flow, request: Request, caller: Caller) -> None:
        flow.answer(request, 100)
        dialled = request.target.user or ""
        sender = request.sender.uri
        number = (sender.user or "") if sender.scheme == "tel" else f"{sender.scheme}:{sender.user or ''}@{sender.host}"
        caller = replace(caller, transport="sip", dialled=dialled, number=number)
        if self._is_full(flow):
            flow.answer(request, 486, [("Retry-After", str(RETRY_AFTER_S))])
            return
        try:
            call = IncomingCall(self, flow, caller, request, _contact(flow))
        except (ValueError, TypeError) as error:
            flow.answer(request, 400, [warning(f"The contact is not valid: {error}.")])
            return
        self.keep(call)
        call.begin(self._answer)

    def _is_full(self, flow: Flow) -> bool:
        return sum(call.flow is flow for call in self._calls.values()) >= MOST_CALLS_OF_A_FLOW

    def _cancel(self, flow: Flow, request: Request) -> None:
        """A CANCEL has the branch of the INVITE that it takes back."""
        for call in list(self._calls.values()):
            if isinstance(call, IncomingCall) and call.flow is flow and call.invite.branch == request.branch:
                call.cancel(request, flow)
                return
        flow.answer(request, 200 if flow.transactions.has(request.branch, "INVITE") else 481)

    def _message(self, flow: Flow, request: Request, caller: Caller) -> None:
        """Typed words. Phones send them outside of the call, so they belong to their newest call with this agent."""
        live = [each for each in self._calls.values() if each.flow is flow and each.state is not State.OVER]
        same = [each for each in live if each.caller.dialled == (request.target.user or "")]
        if call := next(reversed(same or live), None):
            call.take_message(flow, request)
        else:
            flow.answer(request, 480, [warning("Words can be typed in a call.")])

    def _call(self, request: Request) -> Call | None:
        """The call of a request. Of one that still rings, the phone's tag is not known."""
        known = request.call_id, request.to_tag
        return self._calls.get((*known, request.from_tag)) or self._calls.get((*known, ""))


def _contact(flow: Flow) -> str:
    """Where we are, for the phone at this connection."""
    return f"sip:antiphon@{flow.place.host};transport=ws"
