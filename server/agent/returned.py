"""Returned: what has become of a tool that ran in the background, and what a model is told of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_ai.messages import ModelMessage, ModelRequest, ToolCallPart, ToolReturnPart

from server.agent.ran import Ran

IN_BACKGROUND = "It runs in the background. Its result comes later."
RETURNED = "(The tool {name}, which ran in the background, has returned: {result})"
LOST = "(The tool {name} ran in the background when the call broke off. It may or may not have taken effect.)"

_KEY = "returned"
"""In the metadata of a message, for the id of the call whose result it tells."""


@dataclass(frozen=True, slots=True)
class Returned:
    """A tool that ran in the background, and what it returned, or a sentence about what became of it."""

    call: ToolCallPart
    outcome: Any
    ran: Ran | None = None

    @property
    def part(self) -> ToolReturnPart:
        return ToolReturnPart(self.call.tool_name, self.outcome, self.call.tool_call_id)

    @property
    def message(self) -> ModelRequest:
        """What the model is told. The model made the call long ago, so this is no result as providers know it."""
        words = RETURNED.format(name=self.call.tool_name, result=self.part.model_response_str())
        return _told(words, self.call.tool_call_id)


def lost(messages: Sequence[ModelMessage]) -> list[ModelMessage]:
    """What the model is told of the tools in `messages` that ran in the background and never returned."""
    told = Counter((each.metadata or {}).get(_KEY) for each in messages if isinstance(each, ModelRequest))
    found: list[ModelMessage] = []
    for part in (part for message in messages for part in message.parts):
        if isinstance(part, ToolReturnPart) and part.content == IN_BACKGROUND:
            if told[part.tool_call_id]:
                told[part.tool_call_id] -= 1  # some providers use an id again
            else:
                found.append(_told(LOST.format(name=part.tool_name), part.tool_call_id))
    return found


def _told(words: str, call_id: str) -> ModelRequest:
    request = ModelRequest.user_text_prompt(words)
    request.metadata = {_KEY: call_id}
    return request
