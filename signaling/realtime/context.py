"""Context: the `input` of a response, as the model reads it: one line of text for each item. Pure."""

import json
from collections.abc import Sequence
from typing import Any

from signaling.openai.content import Item
from signaling.openai.refused import Refused
from signaling.realtime.items import Items

MAX_CHARS = 15_900
"""How long the instructions and the input of a response may be: a little less than the instructions of a session."""


def question_of(instructions: str, given: Sequence[Item], items: Items) -> str:
    """The instructions of a response and what it is given. Raises Refused if that is too long, and for a reference to
    an item that is not there."""
    context = "\n".join(_said(_found(item, items)) for item in given)
    question = "\n\n".join(filter(None, [instructions.strip(), context.strip()]))
    if len(question) > MAX_CHARS:
        raise Refused(f"Its input may have {MAX_CHARS} characters.", "invalid_value", "response.input")
    return question


def _found(item: Item, items: Items) -> dict[str, Any]:
    return items.get(item.id or "", "retrieve") if item.type == "item_reference" else item.model_dump(exclude_none=True)


def _said(item: dict[str, Any]) -> str:
    if item["type"] != "message":
        return json.dumps({name: item.get(name) for name in ("name", "arguments", "output") if item.get(name)})
    words = " ".join(part.get("text") or part.get("transcript") or "" for part in item.get("content", []))
    return f"{item.get('role', 'user')}: {words}"
