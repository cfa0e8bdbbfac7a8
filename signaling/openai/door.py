"""Door: who of the clients of OpenAI's protocols is let in, and to which agent; and what serves their calls."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Protocol

from aiohttp import web

from server.call.caller import Caller
from server.call.line.translator import Beginning, Gate, Presenting
from server.call.messages import AudioFormat
from server.errors import NotFound
from signaling.admin import Admin
from signaling.websocket import Limits, WebSocket

LIMITS = Limits(message_bytes=2 * 1024 * 1024, bytes_a_second=2 * 1024 * 1024, bytes_at_once=8 * 1024 * 1024)
"""How much a client may send. One message may have half a minute of sound as base64 (OpenAI takes 15 MB): reading it
holds the media loop up for 5 ms. Clients send files whole, faster than they can be heard. They are read no faster than
the call takes their sound, so that what waits here stays below about three messages."""

Reformat = Callable[[AudioFormat, AudioFormat], None]
Tell = Callable[[Sequence[str | bytes]], None]
Position = Callable[[], float]
Make = Callable[[Reformat, Tell, Position], Presenting]
"""Makes the translator of a connection."""


class Calls(Protocol):
    """Serves the calls (server/call/line/realtime_calls.py)."""

    def pace(self, caller: Caller | None) -> None: ...
    def session_of(self, call_id: str) -> str: ...
    def check(self, caller: Caller | None, call_id: str) -> None: ...
    async def serve(self, caller: Caller, beginning: Beginning, make: Make, socket: WebSocket) -> None: ...
    async def watch(self, caller: Caller | None, call_id: str, make: Make, socket: WebSocket) -> None: ...
    async def answer(
        self, sdp: str, caller: Caller, choices: dict[str, Any], make: Make, gate: Gate | None = None
    ) -> tuple[str, str]: ...
    async def end(self, caller: Caller | None, call_id: str) -> None: ...


@dataclass(frozen=True, slots=True)
class Door:
    """Lets callers in."""

    admit: Callable[[web.Request], Awaitable[Caller]]
    """Who makes a request. Raises what `Access.admit` raises."""
    admin: Admin
    """Knows operators, and who has the control token of a call."""
    find: Callable[[str], str]
    """Knows our agents, and raises NotFound."""
    new_id: Callable[[], str]
    """Makes the ids of sessions."""
    usual: str = ""
    """The agent of clients whose model is none of ours, if there is such an agent."""

    async def admit_to(self, request: web.Request, calls: Calls, call_id: str) -> Caller | None:
        """Who wants to watch or to end a call; None: an operator, who may do so with every call, or somebody who has
        the control token of this one. Raises what `admit` raises."""
        return None if self.admin.opens(request, calls.session_of(call_id)) else await self.admit(request)

    def called(self, caller: Caller, model: str) -> Caller:
        """The caller, who asks for the agent of this name, if there is one."""
        wanted = [] if caller.dialled or caller.agent else [name for name in (model, self.usual) if name]
        for name in wanted:
            with suppress(NotFound):
                self.find(name)
                return replace(caller, dialled=name)
        return caller
