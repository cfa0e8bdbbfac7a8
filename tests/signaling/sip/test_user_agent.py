"""Whole calls of a phone by SIP messages, on virtual time. Behind the SIP is a call that only notes what it is told."""

import asyncio

import pytest

from server.errors import AtCapacity, Forbidden, InvalidToken, NotAcceptable, NotFound, TooMany
from signaling.access import Access
from signaling.sip.limits import REQUESTS_AT_ONCE, WRONG_AT_ONCE
from signaling.sip.message import Request
from signaling.tokens import Expected
from tests.signaling.sip.phone import ACCOUNTS, SDP, Phone, Server
from tests.signaling.test_access import OneSecret
from tests.tokens import OTHER_SECRET, token
from tests.virtual_time import run_virtual

TOKENS = Access(OneSecret(), Expected())


# Registering


def test_an_open_server_takes_every_phone() -> None:
    async def scenario() -> None:
        phone = Phone(Server())
        answer = await phone.register(Expires="60")
        assert answer.code == 200
        assert answer.headers.all("Contact") == [f"<{phone.contact}>;expires=60"]
        assert (await phone.register(Contact="*", Expires="0")).headers.all("Contact") == []

    run_virtual(scenario())


def test_a_registration_ends_with_its_connection() -> None:
    async def scenario() -> None:
        phone = Phone(Server())
        await phone.register()
        phone.disconnect()
        phone.connect()
        phone.contact = "sip:alice-2@client.invalid;transport=ws"
        answer = await phone.register()
        assert answer.headers.all("Contact") == [f"<{phone.contact}>;expires=600"]

    run_virtual(scenario())


def test_a_password_is_asked_for_once_on_a_connection() -> None:
    async def scenario() -> None:
        server = Server(ACCOUNTS)
        phone = Phone(server)
        assert (await phone.ask("REGISTER", "sip:sip.test", to="sip:alice@sip.test")).code == 401
        assert (await phone.register()).code == 200
        assert phone.codes("REGISTER") == [401, 401, 200]
        assert (await phone.call()).code == 200
        assert server.desk.callers[0].name == "alice"
        assert (await Phone(server, "bob").call()).code == 401

    run_virtual(scenario())


def test_wrong_passwords() -> None:
    """They are refused each time, and after some of them even the right one is not looked at for a while."""

    async def scenario() -> None:
        phone = Phone(Server(ACCOUNTS))
        uri, to = "sip:sip.test", "sip:alice@sip.test"
        for _ in range(WRONG_AT_ONCE + 1):
            challenge = (await phone.ask("REGISTER", uri, to=to)).headers.get("WWW-Authenticate")
            wrong = phone.credentials(challenge, "REGISTER", uri, "guess")
            assert (await phone.ask("REGISTER", uri, to=to, Authorization=wrong)).code == 401
        assert (await phone.register()).code == 503
        await asyncio.sleep(30)
        assert (await phone.register()).code == 200

    run_virtual(scenario())


def test_nobody_registers_the_address_of_somebody_else() -> None:
    async def scenario() -> None:
        phone = Phone(Server(ACCOUNTS))
        await phone.register()
        assert (await phone.ask("REGISTER", "sip:sip.test", to="sip:bob@sip.test")).code == 403

    run_virtual(scenario())


def test_a_token_in_place_of_a_password() -> None:
    """The same tokens as by HTTP, on each request (RFC 8898). A connection stays with its first caller."""

    async def scenario() -> None:
        phone = Phone(Server(access=TOKENS))
        for authorization, code in (
            ("", 401),
            (f"Bearer {token('alice', secret=OTHER_SECRET)}", 401),
            ("Digest nonsense", 401),
            (f"Bearer {token('alice')}", 200),
            ("", 200),
            (f"Bearer {token('bob')}", 403),
        ):
            more = {"Authorization": authorization, "to": "sip:alice@sip.test"}
            answer = await phone.ask("REGISTER", "sip:sip.test", **more)
            assert answer.code == code, authorization
            challenges = ['Bearer realm="antiphon"'] if code == 401 else []
            assert answer.headers.all("WWW-Authenticate") == challenges

    run_virtual(scenario())


