"""Valid SIP messages in any order: a phone and an agent do whatever they like, and nothing of a call is left over."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable

import pytest
from sipmessage import Address

from server.errors import AntiphonError, NotAcceptable, TooMany
from signaling.sip.call import State
from signaling.sip.message import Request, Response
from tests.fuzz.datagrams import rounds
from tests.signaling.sip.phone import SDP, Phone, Server
from tests.virtual_time import run_virtual

OFFER = {"body": SDP, "Content_Type": "application/sdp"}
TIMERS = (
    {},
    {"Supported": "timer", "Session_Expires": "90"},
    {"Supported": "timer", "Session_Expires": "90;refresher=uas"},
)
STEPS = 60


class Walk:
    """One phone, and everything that it and the agent may do."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.server = Server()
        self.phone = Phone(self.server, address="")
        self.numbers = iter(range(1, 10_000))
        self.begun: list[tuple[str, str]] = []
        """The Call-ID and the branch of each INVITE."""
        self.rings: list[asyncio.Task[str]] = []
        self.seen = 0
        self.steps: list[Callable[[], Awaitable[object]]] = [
            self.invite, self.invite, self.cancel, self.drop, self.connect, self.wait, self.wait, self.reply,
            self.reply, self.agent, self.desk, self.ring, self.register,
            lambda: self.say("ACK"), lambda: self.say("BYE"), lambda: self.say("INVITE", **OFFER),
            lambda: self.say("UPDATE", **OFFER), lambda: self.say("UPDATE", **self.rng.choice(TIMERS)),
            lambda: self.say("INFO", body="Signal=5", Content_Type="application/dtmf-relay"),
            lambda: self.say("NOTIFY", body="SIP/2.0 200 OK", Event="refer"),
        ]  # fmt: skip

    async def send(self, method: str, **more: str) -> None:
        number = str(next(self.numbers))
        if not self.phone.flow.over:
            await self.phone.send(self.phone.write(method, **{"cseq": number, "branch": f"b{number}"} | more))

    async def invite(self) -> None:
        number = next(self.numbers)
        self.phone.call_id, self.phone.tag, self.phone.to_tag = f"call-{number}", "phone-tag", ""
        self.begun.append((self.phone.call_id, str(number)))
        await self.send("INVITE", branch=f"i{number}", cseq=str(number), **OFFER, **self.rng.choice(TIMERS))

    async def cancel(self) -> None:
        if self.begun:
            self.phone.call_id, number = self.rng.choice(self.begun)
            await self.send("CANCEL", branch=f"i{number}", cseq=number, to_tag="")

    async def say(self, method: str, **more: str) -> None:
        """Send a request in a call that was begun."""
        tags = {each.call_id: each.to_tag for each in self.phone.got if isinstance(each, Response) and each.code > 100}
        if self.begun:
            self.phone.call_id, number = self.rng.choice(self.begun)
            self.phone.to_tag = tags.get(self.phone.call_id, "")
            await self.send(method, **({"cseq": number} if method == "ACK" else {}), **more)

    async def register(self) -> None:
        await self.send("REGISTER", Call_ID="register", to="sip:alice@sip.test", to_tag="")

    async def drop(self) -> None:
        self.phone.disconnect()

    async def connect(self) -> None:
        self.phone.connect()

    async def wait(self) -> None:
        await asyncio.sleep(self.rng.choice((0, 0.01, 0.2, 1, 5, 33, 100)))

    async def reply(self) -> None:
        """Answer some of what the server has asked since."""
        asked, self.seen = self.phone.got[self.seen :], len(self.phone.got)
        for request in asked:
            if isinstance(request, Request) and request.method != "ACK" and self.rng.random() < 0.8:
                code = self.rng.choice((180, 200, 200, 405, 481, 486, 491, 500))
                tag = "" if request.to_tag else "p"
                await self.phone.reply(request, code, tag, SDP if request.method == "INVITE" else "")

    async def agent(self) -> None:
        if calls := self.server.desk.calls:
            call = self.rng.choice(calls)
            call.ended() if self.rng.random() < 0.5 else call.transfer("bob", "")

    async def desk(self) -> None:
        self.server.desk.wait_s = self.rng.choice((0, 0.5, 3))
        for line in self.server.desk.lines:
            line.reoffer_s, line.accept_s = self.rng.choice((0, 1, 4)), self.rng.choice((0, 2))
            line.fail = self.rng.choice((None, None, NotAcceptable("x"), TooMany("x", 1)))

    async def ring(self) -> None:
        to = Address.parse("<sip:alice@sip.test>")
        timeout_s = self.rng.choice((1, 30))
        self.rings.append(asyncio.ensure_future(self.server.agent.ring(to, timeout_s, lambda caller: caller)))

    async def run(self) -> None:
        for _ in range(STEPS):
            await self.rng.choice(self.steps)()
        await asyncio.sleep(200)
        agent = self.server.agent
        live = list(agent._calls.values())
        assert {call.state for call in live} <= {State.CONFIRMED}
        for call in live:
            call.hang_up(told=True)
        await asyncio.sleep(200)
        assert (agent._calls, agent._asked, agent._tasks) == ({}, {}, set())
        for found in await asyncio.gather(*self.rings, return_exceptions=True):
            assert isinstance(found, str | AntiphonError)


@pytest.mark.parametrize("seed", range(max(1, rounds() // 1000)))
def test_nothing_is_left_of_any_call(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    run_virtual(Walk(seed).run(), 1e6)
    assert [each for each in caplog.records if each.levelno >= logging.ERROR] == []
