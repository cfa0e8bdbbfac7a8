"""The calls of clients of the OpenAI Realtime API, and of OpenAI Live: by WebSocket, by WebRTC, and those who watch a
call (sideband)."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

from server.call.caller import Caller
from server.call.desk.directory import Directory
from server.call.line.leg import Leg
from server.call.line.outbox import Outbox
from server.call.line.rtc_calls import RELEASE_S, RtcCalls
from server.call.line.shared_translator import SharedTranslator
from server.call.line.translated_socket import TranslatedSocket
from server.call.line.translator import Beginning, Gate, Guest, Presenting
from server.call.line.ws_call import FLUSH_S, Socket, WsCall
from server.call.line.ws_calls import WsCalls, refuse
from server.call.messages import MAX_TOKEN_CHARS, AudioFormat, Start
from server.call.options import CallRequest
from server.call.session import Session
from server.errors import NotFound

RTC = "rtc_"
"""What the ids of calls by WebRTC begin with, as OpenAI's do."""
FIRST_FORMAT = AudioFormat(encoding="pcm16", sample_rate=24000)
"""The sound of both directions, until the client wants another format."""
MAX_WATCHERS = 4
"""How many may watch one call."""

Reformat = Callable[[AudioFormat, AudioFormat], None]
Tell = Callable[[Sequence[str | bytes]], None]
Position = Callable[[], float]
Make = Callable[[Reformat, Tell, Position], Presenting]
"""Makes the translator of a connection. It is given what changes the format of the sound (the caller's, the agent's),
what tells our session something soon, and how many ms of the sound that came on a WebSocket the session has heard."""


@dataclass(frozen=True, slots=True)
class _Live:
    """A call that may be watched."""

    leg: Leg
    translator: SharedTranslator
    tell: Callable[[Sequence[str | bytes]], Awaitable[None]]
    """Sends the client what the translator has made."""
    watchers: list[Outbox] = field(default_factory=list)


