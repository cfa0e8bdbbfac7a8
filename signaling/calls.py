"""The calls that are live, and their control. It is for operators, and needs the admin token. What concerns one call is
also open to who has the control token of that call.

GET  /api/calls                 the calls that live here now
GET  /api/calls/{id}/events     follow one call: server-sent events (HTML, section 9.2), until the call is over
POST /api/calls/{id}/say        let the agent say a line: {"text", "when": "now" | "next" | "idle", "interruptible"}
POST /api/calls/{id}/keys       let the agent press keys of the telephone: {"keys", "when": "now" | "next" | "idle"}
POST /api/calls/{id}/instruct   tell the model something that the caller does not hear: {"text"}
POST /api/calls/{id}/mute       let the agent not hear the caller, or hear the caller again: {"muted"}
POST /api/calls/{id}/hangup     end the call with the agent's goodbye: {"when": "now" | "next"}
"""

import asyncio
import json
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from typing import Annotated, Literal, Protocol

from aiohttp import web
from pydantic import BaseModel, ConfigDict, StringConstraints

from server.call.live import LiveCall
from server.call.messages import ServerMessage
from signaling.admin import Admin
from signaling.bodies import read_json

NO_STORE = {"Cache-Control": "no-store"}
MAX_TEXT_CHARS = 1_000
"""The longest line and the longest instruction."""
ALIVE_S = 15.0
"""After so long without an event a comment is sent, because proxies close connections on which nothing comes."""
WRITE_S = 5.0
"""How long one event may take to be sent. A reader whose network takes nothing for so long is cut off."""

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_TEXT_CHARS)]


class Say(BaseModel):
    """A line for the agent to say."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    text: Text
    when: Literal["now", "next", "idle"] = "next"
    interruptible: bool = True


class Keys(BaseModel):
    """Keys for the agent to press."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    keys: Text
    when: Literal["now", "next", "idle"] = "next"


class Instruct(BaseModel):
    """What the model is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    text: Text


class Mute(BaseModel):
    """Whether the agent does not hear the caller."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    muted: bool


class HangUp(BaseModel):
    """When the agent says goodbye: at once, or after its present answer and the lines that wait."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    when: Literal["now", "next"] = "now"


class Reader(Protocol):
    """Follows one call."""

    too_slow: bool
    """The reader was cut off, because it did not read."""

    @property
    def over(self) -> bool:
        """Nothing more will come."""

    async def next(self, most_s: float) -> ServerMessage | None:
        """The next message; None if none comes within `most_s` seconds, or at the end."""


class Control(Protocol):
    """The control of one call."""

    def listen(self) -> AbstractContextManager[Reader]:
        """Follow the call while the block runs. Raises TooMany and NotFound."""

    def say(self, text: str, when: Literal["now", "next", "idle"], interruptible: bool) -> None:
        """Let the agent say a line. Raises PeerError, TooMany and Conflict."""

    def press(self, keys: str, when: Literal["now", "next", "idle"]) -> None:
        """Let the agent press keys. Raises PeerError, TooMany and Conflict."""

    def instruct(self, text: str) -> None:
        """Tell the model something. Raises Conflict."""

    def mute(self, muted: bool) -> None: ...

    def hang_up(self, at_once: bool) -> None: ...


class Calls(Protocol):
    """The calls of this process."""

    @property
    def live(self) -> Sequence[LiveCall]: ...

    def control(self, session_id: str) -> Control:
        """The control of a live call. Raises NotFound."""


def add_routes(app: web.Application, calls: Calls, admin: Admin) -> None:
    """Serve /api/calls on `app`."""
    handler = _CallsHandler(calls, admin)
    app.router.add_get("/api/calls", handler.list)
    app.router.add_get("/api/calls/{id}/events", handler.events, allow_head=False)
    app.router.add_post("/api/calls/{id}/say", handler.say)
    app.router.add_post("/api/calls/{id}/keys", handler.press)
    app.router.add_post("/api/calls/{id}/instruct", handler.instruct)
    app.router.add_post("/api/calls/{id}/mute", handler.mute)
    app.router.add_post("/api/calls/{id}/hangup", handler.hang_up)


class _CallsHandler:
    def __init__(self, calls: Calls, admin: Admin) -> None:
        self._calls = calls
        self._admin = admin

    async def list(self, request: web.Request) -> web.Response:
        self._admin.admit(request)
        token_of = self._admin.control_tokens.of
        calls = [asdict(call) | {"control_token": token_of(call.id)} for call in self._calls.live]
        return web.json_response({"calls": calls}, headers=NO_STORE)

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Send what the client of a call is told. The event `end` says whether the reader was cut off before its end,
        because it was `too_slow`."""
        self._admit(request)
        with self._control(request).listen() as reader:
            response = web.StreamResponse(headers=NO_STORE | {"Content-Type": "text/event-stream"})
            await response.prepare(request)
            try:
                await _tell(response, reader)
            except (TimeoutError, ConnectionError):
                if request.transport is not None:
                    request.transport.abort()  # its buffer is full, and a polite end would wait for the reader
        return response

    async def say(self, request: web.Request) -> web.Response:
        self._admit(request)
        wanted = await read_json(request, Say)
        self._control(request).say(wanted.text, wanted.when, wanted.interruptible)
        return _done()

    async def press(self, request: web.Request) -> web.Response:
        self._admit(request)
        wanted = await read_json(request, Keys)
        self._control(request).press(wanted.keys, wanted.when)
        return _done()

    async def instruct(self, request: web.Request) -> web.Response:
        self._admit(request)
        wanted = await read_json(request, Instruct)
        self._control(request).instruct(wanted.text)
        return _done()

    async def mute(self, request: web.Request) -> web.Response:
        self._admit(request)
        wanted = await read_json(request, Mute)
        self._control(request).mute(wanted.muted)
        return _done()

    async def hang_up(self, request: web.Request) -> web.Response:
        self._admit(request)
        wanted = await read_json(request, HangUp) if request.can_read_body else HangUp()
        self._control(request).hang_up(at_once=wanted.when == "now")
        return _done()

    def _admit(self, request: web.Request) -> None:
        """Raises Unauthorized if the request may not touch the call that its path names."""
        self._admin.admit_to(request, request.match_info["id"])

    def _control(self, request: web.Request) -> Control:
        """The control of the call that the path names. Raises NotFound."""
        return self._calls.control(request.match_info["id"])


async def _tell(response: web.StreamResponse, reader: Reader) -> None:
    """Send all that the reader gets. Raises TimeoutError and ConnectionError when the other side does not read."""
    while not reader.over:
        message = await reader.next(ALIVE_S)
        if message is not None:
            await _write(response, f"event: {message.type}\ndata: {message.to_json()}\n\n")
        elif not reader.over:
            await _write(response, ": still there\n\n")
    await _write(response, f"event: end\ndata: {json.dumps({'too_slow': reader.too_slow})}\n\n")


async def _write(response: web.StreamResponse, text: str) -> None:
    async with asyncio.timeout(WRITE_S):
        await response.write(text.encode())


def _done() -> web.Response:
    return web.json_response({"status": "success"}, headers=NO_STORE)
