"""Host: the owner of a dialogue. It has the call's connection and its tasks."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Protocol

from server.agent.hooks import EndReason
from server.agent.passing_on import PassingOn
from server.call import messages
from server.errors import EngineError
from server.record.conversation import Exchange

Start = Callable[[Callable[[], Coroutine[Any, Any, None]], str], asyncio.Task[None]]
"""Runs a function in a task of the call's group; the text is the task's name."""


class Host(Protocol):
    """What a dialogue needs of its session."""

    id: str
    """Names the call in the log."""

    @property
    def unheard_ms(self) -> float:
        """How much of the sound that the connection has taken the caller has not heard yet."""

    def send(self, message: messages.ServerMessage) -> None:
        """Tell the client."""

    def hurry(self) -> None:
        """A reply can be heard now, before the next frame is due."""

    def start(self, work: Callable[[], Coroutine[Any, Any, None]], name: str) -> asyncio.Task[None]:
        """Run `work` in a task of the call's group."""

    def answered(self, encouraging: bool = False, spoken: bool = False) -> bool:
        """The caller has said something that is to be answered, or has listened to an answer in company.

        Returns whether it is answered: words that are only `encouraging` ("okay") are not while a tool waits for keys,
        and none that are `spoken` while a secret is keyed in.
        """

    def exchanged(self, exchange: Exchange) -> None:
        """An exchange is over and written down."""

    def failed(self, failure: EngineError) -> None:
        """An engine has failed."""

    async def pass_on(self, wish: PassingOn) -> str:
        """Make ready to pass the call on. Returns why that cannot be done; "" if it is ready."""

    def transferred(self, ok: bool, reason: str) -> None:
        """The client tells what became of a transfer."""

    def end(self, reason: EndReason = "agent") -> None:
        """The call is over, for this reason."""
