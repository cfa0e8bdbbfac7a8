"""RunWatcher: is told what the runs of agents ask models and tools for, and how long that takes."""

from typing import Protocol

from pydantic_ai.usage import RequestUsage

from server.agent.ran import Outcome

BY_CLIENT = {"client": True}
"""The metadata of tools that a client has brought. Any client may invent names, so these are not told apart."""


class RunWatcher(Protocol):
    """Watches the runs of all calls. Its methods must not wait."""

    def asked(self, model: str, took_s: float, first_s: float | None, usage: RequestUsage, failed: bool) -> None:
        """A request to a model, by its pydantic-ai name, is over. `first_s` is how long its first words took."""

    def ran(self, tool: str, took_s: float, outcome: Outcome) -> None:
        """A tool has come to its end; "client" is one of a client's. What takes too long is "stopped", too."""


class Unwatched:
    """Takes note of nothing."""

    def asked(self, model: str, took_s: float, first_s: float | None, usage: RequestUsage, failed: bool) -> None:
        pass

    def ran(self, tool: str, took_s: float, outcome: Outcome) -> None:
        pass


UNWATCHED = Unwatched()
