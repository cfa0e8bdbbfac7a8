"""Many conversations at once on one server, over real sockets: no caller gets anything of another's call."""

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
from pydantic_ai import Agent, RunContext
from pydantic_ai.messages import ModelMessage, SystemPromptPart, ToolReturnPart
from pydantic_ai.models.function import AgentInfo, DeltaToolCall, DeltaToolCalls, FunctionModel

from server.agent.notices import TAKES_NOTICES
from server.agent.voice_agent import VoiceAgent
from tests.exchange import Exchange, exchange
from tests.fakes.mind import Desk, last_said

CALLS = 100
ASKED = re.compile(r"(keep|recall) ?(.*)")


def keeper() -> VoiceAgent:
    """An agent that keeps words in the call's own deps; it answers with them, the first request, and the limit."""
    model = FunctionModel(stream_function=_think, profile=TAKES_NOTICES)
    agent = Agent(model, deps_type=Desk, tools=[keep, recall])
    return VoiceAgent(agent=agent, name="Keeper", waiting=(), make_deps=Desk)


def keep(ctx: RunContext[Desk], word: str) -> str:
    """Keep a word."""
    ctx.deps.booked.append(word)
    return "kept"


def recall(ctx: RunContext[Desk], word: str) -> str:
    """All that was kept."""
    return " ".join(ctx.deps.booked)


async def _think(history: list[ModelMessage], info: AgentInfo) -> AsyncIterator[str | DeltaToolCalls]:
    newest = next(part for part in reversed(history[-1].parts) if not isinstance(part, SystemPromptPart))
    await asyncio.sleep(0)
    if not isinstance(newest, ToolReturnPart):
        asked = ASKED.fullmatch(last_said(history))
        assert asked is not None
        yield {0: DeltaToolCall(asked[1], json.dumps({"word": asked[2]}), tool_call_id=f"call{len(history)}")}
        return
    limit = (info.model_settings or {}).get("max_tokens")
    yield f"{newest.content}, first was {last_said(history[:1])}, limit {limit}."


async def call(http: aiohttp.ClientSession, running: Exchange, number: int, all_in: asyncio.Barrier) -> str:
    """Tell the server a word of its own and, when all callers are there, ask for it; returns the conversation's id."""
    async with http.ws_connect(f"{running.home}/api/voice/conversation/new") as ws:
        language = "de" if number % 2 else "en-GB"
        chosen = {"max_tokens": 1_000 + number, "voice": f"voice {number}", "language": language}
        await ws.send_json({"type": "start", **chosen})
        session_id = str((await told(ws, type="session"))["session_id"])
        await all_in.wait()
        for text, words in ((f"keep word{number}", "kept"), ("recall", f"word{number}")):
            await ws.send_json({"type": "text", "text": text})
            answer = await told(ws, type="response", final=True)
            assert answer["text"] == f"{words}, first was keep word{number}, limit {1_000 + number}."
        await all_in.wait()
        assert set(running.mouths[session_id].manners) == {(f"voice {number}", language)}
        await ws.send_json({"type": "hangup"})
        await told(ws, type="state", state="closed")
    return session_id


async def told(ws: aiohttp.ClientWebSocketResponse, **wanted: Any) -> dict[str, Any]:
    """The next message that has all of `wanted`."""
    async for message in ws:
        if message.type is aiohttp.WSMsgType.TEXT:
            found: dict[str, Any] = json.loads(message.data)
            if all(found.get(name) == value for name, value in wanted.items()):
                return found
    raise AssertionError(f"closed with {ws.close_code} before {wanted}")


async def test_a_hundred_conversations_at_once() -> None:
    """Each call has its own options, agent's state, history and messages; afterwards nothing is left of any."""
    async with asyncio.timeout(60), exchange(keeper(), limit=CALLS, chars_per_s=150) as running:
        before = tasks(), len(os.listdir("/proc/self/fd"))
        async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http:
            all_in = asyncio.Barrier(CALLS)
            names = await asyncio.gather(*(call(http, running, number, all_in) for number in range(CALLS)))
        assert len(set(names)) == CALLS
        records = [running.notebook.records[name] for name in names]
        for number, record in enumerate(records):
            heard = [said.text for said in record.said if said.who == "caller"]
            assert heard == [f"keep word{number}", "recall"]
        while (tasks(), len(os.listdir("/proc/self/fd"))) != before:  # noqa: ASYNC110  # sockets close a little later
            await asyncio.sleep(0.01)
        assert len(running.directory) == 0


def tasks() -> set[str]:
    return {task.get_name() for task in asyncio.all_tasks()}
