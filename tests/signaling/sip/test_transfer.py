"""Transfers: the phone is asked to call somebody else, by SIP messages, on virtual time."""

import asyncio

import pytest

from tests.signaling.sip.phone import Phone, Server
from tests.virtual_time import run_virtual


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
        server.desk.calls[0].transfer("+49 30 12345", "Wants a refund:\n50 €?")
        refer = await phone.asked("REFER")
        subject = "Wants%20a%20refund%3A%2050%20%E2%82%AC%3F"
        assert refer.headers.get("Refer-To") == f"<sip:+493012345@sip.test?Subject={subject}>"
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
