"""A receiver of webhooks for tests: a web server on loopback, which checks signatures as docs/webhooks.md shows."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiohttp import web

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
_DOCUMENT = (Path(__file__).parent.parent / "docs/webhooks.md").read_text(encoding="utf-8")


def documented_verify() -> Callable[[str, dict[str, str], bytes], None]:
    """The function `verify` of docs/webhooks.md."""
    (source,) = re.findall(r"^```python\n(.*?)^```", _DOCUMENT, re.DOTALL | re.MULTILINE)
    names: dict[str, Any] = {}
    exec(source, names)
    verify: Callable[[str, dict[str, str], bytes], None] = names["verify"]
    return verify


@dataclass(frozen=True, slots=True)
class Received:
    """One try, with the answer that it got."""

    id: str
    event: dict[str, Any]
    path: str
    answer: int


class Receiver:
    """Answers each try with what `answer` returns for it: a status, or a response."""

    def __init__(self) -> None:
        self.url = ""
        self.tries: list[Received] = []
        self.answer: Callable[[dict[str, Any]], int | web.Response | Awaitable[int]] = lambda event: 204
        self.at_once = self.most_at_once = 0
        self._verify = documented_verify()
        self._news = asyncio.Event()

    @property
    def taken(self) -> list[dict[str, Any]]:
        """The events that were answered with 204, without doubles, in the order in which they came."""
        return list({each.id: each.event for each in self.tries if each.answer == 204}.values())

    async def until(self, there: Callable[[], bool]) -> None:
        while not there():
            self._news.clear()
            await self._news.wait()

    async def receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        self._verify(SECRET, {name.lower(): value for name, value in request.headers.items()}, body)
        event = json.loads(body)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            answer = self.answer(event)
            if isinstance(answer, Awaitable) and not isinstance(answer, web.Response):
                answer = await answer
        finally:
            self.at_once -= 1
        response = answer if isinstance(answer, web.Response) else web.Response(status=int(answer))  # type: ignore[call-overload]
        self.tries.append(Received(request.headers["webhook-id"], event, request.path, response.status))
        self._news.set()
        return response


@asynccontextmanager
async def receiver() -> AsyncIterator[Receiver]:
    receiving = Receiver()
    app = web.Application(client_max_size=10 * 2**20)
    app.router.add_post("/{path:.*}", receiving.receive)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiving.url = f"http://127.0.0.1:{runner.addresses[0][1]}/calls"
    try:
        yield receiving
    finally:
        await runner.cleanup()
