"""Stored conversations over HTTP, for operators: list, read, listen to, export and delete them (/api/conversations)."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Protocol, TypeVar

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from server.errors import NotFound, PeerError
from server.record.conversation import ID, Conversation, Summary, to_json
from server.record.webvtt import webvtt
from signaling.admin import Admin

NO_STORE = {"Cache-Control": "no-store"}
"""The header that keeps what people say out of all caches between us and the operator."""
_Q = TypeVar("_Q", bound=BaseModel)
_ONE = "/api/conversations/{conversation_id}"


class Archive(Protocol):
    """The stored conversations. Every method raises StoreError if the store is not available."""

    async def page(self, limit: int, before: str | None = None) -> Sequence[Summary]: ...

    async def load(self, conversation_id: str) -> Conversation | None: ...

    async def recording(self, conversation_id: str) -> Sequence[Path]:
        """The files of the conversation's recording, oldest first."""

    async def delete(self, conversation_id: str) -> bool: ...


class PartQuery(BaseModel):
    """The query of a recording: which of its files.

    A recording has several if its conversation went on at another server or after a restart.
    """

    model_config = ConfigDict(frozen=True)
    part: Annotated[int, Field(ge=1, le=1_000)] = 1


class PageQuery(BaseModel):
    """The query of a list: how many conversations, and the cursor (`before`) of the one after which the page begins."""

    model_config = ConfigDict(frozen=True)
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    before: Annotated[str, Field(max_length=100)] | None = None


def add_routes(app: web.Application, archive: Archive, admin: Admin) -> None:
    """Serve /api/conversations on `app`."""
    handler = _ConversationsHandler(archive, admin)
    app.router.add_get("/api/conversations", handler.page)
    app.router.add_get(_ONE, handler.show)
    app.router.add_get(f"{_ONE}/export", handler.export)
    app.router.add_get(f"{_ONE}/recording", handler.recording)
    app.router.add_delete(_ONE, handler.delete)


class _ConversationsHandler:
    def __init__(self, archive: Archive, admin: Admin) -> None:
        self._archive = archive
        self._admin = admin

    async def page(self, request: web.Request) -> web.Response:
        self._admin.admit(request)
        wanted = _query(request, PageQuery)
        found = await self._archive.page(wanted.limit, wanted.before)
        more = found[-1].cursor if len(found) == wanted.limit else None
        body = {"conversations": [asdict(summary) for summary in found], "next": more}
        return web.json_response(body, headers=NO_STORE)

    async def show(self, request: web.Request) -> web.Response:
        conversation = await self._find(request)
        body = to_json(conversation, messages=False)
        return web.Response(body=body, content_type="application/json", headers=NO_STORE)

    async def export(self, request: web.Request) -> web.Response:
        form = request.query.get("format", "json")
        if form not in ("json", "vtt"):
            raise PeerError("format must be json or vtt.")
        conversation = await self._find(request)
        headers = NO_STORE | {"Content-Disposition": f'attachment; filename="{conversation.id}.{form}"'}
        if form == "vtt":
            return web.Response(text=webvtt(conversation), content_type="text/vtt", headers=headers)
        body = to_json(conversation, messages=True)
        return web.Response(body=body, content_type="application/json", headers=headers)

    async def recording(self, request: web.Request) -> web.FileResponse:
        """Send a file from the disk, whole or in ranges (RFC 9110, section 14).

        If there is a next part, its address is in the Link header (RFC 8288).
        """
        self._admin.admit(request)
        conversation_id, wanted = _id(request), _query(request, PartQuery).part
        parts = await self._archive.recording(conversation_id)
        if len(parts) < wanted:
            raise NotFound("There is no such recording.")
        name = f"{conversation_id}.{wanted}.opus"
        headers = NO_STORE | {"Content-Type": "audio/ogg", "Content-Disposition": f'attachment; filename="{name}"'}
        if len(parts) > wanted:
            headers["Link"] = f'<{request.path}?part={wanted + 1}>; rel="next"'
        return web.FileResponse(parts[wanted - 1], headers=headers)

    async def delete(self, request: web.Request) -> web.Response:
        self._admin.admit(request)
        if not await self._archive.delete(_id(request)):
            raise NotFound("There is no such conversation.")
        return web.json_response({"status": "success"}, headers=NO_STORE)

    async def _find(self, request: web.Request) -> Conversation:
        self._admin.admit(request)
        conversation = await self._archive.load(_id(request))
        if conversation is None:
            raise NotFound("There is no such conversation.")
        return conversation


def _id(request: web.Request) -> str:
    """The conversation's id in the path. Raises NotFound if it cannot be an id."""
    conversation_id = request.match_info["conversation_id"]
    if not ID.fullmatch(conversation_id):
        raise NotFound("There is no such conversation.")
    return conversation_id


def _query(request: web.Request, form: type[_Q]) -> _Q:
    """Read the query as `form`. Raises PeerError, which says what is wrong."""
    try:
        return form.model_validate(dict(request.query))
    except ValidationError as exc:
        first = exc.errors(include_url=False, include_input=False)[0]
        raise PeerError(f"{first['loc'][0]}: {first['msg']}.") from exc
