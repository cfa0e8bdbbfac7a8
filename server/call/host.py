"""Host: whom a dialogue belongs to, and what it is told of each exchange."""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from pydantic_ai.messages import ModelMessage

from server.call import messages
from server.call.mouth.mouth import Spoken
from server.errors import EngineError


@dataclass(frozen=True, slots=True)
class Exchanged:
    """An exchange that is over: what was heard of the answer, and the messages that tell it to a model."""

    spoken: Spoken
    heard: str
    interrupted: bool
    messages: Sequence[ModelMessage]
    ended_s: float


class Host(Protocol):
    """Whom a dialogue belongs to."""

    @property
    def unheard_ms(self) -> float:
        """How much of what the connection took has not been heard."""

    def send(self, message: messages.ServerMessage) -> None:
        """Tell the client."""

    def hurry(self) -> None:
        """An answer is ready to be heard, before the next frame is due."""

    def start(self, work: Callable[[], Coroutine[Any, Any, None]], name: str) -> asyncio.Task[None]:
        """In a task of the call's group."""

    def answered(self) -> None:
        """The person has said something that is being answered."""

    def exchanged(self, exchange: Exchanged) -> None: ...
    def amended(self, exchange: Exchanged) -> None:
        """Less was heard of the last exchange than was said of it."""

    def failed(self, failure: EngineError) -> None: ...
    def end(self) -> None:
        """The call is over."""
