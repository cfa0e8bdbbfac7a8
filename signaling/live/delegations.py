"""Delegations: the tools that the client runs, as OpenAI Live tells of them. Pure.

A call of a function is told as a response of the Responses API that ends with it. The client adds the result, and
creates a response: that is our reply, which goes on. With `client` there is one tool, `delegate`, and what the client
says of the delegation is its result.
"""

import json
from collections.abc import Callable
from typing import Any

from server.call.agent_messages import ToolCall
from signaling.live.session_config import DELEGATE, LiveConfig
from signaling.openai.outgoing import Outgoing
from signaling.openai.refused import Refused
from signaling.openai.told import Told

MAX_OPEN = 64
"""How many may wait for the client. The oldest are forgotten first; a client has that many tools."""
MAX_THOUGHTS = 6
"""How many thoughts are kept for one delegation. With its answer they are one result, of at most 32,000 characters."""


class Delegations:
    """What the agent of one session has delegated."""

    def __init__(self, out: Outgoing, told: Told, config: LiveConfig, now_ms: Callable[[], float]) -> None:
        """`now_ms` is how long the session has lasted."""
        self._out = out
        self._told = told
        self._config = config
        self._now_ms = now_ms
        self._waiting: dict[str, str] = {}
        """By the ids of our tool calls: the delegations whose result is not there."""
        self._thoughts: dict[str, list[str]] = {}
        """What the client has thought so far for its delegations."""
        self._given: list[str] = []
        """The delegations whose result is there, and for which no response was created since."""
        self._open: list[tuple[str, dict[str, Any]]] = []
        """The responses in progress, with their delegations."""
        self._number = 0

    def called(self, call: ToolCall) -> None:
        """The agent calls a tool that the client runs. After a move to another connection it is told again."""
        self.go_on()
        if call.id in self._waiting:
            return
        delegation_id = self._out.new_id("dlg")
        while len(self._waiting) >= MAX_OPEN:
            self.cancelled(next(iter(self._waiting)))
        self._waiting[call.id] = delegation_id
        if self._config.target == "client" and call.name == DELEGATE["name"]:
            self._thoughts[delegation_id] = []
            self._created(delegation_id, "client", antiphon={"task": call.arguments.get("task")})
            return
        response = self._response()
        self._created(delegation_id, "responses", response_id=response["id"])
        self._nested(delegation_id, "response.created", response=response)
        written = json.dumps(call.arguments, ensure_ascii=False, separators=(",", ":"))
        item = {"type": "function_call", "id": self._out.new_id("fc"), "call_id": call.id, "name": call.name}
        began = {**item, "status": "in_progress", "arguments": ""}
        self._nested(delegation_id, "response.output_item.added", output_index=0, item=began)
        where = {"item_id": item["id"], "output_index": 0, "name": call.name}
        self._nested(delegation_id, "response.function_call_arguments.done", **where, arguments=written)
        done = {**item, "status": "completed", "arguments": written}
        self._nested(delegation_id, "response.output_item.done", output_index=0, item=done)
        self._nested(delegation_id, "response.completed", response={**response, "status": "completed"})

    def cancelled(self, call_id: str) -> None:
        """Nobody waits for the result any more."""
        self._thoughts.pop(self._waiting.pop(call_id, ""), None)

    # What the client says

    def think(self, delegation_id: str, content: str) -> None:
        """Raises Refused if there is no such delegation of the client, or if it has too many thoughts."""
        thoughts = self._thoughts[self._known(delegation_id)]
        if len(thoughts) >= MAX_THOUGHTS:
            raise Refused(f"A delegation may have {MAX_THOUGHTS} thoughts.", "too_many", "delegation_id")
        thoughts.append(content)

    def answer(self, delegation_id: str, content: str) -> None:
        """What the client says is the result. Raises Refused if there is no such delegation of the client."""
        output = "\n".join([*self._thoughts.pop(self._known(delegation_id)), content])
        call_id = next(call_id for call_id, each in self._waiting.items() if each == delegation_id)
        del self._waiting[call_id]
        self._told.say({"type": "tool_result", "id": call_id, "output": output})

    def give(self, call_id: str) -> None:
        """The client has given the result of a function."""
        if (delegation_id := self._waiting.pop(call_id, None)) is not None:
            self._given = [*self._given[1 - MAX_OPEN :], delegation_id]

    def create(self, event_id: str | None) -> bool:
        """The client creates a response. Returns whether our reply goes on by itself, and nobody has to be asked."""
        self.go_on()
        given, self._given = self._given, []
        for delegation_id in given:
            self._begin(delegation_id, self._response())
        if not given:
            delegation_id, response = self._out.new_id("dlg"), self._response()
            self._created(delegation_id, "responses", event_id, response_id=response["id"])
            self._begin(delegation_id, response)
        return bool(given)

    def go_on(self) -> None:
        """The agent speaks, or is done: what was to be made ready is."""
        opened, self._open = self._open, []
        for delegation_id, response in opened:
            self._nested(delegation_id, "response.completed", response={**response, "status": "completed"})

    # Steps

    def _known(self, delegation_id: str) -> str:
        if delegation_id not in self._thoughts:
            raise Refused("No delegation of this id waits for the client.", "invalid_value", "delegation_id")
        return delegation_id

    def _created(self, delegation_id: str, target: str, event_id: str | None = None, **about: Any) -> None:
        delegation = {"type": "delegation", "id": delegation_id, "target": target, **about}
        cause = {} if event_id is None else {"client_event_id": event_id}
        self._out.event("session.delegation.created", delegation=delegation, offset_ms=round(self._now_ms()), **cause)

    def _begin(self, delegation_id: str, response: dict[str, Any]) -> None:
        self._open.append((delegation_id, response))
        self._nested(delegation_id, "response.created", response=response)

    def _nested(self, delegation_id: str, type: str, **fields: Any) -> None:
        self._number += 1
        event = {"type": type, "sequence_number": self._number, **fields}
        self._out.event("response.event", delegation_id=delegation_id, event=event)

    def _response(self) -> dict[str, Any]:
        return {
            "id": self._out.new_id("resp"), "object": "response", "status": "in_progress", "output": [], "tools": [],
            "created_at": self._config.begun_s + int(self._now_ms() // 1000), "model": self._config.model,
            "parallel_tool_calls": True, "tool_choice": "auto", "error": None, "incomplete_details": None,
            "instructions": None, "metadata": {}, "temperature": None, "top_p": None, "usage": None,
        }  # fmt: skip
