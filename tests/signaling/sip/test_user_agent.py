"""What is done with each SIP message of a phone: it registers, and it asks outside of calls. On virtual time."""

import asyncio
from pathlib import Path

import pytest

from signaling.access import Access
from signaling.sip.limits import REQUESTS_AT_ONCE, WRONG_AT_ONCE
from signaling.tokens import Expected
from tests.signaling.sip.phone import ACCOUNTS, Phone, Server
from tests.signaling.test_access import OneSecret
from tests.tokens import OTHER_SECRET, token
from tests.virtual_time import run_virtual

TOKENS = Access(OneSecret(), Expected())


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


def test_credentials_under_the_number_of_the_refused_request() -> None:
    """Some phones do not count on (RFC 3261, section 22.2, wants it)."""

    async def scenario() -> None:
        phone = Phone(Server(ACCOUNTS))
        uri, to = "sip:sip.test", "sip:alice@sip.test"
        challenge = (await phone.ask("REGISTER", uri, to=to, cseq="1")).headers.get("WWW-Authenticate")
        given = phone.credentials(challenge, "REGISTER", uri)
        more = {"cseq": "1", "to": to, "Authorization": given}
        assert [(await phone.ask("REGISTER", uri, branch=branch, **more)).code for branch in "bc"] == [200, 482]

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


def test_without_accounts_an_address_belongs_to_its_first_phone() -> None:
    """Until it is not registered any more. Its own network may have more phones, and it may come back by another."""

    async def scenario() -> None:
        server = Server()
        phone, beside, stranger = Phone(server), Phone(server), Phone(server, address="192.0.2.8")
        back = Phone(server, address="192.0.2.9")
        beside.contact, stranger.contact = "sip:beside@client.invalid", "sip:stranger@client.invalid"
        for each in (beside, stranger, back):
            each.call_id = each.contact + each.flow.place.known.address
        assert (await phone.register()).code == 200
        assert (await beside.register()).code == 200
        assert (await stranger.register()).code == 403
        assert (await stranger.register(Contact="*", Expires="0")).code == 403
        phone.disconnect()
        assert (await stranger.register()).code == 403
        beside.disconnect()
        assert (await stranger.register()).code == 200
        await stranger.register(Contact="*", Expires="0")
        phone.connect()
        assert (await phone.register(Call_ID="another")).code == 200
        assert (await back.register()).code == 200

    run_virtual(scenario())


def test_without_accounts_nobody_takes_the_call_of_another_address() -> None:
    """Phones of two networks may be at the same private place. A phone that is back has its call at its connection."""

    async def scenario() -> None:
        server = Server()
        phone, stranger = Phone(server), Phone(server, "bob", address="192.0.2.8")
        await phone.call()
        stranger.contact = phone.contact
        assert (await stranger.register()).code == 200
        assert server.desk.calls[0].flow is phone.flow
        phone.disconnect()
        phone.connect()
        assert (await phone.register(Call_ID="another")).code == 200
        assert server.desk.calls[0].flow is phone.flow

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


def test_what_is_required_in_vain_is_named_as_it_was_sent() -> None:
    async def scenario() -> None:
        answer = await Phone(Server()).ask("OPTIONS", Require="Timer, nothingSupportsThis")
        assert (answer.code, answer.headers.get("Unsupported")) == (420, "nothingSupportsThis")

    run_virtual(scenario())


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("OPTIONS", 200),
        ("INV", 501),
        ("invite", 501),
        ("SUBSCRIBE", 489),
        ("BYE", 481),
        ("INFO", 481),
        ("PUBLISH", 501),
        ("REFER", 501),
    ],
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


def test_messages_that_are_cut_or_broken_do_no_harm(caplog: pytest.LogCaptureFixture) -> None:
    """Every captured message, cut at many places, and with bytes that do not belong there. The phone can still call."""
    whole = [path.read_bytes() for path in sorted((Path(__file__).parent / "messages").glob("*.sip"))]

    async def scenario() -> None:
        server = Server()
        for number, raw in enumerate(whole):
            torn = [raw[:place] + junk + raw[place + len(junk) :] for place in range(0, len(raw), 37)
                    for junk in (b"", b"\xff\x00", b"\r\n\r\n", b";;,<")]  # fmt: skip
            bad = Phone(server, address=f"192.0.2.{number + 10}")
            for text in [*torn, *(raw[:place] for place in range(0, len(raw), 37))]:
                await server.agent.receive(bad.flow, text)
            bad.disconnect()
        await asyncio.sleep(60)
        assert (await Phone(server).call()).code == 200

    run_virtual(scenario())
    assert not [each for each in caplog.records if each.levelname in ("ERROR", "CRITICAL")], caplog.text
