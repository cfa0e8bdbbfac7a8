"""ClientCalls: the tool calls that the client of one call has been asked for, until it answers."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

from server.call.agent_messages import FromAgent, ToolCall, ToolCancelled, ToolResult
from server.errors import PeerError

FAILED = "It failed: {why}"
"""What the model is told of a tool that the client could not run."""


class ClientCalls:
    """The open tool calls of one call. They outlive its connections. Each has the time limit of any tool."""

    def __init__(self, send: Callable[[FromAgent], None]) -> None:
        """`send` tells the client, if it is there."""
        self._send = send
        self._open: dict[str, tuple[ToolCall, asyncio.Future[Any]]] = {}
        """By id. Their number is limited by what a model calls within the time limit of tools."""
        self._closed = False

    async def ask(self, wanted_id: str, name: str, arguments: Mapping[str, Any]) -> Any:
        """Have the client run the tool. Returns its output, or a sentence that says why it failed.

        The client knows the call by `wanted_id`, or by another id while that of an open call is the same.
        """
        call_id, number = wanted_id, 1
        while not call_id or call_id in self._open:
            number += 1
            call_id = f"{wanted_id or 'call'}-{number}"
        call = ToolCall(id=call_id, name=name, arguments=dict(arguments))
        result: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._open[call_id] = call, result
        if self._closed:
            result.cancel()
        else:
            self._send(call)
        try:
            return await result
        except asyncio.CancelledError:
            self._send(ToolCancelled(id=call_id))
            raise
        finally:
            del self._open[call_id]

    def answer(self, result: ToolResult) -> None:
        """The client tells what has become of a tool. Raises PeerError if nobody waits for that."""
        _, waiting = self._open.get(result.id, (None, None))
        if waiting is None or waiting.done():
            raise PeerError(f"Nobody waits for the result of a tool call {result.id!r}.")
        waiting.set_result(result.output if result.ok else FAILED.format(why=result.output))

    def ask_again(self) -> None:
        """The client has come back on another connection, and may not know what it was asked."""
        for call, result in self._open.values():
            if not result.done():
                self._send(call)

    def close(self) -> None:
        """The call ends: nobody will answer any more."""
        self._closed = True
        for _, result in self._open.values():
            result.cancel()
