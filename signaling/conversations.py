"""Stored conversations over HTTP, for operators (/api/conversations): search, read, listen to, export, delete them."""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal, Protocol

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from server.errors import NotFound, PeerError
from server.record.conversation import ID, Conversation, json_pieces
from server.record.query import Found, Wanted
from server.record.webvtt import webvtt
from signaling.admin import Admin
from signaling.queries import Moment, read_query

NO_STORE = {"Cache-Control": "no-store"}
"""The header that keeps what people say out of all caches between us and the operator."""
_ONE = "/api/conversations/{conversation_id}"


class Archive(Protocol):
    """The stored conversations. Every method raises StoreError if the store is not available."""

    async def find(self, wanted: Wanted, limit: int, before: str | None = None) -> Found: ...

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


Name = Annotated[str, Field(max_length=200)]


class PageQuery(BaseModel):
    """The query of a list: which conversations, how many, in which order, and the cursor (`before`) of the one after
    which the page begins. The words are those of `Wanted`."""

    model_config = ConfigDict(frozen=True)
    limit: Annotated[int, Field(ge=1, le=100)] = 20
    before: Annotated[str, Field(max_length=100)] | None = None
    sort: Literal["newest", "slowest"] = "newest"
    since: Moment | None = None
    until: Moment | None = None
    agent: Name = ""
    caller: Name = ""
    transport: Name = ""
    tool: Name = ""
    failure: Name = ""
    word: Name = ""

    @property
    def wanted(self) -> Wanted:
        names = self.agent, self.caller, self.transport, self.tool, self.failure
        return Wanted(self.since, self.until, *names, self.word.strip(), slowest=self.sort == "slowest")


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
        wanted = read_query(request, PageQuery)
        found = await self._archive.find(wanted.wanted, wanted.limit, wanted.before)
        body = {"conversations": [asdict(row) for row in found.rows], "next": found.next}
        return web.json_response(body, headers=NO_STORE)

    async def show(self, request: web.Request) -> web.Response:
        conversation = await self._find(request)
        body = await joined(json_pieces(conversation, messages=False))
        return web.Response(body=body, content_type="application/json", headers=NO_STORE)

    async def export(self, request: web.Request) -> web.Response:
        form = request.query.get("format", "json")
        if form not in ("json", "vtt"):
            raise PeerError("format must be json or vtt.")
        conversation = await self._find(request)
        headers = NO_STORE | {"Content-Disposition": f'attachment; filename="{conversation.id}.{form}"'}
        if form == "vtt":
            return web.Response(text=webvtt(conversation), content_type="text/vtt", headers=headers)
        body = await joined(json_pieces(conversation, messages=True))
        return web.Response(body=body, content_type="application/json", headers=headers)

    async def recording(self, request: web.Request) -> web.FileResponse:
        """Send a file from the disk, whole or in ranges (RFC 9110, section 14).

        If there is a next part, its address is in the Link header (RFC 8288).
        """
        self._admin.admit(request)
        conversation_id, wanted = _id(request), read_query(request, PartQuery).part
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


async def joined(pieces: Iterable[bytes]) -> bytes:
    """The pieces together. The loop serves calls between them."""
    body = bytearray()
    for piece in pieces:
        body += piece
        await asyncio.sleep(0)
    return bytes(body)


def _id(request: web.Request) -> str:
    """The conversation's id in the path. Raises NotFound if it cannot be an id."""
    conversation_id = request.match_info["conversation_id"]
    if not ID.fullmatch(conversation_id):
        raise NotFound("There is no such conversation.")
    return conversation_id
