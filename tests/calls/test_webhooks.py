"""Webhooks of a started server, from whole calls to a real receiver."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

from aiohttp import ClientSession

from tests.calls.test_restarts import ask, calling
from tests.receiver import SECRET, Receiver, receiver
from tests.started import Started, started

QUESTION = "What time do you close on Saturday?"


def options(posted: Receiver) -> dict[str, str]:
    return {"ANTIPHON_WEBHOOK_URL": posted.url, "ANTIPHON_WEBHOOK_SECRET": SECRET, "ANTIPHON_WEBHOOK_TIMEOUT_S": "2"}


async def hold_call(server: Started) -> dict[str, Any]:
    """Ask something, and hang up. Returns the answer that was heard."""
    async with calling(server) as phone:
        await phone.until(type="response", final=True)
        answer = await ask(phone, QUESTION)
        phone.send(type="hangup")
        await phone.closed.wait()
    return answer


def types(events: list[dict[str, Any]]) -> list[str]:
    return [event["type"] for event in events]


async def test_a_call_is_told_as_it_was() -> None:
    """Its start, each exchange with its tool, and its end with the words that the caller heard."""
    async with asyncio.timeout(60), receiver() as posted:
        with started(**options(posted)) as server:
            answer = await hold_call(server)
            await posted.until(lambda: "call.ended" in types(posted.taken))
            async with ClientSession(server.url) as http:
                metrics = await (await http.get("/metrics")).text()
                health = await (await http.get("/health")).json()
    assert types(posted.taken) == ["call.started", "exchange", "tool", "exchange", "call.ended"]
    _, greeted, tool, asked, ended = (event["data"] for event in posted.taken)
    call = ended["call"]
    assert all(event["data"]["call"] == call for event in posted.taken)
    assert (call["agent"], call["language"], call["caller"]) == ("Riverside Books", "en", "")
    assert call["transport"]
    assert (greeted["exchange"]["caller"], greeted["exchange"]["number"]) == ("", 1)
    assert (tool["tool"]["name"], tool["tool"]["exchange"]) == ("opening_hours", 2)
    assert (asked["exchange"]["caller"], asked["exchange"]["agent"]) == (QUESTION, answer["text"].strip())
    assert asked["exchange"]["tools"] == [{key: tool["tool"][key] for key in ("name", "arguments", "result")}]
    assert (ended["end"]["reason"], ended["end"]["exchanges"]) == ("caller", 2)
    assert ended["end"]["speech_s"] > 0
    heard = [(said["who"], said["text"].strip()) for said in ended["transcript"]]
    assert heard[1:] == [("caller", QUESTION), ("agent", answer["text"].strip())]
    assert "antiphon_webhook_delivered_total 5.0" in metrics
    assert "webhooks" in str(health)


async def test_a_killed_server_loses_no_event(tmp_path: Path) -> None:
    """After kill -9 the next server on the same file delivers everything that was in it, by the same ids."""
    path = tmp_path / "conversations.db"
    async with asyncio.timeout(100), receiver() as posted:
        posted.answer = lambda event: 503 if event["type"] == "tool" else 204
        with started("--store", str(path), **options(posted)) as server:
            await hold_call(server)
            await posted.until(lambda: "tool" in types([each.event for each in posted.tries]))
            await until_written(path, "call.ended")
            server.process.kill()
        assert types(posted.taken) == ["call.started", "exchange"]
        posted.answer = lambda event: 204
        with started("--store", str(path), **options(posted)) as server:
            await posted.until(lambda: "call.ended" in types(posted.taken))
    assert types(posted.taken) == ["call.started", "exchange", "tool", "exchange", "call.ended"]
    assert {each.id for each in posted.tries if each.answer == 503} <= {
        each.id for each in posted.tries if each.answer == 204
    }
    assert len(posted.taken[-1]["data"]["transcript"]) == 3


async def until_written(path: Path, kind: str) -> None:
    """Wait until an event of this kind waits in the store."""
    with sqlite3.connect(path) as file:
        while not file.execute("SELECT 1 FROM postings WHERE body LIKE ?", [f'%"{kind}"%']).fetchall():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    file.close()
