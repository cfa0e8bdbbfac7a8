"""Persona: a model that plays the caller, to try how a real model of the agent does in a whole conversation."""

from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage
from pydantic_ai.models import Model

HANGS_UP = "[hangs up]"
"""The model ends its last line with it."""
INSTRUCTIONS = (
    "You play a person who is calling somebody on the phone. You are given what the other side says, and you answer "
    "with the words that the person says next, and nothing else: one or two short spoken sentences, without quotation "
    "marks. Never play the other side. When the person has what they want, or sees that they will not get it, they say "
    f"goodbye, and you end that line with {HANGS_UP}. This is the person: {{who}}"
)
SILENCE = "(Nobody says anything.)"


class Persona:
    """One person in one call."""

    def __init__(self, who: str, model: Model | str) -> None:
        """`who` tells the model whom it plays, and what this person wants."""
        self._agent = Agent(model, instructions=INSTRUCTIONS.format(who=who))
        self._history: list[ModelMessage] = []
        self.hangs_up = False
        """The person has nothing more to say."""

    async def answer(self, heard: str) -> str:
        """What the person says when they have heard this; "" when they hang up without a word."""
        result = await self._agent.run(heard or SILENCE, message_history=self._history)
        self._history = result.all_messages()
        self.hangs_up = HANGS_UP in result.output
        return result.output.replace(HANGS_UP, "").strip()
