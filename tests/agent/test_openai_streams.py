"""Answers of compatible servers that do not number the calls of tools as OpenAI does."""

import asyncio
import json
from typing import Any

import pytest
from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.models.openai import OpenAIChatModel
from pydantic_ai.providers.openai import OpenAIProvider

from server.agent.models import prepare
from server.agent.openai_streams import CallNumbers
from server.agent.run import AgentRun
from server.agent.run_setup import RunSetup
from server.agent.voice_agent import VoiceAgent
from tests.fakes.chat_provider import Raw, Say, chat_provider

TABLE, TAXI = {"what": "a table"}, {"what": "a taxi"}


def piece(index: int, call_id: str | None, name: str | None, arguments: str) -> dict[str, Any]:
    call = {"index": index, "id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}
    return {"choices": [{"index": 0, "delta": {"tool_calls": [call]}, "finish_reason": None}]}


def streamed(*pieces: dict[str, Any]) -> Raw:
    last = {"choices": [{"index": 0, "delta": {}, "finish_reason": "tool_calls"}]}
    about = {"id": "x", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    events = "".join(f"data: {json.dumps(about | each)}\n\n" for each in (*pieces, last))
    return Raw(f"{events}data: [DONE]\n\n".encode(), content_type="text/event-stream")


@pytest.mark.parametrize(
    "pieces",
    [
        [piece(0, "a", "book", json.dumps(TABLE)), piece(1, "b", "book", json.dumps(TAXI))],
        [piece(0, "a", "book", json.dumps(TABLE)), piece(0, "b", "book", json.dumps(TAXI))],
        [
            piece(0, "a", "book", '{"what":'), piece(0, None, None, ' "a table"}'),
            piece(0, "b", "book", '{"what": '), piece(0, None, None, '"a taxi"}'),
        ],
        [
            piece(0, "a", "book", '{"what":'), piece(0, "c", None, ' "a table"}'),
            piece(1, "b", "book", '{"what": '), piece(1, "d", "", '"a taxi"}'),
        ],
    ],
    ids=["as OpenAI does", "one number", "one number, in pieces", "changing ids"],
)  # fmt: skip
async def test_each_call_is_run_by_itself(pieces: list[dict[str, Any]]) -> None:
    """Both tools run, each with its own arguments, whatever numbers and ids the server gives to the pieces."""
    booked: list[str] = []

    def book(what: str) -> str:
        booked.append(what)
        return f"booked {what}"

    async with chat_provider(streamed(*pieces), Say("Both are done.")) as provider:
        client = AsyncOpenAI(base_url=provider.url, api_key="none")
        model = prepare(prepare(OpenAIChatModel("m", provider=OpenAIProvider(openai_client=client))))
        said: list[str] = []
        committed = asyncio.Event()
        committed.set()
        run = AgentRun(RunSetup(VoiceAgent(Agent(model, tools=[book]))), "book both", list)
        async with asyncio.timeout(5), client:
            await run.speak(said.append, committed)
    assert sorted(booked) == ["a table", "a taxi"]
    assert "".join(said).strip() == "Both are done."


def test_numbers_that_are_right_stay() -> None:
    """Also when the pieces of two calls come in turns."""
    numbers = CallNumbers()
    pieces = [(0, "a", True), (1, "b", True), (0, None, False), (1, None, False), (2, "c", True), (0, "a", True)]
    assert [numbers.number(*each) for each in pieces] == [0, 1, 0, 1, 2, 0]


def test_calls_without_ids() -> None:
    """Nothing tells them apart but their numbers."""
    numbers = CallNumbers()
    assert [numbers.number(0, None, True), numbers.number(1, None, True), numbers.number(0, "", True)] == [0, 1, 0]
