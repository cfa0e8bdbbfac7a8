"""Tools that book, fail and take their time, beside callers who do anything at any time: whole calls by seed.

Nothing that was booked is forgotten, and nothing is booked twice, by a model that trusts its history.
"""

import asyncio
import random
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelRequest, ModelResponse, ToolCallPart, ToolReturnPart, UserPromptPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel

from server.agent.tool_calls import NOT_RUN
from server.agent.voice_agent import VoiceAgent
from server.call import messages
from server.call.settings import CallSettings
from tests.fakes.mind import Desk, last_said
from tests.fakes.people import Caller
from tests.seeds import seeds
from tests.virtual_time import run_virtual

ROUNDS = len(seeds(80))
SHARDS = 10
SILENT_MS = 3_000
"""How long a caller who waits for an answer may hear nothing."""


@dataclass
class Booker:
    """A model that books what the caller asks for, unless its history says that this was done or tried."""

    chance: random.Random
    booked: list[str] = field(default_factory=list)
    calls: int = 0

    def agent(self, greeting: str = "") -> VoiceAgent:
        agent = Agent(FunctionModel(stream_function=self._think), deps_type=Desk, tools=[self.book])
        return VoiceAgent(agent, name="Test", greeting=greeting, make_deps=Desk)

    async def book(self, what: str) -> str:
        """Book something."""
        await asyncio.sleep(self.chance.choice((0, 0, 0.3, 1.5, 4.0)))
        if self.chance.random() < 0.15:
            raise KeyError(what)
        self.booked.append(what)
        await asyncio.sleep(self.chance.choice((0, 0, 0.5)))
        return f"booked {what}"

    async def _think(self, history: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
        check_pairs(history)
        await asyncio.sleep(self.chance.choice((0.02, 0.1, 0.7, 2.5)))
        if self.chance.random() < 0.1:
            raise ConnectionResetError
        wanted = set(re.findall(r"book (\w+)", last_said(history))) - known(history)
        if wanted and not isinstance(history[-1].parts[-1], ToolReturnPart):
            yield "One moment."
            names = sorted(wanted)
            self.calls += 1
            yield {
                n: DeltaToolCall("book", f'{{"what": "{name}"}}', tool_call_id=f"call{self.calls}-{n}")
                for n, name in enumerate(names)
            }
            return
        for word in ("That ", "is ", "how ", "it ", "is ", "then. "):
            yield word
            await asyncio.sleep(0.02)
            if self.chance.random() < 0.01:
                raise ConnectionResetError


def check_pairs(history: list[ModelMessage]) -> None:
    """What providers refuse: a call without a result, and a result without its call."""
    waiting: list[str] = []
    for message in history:
        if isinstance(message, ModelResponse):
            assert not waiting, "a call has no result"
            waiting = [part.tool_call_id for part in message.parts if isinstance(part, ToolCallPart)]
        else:
            for part in message.parts:
                if isinstance(part, ToolReturnPart):
                    waiting.remove(part.tool_call_id)
    assert not waiting, "a call has no result"


def known(history: list[ModelMessage]) -> set[str]:
    """What was booked, or may have been: a careful model does not book it again."""
    parts = [part for message in history for part in message.parts]
    results = {part.tool_call_id: part.content for part in parts if isinstance(part, ToolReturnPart)}
    calls = [part for part in parts if isinstance(part, ToolCallPart)]
    books = [part for part in calls if part.tool_name == "book"]
    return {part.args_as_dict()["what"] for part in books if results.get(part.tool_call_id) != NOT_RUN}


def said_to_be_booked(history: list[ModelMessage]) -> set[str]:
    texts = [
        str(part.content)
        for message in history
        if isinstance(message, ModelRequest)
        for part in message.parts
        if isinstance(part, ToolReturnPart | UserPromptPart)
    ]
    return set(re.findall(r"booked (\w+)", " ".join(texts)))


async def live(caller: Caller, chance: random.Random) -> list[tuple[float, float]]:
    """Ask for bookings, go on, interrupt, and lose the connection. Returns the times without one, in ms."""
    away: list[tuple[float, float]] = []
    for number in range(chance.randint(4, 10)):
        doing, request = chance.random(), f"book thing{number}"
        if doing < 0.3:
            await caller.say(request)
        elif doing < 0.65:
            caller.session.receive_text(messages.Text(text=request).to_json())
        elif doing < 0.75:
            caller.session.receive_text(messages.Interrupt().to_json())
        elif doing < 0.85:
            caller.session.receive_text(messages.Text(text="hello").to_json())
        elif doing < 0.95:
            left_ms = caller.now_ms
            await caller.drop(chance.choice((100, 1_000)))
            await caller.wait(chance.choice((100, 3_000)))
            caller.come_back()
            away.append((left_ms, caller.now_ms))
        else:
            await caller.say("no wait")
        await caller.wait(chance.choice((20, 200, 500, 900, 1_700, 2_500, 6_000)))
    return away


@pytest.mark.parametrize("shard", range(SHARDS))
def test_nothing_is_forgotten_and_nothing_done_twice(shard: int) -> None:
    """In the history is each booking with its result, once. Nobody who waits hears nothing for three seconds."""

    async def scenario(seed: int) -> None:
        chance = random.Random(seed)
        mind = Booker(chance)
        async with Caller(mind, settings=CallSettings(idle_prompt_s=1_000)) as caller:  # type: ignore[arg-type]
            away = await live(caller, chance)
            for _ in range(60):
                await caller.wait(500)
                if caller.states[-1] == "listening" and not any(caller.heard[-100:]):
                    break
            await caller.wait(6_000)
            history = caller.session.dialogue.history.messages
        check_pairs(history)
        assert sorted(set(mind.booked)) == sorted(mind.booked), (seed, mind.booked)
        assert set(mind.booked) <= said_to_be_booked(history), (seed, mind.booked)
        assert longest_wait_ms(caller, away) <= SILENT_MS, (seed, longest_wait_ms(caller, away))

    for seed in range(shard, ROUNDS, SHARDS):
        run_virtual(scenario(seed))


def longest_wait_ms(caller: Caller, away: list[tuple[float, float]]) -> float:
    """The longest time after words of the caller for which the agent was thinking and nothing was heard, except while
    the caller was `away`."""
    spoken = {told.at_ms for told in caller.told if isinstance(told.message, messages.Interrupted)}
    states = [(told.at_ms, told.message.state) for told in caller.told if isinstance(told.message, messages.State)]
    longest = silent = 0.0
    for number, pcm in enumerate(caller.heard):
        now_ms = number * 20
        state = next((state for at_ms, state in reversed(states) if at_ms <= now_ms), "listening")
        connected = not any(left_ms <= now_ms <= back_ms for left_ms, back_ms in away)
        silent = silent + 20 if state == "thinking" and pcm is None and connected and now_ms not in spoken else 0.0
        longest = max(longest, silent)
    return longest
