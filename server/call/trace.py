"""CallTrace: follows a call from beside it, exchange by exchange. The call tells it what happens, and asks nothing."""

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

Work = Callable[[], Coroutine[Any, Any, None]]
"""What a task of a call runs."""


class ExchangeTrace(Protocol):
    """Follows one exchange: an utterance and its answer, or what the agent says without being asked."""

    def within(self, work: Work) -> Work:
        """The same work, as a part of this exchange: all that it asks engines, models and tools for belongs to it."""

    def mark(self, stage: str) -> None:
        """The exchange has reached a stage of the stopwatch."""

    def answer(self, reply: int) -> None:
        """The reply with this number is given to the caller now."""

    def end(self, how: str) -> None:
        """The exchange is over: "heard", "interrupted" or "failed"; "dropped" for an utterance without an answer of its
        own. Only the first time counts."""


class CallTrace(Protocol):
    """Follows one call."""

    def begin(self, utterance: int | None, spoken: bool) -> ExchangeTrace:
        """An exchange begins, with the `utterance` of this number, which is `spoken` or typed; None if nobody asks."""

    def end(self, how: str) -> None:
        """The call is over here: for a reason of `CallEnd`, or because it is "not_connected" or "refused"; "" where it
        goes on elsewhere. Only the first time counts."""


class Untraced:
    """Follows nothing: one call, or one exchange of it."""

    def begin(self, utterance: int | None, spoken: bool) -> ExchangeTrace:
        return UNTRACED

    def within(self, work: Work) -> Work:
        return work

    def mark(self, stage: str) -> None:
        pass

    def answer(self, reply: int) -> None:
        pass

    def end(self, how: str = "") -> None:
        pass


UNTRACED = Untraced()
