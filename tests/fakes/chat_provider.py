"""A small true provider of models, which misbehaves as its script says: OpenAI's chat completions and Anthropic's
messages, streamed.

Each request takes the next step of the script; the last one is taken again and again.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer


@dataclass(frozen=True)
class Refuse:
    """An HTTP error."""

    status: int
    code: str = "some_code"
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Say:
    """Words, and why they end; `then` "reset" breaks the connection after them, "stall" sends nothing more."""

    text: str
    finish: str = "stop"
    then: str = ""


@dataclass(frozen=True)
class Raw:
    """The body of the answer, as it is, under this status and with these headers."""

    body: bytes
    status: int = 200
    content_type: str = "text/event-stream"
    headers: Mapping[str, str] = field(default_factory=dict)


Step = Refuse | Say | Raw
RESET, STALL = Say("", then="reset"), Say("", then="stall")


@dataclass
class ChatProvider:
    script: list[Step]
    url: str = ""
    asked: list[float] = field(default_factory=list)
    """When each request came, by the clock of the loop."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Take one request, of either API."""
        self.asked.append(asyncio.get_running_loop().time())
        await request.read()
        step = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(step, Refuse):
            error = {"message": "my secret is not to be logged", "type": step.code, "code": step.code}
            body = {"type": "error", "error": error}
            return web.json_response(body, status=step.status, headers=step.headers)
        if isinstance(step, Raw):
            headers = {"Content-Type": step.content_type, **step.headers}
            return web.Response(body=step.body, status=step.status, headers=headers)
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        if step.then == "reset" and not step.text:
            return _break(request, response)
        await response.prepare(request)
        events = _openai(step) if request.path.endswith("/completions") else _anthropic(step)
        for name, event in events:
            await response.write(f"event: {name}\ndata: {json.dumps(event)}\n\n".encode())
        if step.then == "reset":
            return _break(request, response)
        if step.then == "stall":
            await asyncio.Event().wait()
        return response


def _break(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    assert request.transport is not None
    request.transport.abort()
    return response


def _openai(step: Say) -> list[tuple[str, dict[str, Any]]]:
    def chunk(delta: dict[str, str], finish: str | None) -> tuple[str, dict[str, Any]]:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return "chunk", {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}

    words = [chunk({"content": f"{word} "}, None) for word in step.text.split()]
    return words if step.then else [*words, chunk({}, step.finish)]


def _anthropic(step: Say) -> list[tuple[str, dict[str, Any]]]:
    usage = {"input_tokens": 1, "output_tokens": 1}
    message = {"id": "m", "type": "message", "role": "assistant", "content": [], "model": "m", "usage": usage}
    deltas = [{"type": "text_delta", "text": f"{word} "} for word in step.text.split()]
    events: list[dict[str, Any]] = [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
    ]
    if not step.then:
        reason = {"stop": "end_turn", "length": "max_tokens"}[step.finish]
        events += [
            {"type": "content_block_stop", "index": 0},
            {"type": "message_delta", "delta": {"stop_reason": reason}, "usage": usage},
            {"type": "message_stop"},
        ]
    return [(event["type"], event) for event in (events if step.text else [])]


@asynccontextmanager
async def chat_provider(*script: Step) -> AsyncIterator[ChatProvider]:
    provider = ChatProvider(list(script))
    app = web.Application()
    app.router.add_post("/{path:.*}", provider.answer)
    async with TestServer(app, handler_cancellation=True, shutdown_timeout=0.1) as server:
        provider.url = str(server.make_url("/v1"))
        yield provider