def test_too_brief_a_registration() -> None:
    async def scenario() -> None:
        answer = await Phone(Server()).register(Expires="5")
        assert (answer.code, answer.headers.get("Min-Expires")) == (423, "10")

    run_virtual(scenario())


def test_a_flood_of_requests_is_refused() -> None:
    async def scenario() -> None:
        server = Server()
        phones = [Phone(server, f"user{number}") for number in range(REQUESTS_AT_ONCE + 5)]
        codes = [(await phone.ask("OPTIONS")).code for phone in phones]
        assert codes.count(503) == 5
        assert (await Phone(server, "other", "192.0.2.8").ask("OPTIONS")).code == 200

    run_virtual(scenario())


# Calling


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
        assert (await phone.call()).code == code
        assert phone.codes() == [100, 180, code]

    run_virtual(scenario())


@pytest.mark.parametrize(
    ("more", "code"),
    [
        ({"Content_Type": "text/plain"}, 488),
        ({"Require": "100rel"}, 420),
        ({"Contact": ""}, 400),
        ({"Contact": "<sip:a@b>, <sip:c@d>"}, 400),
        ({"Contact": "<http://a>"}, 400),
        ({"Supported": "timer", "Session_Expires": "30"}, 422),
    ],
)
def test_an_invite_that_cannot_be_answered(more: dict[str, str], code: int) -> None:
    async def scenario() -> None:
        phone = Phone(Server())
        answer = await phone.ask("INVITE", body=SDP, **{"Content_Type": "application/sdp"} | more)
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
        line.fail = NotAcceptable("no codec")
        assert (await phone.ask("INVITE", cseq="53", **sdp)).code == 488
        assert (await phone.ask("INVITE", cseq="54")).code == 488
        assert (await phone.ask("BYE", cseq="54")).code == 500, "a number that was used"
        assert (await phone.ask("BYE", cseq="55")).code == 200

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


# A connection that is lost


def test_a_call_goes_on_at_a_new_connection() -> None:
    """It is found by a registration of the same phone or by a request of the call, and only for whoever has it."""

    async def scenario() -> None:
        server = Server(ACCOUNTS)
        phone = Phone(server)
        await phone.register()
        await phone.call()
        phone.disconnect()
        await asyncio.sleep(5)
        assert not server.desk.lines[0].told
        phone.connect()
        assert (await phone.ask("UPDATE")).code == 401
        thief = Phone(server, "bob")
        await thief.register()
        thief.call_id, thief.to_tag, thief.tag = phone.call_id, phone.to_tag, phone.tag
        assert (await thief.ask("BYE", cseq="90")).code == 481
        await phone.register()
        server.desk.calls[0].ended()
        assert await phone.asked("BYE")

    run_virtual(scenario())


def test_a_goodbye_waits_for_the_phone_to_come_back() -> None:
    async def scenario() -> None:
        server = Server()
        phone = Phone(server)
        await phone.register()
        await phone.call()
        phone.disconnect()
        server.desk.calls[0].ended()
        await asyncio.sleep(5)
        assert not [each for each in phone.got if isinstance(each, Request)]
        phone.connect()
        await phone.register()
        await phone.reply(await phone.asked("BYE"), 200)

    run_virtual(scenario())


def test_a_call_that_rings_is_given_up_with_its_connection() -> None:
    async def scenario() -> None:
        server = Server()
        server.desk.wait_s = 5
        phone = Phone(server)
        await phone.send(phone.write("INVITE", body=SDP, Content_Type="application/sdp"))
        await asyncio.sleep(1)
        phone.disconnect()
        await asyncio.sleep(10)
        assert not server.desk.lines

    run_virtual(scenario())


