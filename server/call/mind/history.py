"""What was said in this call, and of the agent's part only what was heard.

Messages are pydantic-ai's, so that any model's provider takes them: a tool call stands with its result always, and an
answer that was cut off ends at the last word that left playout, with a dash.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    ModelResponsePart,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
)

from server.speech.clauses import speakable

CUT = " —"
"""Ends an answer that was interrupted."""


class History:
    """The messages of one call, oldest first."""

    def __init__(self, messages: Sequence[ModelMessage] = ()) -> None:
        self._messages = list(messages)
        self._newest = 0
        """Where the newest exchange begins."""

    @property
    def messages(self) -> list[ModelMessage]:
        return list(self._messages)

    @property
    def last_said(self) -> str:
        """What the person heard the agent say last; "" before the first word."""
        for message in reversed(self._messages):
            if isinstance(message, ModelResponse) and (said := message.text):
                return said
        return ""

    @property
    def last_question(self) -> str:
        """What the agent asked last, if the person has not answered it yet; "" if it asked nothing."""
        *_, last = re.split(r"(?<=[.!?])\s+", self.last_said.strip())
        return last if last.endswith("?") else ""

    def add(self, messages: Sequence[ModelMessage]) -> list[ModelMessage]:
        """An exchange that was heard to its end; returns it as it is written down."""
        return self._add(_paired(messages))

    def take_back(self, heard: str) -> list[ModelMessage]:
        """Of the newest exchange the person heard `heard` and no more, as it turns out; returns what is left of it."""
        exchange = self._messages[self._newest :] = cut(self._messages[self._newest :], heard)
        return exchange

    def add_interrupted(self, messages: Sequence[ModelMessage], heard: str) -> list[ModelMessage]:
        """An exchange of which the person heard `heard`, and no more; returns it as it is written down."""
        return self._add(cut(_paired(messages), heard))

    def _add(self, exchange: list[ModelMessage]) -> list[ModelMessage]:
        self._newest = len(self._messages)
        self._messages.extend(exchange)
        return exchange


def cut(messages: Sequence[ModelMessage], heard: str) -> list[ModelMessage]:
    """`messages` with the agent's text ending where `heard` does; tool calls and results stay."""
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
    """Where each letter or digit ends, with the marks after it. Spaces and lone dashes may be in one text and not in
    another of the same words, and some scripts have no spaces."""
    return [letter.end() for letter in re.finditer(r"\w[^\w\s]*", text)]


def _paired(messages: Sequence[ModelMessage]) -> list[ModelMessage]:
    """`messages` without tool calls that have no result: no provider takes a history with one."""
    answered = {part.tool_call_id for message in messages for part in message.parts if isinstance(part, ToolReturnPart)}
    kept: list[ModelMessage] = []
    for message in messages:
        if isinstance(message, ModelResponse):
            parts = [p for p in message.parts if not isinstance(p, ToolCallPart) or p.tool_call_id in answered]
            if not parts:
                continue
            message = replace(message, parts=parts)
        kept.append(message)
    return kept
