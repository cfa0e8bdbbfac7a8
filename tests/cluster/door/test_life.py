"""Workers, HAProxy, Redis and the door itself come, go and die, while callers talk."""

import asyncio
import json
import os
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from redis.asyncio import Redis

from server.cluster.door.configuration import DoorSettings
from server.cluster.door.door import Door
from server.cluster.door.haproxy import find
from server.cluster.roster import Roster
from server.errors import ConfigError
from tests.cluster.door.asking import OFFER, WAIT_S, asked, free, opened, serves, talks_to, until, whose
from tests.cluster.workers import worker
from tests.redis_server import RedisServer
from tests.relay import free_port
from tests.started import ROOT


async def test_a_worker_that_is_dead_is_passed_over(roster: Roster) -> None:
    """It is still announced. Its calls go to another worker, which resumes them."""
    async with worker(roster, "w1") as one, worker(roster, "w2", calls=50) as two, opened(roster) as (_, session):
        await roster.announce(replace(one.announcement, url=f"http://127.0.0.1:{free_port()}"))
        await until(lambda: _is(session, "w2"))
        assert await whose(session, "POST", "/api/offer", json=OFFER) == "w2"
        assert await talks_to(session, "/api/voice/conversation/w1-x") == "w2"
        await roster.announce(replace(two.announcement, url=f"http://127.0.0.1:{free_port()}"))
        await until(lambda: _answers_503(session))
        assert (await asked(session, "POST", "/api/offer", json=OFFER))[1]["error"]["code"] == "at_capacity"


