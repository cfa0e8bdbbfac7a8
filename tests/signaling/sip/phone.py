"""A phone of the tests: it writes requests and reads what it gets. Behind the SIP is a call that only notes."""

import asyncio
import hashlib
import re
from collections.abc import Callable

from server.call.caller import Caller
from signaling.access import Access
from signaling.sip.call import Call
from signaling.sip.digest import Accounts
from signaling.sip.flow import Flow, Place
from signaling.sip.gate import Gate
from signaling.sip.message import Malformed, Request, Response, read
from signaling.sip.user_agent import UserAgent

SDP = "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
_HASHES = {name: hashlib.md5(f"{name}:antiphon:secret".encode()).hexdigest() for name in ("alice", "bob")}
ACCOUNTS = Accounts("antiphon", {name: {"MD5": value} for name, value in _HASHES.items()})
TIMEOUT_S = 5.0


class Line:
    """The call behind: it notes what it is told."""

    stands = True

    def __init__(self) -> None:
        self.told: list[object] = []
        self.offers: list[str] = []
        self.fail: Exception | None = None
        self.reoffer_s = 0.0
        self.accept_s = 0.0
        self.connects = True

    session_id = "session-1"

    async def accept(self, sdp: str) -> bool:
        self.told.append(("accept", sdp))
        await asyncio.sleep(self.accept_s)
        if self.fail is not None:
            raise self.fail
        return self.connects

    async def withdraw(self) -> None:
        self.told.append("withdraw")

    async def reoffer(self, sdp: str) -> str:
        self.offers.append(sdp)
        await asyncio.sleep(self.reoffer_s)
        if self.fail is not None:
            raise self.fail
        return f"{SDP}a=again\r\n"

    def press(self, key: str) -> None:
        self.told.append(key)

    def type(self, text: str) -> None:
        if not text:
            raise ValueError("empty")
        self.told.append(text)

    def transferred(self, ok: bool, reason: str) -> None:
        self.told.append((ok, reason))

    def hang_up(self) -> None:
        self.told.append("hang up")


class Desk:
    """Begins calls. `wait_s` is how long that takes, and `fail` how it fails."""

    def __init__(self) -> None:
        self.wait_s = 0.0
        self.fail: Exception | None = None
        self.lines: list[Line] = []
        self.calls: list[Call] = []
        self.callers: list[Caller] = []
        self.transfers: list[bool] = []

    async def answer(self, sdp: str, caller: Caller, transfers: bool, phone: Call) -> tuple[str, Line]:
        self.callers.append(caller)
        self.transfers.append(transfers)
        await asyncio.sleep(self.wait_s)
        if self.fail is not None:
            raise self.fail
        self.lines.append(Line())
        self.calls.append(phone)
        return SDP, self.lines[-1]

    async def offer(self, caller: Caller, transfers: bool, phone: Call) -> tuple[str, Line]:
        return await self.answer("", caller, transfers, phone)


class Server:
    """A user agent, and the desk behind it."""

    def __init__(self, accounts: Accounts | None = None, access: Access | None = None) -> None:
        self.desk = Desk()
        self.gate = Gate(accounts or Accounts(), access or Access())
        self.agent = UserAgent(self.gate, self.desk.answer, self.desk.offer)


