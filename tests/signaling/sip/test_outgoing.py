"""Calls to a phone, by SIP messages, on virtual time. Behind the SIP is a call that only notes what it is told."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from sipmessage import Address

from server.call.caller import Caller
from server.errors import AtCapacity, NotAcceptable, NotAnswered, NotRegistered, TooMany
from signaling.sip.address import read_address
from signaling.sip.message import Request
from signaling.sip.user_agent import MOST_CALLS_OF_A_FLOW, About, Wanted
from tests.signaling.sip.phone import ACCOUNTS, SDP, Phone, Server
from tests.virtual_time import run_virtual

SALES = "sip:alice@sip.test"


def _same(caller: Caller) -> Caller:
    return caller


class Ringing:
    """A registered phone that is being called."""

    def __init__(self, server: Server | None = None) -> None:
        self.server = server or Server()
        self.phone = Phone(self.server)
        self.invite: Request
        self.reply: asyncio.Task[str]

    async def begin(self, timeout_s: float = 30.0, about: About = _same, wanted: Wanted = lambda: True) -> "Ringing":
        await self.phone.register()
        to = Address.parse(f"<{SALES}>")
        self.reply = asyncio.ensure_future(self.server.agent.ring(to, timeout_s, about, wanted))
        self.invite = await self.phone.asked("INVITE")
        self.phone.call_id = self.invite.call_id
        return self

    async def answer(self, tag: str = "p", **more: str) -> None:
        contact = f"<{self.phone.contact};ob>"
        await self.phone.reply(self.invite, 200, tag, SDP, Contact=contact, Content_Type="application/sdp", **more)

    async def ask(self, method: str, body: str = "", **more: str) -> int:
        """A request of the phone in the dialog. Returns the code of its answer."""
        self.phone.tag, self.phone.to_tag = "p", self.invite.from_tag
        return (await self.phone.ask(method, "sip:antiphon@sip.test:8080", body, **more)).code

    def sent(self, method: str) -> list[Request]:
        return [each for each in self.phone.got if isinstance(each, Request) and each.method == method]

    async def failed(self) -> str:
        with pytest.raises(NotAnswered) as told:
            await self.reply
        return told.value.code

    @property
    def told(self) -> list[object]:
        return self.server.desk.lines[0].told


def run(scenario: Callable[[], Any]) -> None:
    run_virtual(scenario())


def test_a_phone_answers() -> None:
    """The INVITE has our offer; the answer is acknowledged at the phone's contact, also when it comes again."""

    async def scenario() -> None:
        call = await Ringing().begin(about=lambda caller: replace(caller, agent="sales team"))
        invite = call.invite
        assert invite.uri == call.phone.contact
        assert invite.content_type == "application/sdp"
        assert invite.body.decode() == SDP
        assert str(invite.headers.get("To")) == f"<{SALES}>"
        assert invite.headers.get("From").startswith("<sip:sales%20team@sip.test:8080>;tag=")
        await call.phone.reply(invite, 100)
        await call.phone.reply(invite, 180, "p")
        assert not call.reply.done()
        for number in (1, 2):
            await call.answer()
            acks = call.sent("ACK")
            assert len(acks) == number
            assert (acks[-1].uri, acks[-1].to_tag, acks[-1].cseq) == (f"{call.phone.contact};ob", "p", invite.cseq)
            assert acks[-1].branch != invite.branch
        assert await call.reply == "session-1"
        assert call.told == [("accept", SDP)]
        caller = call.server.desk.callers[0]
        assert (caller.number, caller.dialled, caller.transport) == (SALES, "", "sip")
        assert call.server.desk.transfers == [True]

    run(scenario)


def test_the_way_through_proxies() -> None:
    """Our requests go back by it, in the other order (RFC 3261, section 12.1.2)."""

    async def scenario() -> None:
        call = await Ringing().begin()
        await call.answer(Record_Route='"a, b" <sip:p1;lr>, <sip:p2;lr>')
        await call.reply
        assert call.sent("ACK")[0].headers.all("Route") == ["<sip:p2;lr>", '"a, b" <sip:p1;lr>']

    run(scenario)


def test_either_side_hangs_up() -> None:
    async def scenario() -> None:
        call = await Ringing().begin()
        await call.answer()
        await call.reply
        assert await call.ask("INFO", "Signal=5\r\n", Content_Type="application/dtmf-relay") == 200
        assert await call.ask("BYE") == 200
        assert call.told[1:] == ["5", "hang up"]
        call = await Ringing().begin()
        await call.answer()
        await call.reply
        call.server.desk.calls[0].ended()
        bye = await call.phone.asked("BYE")
        assert (bye.to_tag, bye.cseq) == ("p", call.invite.cseq + 1)
        await call.phone.reply(bye, 200)
        assert await call.ask("BYE") == 481

    run(scenario)


