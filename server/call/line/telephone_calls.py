"""The calls of this process that come by telephone lines: how each begins, and to which session it belongs."""

import asyncio
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from server.call.caller import Caller
from server.call.desk.directory import Directory
from server.call.line.leg import Leg
from server.call.line.telephone import Arrival, Begun
from server.call.line.telephone_line import TelephoneLine
from server.call.line.traffic import Traffic
from server.call.line.ws_call import FLUSH_S, Socket, WsCall
from server.call.options import MAX_REQUEST_CHARS, CallRequest
from server.call.session import Session
from server.errors import AntiphonError, NotFound, PeerError
from server.media.pacer import Pacer

MAX_NUMBER_CHARS = 100
"""How long a telephone number or a SIP address may be. Longer ones are cut off."""
SHORTEST_CHARS = len('"":0,')
"""How much room the shortest field needs."""
OWN = ("number", "dialled", "call")
"""The parameters of an address that are not for the agent."""

log = logging.getLogger(__name__)

_Key = tuple[str, str, str, str]
"""By what a telephone system and its call are known: the dialect, the caller's name and address, the id of the call."""


@dataclass(slots=True)
class _Known:
    """A call that may come back."""

    session: Session
    line: TelephoneLine
    """Its last connection, which knows how to resume it."""


class TelephoneCalls:
    """Serves the connections of telephone systems. Each call of `serve` holds one of them."""

    def __init__(self, directory: Directory, pacer: Pacer, vanished_s: float) -> None:
        self._directory = directory
        self._pacer = pacer
        self._vanished_s = vanished_s
        self.traffic = Traffic()
        self._known: dict[_Key, _Known] = {}
        """The calls that live or wait, no more than there are places."""

    def pace(self, caller: Caller) -> None:
        """Count one more connection of this caller. Raises TooMany if they come too fast."""
        self._directory.pace(caller)

    def waits(self, kind: str, call_id: str) -> bool:
        """Whether a call of a trusted system has lost its connection, and its conversation waits."""
        known = self._known.get((kind, "", "", call_id))
        return known is not None and not known.session.ended

    async def serve(self, arrival: Arrival, socket: Socket) -> None:
        """Hold the call, or the part of it that this connection carries, until it ends."""
        line = TelephoneLine(socket, arrival)
        try:
            begun = arrival.vet(_with_address(await line.begin(), arrival.given))
            request = _request(begun, arrival)
            caller = _caller(arrival, begun, request)
            key = (arrival.kind, caller.name, caller.address, begun.call_id)
            session = await self._find_or_open(key, caller, request, line)
            call, leg = self._make(session, begun, line)
        except AntiphonError as error:
            log.warning("x a call by telephone (%s): %s", arrival.kind, error)
            await _refuse(line, error.code)
            return
        except Exception:  # a fault of the server or of the agent
            log.exception("x fault at the beginning of a call by telephone")
            await _refuse(line, AntiphonError.code)
            return
        if begun.call_id:
            self._known[key] = _Known(session, line)
        self.traffic.begin(leg, call.counters)
        try:
            await call.run(leg, self._pacer, None)
        finally:
            self.traffic.end(leg)
            self._directory.abandon(session)
            self._forget()

    async def _find_or_open(self, key: _Key, caller: Caller, request: CallRequest, line: TelephoneLine) -> Session:
        """The session of the call that comes by `line`: the one that waits for it, or a new one."""
        self._forget()
        if (known := self._known.get(key)) is not None:
            session_id, token = known.line.resume
            try:
                session = await self._directory.find(caller, session_id, token, request)
            except NotFound:
                log.info("= a call by telephone comes back when it is over, and begins anew")
            else:
                session.expect_another()
                line.resume = known.line.resume
                return session
        return await self._directory.open(caller, request)

    def _make(self, session: Session, begun: Begun, line: TelephoneLine) -> tuple[WsCall, Leg]:
        """A call for `session`. If it cannot be made, the session gives its place back."""
        _, token = line.resume
        line.over = lambda: session.ended
        try:
            leg = Leg(session, lambda leg: self._directory.attach(session, leg, token), begun.audio, "telephone")
            return WsCall(session, begun.audio, line, self._vanished_s), leg
        except BaseException:
            self._directory.abandon(session)
            raise

    def _forget(self) -> None:
        """Forget the calls that are over."""
        for key in [key for key, known in self._known.items() if known.session.over.is_set()]:
            del self._known[key]


def _with_address(begun: Begun, given: Mapping[str, str]) -> Begun:
    """What is told of the call, with what the parameters of the address add to it."""
    own = {name: value for name, value in given.items() if name not in OWN}
    return replace(
        begun,
        call_id=given.get("call", "") or begun.call_id,
        number=begun.number or given.get("number", ""),
        dialled=begun.dialled or given.get("dialled", ""),
        about={**own, **begun.about},
    )


def _request(begun: Begun, arrival: Arrival) -> CallRequest:
    """The choices for the call, and the fields for the agent. Raises PeerError.

    Telephone systems tell much by themselves, such as the variables of a channel. What is too much is left out, because
    the caller would not be answered otherwise.
    """
    about = json.loads(json.dumps(dict(begun.about), ensure_ascii=False).encode("utf-8", "replace"))
    own = _fitting({name: value for name, value in about.items() if name not in CallRequest.model_fields})
    choices = {name: value for name, value in about.items() if name in CallRequest.model_fields}
    try:
        return CallRequest.model_validate({**choices, **own, "transfers": arrival.transfer is not None})
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PeerError(
            f"what is told of the call cannot be used: {where + ': ' if where else ''}{first['msg']}"
        ) from exc


def _fitting(fields: Mapping[str, Any], room_chars: int = MAX_REQUEST_CHARS - 2) -> dict[str, Any]:
    """The fields that have room together, as JSON. Of a field that is an object as many parts as have room."""
    kept: dict[str, Any] = {}
    for name, value in fields.items():
        if room_chars < SHORTEST_CHARS:
            break
        if _chars(name, value) > room_chars and isinstance(value, dict):
            value = _fitting(value, room_chars - _chars(name, {}))
        if (chars := _chars(name, value)) <= room_chars:
            kept[name] = value
            room_chars -= chars
    return kept


def _chars(name: str, value: Any) -> int:
    """How long a field of an object is, with the comma after it."""
    return len(json.dumps({name: value}, ensure_ascii=False, separators=(",", ":"))) - 1


def _caller(arrival: Arrival, begun: Begun, request: CallRequest) -> Caller:
    """The caller. Behind a trusted system are many people, so its address is not counted as one caller."""
    caller = arrival.caller
    return replace(
        caller,
        address="" if arrival.trusted else caller.address,
        number=begun.number.strip()[:MAX_NUMBER_CHARS],
        dialled=caller.dialled or begun.dialled.strip()[:MAX_NUMBER_CHARS],
        transport="telephone",
        request=request.own,
    )


async def _refuse(line: TelephoneLine, code: str) -> None:
    try:
        async with asyncio.timeout(FLUSH_S):
            await line.close(code)
    except (ConnectionError, TimeoutError):
        return
