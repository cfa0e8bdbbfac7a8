"""An agent as an author writes it, for the tests of `antiphon.testing`."""

import asyncio
from dataclasses import dataclass, field

from pydantic_ai import Agent, ModelRetry, RunContext

from antiphon import CallInfo, CallLanguage, Lines, VoiceAgent, switch_language
from antiphon.testing import ScriptedModel, ToolCall

STORY = (
    "Once upon a time there was a king who had three daughters, and each of them wanted to eat at another table, "
    "so that he had to book four of them."
)


@dataclass
class Desk:
    info: CallInfo
    hang_up_requested: bool = False
    booked: list[str] = field(default_factory=list)
    call_language: CallLanguage | None = None


def book(context: RunContext[Desk], what: str) -> str:
    """Book something. It is a normal function, so it runs in a thread."""
    if what == "the moon":
        raise KeyError(what)
    if what == "nothing":
        raise ModelRetry("Ask what.")
    context.deps.booked.append(what)
    return f"booked {what}"


async def wait(seconds: int) -> str:
    """Wait."""
    await asyncio.sleep(seconds)
    return "done"


def hang_up(context: RunContext[Desk]) -> str:
    """End the call."""
    context.deps.hang_up_requested = True
    return "Goodbye then."


ANSWERS = {
    r"book (.*)": ["One moment.", ToolCall("book", what=r"\1"), "It is done: {result}."],
    "wait": ["One moment.", ToolCall("wait", seconds=5)],
    "story": STORY,
    "tables": "Two tables, then.",
    "bye": ToolCall("hang_up"),
    "deutsch": [ToolCall("switch_language", tag="de"), "Gern."],
    r"^(\d) (\d)$": r"You have pressed \1 and \2.",
    "hello": "Hello to you.",
}
agent = VoiceAgent(
    agent=Agent(ScriptedModel(ANSWERS), deps_type=Desk, tools=[book, wait, hang_up, switch_language]),
    greeting="Hello, what can I do for you?",
    lines={"de": Lines(still_there="Sind Sie noch da?")},
    make_deps=Desk,
)
