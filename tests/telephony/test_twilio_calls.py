"""Calls by Twilio from its webhook on: who may open a stream, what follows on it, and transfers."""

import asyncio
import time
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic_ai import Agent, RunContext
from pydantic_ai.models.test import TestModel
from twilio.request_validator import RequestValidator
from twilio.twiml.voice_response import Connect, Stream, VoiceResponse
from yarl import URL

from server.agent.passing_on import Transfer
from server.agent.voice_agent import VoiceAgent
from signaling.telephony.twilio_account import TwilioAccount
from tests.exchange import Exchange, exchange
from tests.fakes.mind import Desk, Mind
from tests.telephony.media_streams_systems import TwilioSystem
from tests.telephony.system import CALL, DIALLED, NUMBER, until

TOKEN = "the auth token of the account"
FORM = {"CallSid": CALL, "From": NUMBER, "To": DIALLED, "AccountSid": "AC1"}


def signature(url: str, token: str = TOKEN) -> str:
    """As Twilio's helper library signs."""
    return str(RequestValidator(token).compute_signature(url, FORM))


async def asks(http: aiohttp.ClientSession, url: str, token: str = TOKEN, **headers: str) -> aiohttp.ClientResponse:
    """Twilio asks what to do with a call."""
    signed = {"X-Twilio-Signature": signature(url, token)} if token else {}
    return await http.post(url, data=FORM, headers=signed | headers)


async def stream_of(response: aiohttp.ClientResponse) -> TwilioSystem:
    """The stream that the answer asks for."""
    assert response.status == 200, await response.text()
    answer = ElementTree.fromstring(await response.text())
    stream = answer.find("Connect/Stream")
    assert stream is not None
    system = TwilioSystem()
    system.url = stream.attrib["url"]
    system.parameters = {each.attrib["name"]: each.attrib["value"] for each in stream}
    again = answer.findtext("Redirect")
    assert again is not None
    system.again = again
    return system


def as_twilio_writes(system: TwilioSystem) -> str:
    """The answer that opens this stream, written by Twilio's helper library, which knows the names of TwiML."""
    stream = Stream(url=system.url)
    for name, value in system.parameters.items():
        stream.parameter(name=name, value=value)
    connect = Connect()
    connect.append(stream)
    answer = VoiceResponse()
    answer.append(connect)
    answer.redirect(system.again, method="POST")
    return str(answer)


@asynccontextmanager
async def server(**changes: Any) -> AsyncIterator[tuple[Exchange, aiohttp.ClientSession, str]]:
    changes = {"twilio": (TOKEN, None), "resume_s": 30.0, "agent": Mind().agent("Hello, this is the shop.")} | changes
    async with asyncio.timeout(30), exchange(**changes) as running, aiohttp.ClientSession() as http:
        yield running, http, f"{running.home}/telephony/twilio/voice"


async def test_a_call_from_the_webhook_to_its_end() -> None:
    """The webhook's answer opens a stream to this server. When the agent hangs up, Twilio asks again, and hangs up."""
    async with server() as (running, http, voice):
        answer = await asks(http, f"{voice}?patience=patient")
        system = await stream_of(answer)
        assert ElementTree.canonicalize(await answer.text()) == ElementTree.canonicalize(as_twilio_writes(system))
        assert system.url == running.home.replace("http", "ws") + "/telephony/twilio"
        await system.dial(http, running.home)
        await system.hears(20)
        assert running.options[0].patience == "patient"
        running.directory._places.sessions[0].leave()
        await system.closed.wait()
        assert system.again == f"{voice}?patience=patient&again=1"
        assert "<Response><Hangup/></Response>" in await (await asks(http, system.again)).text()
        await system.hang_up()


async def test_a_stream_that_breaks_is_opened_again() -> None:
    """Twilio asks what comes after the stream: another stream, on which the same conversation goes on."""
    async with server() as (running, http, voice):
        system = await stream_of(await asks(http, voice))
        await system.dial(http, running.home)
        await system.hears(10)
        await system.drop()
        other = await stream_of(await asks(http, system.again))
        await other.dial(http, running.home)
        await other.hears(10)
        assert running.directory.opened == 1
        await other.hang_up()
        await until(lambda: not len(running.directory))


