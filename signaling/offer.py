"""WebRTC signaling over HTTP at /api/offer: POST an offer, PATCH candidates, DELETE to hang up.

The JSON is that of Pipecat's SmallWebRTC clients. `pc_id` names the call in later requests, `session_id` names the
conversation. An offer with the pc_id of a live call moves that call to a new peer connection (ICE restart, another
network). An offer with `resume` in its requestData resumes a conversation that has lost its connection.

A client that has asked at /start (`rtvi/start.py`) posts to /sessions/{session}/api/offer. Its session has the
requestData that it has chosen there.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Literal, Protocol

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from server.call.caller import Caller
from server.call.messages import MAX_TOKEN_CHARS
from server.call.options import CallOptions, CallRequest
from server.errors import NotFound, PeerError
from signaling.bodies import MAX_BODY_BYTES, read_json
from signaling.rtvi.session_id import NEW, read_session_id
from signaling.ways import WAYS

Answered = tuple[str, str, str]
"""The answer's SDP, the pc_id and the session_id."""

Admit = Callable[[web.Request], Awaitable[Caller]]
"""Says who makes a request. Raises Unauthorized, Forbidden, AtCapacity."""


class RtcCalls(Protocol):
    """Serves the calls that come by WebRTC. Its methods raise NotFound if the caller has no such call or
    conversation."""

    async def answer(self, sdp: str, caller: Caller, options: CallOptions) -> Answered:
        """Begin a new conversation."""

    async def resume(self, sdp: str, caller: Caller, session_id: str, token: str, options: CallOptions) -> Answered:
        """Resume a conversation that has lost its connection."""

    async def move(self, sdp: str, caller: Caller, pc_id: str) -> Answered:
        """Move a live call to a new peer connection."""

    async def add_candidate(self, caller: Caller, pc_id: str, candidate: str, mid: str | None) -> None: ...

    async def hang_up(self, caller: Caller, pc_id: str) -> None: ...


class RequestData(CallRequest):
    """An offer's `requestData`: the fields that the server reads, and more of them for the agent."""

    session_id: str = Field(default="", max_length=MAX_TOKEN_CHARS)
    resume: str = Field(default="", max_length=MAX_TOKEN_CHARS)


class OfferBody(BaseModel):
    """The JSON body of a POST: an offer."""

    model_config = ConfigDict(frozen=True)
    sdp: str = Field(min_length=1, max_length=MAX_BODY_BYTES)
    type: Literal["offer"]
    pc_id: str | None = None
    restart_pc: bool = False
    """Clients send it for an ICE restart. The server does not need it: `pc_id` alone says that a call moves."""
    requestData: RequestData = RequestData()  # spelled as in the JSON

    @field_validator("requestData", mode="before")
    @classmethod
    def _or_empty(cls, value: object) -> object:
        return value if isinstance(value, dict) else {}


class CandidateBody(BaseModel):
    """One candidate that comes after the offer (trickle ICE, RFC 8838). An empty `candidate` says that no more come."""

    model_config = ConfigDict(frozen=True)
    candidate: str = Field(max_length=1024)
    sdp_mid: str | None = None
    sdp_mline_index: int | None = None
    """Clients send it. The server does not need it: `sdp_mid` names the candidate's section."""


class CandidatesBody(BaseModel):
    """The JSON body of a PATCH: candidates of a live call."""

    model_config = ConfigDict(frozen=True)
    pc_id: str
    candidates: list[CandidateBody] = Field(max_length=32)


def add_routes(app: web.Application, calls: RtcCalls, admit: Admit) -> None:
    """Serve /api/offer on `app`, for callers whom `admit` lets in."""
    handler = _OfferHandler(calls, admit)
    for path in (f"{way}{place}/api/offer" for way in WAYS for place in ("", "/sessions/{session}")):
        app.router.add_post(path, handler.post)
        app.router.add_patch(path, handler.patch)
        app.router.add_delete(path, handler.delete)


class _OfferHandler:
    def __init__(self, calls: RtcCalls, admit: Admit) -> None:
        self._calls = calls
        self._admit = admit

    async def post(self, request: web.Request) -> web.Response:
        caller = await self._admit(request)
        offer = await read_json(request, OfferBody)
        data = _chosen(request.match_info.get("session", NEW), offer.requestData)
        sdp, pc_id, session_id = await self._answer(caller, offer, data)
        return web.json_response({"sdp": sdp, "type": "answer", "pc_id": pc_id, "session_id": session_id})

    async def patch(self, request: web.Request) -> web.Response:
        caller = await self._admit(request)
        body = await read_json(request, CandidatesBody)
        for candidate in body.candidates:
            await self._calls.add_candidate(caller, body.pc_id, candidate.candidate, candidate.sdp_mid)
        return web.json_response({"status": "success"})

    async def delete(self, request: web.Request) -> web.Response:
        caller = await self._admit(request)
        pc_id = request.query.get("pc_id")
        if not pc_id:
            raise PeerError("pc_id is missing.")
        await self._calls.hang_up(caller, pc_id)
        return web.json_response({"status": "success"})

    async def _answer(self, caller: Caller, offer: OfferBody, data: RequestData) -> Answered:
        """Move a live call, or resume a conversation, or begin a new one.

        An offer for a call that is over begins none: clients offer again when they notice its end by themselves.
        """
        caller = replace(caller, transport="webrtc", request=data.own)
        if offer.pc_id:
            try:
                return await self._calls.move(offer.sdp, caller, offer.pc_id)
            except NotFound:
                if not data.resume:
                    raise
        if data.resume:
            return await self._calls.resume(offer.sdp, caller, data.session_id, data.resume, data)
        return await self._calls.answer(offer.sdp, caller, data)


def _chosen(session_id: str, data: RequestData) -> RequestData:
    """What was chosen at /start, and in the offer itself, which wins. Raises NotFound and PeerError."""
    if not (chosen := read_session_id(session_id)):
        return data
    try:
        return RequestData.model_validate({**chosen, **data.model_dump(exclude_unset=True)})
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        raise PeerError(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from exc
