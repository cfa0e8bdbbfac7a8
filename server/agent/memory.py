"""Memory: the part of a long call that the model is given, so that no call outgrows its model.

When the limit comes near, `old` says what should be summarised. When the limit is reached, the summary takes the place
of the old messages. If there is none, they are left out.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic_ai.messages import ModelMessage, ModelRequest, ToolCallPart, UserPromptPart
from pydantic_ai.usage import RequestUsage

CHARS_PER_TOKEN = 3
"""English has about four characters in a token, and most other languages have fewer."""
NEAR = 0.7
"""The share of the limit at which a summary is begun. The rest is some minutes of talk, and a summary takes seconds."""
KEPT = 0.2
"""The share of the limit that the newest exchanges may take which are not summarised."""
SUMMARY = 0.1
"""The share of the limit that a summary may take."""
SUMMARISED = "(A summary of the call so far, which the server had made. Nobody has said it.)\n{text}"


@dataclass(frozen=True, slots=True)
class Old:
    """What should be summarised: the summary before and the messages since then, up to the message number `end`."""

    summary: str
    messages: Sequence[ModelMessage]
    end: int


class Memory:
    """The memory of one call. It forgets whole exchanges, and many at once, because providers cache a prompt by how it
    begins: the beginning should change rarely."""

    def __init__(self, chars: int) -> None:
        """The model is given at most `chars` characters."""
        self._chars = chars
        self._begin = 0
        self._summary = self._next = ""
        """The summary that the model is given, and the newer one that takes its place when the limit is reached."""
        self._end = 0
        """The messages before this one are in the newest summary, or could not be summarised."""
        self.forgotten = False
        """Messages were left out for which there is no summary."""

    def recall(self, history: Sequence[ModelMessage]) -> list[ModelMessage]:
        """The newest messages of `history`, which may only grow from call to call.

        When they have too many characters, the older ones give way to their summary. Without one, the oldest are
        forgotten until at most half the limit is left.
        """
        if self._next and (self.forgotten or not self._fits(history)):
            self._begin, self._summary, self._next = max(self._begin, self._end), self._next, ""
            self.forgotten = False
        if not self._fits(history):
            sizes = [_size(message) for message in history[self._begin :]]
            self._begin += self._forget(history[self._begin :], sizes)
            self.forgotten = True
        summary = SUMMARISED.format(text=self._summary)
        return [ModelRequest.user_text_prompt(summary)] * bool(self._summary) + list(history[self._begin :])

    def old(self, history: Sequence[ModelMessage]) -> Old | None:
        """What should be summarised now; None if nothing should."""
        left = sum(map(_size, history[self._end :])) + len(self._summary)
        if self._next or left <= NEAR * self._chars:
            return None
        end = self._end
        for number, message in enumerate(history[self._end :], self._end):
            if _begins_exchange(message):
                end = number
                if left <= KEPT * self._chars:
                    break
            left -= _size(message)
        return Old(self._summary, history[self._end : end], end) if end > self._end else None

    def keep(self, old: Old, summary: str) -> None:
        """There is a `summary` of what is `old`; "" if none could be made. Its end is cut off if it is too long."""
        self._end, self._next = old.end, summary[: int(SUMMARY * self._chars)]

    def _fits(self, history: Sequence[ModelMessage]) -> bool:
        return sum(map(_size, history[self._begin :])) <= self._room

    @property
    def _room(self) -> int:
        return self._chars - len(self._summary)

    def _forget(self, messages: Sequence[ModelMessage], sizes: Sequence[int]) -> int:
        """How many messages to forget.

        What is kept begins with the earliest exchange from which at most half the limit is left. If there is none, it
        begins with the newest exchange, unless that alone is over the limit.
        """
        left, begins = sum(sizes), len(messages)
        for number, (message, size) in enumerate(zip(messages, sizes, strict=True)):
            if _begins_exchange(message) and left <= self._room:
                begins = number
                if left <= self._room // 2:
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
    if complete and reported.total_tokens > 0:
        return reported.total_tokens
    return max(reported.total_tokens, estimated_tokens(messages))