async def test_in_a_cluster_twilio_comes_back_to_the_worker_that_has_the_call() -> None:
    """The addresses name it, so that the door knows. What a worker that is gone had begun, another one begins anew."""
    async with server(worker="w1") as (running, http, voice):
        system = await stream_of(await asks(http, f"{voice}?language=de"))
        own = system.again.rpartition("again=")[2]
        assert own.startswith("w1-")
        assert system.again == f"{voice}?language=de&again={own}"
        assert system.url == running.home.replace("http", "ws") + f"/telephony/twilio/{own}"
        system.path = f"/telephony/twilio/{own}"
        await system.dial(http, running.home)
        await system.hears(10)
        await system.hang_up()
        await until(lambda: not len(running.directory))
        assert "<Response><Hangup/></Response>" in await (await asks(http, system.again)).text()
        for gone in ("w2-abc", "w1-before"):
            other = await stream_of(await asks(http, system.again.replace(own, gone)))
            assert other.again == system.again


async def test_a_webhook_behind_a_proxy() -> None:
    """Twilio calls https, and the proxy http: the signature is for what Twilio knows, and so is the stream."""
    async with server() as (running, http, voice):
        signed = {"X-Twilio-Signature": signature(voice.replace("http:", "https:"))}
        system = await stream_of(await http.post(voice, data=FORM, headers=signed))
        assert system.url == running.home.replace("http", "wss") + "/telephony/twilio"


async def test_the_address_of_the_stream_is_the_one_that_twilio_has_called() -> None:
    """With its port, also where Twilio leaves that out of the signature; and capitals in the name do not matter."""
    path = "/telephony/twilio/voice"
    async with server(trusted=["10.9.9.9"]) as (_running, http, voice):
        for host, address in (("Shop.example:8443", "https://shop.example"), ("Shop.example", "https://Shop.example")):
            signed = {"X-Twilio-Signature": signature(address + path), "Host": host}
            system = await stream_of(await http.post(voice, data=FORM, headers=signed))
            assert system.url == f"wss://{host.lower()}/telephony/twilio"


async def test_what_xml_cannot_have_is_left_out_of_the_answer() -> None:
    """A number that somebody makes up has no power over the answer, and the stream that it opens is good."""
    form = FORM | {"From": "sip:\x01\uffff<&\"'>" + "9" * 300}
    async with server() as (running, http, voice):
        url = f"{voice}?name=%00Zo%C3%AB%3C%22"
        signed = {"X-Twilio-Signature": str(RequestValidator(TOKEN).compute_signature(url, form))}
        system = await stream_of(await http.post(URL(url, encoded=True), data=form, headers=signed))
        assert system.parameters["from"].startswith("sip:<&\"'>999")
        assert system.parameters["name"] == 'Zo\xeb<"'
        await system.dial(http, running.home)
        await system.hears(3)
        await system.hang_up()


@pytest.mark.parametrize(
    ("kind", "body", "status"),
    [("application/x-www-form-urlencoded; charset=none", b"a=1", 401),
     ("application/x-www-form-urlencoded", b"a=\xff", 400),
     ("application/x-www-form-urlencoded", b"a=" + b"1" * 70_000, 413),
     ("multipart/form-data; boundary=a", b"--a\r\nnothing", 401),
     ("multipart/form-data; boundary=a", b"--a\r\nX: " + b"y" * 10_000, 401),
     ("multipart/form-data", b"", 401), ("application/json", b"{}", 401)],
)  # fmt: skip
async def test_a_body_that_is_no_form(kind: str, body: bytes, status: int) -> None:
    """It is a stranger's fault, and not the server's."""
    async with server() as (_running, http, voice):
        response = await http.post(voice, data=body, headers={"Content-Type": kind})
        assert response.status == status


@pytest.mark.parametrize(("token", "known", "status"), [("a guess", TOKEN, 401), ("", TOKEN, 401), (TOKEN, "", 403)])
async def test_nobody_else_asks(token: str, known: str, status: int) -> None:
    """A wrong signature, none, and a server that does not know the account's token."""
    async with server(twilio=(known, None)) as (_running, http, voice):
        response = await asks(http, voice, token)
        assert response.status == status
        assert "Stream" not in await response.text()


