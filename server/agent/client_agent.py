"""The client's agent: it is and does what the client of a call says, with the model of the server."""

from pydantic_ai import Agent

from server.agent.voice_agent import VoiceAgent

NAME = "client"
"""How it is reached, and named in ANTIPHON_AGENT."""


def client_agent() -> VoiceAgent:
    """An agent without instructions, tools and a model of its own. It waits for the caller to speak."""
    return VoiceAgent(
        Agent(), name="Assistant", about="This agent is what the client of the call makes it.", by_client=True
    )
