"""WebRTC by HTTP: POST an offer, PATCH candidates, DELETE to hang up, all at /api/offer.

The JSON is that of Pipecat's SmallWebRTC clients. `pc_id` names the call in later requests; `session_id` the
conversation. An offer with the pc_id of a live call (ICE restart, another network) lets that call go on over a new
peer connection; one with `resume` in its requestData goes on with a conversation that has lost its connection.
"""

from typing import Literal, Protocol, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from server.call.messages import MAX_TOKEN_CHARS
from server.call.options import CallOptions
from server.errors import NotFound, PeerError, TooLarge

MAX_BODY_BYTES = 64 * 1024
"""Browsers' offers have 2 to 8 KB."""

_M = TypeVar("_M", bound=BaseModel)


Answer = tuple[str, str, str]
"""The answer's SDP, pc_id, session_id."""


class Calls(Protocol):
    """What the offers are for."""

    async def answer(self, sdp: str, options: CallOptions) -> Answer:
        """A new conversation."""

    async def resume(self, sdp: str, session_id: str, token: str, options: CallOptions) -> Answer:
        """A conversation that has lost its connection."""

    async def move(self, sdp: str, pc_id: str) -> Answer:
        """A live call, over a new peer connection."""

    async def add_candidate(self, pc_id: str, candidate: str, mid: str | None, index: int | None) -> None: ...

    async def hang_up(self, pc_id: str) -> None: ...


class RequestData(CallOptions):
    """What of an offer's `requestData` has a meaning here; the rest is the application's."""

    session_id: str = Field(default="", max_length=MAX_TOKEN_CHARS)
    resume: str = Field(default="", max_length=MAX_TOKEN_CHARS)


class Offer(BaseModel):
    """POST: an offer."""

    model_config = ConfigDict(frozen=True)
    sdp: str = Field(min_length=1, max_length=MAX_BODY_BYTES)
    type: Literal["offer"]
    pc_id: str | None = None
    restart_pc: bool = False
    requestData: RequestData = RequestData()  # the name on the wire

    @field_validator("requestData", mode="before")
    @classmethod
    def _or_none(cls, value: object) -> object:
        return value if isinstance(value, dict) else {}


class Candidate(BaseModel):
    """One trickled candidate (RFC 8838); an empty string says that there are no more."""

    model_config = ConfigDict(frozen=True)
    candidate: str = Field(max_length=1024)
    sdp_mid: str | None = None
    sdp_mline_index: int | None = None


class Candidates(BaseModel):
    """PATCH: candidates of a live call."""

    model_config = ConfigDict(frozen=True)
    pc_id: str
    candidates: list[Candidate] = Field(max_length=32)


def add_routes(app: web.Application, calls: Calls) -> None:
    """Serve /api/offer on `app`."""
    handler = _Handler(calls)
    app.router.add_post("/api/offer", handler.post)
    app.router.add_patch("/api/offer", handler.patch)
    app.router.add_delete("/api/offer", handler.delete)


class _Handler:
    def __init__(self, calls: Calls) -> None:
        self._calls = calls

    async def post(self, request: web.Request) -> web.Response:
        offer = await _read(request, Offer)
        sdp, pc_id, session_id = await self._answer(offer)
        return web.json_response({"sdp": sdp, "type": "answer", "pc_id": pc_id, "session_id": session_id})

    async def patch(self, request: web.Request) -> web.Response:
        body = await _read(request, Candidates)
        for candidate in body.candidates:
            await self._calls.add_candidate(
                body.pc_id, candidate.candidate, candidate.sdp_mid, candidate.sdp_mline_index
            )
        return web.json_response({"status": "success"})

    async def delete(self, request: web.Request) -> web.Response:
        pc_id = request.query.get("pc_id")
        if not pc_id:
            raise PeerError("pc_id is missing.")
        await self._calls.hang_up(pc_id)
        return web.json_response({"status": "success"})

    async def _answer(self, offer: Offer) -> Answer:
        data = offer.requestData
        if offer.pc_id:
            try:
                return await self._calls.move(offer.sdp, offer.pc_id)
            except NotFound:
                pass  # the call has ended, or lost its connection: who comes back late is served as the token says
        if data.resume:
            return await self._calls.resume(offer.sdp, data.session_id, data.resume, data)
        return await self._calls.answer(offer.sdp, data)


async def _read(request: web.Request, model: type[_M]) -> _M:
    """The body as `model`; raises PeerError or TooLarge with what is wrong."""
    try:
        body = await request.read()
    except web.HTTPRequestEntityTooLarge as exc:
        raise TooLarge(f"The body may have {MAX_BODY_BYTES} bytes.") from exc
    except web.RequestPayloadError as exc:
        raise PeerError("The body is not what its headers say.") from exc
    try:
        return model.model_validate_json(body)
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise PeerError(f"{where or 'body'}: {first['msg']}") from exc
