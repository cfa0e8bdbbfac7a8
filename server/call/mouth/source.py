"""Source: where the words of a reply come from. The agent's run is one; a line in fixed words is another."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, TextPart

from server.agent.passing_on import PassingOn
from server.agent.ran import Ran


class Source(Protocol):
    """Where the words of a reply come from."""

    tools: list[str]
    """Names of the tools that were called, in order."""

    known: int
    """How many results of tools in the background these words may tell of."""
    cut_off: bool
    """The words end where somebody stopped their writer."""

    @property
    def hang_up(self) -> bool:
        """The call ends when the caller has heard this to its end."""

    @property
    def passes_on(self) -> PassingOn | None:
        """To whom the call is passed on when the caller has heard this to its end."""

    @property
    def tool_running(self) -> bool:
        """A tool has been called and has not returned."""

    @property
    def running(self) -> Sequence[str]:
        """The names of the tools that run now."""

    @property
    def ran(self) -> Sequence[Ran]:
        """The tools that were begun, and what became of them so far."""

    @property
    def model(self) -> str:
        """The model that gives the words; "" if none does."""

    def add_aside(self, text: str) -> None:
        """The agent says this while the caller waits. It belongs into the history."""

    def give_up(self) -> None:
        """Begin no tool any more."""

    async def speak(self, on_text: Callable[[str], None], committed: asyncio.Event) -> None:
        """Give the text as it comes. Tools with effects wait for `committed`. Raises EngineError."""

    def messages(self) -> list[ModelMessage]:
        """What goes into the history: everything so far, as if the caller had heard all of it."""


class Line:
    """A fixed text that the agent says and that nobody asked for."""

    def __init__(
        self,
        text: str,
        occasion: str,
        interruptible: bool = True,
        hang_up: bool = False,
        known: int = 0,
        passes_on: PassingOn | None = None,
    ) -> None:
        """`occasion` tells a model later why it was said. `hang_up`: the call ends with it. `known` and `passes_on` are
        those of the answer whose rest it is."""
        self.text = text
        self.interruptible = interruptible
        self.hang_up = hang_up
        self.known = known
        self.passes_on = passes_on
        self._occasion = occasion
        self._asides: list[TextPart] = []
        self.tools: list[str] = []
        self.tool_running = self.cut_off = False
        self.running = ()
        self.ran: Sequence[Ran] = ()
        self.model = ""

    async def speak(self, on_text: Callable[[str], None], committed: asyncio.Event) -> None:
        on_text(self.text)

    def add_aside(self, text: str) -> None:
        self._asides.append(TextPart(text))

    def give_up(self) -> None:
        pass

    def messages(self) -> list[ModelMessage]:
        request = ModelRequest.user_text_prompt(f"({self._occasion})")
        return [request, ModelResponse(parts=[*self._asides, TextPart(self.text)])]


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the model is asked although the caller has said nothing."""

    text: str
    """"": it is asked to answer the last words of the history."""
    first: str = ""
    """What the agent says in fixed words before the model's answer."""
    instructions: str = ""
    """What the client tells the model for this answer alone."""
