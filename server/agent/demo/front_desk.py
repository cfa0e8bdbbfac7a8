"""The demo agent: the front desk of a small shop. Rules take the place of a language model; the tools are real.

The agent also works with a language model: its instructions and tools are written for one, and the rules are a
pydantic-ai model that another model can replace. Like any model, the rules see the messages of the call and nothing
else.
"""

import json
import re
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime

from pydantic_ai import Agent
from pydantic_ai.messages import (
    ModelMessage,
    ModelRequest,
    ModelResponse,
    RetryPromptPart,
    TextPart,
    ToolReturnPart,
    UserPromptPart,
)
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel

from server.agent.demo import rules, shop
from server.agent.demo.decision import Decision
from server.agent.demo.phrases import front_desk_phrases, order_number_phrases
from server.agent.notices import TAKES_NOTICES
from server.agent.voice_agent import VoiceAgent

_INSTRUCTIONS = f"""\
You are the front desk of {shop.NAME}, a small book shop at {shop.ADDRESS}. You are on the phone: the caller \
hears you and does not see you.

How you speak:
- One or two short sentences. Begin with a clause of a few words. Plain spoken English: no lists, no markdown, no emoji.
- Write numbers, times and dates in words. Read an order number digit by digit: "four two seven one".
- Ask one question at a time. Do not repeat what the caller already knows.

What you hear is a transcript and has mistakes, mostly in small words, names and numbers: "for" may be "four". \
Take the likely meaning. If you cannot tell, ask for the one thing that you need.

What you do:
- Opening hours, orders, callbacks, the time, the date and sums: always call the tool, never guess.
- An order number has four digits. If it is missing, ask for it. If it has another length, say which digits \
you heard and ask again; never guess it.
- For a callback you need a day and a time. Afterwards say what you booked.
- When the caller says a name, remember it with the tool. When asked what was said before, look at the conversation.
- When the caller says goodbye or wants to hang up, call hang_up, and then say a short goodbye.
- Anything else: say kindly that you can't help with it, and what you can do.
"""


def front_desk(now: Callable[[], datetime] = datetime.now) -> VoiceAgent:
    """The demo agent; `now` gives the time in the shop."""
    agent = Agent(
        FunctionModel(stream_function=_think, model_name="front-desk-rules", profile=TAKES_NOTICES),
        deps_type=shop.Desk,
        instructions=_INSTRUCTIONS,
        tools=shop.TOOLS,
        name="front_desk",
    )
    return VoiceAgent(
        agent=agent,
        name=shop.NAME,
        about="The front desk of a small book shop: opening hours, orders, callbacks and sums.",
        examples=(
            "When do you close on Saturday?",
            "Where is my order four two seven one?",
            "Call me back tomorrow at ten.",
            "What is seven times eight?",
        ),
        greeting=f"Hello, this is {shop.NAME}. How can I help?",
        goodbye="I am sorry, I have to go now. Goodbye.",
        languages=("en",),
        phrases=front_desk_phrases(),
        number_phrases=order_number_phrases(),
        digits=shop.ORDER_DIGITS,
        lookups=shop.LOOKUPS,
        make_deps=lambda: shop.Desk(now),
        dump_deps=shop.Desk.dump,
        load_deps=lambda state: shop.Desk.load(state, now),
    )


async def _think(messages: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
    """One step of the model: say what the tool returned, or answer what the caller said."""
    newest = messages[-1].parts
    returns = [str(part.content) for part in newest if isinstance(part, ToolReturnPart | RetryPromptPart)]
    decision = Decision(" ".join(returns)) if returns else rules.decide(_said(messages), _answered(messages))
    for delta in re.findall(r"\S+\s*", decision.text):
        yield delta
    if decision.tool:
        yield {0: DeltaToolCall(decision.tool, json.dumps(dict(decision.args)), tool_call_id=f"call_{len(messages)}")}


def _said(messages: Sequence[ModelMessage]) -> list[str]:
    """What the caller said, oldest first."""
    parts = (part for message in messages if isinstance(message, ModelRequest) for part in message.parts)
    said = [part.content for part in parts if isinstance(part, UserPromptPart)]
    texts = [
        text if isinstance(text, str) else " ".join(part for part in text if isinstance(part, str)) for text in said
    ]
    return [text for text in texts if not text.startswith("(")]  # "(The call begins.)" is the server's note


def _answered(messages: Sequence[ModelMessage]) -> str:
    """The last answer to the caller; a tool call may have cut it in two."""
    texts: list[str] = []
    for message in reversed(messages[:-1]):
        if isinstance(message, ModelResponse):
            texts.insert(0, "".join(part.content for part in message.parts if isinstance(part, TextPart)))
        elif texts and any(isinstance(part, UserPromptPart) for part in message.parts):
            break
    return " ".join(text.strip() for text in texts if text.strip())
