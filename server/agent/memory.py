"""Memory: the part of a long call that the model is given, so that no call outgrows its model."""

from collections.abc import Sequence

from pydantic_ai.messages import ModelMessage, ModelRequest, ToolCallPart, UserPromptPart
from pydantic_ai.usage import RequestUsage

CHARS_PER_TOKEN = 3
"""English has about four characters in a token, and most other languages have fewer."""


class Memory:
    """The memory of one call. It forgets whole exchanges, and many at once, because providers cache a prompt by how it
    begins: the beginning should change rarely."""

    def __init__(self, chars: int) -> None:
        """The model is given at most `chars` characters."""
        self._chars = chars
        self._begin = 0

    def recall(self, history: Sequence[ModelMessage]) -> list[ModelMessage]:
        """The newest messages of `history`, which may only grow from call to call.

        When they have too many characters, the oldest are forgotten until at most half the limit is left.
        """
        sizes = [_size(message) for message in history[self._begin :]]
        if sum(sizes) > self._chars:
            self._begin += self._forget(history[self._begin :], sizes)
        return list(history[self._begin :])

    def _forget(self, messages: Sequence[ModelMessage], sizes: Sequence[int]) -> int:
        """How many messages to forget.

        What is kept begins with the earliest exchange from which at most half the limit is left. If there is none, it
        begins with the newest exchange, unless that alone is over the limit.
        """
        left, begins = sum(sizes), len(messages)
        for number, (message, size) in enumerate(zip(messages, sizes, strict=True)):
            if _begins_exchange(message) and left <= self._chars:
                begins = number
                if left <= self._chars // 2:
                    break
            left -= size
        return begins


def _begins_exchange(message: ModelMessage) -> bool:
    """Whether an exchange begins with this message: with what the caller says. No provider accepts the result of a tool
    without the call to that tool, so no other message may come first."""
    return isinstance(message, ModelRequest) and any(isinstance(part, UserPromptPart) for part in message.parts)


def estimated_tokens(messages: Sequence[ModelMessage]) -> int:
    """About how many tokens a model reads and writes for these messages, with their last instructions."""
    requests = [message for message in messages if isinstance(message, ModelRequest)]
    instructions = len(requests[-1].instructions or "") if requests else 0
    return (sum(map(_size, messages)) + instructions) // CHARS_PER_TOKEN


def _size(message: ModelMessage) -> int:
    """The number of characters, roughly."""
    return sum(
        len(str(part.args)) if isinstance(part, ToolCallPart) else len(str(getattr(part, "content", "")))
        for part in message.parts
    )


def used_tokens(reported: RequestUsage, complete: bool, messages: Sequence[ModelMessage]) -> int:
    """The tokens of one request: as the provider reports them, or estimated.

    Most providers report them at the end of the answer, so of a request that was cancelled they report none or too few.
    """
    if complete and reported.total_tokens:
        return reported.total_tokens
    return max(reported.total_tokens, estimated_tokens(messages))
