"""Beside: responses outside the conversation (`conversation: "none"`): text that the caller does not hear. Pure."""

from typing import Any

from signaling.openai.outgoing import Outgoing
from signaling.openai.refused import Refused
from signaling.realtime.context import question_of
from signaling.realtime.items import Items
from signaling.realtime.requests import Wanted

MOST = 4
"""How many may be in progress at once."""
NOTHING_SAID = "(Answer from where the conversation stands.)"


class Beside:
    """The responses outside the conversation that are in progress."""

    def __init__(self, out: Outgoing, items: Items) -> None:
        self._out = out
        self._items = items
        self._open: dict[str, dict[str, Any]] = {}
        """The response objects, by their ids."""

    def create(self, wanted: Wanted) -> dict[str, Any]:
        """Begin one. Returns what our session is told. Raises Refused."""
        if len(self._open) >= MOST:
            raise Refused(
                f"At most {MOST} responses outside the conversation may be in progress.", "too_many", "response"
            )
        question = question_of(wanted.instructions, wanted.context or (), self._items) or NOTHING_SAID
        response_id = self._out.new_id("resp")
        response: dict[str, Any] = {
            "object": "realtime.response", "id": response_id, "status": "in_progress",
            "status_details": None, "output": [], "conversation_id": None, "output_modalities": ["text"],
            "metadata": wanted.metadata, "usage": None,
        }  # fmt: skip
        self._open[response_id] = response
        self._out.event("response.created", response=response)
        return {"type": "ask", "id": response_id, "text": question, "history": wanted.context is None}

    def answered(self, response_id: str, text: str, ok: bool) -> None:
        """The model has answered, or could not."""
        if (response := self._open.pop(response_id, None)) is None:
            return
        if not ok:
            error = {"type": "server_error", "code": "model"}
            details = {"type": "failed", "error": error}
            self._out.event("response.done", response={**response, "status": "failed", "status_details": details})
            return
        item = {
            "id": self._out.new_id("item"), "object": "realtime.item", "type": "message", "status": "in_progress",
            "role": "assistant", "content": [],
        }  # fmt: skip
        done = {**item, "status": "completed", "content": [{"type": "output_text", "text": text}]}
        of = {"response_id": response_id, "output_index": 0}
        where = {**of, "item_id": item["id"], "content_index": 0}
        self._out.event("response.output_item.added", **of, item=item)
        self._out.event("response.content_part.added", **where, part={"type": "text", "text": ""})
        self._out.event("response.output_text.delta", **where, delta=text)
        self._out.event("response.output_text.done", **where, text=text)
        self._out.event("response.content_part.done", **where, part={"type": "text", "text": text})
        self._out.event("response.output_item.done", **of, item=done)
        self._out.event("response.done", response={**response, "status": "completed", "output": [done]})