class Phone:
    """One phone. `connect` gives it a new connection."""

    def __init__(self, server: Server, user: str = "alice", address: str = "192.0.2.7") -> None:
        self._server = server
        self.user = user
        self._known = Caller(address)
        self.contact = f"sip:{user}-1@client.invalid;transport=ws"
        self.tag, self.call_id, self.to_tag = "phone-tag", f"call-of-{user}", ""
        self._numbers = iter(range(1, 1000))
        self.got: list[Request | Response] = []
        self._came = asyncio.Event()
        self.raw: list[str] = []
        self.allow = "INVITE,ACK,CANCEL,BYE,UPDATE,REFER,NOTIFY"
        self.connect()

    def connect(self) -> None:
        known = self._known if self._server.gate.open else None
        self.flow = Flow(Place("sip.test:8080", self._known), self._server.gate.digest(), known, self._take)

    def disconnect(self) -> None:
        self._server.agent.closed(self.flow)

    def _take(self, text: str) -> None:
        self.raw.append(text)
        try:
            message = read(text)
        except Malformed:  # the answer to a malformed request repeats what is wrong with it
            return
        if message is not None:
            self.got.append(message)
            self._came.set()

    def write(self, method: str, uri: str = "sip:demo@sip.test", body: str = "", **more: str) -> str:
        """A request. `cseq`, `branch` and `to_tag` may be given; other names are headers, with "_" for "-"."""
        number = more.pop("cseq", "") or str(next(self._numbers))
        branch = more.pop("branch", "") or f"{method}{number}{self.user}"
        to_tag = more.pop("to_tag", self.to_tag)
        to = more.pop("to", uri)
        headers = {
            "Via": f"SIP/2.0/WSS client.invalid;branch=z9hG4bK{branch}",
            "From": f"<sip:{self.user}@sip.test>;tag={self.tag}",
            "To": f"<{to}>{f';tag={to_tag}' if to_tag else ''}",
            "Call-ID": self.call_id,
            "CSeq": f"{number} {method}",
            "Contact": f"<{self.contact}>",
            "Allow": self.allow,
            "Content-Length": str(len(body.encode())),
        } | {name.replace("_", "-"): value for name, value in more.items()}
        lines = [f"{method} {uri} SIP/2.0", *(f"{name}: {value}" for name, value in headers.items() if value)]
        return "\r\n".join([*lines, "", body])

    async def send(self, text: str) -> None:
        await self._server.agent.receive(self.flow, text)

    async def ask(self, method: str, uri: str = "sip:demo@sip.test", body: str = "", **more: str) -> Response:
        """Send a request, and wait for its final answer."""
        seen = len(self.got)
        await self.send(self.write(method, uri, body, **more))
        return await self.answer_to(method, seen)

    async def answer_to(self, method: str, since: int = 0) -> Response:
        found = await self._wait_for(
            lambda each: isinstance(each, Response) and each.method == method and each.code >= 200, since
        )
        assert isinstance(found, Response)
        return found

    async def asked(self, method: str, since: int = 0) -> Request:
        """Wait for a request of the server."""
        found = await self._wait_for(lambda each: isinstance(each, Request) and each.method == method, since)
        assert isinstance(found, Request)
        return found

    async def _wait_for(self, fits: Callable[[Request | Response], bool], since: int = 0) -> Request | Response:
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                if found := [each for each in self.got[since:] if fits(each)]:
                    return found[0]
                self._came.clear()
                await self._came.wait()

    def codes(self, method: str = "INVITE") -> list[int]:
        return [each.code for each in self.got if isinstance(each, Response) and each.method == method]

    async def reply(self, request: Request, code: int, tag: str = "", body: str = "", **more: str) -> None:
        """Answer a request of the server. `tag` is the phone's in the dialog; `more` are headers, with "_" for "-"."""
        copied = {name: request.headers.get(name) for name in ("Via", "From", "To", "Call-ID", "CSeq")}
        if tag:
            copied["To"] += f";tag={tag}"
        headers = {**copied, **{name.replace("_", "-"): value for name, value in more.items()}}
        headers["Content-Length"] = str(len(body.encode()))
        lines = [f"SIP/2.0 {code} Whatever", *(f"{name}: {value}" for name, value in headers.items())]
        await self.send("\r\n".join([*lines, "", body]))

    async def register(self, **more: str) -> Response:
        """Register, with the password if it is asked for."""
        uri, to = "sip:sip.test", f"sip:{self.user}@sip.test"
        answer = await self.ask("REGISTER", uri, to=to, to_tag="", **more)
        if answer.code == 401:
            given = self.credentials(answer.headers.get("WWW-Authenticate"), "REGISTER", uri)
            answer = await self.ask("REGISTER", uri, to=to, to_tag="", Authorization=given, **more)
        return answer

    def credentials(self, challenge: str, method: str, uri: str, password: str = "secret") -> str:
        """What JsSIP answers to a challenge."""
        nonce = re.search(r'nonce="([^"]*)"', challenge)
        assert nonce is not None

        def h(text: str) -> str:
            return hashlib.md5(text.encode()).hexdigest()

        secret = h(f"{self.user}:antiphon:{password}")
        response = h(f"{secret}:{nonce[1]}:00000001:c:auth:{h(f'{method}:{uri}')}")
        return (
            f'Digest algorithm=MD5, username="{self.user}", realm="antiphon", nonce="{nonce[1]}", uri="{uri}", '
            f'response="{response}", qop=auth, cnonce="c", nc=00000001'
        )

    async def call(self, uri: str = "sip:demo@sip.test", **more: str) -> Response:
        """Call, and acknowledge the answer."""
        number = next(self._numbers)
        answer = await self.ask("INVITE", uri, SDP, cseq=str(number), Content_Type="application/sdp", **more)
        self.to_tag = answer.to_tag if answer.code < 300 else ""
        await self.send(self.write("ACK", uri, cseq=str(number), to_tag=answer.to_tag))
        return answer