@pytest.mark.parametrize("changed", [{"from": "+49301"}, {"pass": ""}, {"until": "9999999999"}, {"language": "de"}])
async def test_nobody_else_opens_a_stream(changed: dict[str, str]) -> None:
    """A stream needs the parameters that the webhook has signed, as they are. Otherwise there is no call."""
    async with server() as (running, http, voice):
        system = await stream_of(await asks(http, voice))
        system.parameters = {**system.parameters, **changed}
        await system.dial(http, running.home)
        await system.closed.wait()
        assert system.ws.close_code == 1008
        assert running.directory.opened == 0
        await system.hang_up()


async def test_a_stream_with_the_secret_needs_no_webhook() -> None:
    """Who speaks Twilio's dialect without its webhook has the secret of telephone lines."""
    async with server(secret="a secret of telephone lines") as (running, http, _voice):
        system = TwilioSystem()
        await system.dial(http, running.home, secret="a secret of telephone lines")
        await system.hears(10)
        await system.hang_up()


@dataclass
class FakeTwilio:
    """The part of Twilio's REST API that transfers calls."""

    status: int = 200

    def __post_init__(self) -> None:
        self.asked: list[tuple[str, str, str]] = []
        app = web.Application()
        app.router.add_post("/2010-04-01/Accounts/AC1/Calls/{call}.json", self._update)
        self.server = TestServer(app, host="127.0.0.1")

    async def _update(self, request: web.Request) -> web.Response:
        login = b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode()
        form = await request.post()
        self.asked.append((login, request.match_info["call"], str(form["Twiml"])))
        return web.Response(status=self.status)


def passing_on(to: str) -> VoiceAgent:
    async def to_a_person(context: RunContext[Desk]) -> Transfer:
        """Pass the call on."""
        return Transfer(to)

    agent = Agent(
        TestModel(call_tools=["to_a_person"], custom_output_text="Done."), deps_type=Desk, tools=[to_a_person]
    )
    return VoiceAgent(agent=agent, name="Test", greeting="Hello.", make_deps=Desk)


@pytest.mark.parametrize(
    ("to", "verb"),
    [
        ("+49 30 5", "<Response><Dial>+49 30 5</Dial></Response>"),
        ("sip:a<b@example.org", "<Response><Dial><Sip>sip:a&lt;b@example.org</Sip></Dial></Response>"),
    ],
)
async def test_a_call_is_transferred(to: str, verb: str) -> None:
    """Twilio is told to dial. Then the call is over here, as one that was transferred."""
    twilio = FakeTwilio()
    async with twilio.server:
        account = TwilioAccount("AC1", TOKEN, str(twilio.server.make_url("")).rstrip("/"))
        async with server(agent=passing_on(to), twilio=(TOKEN, account)) as (running, http, voice):
            system = await stream_of(await asks(http, voice))
            await system.dial(http, running.home)
            await system.hears(5)
            await system.press("1")
            await until(lambda: twilio.asked)
            await system.hang_up()  # the stream is over, because Twilio dials
            assert twilio.asked == [(f"AC1:{TOKEN}", CALL, verb)]
            await until(lambda: not len(running.directory))
            (record,) = running.notebook.records.values()
            assert record.end_reason == "transferred"


async def test_a_transfer_that_twilio_refuses() -> None:
    """The agent goes on with the call, and is told why."""
    twilio = FakeTwilio(status=404)
    async with twilio.server:
        account = TwilioAccount("AC1", TOKEN, str(twilio.server.make_url("")).rstrip("/"))
        assert await account.transfer("CA1", "+1") == "The telephone company has not taken the transfer."
        async with server(agent=passing_on("+1"), twilio=(TOKEN, account)) as (running, http, voice):
            system = await stream_of(await asks(http, voice))
            await system.dial(http, running.home)
            await system.hears(5)
            await system.press("1")
            await until(lambda: len(twilio.asked) > 1)
            await system.hears(5)
            assert len(running.directory) == 1
            await system.hang_up()


async def test_a_company_that_cannot_be_reached() -> None:
    """A transfer that cannot be asked for has failed."""
    account = TwilioAccount("AC1", TOKEN, "http://127.0.0.1:9")
    began_s = time.monotonic()
    assert await account.transfer("CA1", "+1")
    assert time.monotonic() - began_s < 5
