"""A call of a phone whose connection is lost, by SIP messages, on virtual time."""

import asyncio

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
