"""Told: what a client of one of OpenAI's protocols tells our session, in messages of our own protocol. Pure.

The client's user messages are kept until it asks for a response: then they are what the agent is asked. Other items go
into the history at once.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from server.call.agent_messages import MAX_NOTE_CHARS, MAX_OUTPUT_CHARS
from signaling.openai.content import MAX_ID_CHARS, Item
from signaling.openai.refused import Refused, read_json

MAX_TEXT_CHARS = 2_000
"""How long what is asked may be, as our `text` has it. Longer ones become a note, and the agent answers from there."""
MAX_WAITING = 64
"""How many messages of the client may wait for `response.create`."""


class Told:
    """What is to be told, in its order."""

    def __init__(self) -> None:
        self._told: list[str | bytes] = []
        self._waiting: list[tuple[str, str]] = []
        """The client's words, and the ids of their items."""
        self.event_id: str | None = None
        """The client's event that is being carried out, until `take`."""

    def say(self, message: Mapping[str, Any], response_id: str = "") -> None:
        """`response_id` is the response that nobody makes if our session refuses the message."""
        if self.event_id or response_id:
            message = {**message, "ref": f"{response_id} {self.event_id or ''}"}
        self._told.append(json.dumps(message, ensure_ascii=False, separators=(",", ":")))

    def sound(self, piece: bytes) -> None:
        self._told.append(piece)

    def extend(self, messages: Sequence[Mapping[str, Any]]) -> None:
        for message in messages:
            self.say(message)

    def take(self) -> list[str | bytes]:
        told, self._told, self.event_id = self._told, [], None
        return told

    def vet(self, item: Item) -> Item:
        """The item, if it has what its type needs. Raises Refused."""
        needed = {
            "message": ("role", "content"), "function_call": ("name", "call_id", "arguments"),
            "function_call_output": ("call_id", "output"), "item_reference": ("id",),
        }[item.type]  # fmt: skip
        for name in needed:
            if getattr(item, name) in (None, []):
                raise Refused(f"An item of type {item.type} needs this.", "missing_required_parameter", f"item.{name}")
        if item.type == "item_reference":
            raise Refused("A reference is for the input of a response.", "invalid_value", "item.type")
        most = MAX_OUTPUT_CHARS if item.type == "function_call_output" else MAX_NOTE_CHARS - 2 * MAX_ID_CHARS
        if item.chars > most:
            raise Refused(f"An item of type {item.type} may have {most} characters.", "too_large", "item")
        if item.type == "message" and not item.words:
            raise Refused("Only words can be put into the conversation: text, or the transcript of sound.",
                          "invalid_value", "item.content")  # fmt: skip
        if item.type == "message" and item.role == "user" and len(self._waiting) >= MAX_WAITING:
            raise Refused("Too many messages wait for a response.", "too_many_items", "item")
        return item

    def item(self, item: Item, item_id: str, awaited: bool = True, later: Collection[str] = ()) -> None:
        """The client has put this into the conversation, before the items that are `later`. The result of a function is
        `awaited`, or else an old one."""
        if item.type == "function_call_output" and awaited:
            self.say({"type": "tool_result", "id": item.call_id, "output": _json(item.output or "")})
        elif item.type == "message" and item.role == "user":
            at = sum(waiting_id not in later for _, waiting_id in self._waiting)
            self._waiting.insert(at, (item.words, item_id))
        else:
            self.note_waiting(later)  # what is before it
            self.say(_note_of(item))

    def forget(self, item_id: str) -> None:
        """The client has deleted this item. Words that wait are not asked any more."""
        self._waiting = [each for each in self._waiting if each[1] != item_id]

    @property
    def waits(self) -> bool:
        """The client has words in the conversation that were not asked yet."""
        return bool(self._waiting)

    def note_waiting(self, later: Collection[str] = ()) -> None:
        """What waits goes into the history without being asked: something else comes behind it, and before the items
        that are `later`."""
        for text, item_id in self._waiting:
            if item_id not in later:
                self.say({"type": "note", "role": "user", "text": text})
        self._waiting = [each for each in self._waiting if each[1] in later]

    def ask(self, instructions: str, response_id: str = "") -> list[tuple[str, str]]:
        """The agent is to answer now, in this response. Returns what it is asked by that, with the id of its item: the
        newest of the client's words. Those before it go into the history."""
        if not self._waiting or instructions or len(self._waiting[-1][0]) > MAX_TEXT_CHARS:
            self.note_waiting()
            self.say({"type": "respond", "instructions": instructions}, response_id)
            return []
        asked = self._waiting.pop()
        self.note_waiting()
        self.say({"type": "text", "text": asked[0]}, response_id)
        return [asked]


def cause_of(ref: str | None) -> tuple[str, str | None]:
    """The response that nobody makes, and the client's event, by the `ref` of the message that was refused. "" and None
    if there is none."""
    response_id, _, event_id = (ref or "").partition(" ")
    return response_id, event_id or None


def _note_of(item: Item) -> dict[str, Any]:
    """What goes into the history at once."""
    role, text = "system", f"(The function {item.name} was called with {item.arguments}.)"
    if item.type == "message":
        role, text = item.role or "", item.words
    elif item.type == "function_call_output":
        returned = (item.output or "")[: MAX_NOTE_CHARS - 2 * MAX_ID_CHARS]
        text = f"(The function has returned {returned}.)"
    return {"type": "note", "role": role, "text": text}


def _json(output: str) -> Any:
    """The output of a function. Clients send JSON, or plain words."""
    try:
        return read_json(output)
    except Refused:
        return output
