"""A scripted agent in a file of its own, and the speech that it is given: cheap enough for many workers at once.

"book N" runs a tool, which writes N into a file, so that the file tells how often it ran. "tell me" is answered with a
long text, "are you there" with a short one, and "what did I say" with the first thing that the caller has said, and how
often the caller has said "tell me".
"""

from collections import Counter
from pathlib import Path

LONG = "This answer goes on for long enough to end a server in the middle of it"
AGENT = '''
import asyncio
import json

from pydantic_ai import Agent
from pydantic_ai.messages import ToolReturnPart, UserPromptPart
from pydantic_ai.models.function import DeltaToolCall, FunctionModel

from antiphon import VoiceAgent


async def think(history, info):
    parts = [part for message in history for part in message.parts]
    said = [str(part.content) for part in parts if isinstance(part, UserPromptPart)]
    if isinstance(parts[-1], ToolReturnPart):
        yield f"Done: {{parts[-1].content}}."
    elif said[-1].startswith("book "):
        yield {{0: DeltaToolCall("book", json.dumps({{"number": said[-1][5:]}}), tool_call_id=f"call{{len(said)}}")}}
    elif said[-1].startswith("what did I say"):
        yield f"{{said[0]}} and {{said.count('tell me')}} times tell me."
    elif said[-1].startswith("are you there"):
        yield "Yes, I am."
    else:
        yield {long!r} + "."


clerk = Agent(FunctionModel(stream_function=think))


@clerk.tool_plain
def book(number: str) -> str:
    """Book something."""
    with open({file!r}, "a") as file:
        file.write(number + "\\n")
    return f"booked {{number}}"


agent = VoiceAgent(agent=clerk, name="Clerk", greeting="")
'''


class Clerk:
    """The agent's file and the file of its bookings, both in `directory`."""

    def __init__(self, directory: Path) -> None:
        self._bookings = directory / "bookings"
        self._bookings.touch()
        file = directory / "clerk.py"
        file.write_text(AGENT.format(file=str(self._bookings), long=LONG))
        self.place = f"{file}:agent"

    @property
    def bookings(self) -> Counter[str]:
        """How often each number was booked."""
        return Counter(self._bookings.read_text().split())
