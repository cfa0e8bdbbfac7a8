"""Hostile SIP messages against all code that reads them. They come from a seed, so a failure can be repeated."""

import asyncio
import contextlib
import logging
import random
import re
from itertools import product
from pathlib import Path

import pytest

from signaling.sip.dialog import Dialog
from signaling.sip.digest import Accounts, Digest, read_parameters
from signaling.sip.key_press import TYPES, read_key
from signaling.sip.message import Malformed, Request, read, write_response
from signaling.sip.refer import outcome, refer_to
from signaling.sip.registrar import Full, Registrar, TooBrief, read_contacts
from signaling.sip.session_timer import TooSmall, agree
from tests.fuzz.datagrams import rounds
from tests.signaling.sip.phone import Phone, Server
from tests.virtual_time import run_virtual

METHODS = ("INVITE", "UPDATE", "INFO", "MESSAGE", "NOTIFY", "OPTIONS", "REGISTER", "CANCEL", "ACK", "PRACK")
CAPTURED = Path(__file__).parent.parent / "signaling/sip/messages"
PIECES = (
    "\r\n", "\r\n ", "\r\n\r\n", ";", ",", '"', "\\", "<", ">", "=", ":", "@", "%", "%00", "%zz", "\0", " ", "\t", "*",
    "sip:", "SIP/2.0", ";tag=", ";expires=99999999999999999999", "Contact: *", "z9hG4bK", "é", "\u2028", "-1", "9" * 40,
    "Digest ", "Session-Expires: 90;refresher=uas", "[::1]", "a" * 300, "()", "??", "&&", "INVITE", "(\"", ";;",
)  # fmt: skip


def damaged(rng: random.Random, text: str, other: str) -> bytes:
    """Damage a message in some places: pieces of syntax, of another message, and random bytes."""
    for _ in range(rng.randrange(1, 6)):
        at, length = rng.randrange(len(text) + 1), rng.choice((0, 0, 1, 5, 60))
        cut = rng.randrange(len(other))
        new = rng.choice((rng.choice(PIECES), other[cut : cut + rng.randrange(80)], chr(rng.randrange(256)), ""))
        text = text[:at] + new + text[at + length :]
    return text.encode("utf-8", "replace") if rng.random() < 0.9 else text.encode("latin-1", "replace")


def test_malformed_messages_fault_nothing() -> None:
    """Whatever a message is, it is read or refused, and so are its parts; nothing else is raised."""
    rng = random.Random(4475)
    messages = [path.read_bytes().decode() for path in sorted(CAPTURED.glob("*.sip"))]
    heads = [re.sub(r"\r\nContent-Length: [0-9]+", "", text.partition("\r\n\r\n")[0]) for text in messages]
    short = [f"{head}\r\n\r\nSignal=5" for head in heads]  # or most damage is in the SDP
    registrar: Registrar[str] = Registrar()
    digest = Digest(Accounts("antiphon", {"alice": {"MD5": "0" * 32}}))
    read_well = 0
    for _ in range(rounds()):
        text = rng.choice(short if rng.random() < 0.9 else messages)
        try:
            message = read(damaged(rng, text, rng.choice(messages)))
        except Malformed as error:
            if error.headers is not None:
                write_response(error.headers, error.code)
            continue
        if isinstance(message, Request):
            read_well += 1
            use(rng, message, registrar, digest)
    assert read_well > rounds() / 50, "most of what is damaged must not be refused at the first look"


def test_malformed_messages_in_a_call_fault_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """The whole user agent, with a call that was answered: it answers, refuses or ignores what is damaged."""

    async def scenario() -> int:
        rng, server = random.Random(3261), Server()
        phone = Phone(server, address="")
        await phone.call()
        pairs = product(METHODS, (TYPES[0], "text/plain", "application/sdp"))
        line = [
            phone.write(method, body="Signal=5", Content_Type=kind, cseq=str(100 + number))
            for number, (method, kind) in enumerate(pairs)
        ]
        for _ in range(rounds() // 2):
            await server.agent.receive(phone.flow, damaged(rng, rng.choice(line), rng.choice(line)))
            await asyncio.sleep(0)
            phone.got.clear()
        server.agent.close()
        return len(phone.raw)

    assert run_virtual(scenario()) > rounds() / 20, "most of what is damaged must not be dropped at the first look"
    assert [each for each in caplog.records if each.levelno >= logging.ERROR] == []


def use(rng: random.Random, request: Request, registrar: Registrar[str], digest: Digest) -> None:
    assert "\n" not in write_response(request.headers, 200, to_tag="t").replace("\r\n", "")
    try:
        contacts = read_contacts(request.headers)
        registrar.register(request.to.uri.user or "", contacts, (request.call_id, request.cseq), "flow", 1.0)
    except (ValueError, TypeError, TooBrief, Full):
        pass
    try:
        dialog = Dialog.answering(request, "tag", "sip:a@b")
        assert "\n" not in dialog.write("BYE", "1").replace("\r\n", "")
    except (ValueError, TypeError):
        pass
    with contextlib.suppress(TooSmall):
        agree(request.headers)
    if (parameters := read_parameters(request.headers.get("Authorization"))) is not None:
        digest.judge(parameters, request.method, request.uri, 1.0)
    read_key(rng.choice(TYPES), request.body)
    outcome(request.body, ended=rng.random() < 0.5)
    with contextlib.suppress(ValueError):
        refer_to(request.headers.get("Contact"), "example.com")
