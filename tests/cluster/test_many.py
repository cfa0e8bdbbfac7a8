"""`antiphon serve --workers N`: real processes behind a real HAProxy, with a real Redis."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from redis.asyncio import Redis

from server.cluster.roster import Roster
from server.variables import variable
from tests.cluster.clerk import LONG, Clerk
from tests.cluster.kept_calls import PAUSE_S, UNLIMITED, KeptCall, TypingPhone, ask_all, kept_calls, resumed
from tests.command import Antiphon
from tests.fakes.openai_server import FakeOpenAIServer, openai_server
from tests.redis_server import redis_server
from tests.started import Started

CALLS = 8
LIMIT_S = 240
"""The test takes 25 s on a quiet machine; most of it is the start of servers."""


@pytest.fixture
async def speech() -> AsyncIterator[FakeOpenAIServer]:
    async with openai_server() as server:
        yield server


async def test_calls_outlive_their_workers(tmp_path: Path, speech: FakeOpenAIServer) -> None:
    """A worker is killed in the middle of answers, and then all are replaced: every call goes on, with all that was
    said, no tool runs twice, and a rolling restart costs nobody even a question."""
    clerk = Clerk(tmp_path)
    async with asyncio.timeout(LIMIT_S):
        with redis_server(tmp_path) as redis:
            engines = dict.fromkeys(("ANTIPHON_STT", "ANTIPHON_TTS"), "openai")
            urls = dict.fromkeys(("ANTIPHON_STT_URL", "ANTIPHON_TTS_URL"), speech.base_url)
            limits = {variable(name): value for name, value in UNLIMITED.items()}
            server = Started(
                "--workers",
                "2",
                "--store",
                redis.url,
                "--agent",
                clerk.place,
                **engines,
                **urls,
                **limits,
                ANTIPHON_DRAIN_S="20",
                ANTIPHON_MAX_CALLS="60",
            )
            try:
                await asyncio.to_thread(server.wait)
                async with kept_calls(server.url, *[TypingPhone] * CALLS) as calls:
                    await _outlive(server, calls, clerk, redis.url)
            except BaseException:
                print(*server.lines, sep="\n")
                raise
            finally:
                code = await asyncio.to_thread(server.stop)
            assert code == 0, server.lines


async def _outlive(server: Started, calls: list[KeptCall], clerk: Clerk, store: str) -> None:
    async with Redis.from_url(store, decode_responses=True) as redis:
        roster = Roster(redis)
        before = await roster.present()
        assert len({call.worker for call in calls}) == 2, "the door places calls on both"
        await asyncio.gather(*(call.ask(f"book {number}", again=False) for number, call in enumerate(calls)))

        asked = await ask_all(calls, "tell me")
        os.kill(before[0].pid, signal.SIGKILL)
        assert {answer.strip(".") for answer in await asyncio.gather(*asked)} == {LONG}
        await resumed([call for call in calls if call.worker == before[0].name])

        while len(present := await roster.present()) < 2 or any(each.state != "ready" for each in present):  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        server.process.send_signal(signal.SIGHUP)
        old = {worker.name for worker in present}
        while old & {worker.name for worker in await roster.present()}:
            await asyncio.gather(*(call.ask("are you there", again=False) for call in calls))
            await asyncio.sleep(PAUSE_S)
        await resumed(calls)

        told = await asyncio.gather(*(call.ask("what did I say") for call in calls))
        for number, answer in enumerate(told):
            assert answer.startswith(f"book {number} and "), answer
            assert " 0 times" not in answer
        assert not any(call.forgotten for call in calls)
        assert clerk.bookings == dict.fromkeys(map(str, range(CALLS)), 1)


def test_what_is_missing_is_one_line(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    """Without a Redis that all share, with one that is not there, or at an address of another machine, nothing is
    started."""
    antiphon = Antiphon(monkeypatch, capfd)
    alone = antiphon("serve", "--workers", "2")
    assert (alone.returncode, alone.stdout) == (2, "")
    assert "several workers share one Redis" in alone.stderr
    away = antiphon("serve", "--workers", "2", "--store", "redis://127.0.0.1:1")
    assert "Redis does not answer" in away.stderr
    assert away.returncode == 2
    elsewhere = antiphon(
        "serve", "--workers", "2", "--store", "redis://127.0.0.1:1", "--host", "192.0.2.1", "--port", "0"
    )
    assert elsewhere.returncode == 2
    assert elsewhere.stderr.startswith("antiphon: ANTIPHON_HOST: this machine cannot listen at 192.0.2.1: ")
