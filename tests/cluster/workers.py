"""Workers that stand in for servers behind the door: they say what they got, and refuse when they are told to."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from aiohttp import WSMsgType, web

from server.cluster.announcement import Announcement
from server.cluster.roster import Roster


@dataclass
class Worker:
    """One worker. It answers every request with its name, what was asked, and the headers that it got."""

    announcement: Announcement
    refuses: bool = False
    got: list[str] = field(default_factory=list)
    """The method and the path of each request, health checks left out."""

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path == "/health/live":
            return web.Response()
        self.got.append(f"{request.method} {request.path}")
        if self.refuses:
            body = {"error": {"code": "at_capacity", "message": f"{self.announcement.name} is full."}}
            return web.json_response(body, status=503, headers={"Retry-After": "7"})
        if "Upgrade" in request.headers:
            return await self._talk(request)
        await asyncio.sleep(float(request.query.get("wait_s", 0)))
        return web.json_response(
            {"worker": self.announcement.name, "path": request.path_qs, "body": await request.text()}
            | {"headers": [[name, value] for name, value in request.headers.items()]}
        )

    async def _talk(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(protocols=("sip",))
        await socket.prepare(request)
        await socket.send_str(json.dumps({"worker": self.announcement.name, "path": request.path_qs}))
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                await socket.send_str(message.data)
            elif message.type is WSMsgType.BINARY:
                await socket.send_bytes(message.data)
        return socket


@asynccontextmanager
async def worker(roster: Roster, name: str, port: int = 0, **about: object) -> AsyncIterator[Worker]:
    """A worker that runs and has announced itself once. It leaves at the end."""
    it = Worker(Announcement(name, "", "here", 1, "1.0", 0, "ready", "", 0, 0, 100))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", it.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        it.announcement = replace(it.announcement, url=url, **about)  # type: ignore[arg-type]
        await roster.announce(it.announcement)
        yield it
    finally:
        await runner.cleanup()
