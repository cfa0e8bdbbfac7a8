"""Memory: what of a long call its model is given, so that the call never outgrows it."""

from collections.abc import Sequence

from pydantic_ai.messages import ModelMessage, ModelRequest, ToolCallPart, UserPromptPart


class Memory:
    """Of one call. It forgets whole exchanges, many at once: providers cache a prompt by how it begins."""

    def __init__(self, chars: int) -> None:
        """`chars` are given at most."""
        self._chars = chars
        self._begin = 0

    def recall(self, history: Sequence[ModelMessage]) -> list[ModelMessage]:
        """The newest messages of a history that only grows; when they are too many, not more than half as many."""
        sizes = [_size(message) for message in history[self._begin :]]
        if sum(sizes) > self._chars:
            self._begin += self._forget(history[self._begin :], sizes)
        return list(history[self._begin :])

    def _forget(self, messages: Sequence[ModelMessage], sizes: Sequence[int]) -> int:
        """How many: to the earliest exchange from which half is left, else to the newest, if that is not too long."""
        left, begins = sum(sizes), len(messages)
        for number, (message, size) in enumerate(zip(messages, sizes, strict=True)):
            if _asks(message) and left <= self._chars:
                begins = number
                if left <= self._chars // 2:
                    break
            left -= size
        return begins


def _asks(message: ModelMessage) -> bool:
    """An exchange begins with what the person says: no provider takes a tool's result without its call."""
    return isinstance(message, ModelRequest) and any(isinstance(part, UserPromptPart) for part in message.parts)


def _size(message: ModelMessage) -> int:
    """Characters, near enough."""
    return sum(
        len(str(part.args)) if isinstance(part, ToolCallPart) else len(str(getattr(part, "content", "")))
        for part in message.parts
    )