@pytest.mark.parametrize("user", ["j%C3%B6%20%3Crg", "a%0D%0Ab", "+4930"])
def test_a_phone_with_signs_in_its_name(user: str) -> None:
    """They are escaped in its address, too."""

    async def scenario() -> None:
        server = Server()
        phone = Phone(server)
        await phone.register(To=f"<sip:{user}@sip.test>")
        reply = asyncio.ensure_future(server.agent.ring(read_address(f"<SIP:{user}@sip.test>"), 30, _same))
        invite = await phone.asked("INVITE")
        assert invite.headers.get("To") == f"<sip:{user}@sip.test>"
        await phone.reply(invite, 486, "p")
        with pytest.raises(NotAnswered):
            await reply

    run(scenario)


@pytest.mark.parametrize(
    ("code", "why"),
    [(486, "busy"), (600, "busy"), (603, "declined"), (480, "unavailable"), (404, "unavailable"), (408, "no_answer"),
     (487, "no_answer"), (488, "not_acceptable"), (302, "failed"), (500, "failed")],
)  # fmt: skip
def test_a_phone_refuses(code: int, why: str) -> None:
    """The refusal is acknowledged in the transaction of the INVITE, also when it comes again."""

    async def scenario() -> None:
        call = await Ringing().begin()
        await call.phone.reply(call.invite, 180, "p")
        for _ in range(2):
            await call.phone.reply(call.invite, code, "p")
        assert await call.failed() == why
        acks = call.sent("ACK")
        assert [(each.branch, each.to_tag, each.uri) for each in acks] == [
            (call.invite.branch, "p", call.phone.contact)
        ] * 2
        assert (call.sent("CANCEL"), call.told) == ([], ["withdraw"])

    run(scenario)


def test_nobody_answers() -> None:
    """The INVITE is taken back; what comes of that is acknowledged."""

    async def scenario() -> None:
        call = await Ringing().begin(timeout_s=7)
        await call.phone.reply(call.invite, 180, "p")
        assert await call.failed() == "no_answer"
        assert asyncio.get_running_loop().time() == pytest.approx(7, abs=1)
        (cancel,) = call.sent("CANCEL")
        assert (cancel.branch, cancel.cseq, cancel.to_tag) == (call.invite.branch, call.invite.cseq, "")
        await call.phone.reply(cancel, 200)
        await call.phone.reply(call.invite, 487, "p")
        assert len(call.sent("ACK")) == 1
        assert call.told == ["withdraw"]

    run(scenario)


def test_nobody_waits_for_the_call_any_more() -> None:
    async def scenario() -> None:
        wanted = True
        call = await Ringing().begin(wanted=lambda: wanted)
        await call.phone.reply(call.invite, 180, "p")
        await asyncio.sleep(3)
        assert not call.sent("CANCEL")
        wanted = False
        assert await call.failed() == "given_up"
        assert (len(call.sent("CANCEL")), call.told) == (1, ["withdraw"])

    run(scenario)


def test_a_cancel_waits_until_the_phone_has_said_something() -> None:
    async def scenario() -> None:
        call = await Ringing().begin(timeout_s=2)
        assert await call.failed() == "no_answer"
        assert not call.sent("CANCEL")
        for _ in range(2):
            await call.phone.reply(call.invite, 180, "p")
        assert len(call.sent("CANCEL")) == 1

    run(scenario)


def test_an_answer_that_crosses_the_cancel() -> None:
    """It is acknowledged, and the call that it begins is ended."""

    async def scenario() -> None:
        call = await Ringing().begin(timeout_s=2)
        await call.phone.reply(call.invite, 180, "p")
        assert await call.failed() == "no_answer"
        await call.answer()
        (ack,), (bye,) = call.sent("ACK"), call.sent("BYE")
        assert ack.to_tag == bye.to_tag == "p"
        assert (ack.cseq, bye.cseq) == (call.invite.cseq, call.invite.cseq + 1)
        assert call.told == ["withdraw"]

    run(scenario)


