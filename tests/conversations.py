"""Conversations for tests of stores: short, but with everything that a record can have."""

from functools import cache

from pydantic_ai.messages import (
    BinaryContent,
    ModelMessage,
    ModelRequest,
    ModelResponse,
    TextPart,
    ToolCallPart,
    ToolReturnPart,
    UserPromptPart,
)

from server.record.conversation import Conversation, Exchange, Said, Standing, hash_token, tool_uses
from server.record.figures import Failure, Figures, LineFigures, ToolRun
from server.record.orders import Orders, WaitingLine
from server.record.used import Used

START_MS = 1_700_000_000_000
ASKED = "Where is my order? Ça va <b>&"


@cache
def exchange(number: int) -> Exchange:
    """An exchange in which the caller asks, a tool runs, and the agent answers and is interrupted."""
    messages: list[ModelMessage] = [
        ModelRequest(parts=[UserPromptPart([ASKED, BinaryContent(data=b"\xff\x00", media_type="audio/wav")])]),
        ModelResponse(parts=[ToolCallPart("order_status", {"number": "4271"}, f"call_{number}")]),
        ModelRequest(parts=[ToolReturnPart("order_status", "It was shipped.", f"call_{number}")]),
        ModelResponse(parts=[TextPart("It was —")]),
    ]
    at = 4_000 * number
    asked = Said("caller", ASKED, at, at + 1_500)
    answered = Said("agent", "It was", at + 2_000, at + 2_700, interrupted=True, tools=tool_uses(messages))
    return Exchange((asked, answered), tuple(messages), figures(number))


def figures(number: int) -> Figures:
    """The figures of that exchange: every field has a value, and the caller waits 100 ms longer each time."""
    waited_ms = 500.0 + 100 * number
    return Figures(
        2 * number + 1, "Riverside Books", "webrtc", "en-GB", "whisper", "openai:gpt", "piper", 2,
        200.0, 250.0, waited_ms - 200, waited_ms - 150, waited_ms - 50, waited_ms, interrupted=True, resumed=1,
        resumed_ms=(4_000 * number + 2_300,),
        false_starts=2, tools=(ToolRun("order_status", 80.5), ToolRun("refund", outcome="unknown")), input_tokens=900,
        output_tokens=30, failures=(Failure("text-to-speech", "The engine gave no sound within 3 s."),),
        line=LineFigures("opus", 0.0, 1.5, 3.2, 48.0, 60, 2, 93.2, 88.1),
    )  # fmt: skip


def conversation(name: str = "one", exchanges: int = 0, created_ms: int = START_MS) -> Conversation:
    """A conversation after this many exchanges; its resume token is "token"."""
    token_hash = hash_token("token")
    kept = Conversation(
        name, "Riverside Books", created_ms, created_ms, caller="ann", transport="webrtc", token_hash=token_hash
    )
    for _ in range(exchanges):
        kept = said_more(kept)
    return kept


def said_more(kept: Conversation) -> Conversation:
    """The same conversation, one exchange later."""
    number = len(kept.exchanges)
    used = Used(5_000 * number, 3 * number, 900 * number, 2_000 * number, 7_000 * number)
    line = WaitingLine("The shop closes early.", "idle", interruptible=False)
    orders = Orders((line, WaitingLine("12#", "now", False, keys=True)), number > 0, ("Be brief.",), muted=True)
    standing = Standing(number + 1, 2 * number + 1, used=used, orders=orders)
    return kept.with_exchange(exchange(number), kept.updated_ms + 4_000, f'{{"exchange": {number}}}', standing)
