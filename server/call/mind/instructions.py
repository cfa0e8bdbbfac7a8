"""Instructions: what an operator tells the model during a call. The caller hears nothing of it."""

from collections.abc import Sequence

from server.errors import Conflict

MAX_INSTRUCTIONS = 16
"""How many instructions a call may have. Each request to the model has all of them."""


class Instructions:
    """The instructions of one call. They hold until it ends."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def add(self, text: str) -> None:
        """Give the model `text` with each request from now on. Raises Conflict if there are too many."""
        if len(self._texts) >= MAX_INSTRUCTIONS:
            raise Conflict(f"This call has {MAX_INSTRUCTIONS} instructions already, and no more may be added.")
        self._texts.append(text)

    def restore(self, texts: Sequence[str]) -> None:
        """The call goes on with these instructions, which were given before."""
        self._texts = [*texts[:MAX_INSTRUCTIONS]]

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(self._texts)

    @property
    def text(self) -> str:
        """All of them, in the order in which they were given."""
        return "\n".join(self._texts)