class RealtimeCalls:
    """Serves the connections of these clients. Each call of `serve` or `watch` holds one of them."""

    def __init__(self, directory: Directory, sockets: WsCalls, calls: RtcCalls) -> None:
        self._directory = directory
        self._sockets = sockets
        self._calls = calls
        self._live: dict[str, _Live] = {}
        """By their ids: the calls that are here, no more than there are places."""

    def pace(self, caller: Caller | None) -> None:
        """Count one more connection of this caller. Raises TooMany if they come too fast. Operators (None) have no
        limit."""
        if caller is not None:
            self._directory.pace(caller)

    async def serve(self, caller: Caller, beginning: Beginning, make: Make, socket: Socket) -> None:
        """Hold the call until it ends."""
        calls: list[WsCall] = []
        legs: list[Leg] = []
        made = make(lambda heard, spoken: calls[0].reformat(heard, spoken), _soon(legs), lambda: calls[0].heard_ms)
        translator = SharedTranslator(made)

        async def tell(items: Sequence[str | bytes]) -> None:
            for item in items:
                await socket.send(item)

        def began(call: WsCall, leg: Leg) -> None:
            calls.append(call)
            legs.append(leg)
            self._remember(_Live(leg, translator, tell), beginning.call_id, leg.session.id)

        start = Start(**beginning.choices, resume=beginning.resume[:MAX_TOKEN_CHARS], audio=FIRST_FORMAT)
        guest = Guest(translator, start, FIRST_FORMAT, patient=True)
        try:
            await self._sockets.serve(beginning.session_id, caller, socket, guest, began)
        finally:
            self._forget()

    async def answer(
        self, sdp: str, caller: Caller, choices: dict[str, Any], make: Make, gate: Gate | None = None
    ) -> tuple[str, str]:
        """Begin a call by WebRTC with these `choices`. Returns the answer's SDP and the id of the call. `gate` limits
        what the client may say and be told.

        Raises what `RtcCalls.answer` raises.
        """
        legs: list[Leg] = []
        translator = SharedTranslator(make(lambda heard, spoken: None, _soon(legs), lambda: 0), gate)

        def make_leg(session: Session, attach: Callable[[Leg], None]) -> Leg:
            legs.append(leg := Leg(session, attach, translator=translator))
            leg.closing_hangs_up, leg.only_reads = True, lambda: translator.only_reads
            return leg

        request = CallRequest(**choices)
        caller = replace(caller, transport="webrtc", request=request.own)
        answer, pc_id, session_id = await self._calls.answer(sdp, caller, request, make_leg)

        async def tell(items: Sequence[str | bytes]) -> None:
            legs[-1].tell(items)

        self._remember(_Live(legs[-1], translator, tell), RTC + pc_id, session_id)
        return answer, RTC + pc_id

    def session_of(self, call_id: str) -> str:
        """The id of the session of a call, by which operators know it. "": there is no such call."""
        live = self._live.get(call_id)
        return "" if live is None else live.leg.session.id

    async def end(self, caller: Caller | None, call_id: str) -> None:
        """End a call, however it came. Raises NotFound if the caller has no such call."""
        leg = self._find(caller, call_id).leg
        session = leg.session
        session.end("caller")
        self._directory.abandon(session)
        with suppress(TimeoutError):
            async with asyncio.timeout(RELEASE_S):
                await session.over.wait()
        leg.close()

    def check(self, caller: Caller | None, call_id: str) -> None:
        """Raises NotFound if the caller has no such call."""
        self._find(caller, call_id)

    def _find(self, caller: Caller | None, call_id: str) -> _Live:
        """The caller's call; an operator (None) finds every call. Whether somebody else has a call of that name is not
        told. Raises NotFound.

        Where callers have no names, the id of the session is not enough: it stands in logs and webhooks.
        """
        live = self._live.get(call_id)
        if live is None or live.leg.over.is_set():
            raise NotFound("There is no such call.")
        session = live.leg.session
        if caller is not None and (caller.name != session.caller.name or (not caller.name and call_id == session.id)):
            raise NotFound("There is no such call.")
        return live

    async def watch(self, caller: Caller | None, call_id: str, make: Make, socket: Socket) -> None:
        """Tell one who watches a call all that its client is told, and do what the watcher asks for, until it ends.

        `make` is for telling who may not watch.
        """
        refusing = TranslatedSocket(socket, make(lambda heard, spoken: None, lambda told: None, lambda: 0))
        try:
            live = self._find(caller, call_id)
        except NotFound as error:
            await refuse(refusing, error)
            return
        if len(live.watchers) >= MAX_WATCHERS:
            await refuse(refusing, NotFound(f"At most {MAX_WATCHERS} may watch a call."))
            return
        outbox = Outbox()
        live.watchers.append(outbox)
        live.translator.watch(outbox)
        tasks = [
            asyncio.get_running_loop().create_task(work, name=f"watch-{call_id}")
            for work in (self._listen(live, socket, outbox), _tell(outbox, socket), live.leg.over.wait())
        ]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            live.watchers.remove(outbox)
            live.translator.leave(outbox)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await _finish(outbox, socket)

    async def _listen(self, live: _Live, socket: Socket, outbox: Outbox) -> None:
        """Carry out what a watcher asks for, as if the client had asked for it."""
        while (item := await socket.receive()) is not None and not socket.flooded:
            if item:
                read = live.translator.read_watcher(item, outbox)
                await live.tell(read.answers)
                live.leg.tell_session([each for each in read.told if isinstance(each, str)])

    def _remember(self, live: _Live, *call_ids: str) -> None:
        self._forget()
        self._live.update(dict.fromkeys(call_ids, live))

    def _forget(self) -> None:
        """Forget the calls that are over."""
        for call_id in [call_id for call_id, live in self._live.items() if live.leg.over.is_set()]:
            del self._live[call_id]


def _soon(legs: Sequence[Leg]) -> Tell:
    """Tells the session of the newest leg something, after the present step."""

    def tell(told: Sequence[str | bytes]) -> None:
        asyncio.get_running_loop().call_soon(legs[-1].tell_session, told)

    return tell


async def _tell(outbox: Outbox, socket: Socket) -> None:
    with suppress(ConnectionError):
        while not outbox.overflowing:
            await socket.send(await outbox.take())


async def _finish(outbox: Outbox, socket: Socket) -> None:
    """Send what is left, and close."""
    with suppress(ConnectionError, TimeoutError):
        async with asyncio.timeout(FLUSH_S):
            while not outbox.empty:
                await socket.send(await outbox.take())
            await socket.close("")