# Transfers


@pytest.mark.parametrize(
    ("code", "told", "expected"),
    [
        (202, b"SIP/2.0 200 OK", (True, "")),
        (202, b"SIP/2.0 486 Busy Here", (False, "Busy Here (486)")),
        (603, b"", (False, "The phone has refused (603).")),
    ],
)
def test_a_transfer(code: int, told: bytes, expected: tuple[bool, str]) -> None:
    async def scenario() -> None:
        server = Server()
        phone = Phone(server)
        await phone.call()
        server.desk.calls[0].transfer("+49 30 12345", "")
        refer = await phone.asked("REFER")
        assert refer.headers.get("Refer-To") == "<sip:+493012345@sip.test>"
        await phone.reply(refer, code)
        if told:
            more = {"Event": "refer", "Content_Type": "message/sipfrag;version=2.0"}
            body = "SIP/2.0 100 Trying"
            assert (await phone.ask("NOTIFY", body=body, Subscription_State="active;expires=60", **more)).code == 200
            assert not server.desk.lines[0].told
            await phone.ask("NOTIFY", body=told.decode(), Subscription_State="terminated;reason=noresource", **more)
        assert server.desk.lines[0].told == [expected]

    run_virtual(scenario())


def test_transfers_that_cannot_be() -> None:
    async def scenario() -> None:
        server = Server()
        phone = Phone(server)
        phone.allow = "INVITE,ACK,BYE"
        await phone.call()
        assert server.desk.transfers == [False]
        server.desk.calls[0].transfer("nowhere at all", "")
        assert server.desk.lines[0].told == [(False, "nowhere at all is neither a number nor a SIP address.")]
        assert (await phone.ask("NOTIFY", Event="dialog")).code == 489
        server.desk.calls[0].transfer("sip:bob@sip.test", "")
        await asyncio.sleep(40)
        assert server.desk.lines[0].told[-1] == (False, "The phone has not answered.")

    run_virtual(scenario())


# Other requests


def test_words_find_the_call_of_their_phone() -> None:
    """JsSIP sends them outside of the call."""

    async def scenario() -> None:
        server = Server()
        phone = Phone(server)
        await phone.call()
        in_call, phone.to_tag, phone.call_id = phone.to_tag, "", "another"
        assert (await phone.ask("MESSAGE", body="Hello", Content_Type="text/plain")).code == 200
        assert server.desk.lines[0].told == ["Hello"]
        assert in_call
        server.desk.lines[0].stands = False
        assert (await phone.ask("MESSAGE", body="Hello", Content_Type="text/plain")).code == 480
        other = Phone(server, "bob")
        assert (await other.ask("MESSAGE", body="Hello", Content_Type="text/plain")).code == 480

    run_virtual(scenario())


@pytest.mark.parametrize(
    ("method", "code"),
    [("OPTIONS", 200), ("SUBSCRIBE", 489), ("BYE", 481), ("INFO", 481), ("PUBLISH", 501), ("REFER", 501)],
)
def test_requests_outside_of_calls(method: str, code: int) -> None:
    async def scenario() -> None:
        answer = await Phone(Server()).ask(method)
        assert answer.code == code
        assert "INVITE" in answer.headers.get("Allow")

    run_virtual(scenario())


def test_what_is_malformed_is_answered_and_a_sign_of_life_is_given() -> None:
    async def scenario() -> None:
        phone = Phone(Server())
        await phone.send(phone.write("OPTIONS").replace("SIP/2.0\r\n", "SIP/9.0\r\n", 1))
        assert phone.codes("OPTIONS") == [505]
        await phone.send("\r\n\r\n")
        assert phone.raw[-1] == "\r\n"
        await phone.send("nonsense")
        await phone.send("\r\n")
        assert phone.raw[-1] == "\r\n"
        assert len(phone.raw) == 2

    run_virtual(scenario())
