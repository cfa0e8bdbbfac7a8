"""A call of a phone whose connection is lost, by SIP messages, on virtual time."""

import asyncio

import pytest

from signaling.sip.message import Request
from tests.signaling.sip.phone import ACCOUNTS, SDP, Phone, Server
from tests.virtual_time import run_virtual


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


@pytest.mark.parametrize("way", ["a registration", "a request of the call"])
def test_what_the_phone_has_missed_comes_when_it_is_back(way: str) -> None:
    """A transfer, a refresh of the session timer, and a goodbye, however it comes back."""

    async def scenario() -> None:
        server = Server()
        phone = Phone(server)
        await phone.call(Supported="timer", Session_Expires="90;refresher=uas")
        call = server.desk.calls[0]
        for method, wait_s in (("REFER", 5), ("UPDATE", 40), ("BYE", 60)):
            phone.disconnect()
            if method == "REFER":
                call.transfer("bob", "")
            elif method == "BYE":
                call.ended()
            await asyncio.sleep(wait_s)
            seen = len(phone.got)
            assert not [each for each in phone.got[-2:] if isinstance(each, Request) and each.method == method]
            phone.connect()
            if way == "a registration":
                in_call, phone.call_id, phone.to_tag = (phone.call_id, phone.to_tag), f"register-{method}", ""
                await phone.register()
                phone.call_id, phone.to_tag = in_call
            else:
                answer = await phone.ask("OPTIONS")
                assert answer.code == (481 if method == "BYE" else 200)
            await phone.reply(await phone.asked(method, seen), 200)
        assert server.desk.lines[0].told == []

    run_virtual(scenario())


def test_a_phone_that_stays_away_is_not_refreshed_for_ever() -> None:
    async def scenario() -> None:
        server = Server()
        phone = Phone(server)
        await phone.call(Supported="timer", Session_Expires="90;refresher=uas")
        phone.disconnect()
        await asyncio.sleep(88)
        assert server.desk.lines[0].told == []
        await asyncio.sleep(4)
        assert server.desk.lines[0].told == ["hang up"]

    run_virtual(scenario())


def test_an_acknowledgement_moves_no_call() -> None:
    """It is not asked for credentials, so whoever knows the names of a call could get its messages by one."""

    async def scenario() -> None:
        server = Server(ACCOUNTS)
        phone, thief = Phone(server), Phone(server, "bob")
        await phone.register()
        await phone.call()
        thief.call_id, thief.to_tag, thief.tag = phone.call_id, phone.to_tag, phone.tag
        await thief.send(thief.write("ACK", cseq="1"))
        server.desk.calls[0].ended()
        assert await phone.asked("BYE")
        assert not thief.got

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
