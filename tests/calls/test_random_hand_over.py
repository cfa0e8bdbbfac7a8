"""Agents that hand a call over to each other, beside callers who do anything at any time: whole calls by seed.

Nothing that a tool did is forgotten or done twice, whichever agent has the call. The client always knows who speaks,
and no words are lost on the way.
"""

import asyncio
import random
import re
from collections.abc import AsyncIterator

import pytest
from pydantic_ai import Agent
from pydantic_ai.messages import ModelMessage, ModelRequest, UserPromptPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel

from server.agent.passing_on import HandOver
from server.agent.voice_agent import VoiceAgent
from server.call import messages
from server.call.settings import CallSettings
from tests.calls.test_random_effects import (
    ROUNDS,
    SHARDS,
    SILENT_MS,
    Booker,
    check_pairs,
    known,
    live,
    longest_wait_ms,
    said_to_be_booked,
)
from tests.fakes.mind import Desk, last_said
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual

SLOWER = 4
"""These calls take so much longer than those with one agent."""
NAMES = ("first", "second", "third")


class House(Booker):
    """Three agents with one mind. It books as a Booker does, and sometimes hands the call over before or after that."""

    def agent(self, greeting: str = "", name: str = "first") -> VoiceAgent:
        async def think(history: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
            asked = isinstance(history[-1].parts[-1], UserPromptPart)
            if asked and last_said(history)[0] != "(" and self.chance.random() < 0.4:
                check_pairs(history)
                await asyncio.sleep(self.chance.choice((0.02, 0.7)))
                yield from_here.format(name=name) if self.chance.random() < 0.7 else ""
                other = self.chance.choice([each for each in NAMES if each != name])
                wanted = sorted(set(re.findall(r"book (\w+)", last_said(history))) - known(history))
                self.calls += 1
                calls = {0: DeltaToolCall("go", f'{{"to": "{other}"}}', tool_call_id=f"go{self.calls}")}
                for n, what in enumerate(wanted, 1):  # at the same time
                    calls[n] = DeltaToolCall("book", f'{{"what": "{what}"}}', tool_call_id=f"call{self.calls}-{n}")
                yield calls
                return
            async for piece in self._think(history, info):
                yield piece

        async def go(to: str) -> HandOver:
            await asyncio.sleep(self.chance.choice((0, 0.5)))
            return HandOver(to)

        from_here = "You are with {name}. "
        own = Agent(FunctionModel(stream_function=think), deps_type=Desk, tools=[self.book, go])
        return VoiceAgent(own, name=name, greeting=greeting, make_deps=Desk, background=self.background)

    @property
    def background(self) -> frozenset[str]:
        return frozenset({"book"}) if self.chance.random() < 0.3 else frozenset()


@pytest.mark.parametrize("shard", range(SHARDS))
def test_nothing_is_lost_between_agents(shard: int) -> None:
    async def scenario(seed: int) -> None:
        chance = random.Random(seed)
        house = House(chance)
        others = {name: house.agent(name=name) for name in NAMES}
        settings = CallSettings(idle_prompt_s=1_000)
        async with Caller(house, settings=settings, others=others) as caller:  # type: ignore[arg-type]
            away = await live(caller, chance)
            for _ in range(80):
                await caller.wait(500)
                if caller.states[-1] == "listening" and not any(caller.heard[-100:]):
                    break
            await caller.wait(25_000)
            history = caller.session.dialogue.history.messages
            standing, has_it = caller.session.dialogue.standing, caller.session.switchboard.present
            record = caller.notebook.records["call"]
        check_pairs(history)
        assert sorted(set(house.booked)) == sorted(house.booked), (seed, house.booked)
        done = said_to_be_booked(history) | set(re.findall(r"booked (\w+)", str(history)))
        assert set(house.booked) <= done, (seed, house.booked)
        assert longest_wait_ms(caller, away) <= SILENT_MS, (seed, longest_wait_ms(caller, away))
        assert standing.unanswered == "", (seed, standing)
        assert standing.agent == has_it.name, seed
        taken = [part for part in prompts(history) if "hands the call over to you" in part]
        told = [each.message for each in caller.told if isinstance(each.message, messages.Agent | messages.Hello)]
        assert told[-1].agent == has_it.agent.name, seed
        speakers = [said.name for exchange in record.exchanges for said in exchange.said if said.who == "agent"]
        assert not taken or speakers[-1] == has_it.agent.name, seed

    for seed in range(shard, ROUNDS // SLOWER, SHARDS):
        run_virtual(scenario(seed))


def prompts(history: list[ModelMessage]) -> list[str]:
    return [
        str(part.content)
        for message in history
        if isinstance(message, ModelRequest)
        for part in message.parts
        if isinstance(part, UserPromptPart)
    ]
