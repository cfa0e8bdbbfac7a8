"""Whole calls of a phone by SIP messages, on virtual time. Behind the SIP is a call that only notes what it is told."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest

from server.errors import AtCapacity, Forbidden, InvalidToken, NotAcceptable, NotFound, TooMany
from signaling.sip.message import Request, Response
from signaling.sip.user_agent import MOST_CALLS_OF_A_FLOW
from tests.signaling.sip.phone import SDP, Phone, Server
from tests.virtual_time import run_virtual


def test_a_call_of_a_phone() -> None:
    """100, 180 and 200; keys, words and a refresh; and the phone hangs up."""

    async def scenario() -> None:
        server = Server()
        phone = Phone(server)
        answer = await phone.call("sip:Shop@sip.test", Supported="timer", Session_Expires="90")
        assert phone.codes() == [100, 180, 200]
        assert answer.headers.get("Content-Type") == "application/sdp"
        assert answer.body.decode() == SDP
        assert answer.headers.get("Session-Expires") == "90;refresher=uac"
        assert answer.to_tag
        assert answer.headers.get("Contact") == "<sip:antiphon@sip.test:8080;transport=ws>"
        caller = server.desk.callers[0]
        assert (caller.dialled, caller.number, caller.transport) == ("Shop", "sip:alice@sip.test", "sip")
        assert server.desk.transfers == [True]
        uri = "sip:antiphon@sip.test:8080;transport=ws"
        assert (await phone.ask("INFO", uri, "Signal=5", Content_Type="application/dtmf-relay")).code == 200
        assert (await phone.ask("INFO", uri, "#", Content_Type="application/dtmf")).code == 200
        assert (await phone.ask("INFO", uri, "x", Content_Type="text/xml")).code == 415
        assert (await phone.ask("MESSAGE", uri, "Hello", Content_Type="text/plain;charset=utf-8")).code == 200
        assert (await phone.ask("MESSAGE", uri, "", Content_Type="text/plain")).code == 413
        refreshed = await phone.ask("UPDATE", uri, Supported="timer", Session_Expires="90;refresher=uac")
        assert refreshed.code == 200
        assert refreshed.headers.get("Session-Expires") == "90;refresher=uac"
        assert (await phone.ask("OPTIONS", uri)).code == 200
        assert (await phone.ask("PUBLISH", uri)).code == 405
        assert (await phone.ask("BYE", uri)).code == 200
        assert server.desk.lines[0].told == ["5", "#", "Hello", "hang up"]
        assert (await phone.ask("INFO", uri)).code == 481

    run_virtual(scenario())


def test_a_phone_that_tells_the_port_only_in_its_requests() -> None:
    """Its next requests go to the contact that we give (baresip)."""

    async def scenario() -> None:
        phone = Phone(Server())
        phone.flow.place = replace(phone.flow.place, host="sip.test")
        for host, ours in (("other.test:80", "sip.test"), ("sip.test:8080", "sip.test:8080")):
            phone.to_tag, phone.call_id = "", host
            contact = (await phone.call(f"sip:demo@{host}")).headers.get("Contact")
            assert contact == f"<sip:antiphon@{ours};transport=ws>"

    run_virtual(scenario())


def test_the_agent_hangs_up() -> None:
    async def scenario() -> None:
        server = Server()
        phone = Phone(server)
        await phone.call()
        server.desk.calls[0].ended()
        bye = await phone.asked("BYE")
        assert bye.uri == phone.contact
        assert bye.to_tag == phone.tag
        await phone.reply(bye, 200)
        assert (await phone.ask("BYE")).code == 481

    run_virtual(scenario())


def test_an_answer_is_sent_again_until_it_is_acknowledged() -> None:
    """After half a minute the call is given up."""

    async def scenario() -> None:
        server = Server()
        phone = Phone(server)
        answer = await phone.ask("INVITE", body=SDP, Content_Type="application/sdp", cseq="7")
        await asyncio.sleep(2)
        assert phone.codes().count(200) == 3  # after 0, 0.5 and 1.5 s
        await phone.send(phone.write("ACK", cseq="7", to_tag=answer.to_tag))
        await asyncio.sleep(60)
        assert phone.codes().count(200) == 3
        other = Phone(server, "bob")
        await other.ask("INVITE", body=SDP, Content_Type="application/sdp")
        await asyncio.sleep(40)
        assert server.desk.lines[1].told == ["hang up"]
        assert await other.asked("BYE")

    run_virtual(scenario())


def test_a_caller_gives_up_while_it_rings() -> None:
    async def scenario() -> None:
        server = Server()
        server.desk.wait_s = 5
        phone = Phone(server)
        await phone.send(phone.write("INVITE", body=SDP, Content_Type="application/sdp", cseq="1", branch="b1"))
        await asyncio.sleep(1)
        assert (await phone.ask("CANCEL", cseq="1", branch="b1")).code == 200
        assert phone.codes() == [100, 180, 487]
        await asyncio.sleep(10)
        assert not server.desk.lines
        assert (await phone.ask("CANCEL", cseq="9", branch="b9")).code == 481

    run_virtual(scenario())


def test_a_caller_says_bye_while_it_rings() -> None:
    """It may (RFC 3261, section 15). The INVITE is over, and no call begins any more."""

    async def scenario() -> None:
        server = Server()
        server.desk.wait_s = 5
        phone = Phone(server)
        await phone.send(phone.write("INVITE", body=SDP, Content_Type="application/sdp", cseq="1"))
        await asyncio.sleep(1)
        phone.to_tag = next(each.to_tag for each in phone.got if isinstance(each, Response) and each.code == 180)
        assert (await phone.ask("BYE", cseq="2")).code == 200
        await asyncio.sleep(10)
        assert phone.codes() == [100, 180, 487]
        assert not server.desk.lines

    run_virtual(scenario())


@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
@pytest.mark.parametrize("ours", [True, False])
def test_somebody_hangs_up_while_an_offer_is_answered(method: str, ours: bool) -> None:
    """The request is answered with 487, once, and nothing goes on in the call."""

    async def scenario() -> None:
        server = Server()
        phone = Phone(server)
        await phone.call()
        server.desk.lines[0].reoffer_s = 2
        timer = {"Supported": "timer", "Session_Expires": "90;refresher=uas"}
        await phone.send(phone.write(method, body=SDP, Content_Type="application/sdp", cseq="50", **timer))
        await asyncio.sleep(1)
        if ours:
            server.desk.calls[0].ended()
            await phone.reply(await phone.asked("BYE"), 200)
        else:
            assert (await phone.ask("BYE", cseq="51")).code == 200
        await asyncio.sleep(100)
        assert phone.codes(method)[-1] == 487
        assert len(phone.codes(method)) == (5 if method == "INVITE" else 1)
        assert server.desk.lines[0].told == ([] if ours else ["hang up"])
        assert not [each for each in phone.got if isinstance(each, Request) and each.method == "UPDATE"]

    run_virtual(scenario())


def test_both_hang_up_at_the_same_time() -> None:
    async def scenario() -> None:
        server = Server()
        phone = Phone(server)
        await phone.call()
        server.desk.calls[0].ended()
        assert (await phone.ask("BYE")).code == 200
        await phone.reply(await phone.asked("BYE"), 481)
        assert (await phone.ask("BYE")).code == 481

    run_virtual(scenario())


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFound("x"), 404), (NotAcceptable("x"), 488), (AtCapacity("x", 5), 503), (TooMany("x", 5), 486),
        (Forbidden("x"), 403), (InvalidToken("x"), 401), (RuntimeError("x"), 500),
    ],
)  # fmt: skip
def test_a_call_that_is_refused(error: Exception, code: int) -> None:
    async def scenario() -> None:
        server = Server()
        server.desk.fail = error
        phone = Phone(server)
        answer = await phone.call()
        assert phone.codes() == [100, 180, code]
        assert answer.headers.get("Retry-After") == ("5" if code in (486, 503) else "")
        assert (answer.headers.get("Warning") == "") == (code == 500), "a fault of ours tells nothing"

    run_virtual(scenario())


def test_one_connection_has_room_for_some_calls() -> None:
    async def scenario() -> None:
        server = Server()
        phone = Phone(server)
        answers = []
        for number in range(MOST_CALLS_OF_A_FLOW + 1):
            phone.call_id, phone.to_tag = f"call-{number}", ""
            answers.append(await phone.call())
        assert [each.code for each in answers] == [*[200] * MOST_CALLS_OF_A_FLOW, 486]
        assert answers[-1].headers.get("Retry-After") == "10"
        assert len(server.desk.lines) == MOST_CALLS_OF_A_FLOW

    run_virtual(scenario())


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"Content_Type": "application/unknownformat"}, 415),
        ({"Content_Encoding": "gzip"}, 415),
        ({"Accept": "text/nobodyKnowsThis"}, 406),
        ({"body": ""}, 488),
        ({"Require": "timer, 100rel"}, 420),
        ({"Contact": ""}, 400),
        ({"Contact": "<sip:a@b>, <sip:c@d>"}, 400),
        ({"Contact": "<http://a>"}, 400),
        ({"Supported": "timer", "Session_Expires": "30"}, 422),
    ],
)
def test_an_invite_that_cannot_be_answered(more: dict[str, str], code: int) -> None:
    async def scenario() -> None:
        phone = Phone(Server())
        answer = await phone.ask("INVITE", **{"body": SDP, "Content_Type": "application/sdp"} | more)
        assert answer.code == code

    run_virtual(scenario())


def test_hold_and_another_network() -> None:
    """A later offer is answered; what overlaps is asked to come again, and what fails leaves the call as it is."""

    async def scenario() -> None:
        server = Server()
        phone = Phone(server)
        await phone.call()
        line = server.desk.lines[0]
        line.reoffer_s = 1.0
        sdp = {"body": SDP, "Content_Type": "application/sdp"}
        seen = len(phone.got)
        await phone.send(phone.write("INVITE", cseq="50", **sdp))
        again = await phone.ask("UPDATE", cseq="51", **sdp)
        assert (again.code, again.headers.get("Retry-After")) == (500, "1")
        answer = await phone.answer_to("INVITE", seen)
        assert answer.code == 200
        assert answer.body.decode().endswith("a=again\r\n")
        await phone.send(phone.write("ACK", cseq="50"))
        assert (await phone.ask("UPDATE", cseq="52", **sdp)).body.decode().endswith("a=again\r\n")
        line.fail = TooMany("too fast", 2)
        fast = await phone.ask("UPDATE", cseq="53", **sdp)
        assert (fast.code, fast.headers.get("Retry-After")) == (500, "2"), "in a call nobody is busy"
        line.fail = NotAcceptable("no codec")
        assert (await phone.ask("INVITE", cseq="53", branch="x", **sdp)).code == 500, "a number that was used"
        assert (await phone.ask("INVITE", cseq="54", **sdp)).code == 488
        assert (await phone.ask("INVITE", cseq="55")).code == 488
        assert (await phone.ask("BYE", cseq="55")).code == 500, "a number that was used"
        assert (await phone.ask("BYE", cseq="56")).code == 200

    run_virtual(scenario())


def test_a_request_twice_and_by_two_ways() -> None:
    async def scenario() -> None:
        server = Server()
        phone = Phone(server)
        text = phone.write("INVITE", body=SDP, Content_Type="application/sdp", cseq="1")
        await phone.send(text)
        await phone.answer_to("INVITE")
        await phone.send(text)
        assert phone.codes() == [100, 180, 200, 200]
        assert len(server.desk.lines) == 1
        merged = phone.write("INVITE", body=SDP, Content_Type="application/sdp", cseq="1", branch="other")
        await phone.send(merged)
        assert phone.codes()[-1] == 482

    run_virtual(scenario())


def test_a_call_that_is_not_refreshed_ends() -> None:
    async def scenario() -> None:
        server = Server()
        phone = Phone(server)
        await phone.call(Supported="timer", Session_Expires="90")
        await asyncio.sleep(50)
        await phone.ask("UPDATE", Supported="timer", Session_Expires="90;refresher=uac")
        await asyncio.sleep(55)
        assert not server.desk.lines[0].told
        await asyncio.sleep(10)
        assert server.desk.lines[0].told == ["hang up"]
        assert await phone.asked("BYE")

    run_virtual(scenario())


@pytest.mark.parametrize(
    ("code", "updates", "told"),
    [(491, 5, ["hang up"]), (500, 5, ["hang up"]), (405, 2, []), (408, 1, ["hang up"]), (200, 2, [])],
)
def test_a_refresh_that_is_refused(code: int, updates: int, told: list[str]) -> None:
    """A phone that cannot take it now is asked again. One that knows no UPDATE is there, too."""

    async def scenario() -> None:
        server = Server()
        phone = Phone(server)
        await phone.call(Supported="timer", Session_Expires="90;refresher=uas")
        since, asked = 0, 0
        with suppress(TimeoutError):
            async with asyncio.timeout(100):
                while True:
                    await asyncio.sleep(0.1)
                    found = [each for each in phone.got[since:] if isinstance(each, Request)]
                    since = len(phone.got)
                    for each in found:
                        if each.method == "UPDATE":
                            asked += 1
                            await phone.reply(each, code)
        assert (asked, server.desk.lines[0].told) == (updates, told)

    run_virtual(scenario())


def test_a_phone_without_update_has_no_timer_of_ours() -> None:
    async def scenario() -> None:
        phone = Phone(Server())
        phone.allow = "INVITE,ACK,CANCEL,BYE"
        for refresher, told in (("uas", ""), ("uac", "90;refresher=uac")):
            phone.to_tag, phone.call_id = "", refresher
            answer = await phone.call(Supported="timer", Session_Expires=f"90;refresher={refresher}")
            assert answer.headers.get("Session-Expires") == told

    run_virtual(scenario())


def test_signs_of_life_by_info() -> None:
    async def scenario() -> None:
        server = Server()
        phone = Phone(server)
        await phone.call()
        assert (await phone.ask("INFO")).code == 200
        assert (await phone.ask("INFO", Content_Type="application/dtmf-relay")).code == 400
        assert server.desk.lines[0].told == []

    run_virtual(scenario())


def test_we_refresh_if_the_phone_wants_it() -> None:
    async def scenario() -> None:
        server = Server()
        phone = Phone(server)
        await phone.call(Supported="timer", Session_Expires="90;refresher=uas")
        await asyncio.sleep(46)
        seen = len(phone.got)
        await phone.reply(await phone.asked("UPDATE"), 200)
        await asyncio.sleep(46)
        await phone.reply(await phone.asked("UPDATE", seen), 481)
        assert server.desk.lines[0].told == ["hang up"]

    run_virtual(scenario())
