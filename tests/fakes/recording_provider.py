"""A small true provider of models that keeps what it is sent: OpenAI's chat completions and responses, and Anthropic's
messages, all streamed."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

Event = dict[str, Any]
ANSWER = "Yes, certainly. "


class RecordingProvider:
    """For each request it takes the next name of `calls`, and calls that tool. For "", and when none is left, it says
    ANSWER."""

    def __init__(self, *calls: str) -> None:
        self._calls = list(calls)
        self.url = ""
        self.bodies: list[Any] = []
        """What it was sent, oldest first."""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.json())
        tool = self._calls.pop(0) if self._calls else ""
        make = {"completions": _chat, "responses": _responses, "messages": _messages}[request.path.rpartition("/")[2]]
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        for event in make(tool, f"call_{len(self.bodies)}"):
            await response.write(f"event: {event.get('type', 'chunk')}\ndata: {json.dumps(event)}\n\n".encode())
        return response


def _chat(tool: str, number: str) -> list[Event]:
    def chunk(delta: Event, finish: str | None) -> Event:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}

    called = {"index": 0, "id": number, "type": "function", "function": {"name": tool, "arguments": "{}"}}
    delta = {"tool_calls": [called]} if tool else {"content": ANSWER}
    return [chunk(delta, None), chunk({}, "tool_calls" if tool else "stop")]


def _responses(tool: str, number: str) -> list[Event]:
    where = {"item_id": number, "output_index": 0, "content_index": 0}
    if tool:
        item = {"type": "function_call", "id": number, "call_id": number, "name": tool, "arguments": "{}"}
        middle = [{"type": "response.function_call_arguments.delta", "delta": "{}", **where}]
        begun = {**item, "arguments": ""}
    else:
        part = {"type": "output_text", "text": ANSWER, "annotations": []}
        item = {"type": "message", "id": number, "role": "assistant", "status": "completed", "content": [part]}
        middle = [
            {"type": "response.content_part.added", "part": {**part, "text": ""}, **where},
            {"type": "response.output_text.delta", "delta": ANSWER, "logprobs": [], **where},
        ]
        begun = {**item, "status": "in_progress", "content": []}
    whole = {"id": number, "object": "response", "created_at": 1, "model": "m", "output": [item], "tools": []}
    whole |= {"status": "completed", "tool_choice": "auto", "parallel_tool_calls": True}
    events: list[Event] = [
        {"type": "response.created", "response": {**whole, "output": [], "status": "in_progress"}},
        {"type": "response.output_item.added", "output_index": 0, "item": begun},
        *middle,
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": whole},
    ]
    return [{**event, "sequence_number": place} for place, event in enumerate(events)]


def _messages(tool: str, number: str) -> list[Event]:
    usage = {"input_tokens": 1, "output_tokens": 1}
    message = {"id": number, "type": "message", "role": "assistant", "content": [], "model": "m", "usage": usage}
    begun: Event = {"type": "tool_use", "id": number, "name": tool, "input": {}}
    delta = {"type": "input_json_delta", "partial_json": "{}"}
    if not tool:
        begun, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": ANSWER}
    return [
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": begun},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "tool_use" if tool else "end_turn"}, "usage": usage},
        {"type": "message_stop"},
    ]


@asynccontextmanager
async def recording_provider(*calls: str) -> AsyncIterator[RecordingProvider]:
    provider = RecordingProvider(*calls)
    app = web.Application(client_max_size=1 << 24)
    app.router.add_post("/{path:.*}", provider.answer)
    async with TestServer(app) as server:
        provider.url = str(server.make_url("/v1"))
        yield provider