async def test_nobody_is_gone_because_dns_fails(
    roster: Roster, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A worker that announces a name stays where it was, and the log says once what is wrong."""
    asked_for, resolve = list[str](), socket.getaddrinfo

    def fails(host: Any, *more: Any, **named: Any) -> Any:
        if host != "localhost":
            return resolve(host, *more, **named)
        asked_for.append(host)
        raise socket.gaierror(socket.EAI_AGAIN, "try again")

    async def asked_again() -> bool:
        return len(asked_for) > 3

    async with worker(roster, "w1") as one:
        await roster.announce(replace(one.announcement, url=one.announcement.url.replace("127.0.0.1", "localhost")))
        async with opened(roster) as (_, session):
            assert await whose(session, "GET", "/") == "w1"
            monkeypatch.setattr(socket, "getaddrinfo", fails)
            await until(asked_again)
            assert await whose(session, "GET", "/") == "w1"
            assert [record.message for record in caplog.records if "cannot use" in record.message] == [
                "x worker w1 has an address that the door cannot use: [Errno -3] try again"
            ]


async def test_a_worker_that_is_late_once_is_not_dead(roster: Roster) -> None:
    """Neither when it has just begun, nor when it comes back under its name: HAProxy asks it three times."""
    async with worker(roster, "w1") as one, opened(roster) as (it, session):
        assert await _checks_to_fail(it) == 3
        async with session.ws_connect("/api/voice/conversation/new"):
            await roster.leave("w1")
            await until(lambda: _in_maintenance(it, "w1"))
            await roster.announce(one.announcement)
            await until(lambda: _new_goes_to(session, "w1"))
            assert await _checks_to_fail(it) == 3


async def _checks_to_fail(it: Door) -> int:
    """How many checks the worker must fail until it is dead for HAProxy."""
    return int((await _servers(it))["w1"][12])  # srv_check_health


async def _answers_503(session: ClientSession) -> bool:
    return (await asked(session, "GET", "/"))[0] == 503


async def _is(session: ClientSession, name: str) -> bool:
    return await whose(session, "PATCH", "/api/offer", json={"pc_id": "w1-x"}) == name


async def test_workers_come_and_go_while_callers_talk(roster: Roster) -> None:
    """A WebSocket is never cut, and a worker that leaves is forgotten when its last one is over."""
    async with worker(roster, "w1") as one, opened(roster) as (it, session):
        async with session.ws_connect("/api/voice/conversation/new") as talk:
            assert json.loads(await talk.receive_str())["worker"] == "w1"
            async with worker(roster, "w2", calls=50):
                await roster.announce(replace(one.announcement, state="draining"))
                await until(lambda: _new_goes_to(session, "w2"))
                await roster.leave("w1")
                await until(lambda: _in_maintenance(it, "w1"))
                await talk.send_str("still there?")
                assert await talk.receive_str() == "still there?"
                await roster.announce(one.announcement)
                await until(lambda: _new_goes_to(session, "w1"))
                await roster.leave("w1")
            await until(lambda: _in_maintenance(it, "w1"))
            await talk.send_str("and now?")
            assert await talk.receive_str() == "and now?"
        await until(lambda: _without(it, "w1"))


async def _new_goes_to(session: ClientSession, name: str) -> bool:
    return (await asked(session, "POST", "/api/offer", json=OFFER))[1].get("worker") == name


async def _servers(it: Door) -> dict[str, list[str]]:
    assert it._haproxy is not None
    lines = (await it._haproxy.runtime.ask("show servers state workers")).splitlines()
    return {fields[3]: fields for line in lines if len(fields := line.split()) > 6 and line[0] != "#"}


async def _in_maintenance(it: Door, name: str) -> bool:
    servers = await _servers(it)
    return name not in servers or servers[name][6] != "0"


async def _without(it: Door, name: str) -> bool:
    return name not in await _servers(it)


async def test_haproxy_that_is_killed_comes_back(roster: Roster) -> None:
    async with worker(roster, "w1"), opened(roster) as (it, session):
        assert await whose(session, "GET", "/") == "w1"
        before = it.pid
        os.kill(before, signal.SIGKILL)
        await until(lambda: serves(session))
        assert it.pid != before


async def test_a_door_that_closes_lets_callers_finish(roster: Roster) -> None:
    """The port is free at once, for the next door."""
    async with worker(roster, "w1"), opened(roster) as (it, session):
        async with session.ws_connect("/api/voice/conversation/new") as talk:
            await talk.receive_str()
            closing = asyncio.create_task(it.close(drain_s=WAIT_S), name="close")
            await until(lambda: free(it._settings.port))
            await talk.send_str("goodbye")
            assert await talk.receive_str() == "goodbye"
        async with asyncio.timeout(WAIT_S / 2):
            await closing


async def test_the_door_goes_on_without_redis(redis_server: RedisServer, roster: Roster) -> None:
    """Also when Redis comes back, and knows nothing: the workers are there until they had time to say so."""
    async with worker(roster, "w1") as one, worker(roster, "w2", calls=50), opened(roster) as (it, session):
        redis_server.kill()
        try:
            await until(lambda: _away(it))
            assert await whose(session, "POST", "/api/offer", json=OFFER) == "w1"
            one.refuses = True
            assert await whose(session, "POST", "/api/offer", json=OFFER) == "w2"
        finally:
            redis_server.start()
        async with Redis.from_url(redis_server.url) as redis:
            await redis.flushall()
        await asyncio.sleep(0.3)
        assert await whose(session, "POST", "/api/offer", json=OFFER) == "w2"


async def _away(it: Door) -> bool:
    return it._away_s > 0


async def test_the_command_that_is_killed_takes_haproxy_with_it(redis_server: RedisServer, roster: Roster) -> None:
    """`antiphon door`, killed with -9, leaves nothing behind at its port."""
    port = free_port()
    command = [sys.executable, "-m", "antiphon", "door", "--store", redis_server.url, "--port", str(port)]
    async with worker(roster, "w1"):
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
        try:
            assert process.stdout is not None
            async with asyncio.timeout(WAIT_S):
                assert f"The door is at  http://127.0.0.1:{port}" in (await process.stdout.readline()).decode()
            async with ClientSession(f"http://127.0.0.1:{port}") as session:
                await until(lambda: serves(session))
        finally:
            process.kill()
            await process.wait()
        await until(lambda: free(port))


async def test_a_door_that_cannot_open_says_why(roster: Roster, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(ConfigError, match=r"[Aa]ddress already in use"):
            await Door(roster, DoorSettings(port=taken.getsockname()[1])).start()
    with pytest.raises(ConfigError, match=r"nothing\.pem"):
        await Door(roster, DoorSettings(port=free_port(), certificate=str(tmp_path / "nothing.pem"))).start()
    with pytest.raises(ConfigError, match="cannot be in the configuration"):
        await Door(roster, DoorSettings(port=free_port(), certificate="it's.pem")).start()


async def test_a_program_that_does_not_run_here_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as the HAProxy of another kind of processor, first on the path."""
    wrong = tmp_path / "haproxy"
    wrong.write_bytes(b"\x7fELF of a machine that is not this one")
    wrong.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert (await find()).path != str(wrong)