def test_a_second_phone_behind_a_proxy_answers_too() -> None:
    async def scenario() -> None:
        call = await Ringing().begin()
        await call.answer("p")
        await call.answer("q")
        assert [each.to_tag for each in call.sent("ACK")] == ["p", "q"]
        assert [each.to_tag for each in call.sent("BYE")] == ["q"]
        assert await call.reply == "session-1"

    run(scenario)


def test_an_offer_of_the_phone_before_ours_is_done() -> None:
    """Glare: 491 (RFC 3261, section 14.2) while it rings, and until its answer has been taken; then it is answered."""

    async def scenario() -> None:
        call = await Ringing().begin()
        sdp = "application/sdp"
        await call.phone.reply(call.invite, 180, "p")
        assert await call.ask("UPDATE", SDP, Content_Type=sdp) == 491
        assert await call.ask("INFO") == 481
        call.server.desk.lines[0].accept_s = 1
        await call.answer()
        assert await call.ask("INVITE", SDP, Content_Type=sdp) == 491
        await call.reply
        assert await call.ask("INVITE", SDP, Content_Type=sdp) == 200

    run(scenario)


@pytest.mark.parametrize(("fail", "why"), [(NotAcceptable("no codec"), "not_acceptable"), (None, "no_media")])
def test_an_answer_that_cannot_be_used(fail: Exception | None, why: str) -> None:
    async def scenario() -> None:
        call = await Ringing().begin()
        call.server.desk.lines[0].fail, call.server.desk.lines[0].connects = fail, False
        await call.answer()
        assert await call.failed() == why
        assert len(call.sent("BYE")) == 1

    run(scenario)


def test_a_phone_that_comes_back_while_it_rings_rings_again() -> None:
    """Its old connection may be found dead only later. A call that is given up does not ring again."""

    async def scenario() -> None:
        call = await Ringing().begin(timeout_s=20)
        phone = call.phone
        for wait_s, rings in ((1, 2), (30, 2)):
            dead = phone.flow
            await asyncio.sleep(wait_s)
            phone.connect()
            in_call, phone.call_id, phone.to_tag = phone.call_id, f"again-{wait_s}", ""
            await phone.register()
            phone.call_id = in_call
            call.server.agent.closed(dead)
            assert len(call.sent("INVITE")) == rings
            assert len({each.branch for each in call.sent("INVITE")}) == 1
        assert await call.failed() == "no_answer"

    run(scenario)


def test_a_call_that_rings_is_given_up() -> None:
    """The connection is lost, the place was given to somebody else, or the server stops."""

    async def scenario() -> None:
        call = await Ringing().begin()
        call.phone.disconnect()
        assert await call.failed() == "unavailable"
        for stops in (False, True):
            call = await Ringing().begin()
            await call.phone.reply(call.invite, 180, "p")
            call.server.agent.close() if stops else call.server.desk.calls[0].ended()
            assert await call.failed() == "given_up"
            assert (len(call.sent("CANCEL")), call.told) == (1, ["withdraw"])

    run(scenario)


def test_who_refreshes_the_session() -> None:
    """What the answer says of the session timer holds (RFC 4028, section 7.2)."""

    async def scenario() -> None:
        call = await Ringing().begin()
        await call.answer(Session_Expires="90;refresher=uac")
        await call.reply
        await asyncio.sleep(46)
        assert len(call.sent("UPDATE")) == 1
        call = await Ringing().begin()
        await call.answer(Session_Expires="90;refresher=uas")
        await call.reply
        await asyncio.sleep(61)
        assert call.told[1:] == ["hang up"]
        assert not call.sent("UPDATE")

    run(scenario)


def test_nobody_is_called() -> None:
    """No phone is registered, the server is full, or the phone has too many calls."""

    async def scenario() -> None:
        server = Server(ACCOUNTS)
        to = Address.parse(f"<{SALES}>")
        with pytest.raises(NotRegistered):
            await server.agent.ring(to, 30, _same)
        phone = Phone(server)
        await phone.register()
        server.desk.fail = AtCapacity("full", 10)
        for _ in range(MOST_CALLS_OF_A_FLOW + 1):
            with pytest.raises(AtCapacity):
                await server.agent.ring(to, 30, _same)
        assert server.desk.callers[0].name == "alice"
        server.desk.fail = None
        rings = [asyncio.ensure_future(server.agent.ring(to, 1, _same)) for _ in range(MOST_CALLS_OF_A_FLOW + 1)]
        found = await asyncio.gather(*rings, return_exceptions=True)
        assert [type(each) for each in found] == [*[NotAnswered] * MOST_CALLS_OF_A_FLOW, TooMany]

    run(scenario)
