"""Asides: what the agent says while the caller waits for its answer. The model has not written it, but it was heard."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart


class Asides:
    """The asides of one run. They are kept by the message that they belong to."""

    def __init__(self) -> None:
        self._before: defaultdict[int, list[TextPart]] = defaultdict(list)
        """Said before the model wrote anything of the message with this number."""
        self._after: defaultdict[int, list[TextPart]] = defaultdict(list)
        """Said after the words of the message with this number, mostly while the tools run that it calls."""

    def add(self, text: str, messages: Sequence[ModelMessage], begun: bool) -> None:
        """The agent says `text` now. `messages` are complete: the model is thinking, or its tools run. `begun`: it has
        begun to write the next message."""
        if messages and isinstance(messages[-1], ModelResponse):
            self._after[len(messages) - 1].append(TextPart(text))
        elif begun:
            self._after[len(messages)].append(TextPart(text))
        else:
            self._before[len(messages)].append(TextPart(text))

    def inserted(self, messages: Sequence[ModelMessage]) -> list[ModelMessage]:
        """`messages` with the asides where they were said."""
        found = list(messages)
        if self._before[len(found)]:
            found.append(ModelResponse(parts=[]))  # the model has not written anything yet
        for number, message in enumerate(found):
            if isinstance(message, ModelResponse):
                parts = [*self._before[number], *message.parts, *self._after[number]]
                found[number] = replace(message, parts=parts)
        return found
