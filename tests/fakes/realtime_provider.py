"""A small true provider of a speech-to-speech model: a WebSocket that speaks OpenAI's Realtime protocol (GA events).

Its turn detection is off, as the session wants it. It answers with a tone for each character and with the words.
"""

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

Event = dict[str, Any]
RATE = 24_000
MS_A_CHAR = 24
"""How long it speaks for each character, if it speaks fast."""
NATURAL_MS_A_CHAR = 64
CHUNK_MS = 100
SLOW_S = 0.4

ODD = ("written", "silent", "wordless", "cancelled")
"""Faults of a provider that answers, but not as it should."""

Script = Callable[[int], "str | tuple[str, str]"]
"""What it does for each response, counted from 0: the words that it says, or a tool and its arguments as JSON."""


class RealtimeProvider:
    """`received` has the events of all clients, oldest first. While it `refuses`, no connection is made.

    `faults` says what becomes of each response: "" is answered, "slow" only after SLOW_S; "hang" sends nothing, and
    "stall" nothing after some sound; "close" closes the socket then, "speechless" after the first sound and no word;
    "called" closes it after the call of a tool; a code, such as "rate_limit_exceeded", fails. "unnamed" is an error
    that does not say what it is about, and no response. "written" has text and no sound, "silent" words and no sound,
    "wordless" sound and no words. "cancelled" gives up after half of the words, with their sound.
    """

    def __init__(self, script: Script, chunk_s: float = 0.0, ms_a_char: int = MS_A_CHAR) -> None:
        self._script = script
        self._ms_a_char = ms_a_char
        self._chunk_s = chunk_s
        self.script_by_text: dict[str, str] = {}
        """What it says when the newest text that it was given has this word."""
        self.url = ""
        self.received: list[Event] = []
        self.connections = 0
        self.refuses = False
        self.deaf = 0
        """How many commits are refused: it has heard nothing."""
        self.faults: dict[int, str] = {}
        self.heard_bytes: list[int] = []
        """How much sound each committed utterance had."""
        self.times: dict[str, list[float]] = {}
        """By type: when events came, and when the first sound of each response was sent ("sound")."""
        self._numbers = count()
        self._responses = count()

    def of(self, kind: str) -> list[Event]:
        """The events of this type."""
        return [event for event in self.received if event["type"] == kind]

    @property
    def items(self) -> list[str]:
        """The texts that it was told, with who said them in front."""
        return [
            f"{event['item']['role']}: {part['text']}"
            for event in self.of("conversation.item.create")
            for part in event["item"].get("content", ())
        ]

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Take one connection."""
        if self.refuses:
            raise web.HTTPServiceUnavailable
        self.connections += 1
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await _Client(self, socket).serve()
        return socket


class _Client:
    """One connection."""

    def __init__(self, provider: RealtimeProvider, socket: web.WebSocketResponse) -> None:
        self._provider, self._socket = provider, socket
        self._buffered = 0
        self._speaking: asyncio.Task[None] | None = None
        self._response = ""

    async def serve(self) -> None:
        await self._send("session.created", session={"type": "realtime", "model": "fake-realtime"})
        try:
            async for message in self._socket:
                if message.type is WSMsgType.TEXT:
                    await self._take(json.loads(message.data))
        finally:
            if self._speaking is not None:
                self._speaking.cancel()

    async def _send(self, kind: str, **fields: Any) -> None:
        if not self._socket.closed:
            event = {"type": kind, "event_id": f"event_{next(self._provider._numbers)}", **fields}
            await self._socket.send_str(json.dumps(event))

    async def _take(self, event: Event) -> None:
        provider, kind = self._provider, event["type"]
        provider.times.setdefault(kind, []).append(asyncio.get_running_loop().time())
        if kind == "input_audio_buffer.append":
            self._buffered += len(base64.b64decode(event["audio"]))
            return
        provider.received.append(event)
        number = next(provider._numbers)
        if kind == "session.update":
            await self._send("session.updated", session=event["session"])
        elif kind == "input_audio_buffer.clear":
            self._buffered = 0
        elif kind == "input_audio_buffer.commit" and provider.deaf:
            provider.deaf, self._buffered = provider.deaf - 1, 0
            error = {"type": "invalid_request_error", "code": "input_audio_buffer_commit_empty", "message": "empty"}
            await self._send("error", error=error)
        elif kind == "input_audio_buffer.commit":
            provider.heard_bytes.append(self._buffered)
            self._buffered = 0
            item = {"id": f"item_{number}", "type": "message", "role": "user", "content": [{"type": "input_audio"}]}
            await self._send("input_audio_buffer.committed", item_id=item["id"], previous_item_id=None)
            await self._send("conversation.item.added", item=item, previous_item_id=None)
        elif kind == "conversation.item.create":
            item = {"id": f"item_{number}", "object": "realtime.item", **event["item"]}
            await self._send("conversation.item.added", item=item, previous_item_id=None)
        elif kind == "response.cancel" and self._speaking is not None and not self._speaking.done():
            self._speaking.cancel()
            await self._done("cancelled", [])
        elif kind == "response.create":
            self._speaking = asyncio.create_task(self._respond(event.get("response", {}).get("metadata")))

    async def _respond(self, metadata: Any) -> None:
        provider, index = self._provider, next(self._provider._responses)
        fault = provider.faults.get(index, "")
        self._response, self._metadata = f"resp_{index}", metadata
        if fault == "hang":
            return
        if fault == "unnamed":
            await self._send("error", error={"type": "x", "code": "rate_limit_exceeded", "message": "too much"})
            return
        if fault == "slow":
            await asyncio.sleep(SLOW_S)
        response = {"id": self._response, "object": "realtime.response", "status": "in_progress", "output": []}
        await self._send("response.created", response={**response, "metadata": metadata})
        if fault not in ("", "close", "stall", "slow", "speechless", "called", *ODD):
            await self._done("failed", [], {"type": "failed", "error": {"type": "x", "code": fault}})
            return
        newest = provider.items[-1] if provider.items else ""
        by_text = (words for word, words in provider.script_by_text.items() if word in newest)
        made = next(by_text, None) or provider._script(index)
        if isinstance(made, tuple):
            await self._call(index, *made, fault)
        else:
            await self._say(index, made, fault)

    async def _say(self, index: int, words: str, fault: str) -> None:
        where = {"response_id": self._response, "item_id": f"said_{index}", "output_index": 0, "content_index": 0}
        item = {"id": where["item_id"], "type": "message", "role": "assistant", "status": "in_progress", "content": []}
        await self._send("response.output_item.added", response_id=self._response, output_index=0, item=item)
        said = words[: len(words) // 2] if fault == "cancelled" else words
        kind = "response.output_text.delta" if fault == "written" else "response.output_audio_transcript.delta"
        for piece in re.findall(r" ?[^ ]+", said if fault not in ("speechless", "wordless") else ""):
            await self._send(kind, delta=piece, **where)
        chars = 0 if fault in ("written", "silent") else len(said)
        tone = (b"\x00\x10" * 24 + b"\x00\xf0" * 24) * (chars * self._provider._ms_a_char // 2)
        step = RATE * 2 * CHUNK_MS // 1000
        self._provider.times.setdefault("sound", []).append(asyncio.get_running_loop().time())
        for start in range(0, len(tone), step):
            audio = base64.b64encode(tone[start : start + step]).decode()
            await self._send("response.output_audio.delta", delta=audio, **where)
            if fault == "speechless" or (fault in ("close", "stall") and start >= 5 * step):
                await (self._socket.close(code=1011) if fault != "stall" else asyncio.sleep(0))
                return
            await asyncio.sleep(self._provider._chunk_s)
        if fault in ODD:
            await self._done("cancelled" if fault == "cancelled" else "completed", [])
            return
        await self._send("response.output_audio_transcript.done", transcript=words, **where)
        await self._send("response.output_audio.done", **where)
        content = [{"type": "output_audio", "transcript": words}]
        await self._done("completed", [{**item, "status": "completed", "content": content}])

    async def _call(self, index: int, tool: str, arguments: str, fault: str) -> None:
        item = {"id": f"called_{index}", "type": "function_call", "call_id": f"call_{index}", "name": tool}
        item |= {"arguments": arguments, "status": "completed"}
        await self._send("response.output_item.added", response_id=self._response, output_index=0, item=item)
        await self._send("conversation.item.added", item=item, previous_item_id=None)
        await self._send(
            "response.function_call_arguments.done",
            response_id=self._response,
            item_id=item["id"],
            output_index=0,
            call_id=item["call_id"],
            name=tool,
            arguments=arguments,
        )
        await self._send("response.output_item.done", response_id=self._response, output_index=0, item=item)
        await (self._socket.close(code=1011) if fault == "called" else self._done("completed", [item]))

    async def _done(self, status: str, output: list[Event], details: Event | None = None) -> None:
        usage = {"total_tokens": 30, "input_tokens": 20, "output_tokens": 10}
        response = {"id": self._response, "object": "realtime.response", "status": status, "output": output}
        response |= {"usage": usage, "metadata": self._metadata, "status_details": details}
        await self._send("response.done", response=response)


@asynccontextmanager
async def realtime_provider(
    script: Script, chunk_s: float = 0.0, ms_a_char: int = MS_A_CHAR
) -> AsyncIterator[RealtimeProvider]:
    """A provider on 127.0.0.1. `chunk_s` is how long it takes for each 100 ms of its sound."""
    provider = RealtimeProvider(script, chunk_s, ms_a_char)
    app = web.Application()
    app.router.add_get("/v1/realtime", provider.answer)
    async with TestServer(app, host="127.0.0.1") as server:
        provider.url = str(server.make_url("/v1"))
        yield provider
