"""Callers that keep their call as the page does: when the connection is lost, they resume with the newest token."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiohttp

from tests.phone import Phone

AGAIN_S = 0.25
"""How long a caller waits before the next try to resume."""
DIAL_S = 30.0
"""How long one try may take."""
PAUSE_S = 1.0
"""How long a caller thinks after an answer. A call moves to another server when it has been quiet for half a second."""
SILENCE_S = 6.0
"""After how long without a packet a WebRTC caller takes the connection for lost. The server sends at least every
400 ms."""

UNLIMITED = {
    "idle_prompt_s": "3600", "callers_half_open": "100", "callers_burst": "10000", "callers_per_s": "1e6",
}  # fmt: skip
"""Settings for many calls from one address, whose callers say nothing for long."""


class TypingPhone:
    """A call over the WebSocket that only types, and hears Opus. `told` has the server's messages."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url, self._http = url, http
        self.told: list[dict[str, Any]] = []
        self.closed = asyncio.Event()
        self.received = 0
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def dial(self, session_id: str, resume: str) -> None:
        self._ws = await self._http.ws_connect(f"{self._url}/api/voice/conversation/{session_id}")
        audio = {"encoding": "opus", "sample_rate": 48_000}
        await self._ws.send_json({"type": "start", "audio": audio, **({"resume": resume} if resume else {})})
        self._task = asyncio.get_running_loop().create_task(self._listen(), name="typing phone")

    async def until(self, **wanted: Any) -> dict[str, Any]:
        """Wait for a message that has all of `wanted`. Raises ConnectionError if the call is over before."""
        while True:
            for message in self.told:
                if all(message.get(name) == value for name, value in wanted.items()):
                    return message
            if self.closed.is_set():
                raise ConnectionError
            self._news.clear()
            await self._news.wait()

    async def send(self, **message: Any) -> None:
        await self._ws.send_str(json.dumps(message))

    async def lost(self) -> None:
        await self.closed.wait()

    async def hang_up(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait({self._task})
            await self._ws.close()

    async def _listen(self) -> None:
        try:
            async for message in self._ws:
                self.received += 1
                if message.type is aiohttp.WSMsgType.TEXT:
                    self.told.append(json.loads(message.data))
                    self._news.set()
                    if self.told[-1]["type"] == "reconnect":
                        break
        finally:
            self.closed.set()
            self._news.set()


class SpeakingPhone:
    """The same over WebRTC, with a microphone and a loudspeaker."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._phone = Phone(f"{url}/api/offer", http)
        self._phone.microphone.rests = True  # it types what it has to say

    @property
    def told(self) -> list[dict[str, Any]]:
        return self._phone.told

    @property
    def received(self) -> int:
        return len(self._phone.loud)

    async def dial(self, session_id: str, resume: str) -> None:
        data = {"requestData": {"session_id": session_id, "resume": resume}} if resume else {}
        await self._phone.dial(**data)
        await self._phone.opened.wait()

    async def until(self, **wanted: Any) -> dict[str, Any]:
        return await self._phone.until(**wanted)

    async def send(self, **message: Any) -> None:
        self._phone.send(**message)

    async def lost(self) -> None:
        heard, since_s = -1, time.monotonic()
        while not any(message["type"] == "reconnect" for message in self.told):
            if self.received != heard:
                heard, since_s = self.received, time.monotonic()
            if self._phone.closed.is_set() or time.monotonic() - since_s > SILENCE_S:
                return
            await asyncio.sleep(0.1)

    async def hang_up(self) -> None:
        await self._phone.hang_up()


class KeptCall:
    """One call. It goes on until `hang_up`, whatever becomes of servers and connections."""

    def __init__(self, url: str, http: aiohttp.ClientSession, kind: type[TypingPhone] | type[SpeakingPhone]) -> None:
        self._url, self._http, self._kind = url, http, kind
        self.session_id = "new"
        self.connected = asyncio.Event()
        self.resumed = 0
        self.forgotten = 0
        """How often it came back to a server that did not know what was said before."""
        self.refusals: Counter[str] = Counter()
        """Why tries to resume have failed."""
        self.asked_again = 0
        """How often a question that a server had taken was asked again."""
        self._token = ""
        self._phone: TypingPhone | SpeakingPhone | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def worker(self) -> str:
        """The worker that the call began at, as its id tells."""
        return self.session_id.partition("-")[0]

    def __str__(self) -> str:
        counts = f"resumed {self.resumed}, forgotten {self.forgotten}, asked again {self.asked_again}"
        return f"{self.session_id}: {counts}, {dict(self.refusals)}"

    @property
    def last_told(self) -> list[dict[str, Any]]:
        return self._phone.told[-3:] if self._phone else []

    async def begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._keep(), name="kept call")
        await self.connected.wait()

    async def hang_up(self) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait({self._task})
        if not self._task.cancelled() and (failed := self._task.exception()) is not None:
            raise failed

    async def ask(self, text: str, again: bool = True, heard: asyncio.Event | None = None) -> str:
        """Type this, and wait for the answer to its end. `heard` is set as soon as a part of it has been heard.

        When the connection is lost before, it is asked again, as a server that was killed has forgotten it. Without
        `again` a question that a server has taken is asked only once: the answer has to come on the next connection.
        """
        taken = False
        while True:
            await self.connected.wait()
            phone = self._phone
            assert phone is not None
            before = {message["reply"] for message in phone.told if message["type"] == "response"}
            known = len(_questions(phone.told))
            with suppress(ConnectionError, RuntimeError, asyncio.InvalidStateError):
                if taken and not again:
                    before = set()
                else:
                    await phone.send(type="text", text=text)
                if (answer := await self._answer(phone, before, heard or asyncio.Event())) is not None:
                    return answer
            taken = taken or len(_questions(phone.told)) > known
            self.asked_again += again and taken
            while self._phone is phone:  # noqa: ASYNC110  # a connection has no event for its end
                await asyncio.sleep(0.05)

    async def _answer(self, phone: TypingPhone | SpeakingPhone, before: set[int], heard: asyncio.Event) -> str | None:
        """The answer to what was typed; None if the connection is lost before its end."""
        while True:
            lost = self._phone is not phone  # perhaps right after the end of the answer
            for message in phone.told:
                if message["type"] == "response" and message["reply"] not in before and message["text"]:
                    heard.set()
                    if message["final"] and not message["interrupted"]:
                        return str(message["text"])
            if lost:
                return None
            await asyncio.sleep(0.05)

    async def _keep(self) -> None:
        while True:
            phone = self._kind(self._url, self._http)
            try:
                async with asyncio.timeout(DIAL_S):
                    await phone.dial(self.session_id, self._token)
                    hello = await phone.until(type="session")
                if self._token:
                    self.resumed += 1
                    self.forgotten += not (hello["resumed"] and hello["session_id"] == self.session_id)
                self.session_id, self._token = hello["session_id"], hello["resume"]
                self._phone = phone
                self.connected.set()
                await phone.lost()
            except (aiohttp.ClientError, OSError, AssertionError) as exc:
                self.refusals[f"{type(exc).__name__} {exc}"[:160]] += 1
                await asyncio.sleep(AGAIN_S)
            finally:
                self._phone = None
                self.connected.clear()
                await phone.hang_up()


async def ask_all(calls: Sequence[KeptCall], text: str) -> list["asyncio.Task[str]"]:
    """Ask this in all calls, and wait until a part of each answer has been heard. Returns who waits for the ends."""
    heard = [asyncio.Event() for _ in calls]
    asked = [asyncio.create_task(call.ask(text, heard=event)) for call, event in zip(calls, heard, strict=True)]
    await asyncio.gather(*(event.wait() for event in heard))
    return asked


async def resumed(calls: Sequence[KeptCall], times: Sequence[int] | None = None) -> None:
    """Wait until each of these calls has resumed: once, or more often than so many `times`."""
    while any(call.resumed <= before for call, before in zip(calls, times or [0] * len(calls), strict=True)):  # noqa: ASYNC110
        await asyncio.sleep(0.1)


def _questions(told: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """What a server has taken of what was typed."""
    return [message for message in told if message["type"] == "transcription" and message["final"]]


@asynccontextmanager
async def kept_calls(url: str, *kinds: type[TypingPhone] | type[SpeakingPhone]) -> AsyncIterator[list[KeptCall]]:
    """A call of each of these kinds, begun, and hung up at the end. Tells of a failure what became of them."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
        calls = [KeptCall(url, http, kind) for kind in kinds]
        try:
            await asyncio.gather(*(call.begin() for call in calls))
            yield calls
        except BaseException:
            for call in calls:
                print(call, call.last_told)
            raise
        finally:
            await asyncio.gather(*(call.hang_up() for call in calls))
