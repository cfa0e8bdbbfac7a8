"""VoiceAgent: a pydantic-ai agent with what a voice needs."""

from dataclasses import dataclass
from typing import Any

from pydantic_ai import Agent


@dataclass(frozen=True, slots=True)
class VoiceAgent:
    """Who answers the phone.

    `agent` is any pydantic-ai agent whose output is text; its tools, instructions and model are its own.
    `make_deps` makes the agent's dependencies for one call, so that no call sees another's state.
    """

    agent: Agent[Any, str]
    name: str = "Agent"
    greeting: str = ""
    """Said when the call begins; "" waits for the caller."""
    goodbye: str = "Goodbye."
    """Said when the server has to end the call."""
    apology: str = "Sorry, something went wrong on my side. Could you say that again?"
    """Said when an engine, the model or a tool fails; the call goes on."""
    voice: str = ""
    """The text-to-speech engine's name of a voice; "" is its default."""
    language: str = "en"
    phrases: tuple[str, ...] = ()
    """Sentences that callers are expected to say: lower case, numbers spelled out, no punctuation."""
    make_deps: Any = None
    """A function of no arguments that makes the `deps` of one call, or None."""
