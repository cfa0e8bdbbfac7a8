"""An agent whose tools are those of an MCP server: it books appointments in a calendar.

The server is examples/mcp_calendar_server.py, in a process of its own, on stdio. docs/agents.md says what Antiphon does
for its connection.

pip install "antiphon[mcp]"
antiphon serve --agent examples/mcp_calendar.py:agent --model openai:gpt-5-mini
"""

import os
import sys
from datetime import date
from pathlib import Path

from fastmcp.client.transports import StdioTransport
from pydantic_ai import Agent
from pydantic_ai.mcp import MCPToolset

from antiphon import VoiceAgent

SERVER = Path(__file__).with_name("mcp_calendar_server.py")
BOOKINGS = os.environ.get("CALENDAR_FILE", "calendar.db")
"""The file in which the MCP server keeps what is booked."""

calendar = MCPToolset(StdioTransport(sys.executable, [str(SERVER), BOOKINGS]))

secretary = Agent(
    toolsets=[calendar],
    instructions="You book appointments on the phone. Answer in one or two short spoken sentences.",
)


@secretary.instructions
def today() -> str:
    """Callers say "tomorrow", and the tools want a date."""
    return f"Today is {date.today():%A, %Y-%m-%d}."


agent = VoiceAgent(
    agent=secretary,
    name="Calendar",
    about="Books and cancels appointments.",
    examples=("What is free tomorrow?", "Please book ten o'clock for Ann.", "I have to cancel."),
    greeting="Hello, when would you like to come?",
    lookups=frozenset({"free_slots"}),
)
