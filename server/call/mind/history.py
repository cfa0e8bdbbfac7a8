"""History: what was said in this call. Of the agent's words it holds only those that the caller heard.

The messages are those of pydantic-ai, so the provider of any model takes them. Every tool call stands there with its
result. A reply that was cut off ends with a dash after the last word that left the playout.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelRequestPart,
    ModelResponse,
    ModelResponsePart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)

from server.agent.limits import RunLimits
from server.agent.memory import Memory
from server.agent.returned import Returned, lost
from server.speech.speakable import speakable

CUT = " —"
"""Stands at the end of a reply that was interrupted."""


class History:
    """The messages of one call, oldest first."""

    def __init__(self, messages: Sequence[ModelMessage] = (), model_chars: int = RunLimits().history_chars) -> None:
        """`messages` are those of the record, when a call goes on. Tools in the background have not gone on with it.
        A model is given at most `model_chars` characters of them."""
        self.memory = Memory(model_chars)
        """Knows which part of them the models of the call are given."""
        self._messages = [*messages, *lost(messages)]
        self._newest = 0
        """The index of the message with which the newest exchange begins."""

    @property
    def messages(self) -> list[ModelMessage]:
        return list(self._messages)

    @property
    def last_said(self) -> str:
        """What the caller heard the agent say last; "" before the agent's first word."""
        for message in reversed(self._messages):
            if isinstance(message, ModelResponse) and (said := message.text):
                return said
        return ""

    @property
    def last_question(self) -> str:
        """The question that the agent's last words end with; "" if they do not end with a question."""
        *_, last = re.split(r"(?<=[.!?؟।۔])\s+|(?<=[。！？])\s*(?!$)", self.last_said.strip())
        return last if last.endswith(("?", "？", "؟")) else ""

    @property
    def unanswered(self) -> bool:
        """It ends with words to which there is no answer."""
        last = self._messages[-1] if self._messages else None
        return isinstance(last, ModelRequest) and all(isinstance(part, UserPromptPart) for part in last.parts)

    def add(self, messages: Sequence[ModelMessage]) -> list[ModelMessage]:
        """Add an exchange whose reply the caller heard to its end. Returns the messages that were added."""
        return self._add(list(messages))

    def take_back(self, heard: str) -> list[ModelMessage]:
        """Cut the newest reply off after `heard`, because the caller heard no more of it.

        Returns the messages of its exchange that are left.
        """
        exchange = self._messages[self._newest :] = cut(self._messages[self._newest :], heard)
        return exchange

    def add_interrupted(self, messages: Sequence[ModelMessage], heard: str) -> list[ModelMessage]:
        """Add an exchange of whose reply the caller heard only `heard`. Returns the messages that were added."""
        return self._add(cut(messages, heard))

    def add_result(self, returned: ToolReturnPart) -> list[ModelMessage]:
        """A tool has returned after its exchange was added. Returns the messages of the newest exchange.

        The result takes the place of the sentence that stands there, or comes after the newest exchange if its own is
        an older one: that is when it came, and providers cache a history by its beginning.
        """
        exchange = with_result(self._messages[self._newest :], returned)
        if exchange == self._messages[self._newest :]:
            words = f"(The tool {returned.tool_name} has returned late: {returned.model_response_str()})"
            exchange.append(ModelRequest.user_text_prompt(words))
        self._messages[self._newest :] = exchange
        return exchange

    def add_returned(self, returned: Returned) -> list[ModelMessage]:
        """A tool has returned from the background. Returns the messages of the newest exchange, with the result."""
        self._messages.append(returned.message)
        return self._messages[self._newest :]

    def add_note(self, text: str) -> list[ModelMessage]:
        """Add what the model has to know beside the words. Returns the messages of the newest exchange, with it."""
        self._messages.append(ModelRequest.user_text_prompt(text))
        return self._messages[self._newest :]

    def _add(self, exchange: list[ModelMessage]) -> list[ModelMessage]:
        self._newest = len(self._messages)
        self._messages.extend(exchange)
        return exchange


def with_result(messages: Sequence[ModelMessage], returned: ToolReturnPart) -> list[ModelMessage]:
    """`messages` in which the call to a tool has this result."""

    def new(part: ModelRequestPart) -> ModelRequestPart:
        ours = isinstance(part, ToolReturnPart) and part.tool_call_id == returned.tool_call_id
        return returned if ours else part

    return [replace(m, parts=list(map(new, m.parts))) if isinstance(m, ModelRequest) else m for m in messages]


def cut(messages: Sequence[ModelMessage], heard: str) -> list[ModelMessage]:
    """`messages` without the agent's text after `heard`. Tool calls and their results stay."""
    left = len(_letters(heard))
    kept: list[ModelMessage] = []
    for message in messages:
        if isinstance(message, ModelRequest):
            kept.append(message)
            continue
        parts: list[ModelResponsePart] = []
        for part in message.parts:
            if not isinstance(part, TextPart):
                parts.append(part)
                continue
            spoken = speakable(part.content)
            letters = _letters(spoken)
            if left >= len(letters):
                parts.append(part)
            elif left > 0:
                parts.append(replace(part, content=spoken[: letters[left - 1]] + CUT))
            left = max(0, left - len(letters))
        if any(isinstance(part, TextPart | ToolCallPart) for part in parts):
            kept.append(replace(message, parts=parts))
    return kept


def _letters(text: str) -> list[int]:
    """The index at which each letter or digit ends, together with the punctuation after it.

    Words are compared letter by letter: two texts of the same words may differ in spaces and dashes that stand alone,
    and some scripts have no spaces.
    """
    return [letter.end() for letter in re.finditer(r"\w[^\w\s]*", text)]
