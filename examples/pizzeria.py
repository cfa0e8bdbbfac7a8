"""An agent to copy: it takes orders for pizza. docs/agents.md explains each part.

antiphon serve --agent examples/pizzeria.py:agent --model openai:gpt-5-mini
"""

from dataclasses import dataclass, field

from pydantic_ai import Agent, RunContext

from antiphon import VoiceAgent


@dataclass
class Order:
    """What one caller has ordered. A tool that sets `hang_up_requested` ends the call after the answer."""

    hang_up_requested: bool = False
    pizzas: list[str] = field(default_factory=list)


pizzaiolo = Agent(
    deps_type=Order,
    instructions="You take orders on the phone for a pizzeria. Answer in one or two short spoken sentences.",
)


@pizzaiolo.tool
def add_pizza(context: RunContext[Order], name: str) -> str:
    """Add a pizza to the order."""
    context.deps.pizzas.append(name)
    return f"The order is now: {', '.join(context.deps.pizzas)}."


@pizzaiolo.tool
def hang_up(context: RunContext[Order]) -> str:
    """End the call, when the caller says goodbye."""
    context.deps.hang_up_requested = True
    return "Say goodbye."


agent = VoiceAgent(
    agent=pizzaiolo,
    name="Pizzeria",
    about="Takes your order for pizza.",
    examples=("I would like a Margherita.", "Do you deliver?", "That is all, thank you."),
    greeting="Hello, what can I get you?",
    phrases=("i would like a margherita", "that is all thank you", "do you deliver"),
    make_deps=Order,
)
