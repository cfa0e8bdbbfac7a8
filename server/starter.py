"""The files that `antiphon new` writes: an agent to change, and its test. Each has `MODULE` for the agent's module."""

AGENT = '''"""An agent that answers the phone of a restaurant. Make it your own.

Type with it in this terminal:   antiphon try MODULE.py --model openai:gpt-5-mini
Let it answer calls:             antiphon serve --agent MODULE.py:agent --model openai:gpt-5-mini
Test it, without a real model:   pytest test_MODULE.py

`--model` takes any model that pydantic-ai knows. It reads the key of a provider from the environment, such as
OPENAI_API_KEY.
"""

from dataclasses import dataclass, field

from pydantic_ai import Agent, RunContext

from antiphon import VoiceAgent


@dataclass
class Visit:
    """What belongs to one call. Each call gets its own, and each tool gets it as `context.deps`."""

    booked: list[str] = field(default_factory=list)
    hang_up_requested: bool = False
    """A tool sets it to end the call, after the caller has heard the answer."""


# A pydantic-ai agent. Its model may stand here, too: Agent("openai:gpt-5-mini", deps_type=…).
restaurant = Agent(
    deps_type=Visit,
    instructions=(
        "You answer the phone of the restaurant Olive. Answer in one or two short sentences, as one speaks. "
        "Ask for the number of people and the time before you book a table."
    ),
)


# The model reads the name, the parameters and the docstring, and decides when to call the tool. A tool runs only when
# the caller is done. What it returns is for the model, which mostly says it again, so write a sentence.
@restaurant.tool
def book_table(context: RunContext[Visit], people: int, time: str) -> str:
    """Book a table."""
    table = f"a table for {people} at {time}"
    context.deps.booked.append(table)
    return f"You have {table}."


@restaurant.tool
def hang_up(context: RunContext[Visit]) -> str:
    """End the call, when the caller says goodbye."""
    context.deps.hang_up_requested = True
    return "Thank you for calling. Goodbye."


agent = VoiceAgent(
    agent=restaurant,
    name="Olive",
    about="Books a table.",
    examples=("A table for two at seven, please.",),
    greeting="Restaurant Olive, good evening. How can I help?",
    make_deps=Visit,
)
'''

TEST = '''"""What the agent has to do, in calls on virtual time: pytest test_MODULE.py

A scripted model stands in for the real one, so the tests cost nothing and always run alike. They test tools, state and
lines of the agent, but not how good a real model is: for that, talk with it (`antiphon try`).
"""

from MODULE import agent

from antiphon.testing import ScriptedModel, ToolCall, call, run

MODEL = ScriptedModel(
    {
        r"table for two at (\\w+)": ["One moment.", ToolCall("book_table", people=2, time=r"\\1")],
        "where are you": "We are in Mill Lane, between the bakery and the old bridge, right beside the station.",
        "goodbye": ToolCall("hang_up"),
    }
)


def test_a_table_is_booked() -> None:
    """The agent greets, books, and ends the call when the caller says goodbye."""

    async def scenario() -> None:
        async with call(agent, MODEL) as caller:
            caller.expect_said("How can I help?")
            await caller.says("A table for two at seven, please.")
            caller.expect_tool("book_table", people=2, time="seven")
            caller.expect_said("a table for 2 at seven")
            assert caller.deps.booked == ["a table for 2 at seven"]
            await caller.says("Thank you, goodbye.")
            caller.expect_hung_up()

    run(scenario())


def test_a_caller_interrupts() -> None:
    """The agent stops, and does what the caller wants."""

    async def scenario() -> None:
        async with call(agent, MODEL) as caller:
            await caller.says("Where are you?", until="Mill Lane")
            await caller.interrupts("I know that. A table for two at eight, please.")
            caller.expect_tool("book_table", time="eight")
            assert caller.answers[1].interrupted

    run(scenario())


def test_a_silent_caller_is_asked() -> None:
    """And the call ends in the end."""

    async def scenario() -> None:
        async with call(agent, MODEL) as caller:
            await caller.is_silent(20)
            caller.expect_said("Are you still there?")
            await caller.is_silent(60)
            caller.expect_hung_up()

    run(scenario())
'''
