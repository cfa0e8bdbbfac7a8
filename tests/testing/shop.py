"""The agents of a shop, which hand calls over to each other or transfer them to a person."""

from dataclasses import dataclass, field, replace
from typing import Any

from pydantic_ai import Agent, RunContext

from antiphon import CallInfo, HandOver, Transfer, VoiceAgent
from antiphon.testing import ScriptedModel, ToolCall


@dataclass
class Desk:
    """What an agent of this test knows in one call."""

    info: CallInfo
    heard: list[str] = field(default_factory=list)


reception = Agent(
    ScriptedModel(
        {
            "handed over to you": "You are back.",
            "invoice|back": ["Billing will help you.", ToolCall("hand_over", agent="billing")],
            "no one": ToolCall("hand_over", agent="nobody"),
            "myself": ToolCall("hand_over", agent="reception"),
            "my own": ToolCall("hand_over", agent="Reception"),
            "sick": ToolCall("hand_over", agent="sick"),
            "silent": ToolCall("hand_over", agent="billing"),
            "person": ["I put you through.", ToolCall("transfer", to="+4930123456")],
            "could not be transferred": "Nobody is there at the moment.",
            "wait|shop": "This is the shop.",
        }
    ),
    deps_type=Desk,
)


@reception.tool
def hand_over(context: RunContext[Desk], agent: str) -> HandOver:
    return HandOver(agent, note="it is about an invoice", given=len(context.deps.heard))


@reception.tool_plain
async def transfer(to: str) -> Transfer:
    return Transfer(to, note="wants a person")


billing = Agent(
    ScriptedModel(
        {
            "handed over to you": "I have your invoice here.",
            "how much": "It is ten euros.",
            "order": ["Back to the shop.", ToolCall("give_back")],
        }
    ),
    deps_type=Desk,
)


@billing.tool_plain
def give_back() -> HandOver:
    return HandOver("reception")


RECEPTION = VoiceAgent(reception, name="Reception", greeting="Hello, the shop.", make_deps=Desk)
BILLING = VoiceAgent(billing, name="Billing", greeting="Billing, hello?", make_deps=Desk, voice="low", patience="quick")


def sick(info: CallInfo) -> Any:
    raise KeyError("the database is down")


OTHERS = {"reception": RECEPTION, "billing": BILLING, "sick": replace(BILLING, make_deps=sick)}
