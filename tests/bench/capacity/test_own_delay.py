"""The bench of the server's own delay: it sees what happens before the model is asked, and after it answers."""

import asyncio
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from bench.capacity import own_delay
from bench.provider import Delays, application
from server.agent.run import AgentRun


async def measured(turns: int) -> list[own_delay.Turn]:
    """The turns of one call. The model takes 300 ms, which are nobody's delay."""
    async with TestServer(application(Delays(first_token_ms=300, token_ms=0), speech_s=0.1)) as provider:
        return await own_delay.talk(str(provider.make_url("")).rstrip("/"), turns)


async def test_the_delay_before_the_model_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the server does before it asks the model is in the first figure, and only there."""
    monkeypatch.setattr(own_delay, "TURN_S", 0)
    monkeypatch.setenv("OPENAI_BASE_URL", "")
    monkeypatch.setenv("OPENAI_API_KEY", "")
    begin = AgentRun._begin

    async def slow(run: AgentRun) -> Any:
        await asyncio.sleep(0.2)
        return await begin(run)

    await measured(1)  # loads code
    (quick,) = await measured(1)
    monkeypatch.setattr(AgentRun, "_begin", slow)
    (slowed,) = await measured(1)
    assert 0 < quick.to_model < 200 <= slowed.to_model
    assert all(0 < turn.to_speech < 200 for turn in (quick, slowed))
