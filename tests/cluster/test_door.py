"""The door: a real HAProxy and a real Redis, in front of workers that say what they got."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
import ssl
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession, WSServerHandshakeError
from redis.asyncio import Redis
from yarl import URL

from server.cluster import roster as roster_file
from server.cluster.door import configuration, door
from server.cluster.door.configuration import DoorSettings
from server.cluster.door.door import Door
from server.cluster.door.haproxy import find
from server.cluster.roster import Roster
from server.errors import ConfigError
from tests.cluster.workers import worker
from tests.deploy.proxies import self_signed
from tests.redis_server import RedisServer
from tests.redis_server import redis_server as running_redis
from tests.relay import free_port
from tests.started import ROOT

WAIT_S = 20
OFFER = {"sdp": "v=0", "type": "offer"}


@pytest.fixture(scope="module")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    with running_redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
async def roster(redis_server: RedisServer, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Roster]:
    monkeypatch.setattr(door, "EVERY_S", 0.05)
    for file in (roster_file, door):
        monkeypatch.setattr(file, "EXPIRY_S", 60.0)  # the workers announce themselves only once
    redis = Redis.from_url(redis_server.url, decode_responses=True)
    await redis.flushall()
    yield Roster(redis)
    await redis.aclose()


@asynccontextmanager
async def opened(roster: Roster, **settings: Any) -> AsyncIterator[tuple[Door, ClientSession]]:
    """The door on a free port, and a client of it."""
    it = Door(roster, DoorSettings(port=free_port(), **settings))
    await it.start()
    try:
        async with ClientSession(it.url) as session:
            yield it, session
    finally:
        await it.close()


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(WAIT_S):
        while True:
            if await holds():
                return
            await asyncio.sleep(0.02)


async def asked(session: ClientSession, method: str, path: str | URL, **more: Any) -> tuple[int, dict[str, Any], str]:
    """The status, the JSON and Retry-After of an answer."""
    async with session.request(method, path, **more) as answer:
        return answer.status, await answer.json(), answer.headers.get("Retry-After", "")


async def whose(session: ClientSession, method: str, path: str, **more: Any) -> str:
    """The worker that answers."""
    status, answer, _ = await asked(session, method, path, **more)
    assert status == 200, answer
    return str(answer["worker"])


async def talks_to(session: ClientSession, path: str, **more: Any) -> str:
    """The worker to which a WebSocket leads."""
    async with session.ws_connect(path, **more) as talk:
        return str(json.loads(await talk.receive_str())["worker"])


async def test_a_new_call_goes_to_the_less_loaded_worker(roster: Roster) -> None:
    """The calls that it has announced count, and those that it was given since."""
    async with worker(roster, "w1", calls=6), worker(roster, "w2"), opened(roster) as (_, session):
        first = [await whose(session, "POST", "/api/offer", json=OFFER) for _ in range(6)]
        assert first == ["w2"] * 6
        ways = ("/whip", "/v1/realtime/calls", "/agents/shop/api/offer", "/v1/live/sessions", "/telephony/twilio")
        then = [await whose(session, "POST", way) for way in ways]
        then += [await talks_to(session, way) for way in ("/api/voice/conversation/new", "/rtvi", "/telephony/twilio")]
        assert Counter(then) == {"w1": 4, "w2": 4}


async def test_calls_lie_evenly_over_many_workers(roster: Roster) -> None:
    async with AsyncExitStack() as stack:
        for number in range(5):
            await stack.enter_async_context(worker(roster, f"w{number}"))
        _, session = await stack.enter_async_context(opened(roster))
        placed = Counter([await whose(session, "POST", "/api/offer", json=OFFER) for _ in range(200)])
        assert len(placed) == 5
        assert max(placed.values()) <= 44


@pytest.mark.parametrize("state", ["full", "draining", "unready"])
async def test_a_worker_that_is_not_ready_gets_only_its_own_calls(roster: Roster, state: str) -> None:
    async with (
        worker(roster, "w1", state=state) as one,
        worker(roster, "w2", calls=50),
        opened(roster) as (_, session),
    ):
        assert {await whose(session, "POST", "/api/offer", json=OFFER) for _ in range(5)} == {"w2"}
        assert {await whose(session, "GET", "/") for _ in range(5)} == {"w2"}
        assert await whose(session, "PATCH", "/api/offer", json={"pc_id": "w1-x"}) == "w1"
        assert one.got == ["PATCH /api/offer"]


async def test_a_worker_that_starts_again_is_asked_for_no_call(roster: Roster) -> None:
    """It would refuse it until its models are loaded. Others take the calls that it had."""
    async with worker(roster, "w1", state="starting") as one, worker(roster, "w2"), opened(roster) as (_, session):
        assert await whose(session, "POST", "/api/offer", json=OFFER | {"pc_id": "w1-x"}) == "w2"
        assert await talks_to(session, "/api/voice/conversation/w1-x") == "w2"
        assert await whose(session, "DELETE", "/whip/w1-x") == "w2"
        assert one.got == []


async def test_when_no_worker_is_ready_the_door_says_so(roster: Roster) -> None:
    async with worker(roster, "w1", state="full") as one, opened(roster) as (_, session):
        status, answer, again_s = await asked(session, "POST", "/api/offer", json=OFFER)
        assert (status, answer["error"]["code"], again_s) == (503, "at_capacity", "5")
        assert one.got == []
        assert await whose(session, "GET", "/") == "w1"
    async with opened(roster) as (_, session):
        status, answer, again_s = await asked(session, "GET", "/")
        assert (status, answer["error"]["code"], again_s) == (503, "at_capacity", "5")


async def test_a_refusal_is_tried_at_another_worker(roster: Roster) -> None:
    async with worker(roster, "w1") as one, worker(roster, "w2", calls=50) as two, opened(roster) as (_, session):
        one.refuses = True
        assert await whose(session, "POST", "/api/offer", json=OFFER) == "w2"
        assert await talks_to(session, "/api/voice/conversation/new") == "w2"
        assert len(one.got) == 2
        _, answer, _ = await asked(session, "POST", "/api/offer", json=OFFER)
        assert ["Antiphon-Tried-Again", "yes"] in [[name.title(), value] for name, value in answer["headers"]]
        two.refuses = True
        status, answer, again_s = await asked(session, "POST", "/api/offer", json=OFFER)
        assert (status, answer["error"]["code"], again_s) == (503, "at_capacity", "7")
        assert answer["error"]["message"].endswith("is full.")
        with pytest.raises(WSServerHandshakeError):
            await session.ws_connect("/api/voice/conversation/new")


async def test_what_begins_no_call_is_asked_once(roster: Roster) -> None:
    async with worker(roster, "w1") as one, worker(roster, "w2") as two, opened(roster) as (_, session):
        one.refuses = True
        status, _, _ = await asked(session, "DELETE", "/api/offer?pc_id=w1-x")
        assert status == 503
        assert (one.got, two.got) == (["DELETE /api/offer"], [])


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


async def _answers_503(session: ClientSession) -> bool:
    return (await asked(session, "GET", "/"))[0] == 503


async def _is(session: ClientSession, name: str) -> bool:
    return await whose(session, "PATCH", "/api/offer", json={"pc_id": "w1-x"}) == name


async def test_an_id_leads_to_its_worker(roster: Roster) -> None:
    async with worker(roster, "w1", calls=50), worker(roster, "w2"), opened(roster) as (_, session):
        requests: list[tuple[str, str, dict[str, Any]]] = [
            ("DELETE", "/whip/w1-x", {}),
            ("DELETE", "/api/offer?pc_id=w1-x", {}),
            ("GET", "/api/calls/w1-x/events", {}),
            ("POST", "/v1/realtime/calls/rtc_w1-x/hangup", {}),
            ("POST", "/api/offer", {"json": OFFER | {"pc_id": "w1-x"}}),
            ("POST", "/sessions/new/api/offer", {"json": OFFER | {"requestData": {"session_id": "w1-x"}}}),
            ("POST", "/agents/w2-shop/api/offer", {"json": OFFER | {"pc_id": "w1-x", "sdp": "s" * 50_000}}),
            ("PATCH", "/api/offer", {"json": {"pc_id": "w1-x", "candidates": []}}),
            ("POST", "/telephony/twilio/voice?language=de&again=w1-line", {}),
        ]
        assert {await whose(session, method, path, **more) for method, path, more in requests} == {"w1"}
        sockets = ["/api/voice/conversation/w1-x", "/v1/realtime?call_id=rtc_w1-x", "/rtvi/new?token=w1-x.secret"]
        sockets.append("/telephony/twilio/w1-line")
        assert {await talks_to(session, path) for path in sockets} == {"w1"}
        assert await whose(session, "POST", "/api/offer", json=OFFER | {"pc_id": "w9-x"}) == "w2"


async def test_a_phone_comes_back_to_its_worker(roster: Roster) -> None:
    """By the user that its address names, or by where it is; also with the path / and the subprotocol `sip`."""
    async with AsyncExitStack() as stack:
        for number in range(4):
            await stack.enter_async_context(worker(roster, f"w{number}"))
        _, session = await stack.enter_async_context(opened(roster))
        users = {user: await talks_to(session, f"/sip?user={user}") for user in range(20)}
        assert len(set(users.values())) > 1
        assert {user: await talks_to(session, f"/sip?user={user}") for user in range(20)} == users
        here = {await talks_to(session, path, protocols=("sip",)) for path in ("/", "/sip") for _ in range(4)}
        assert len(here) == 1


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
        await until(lambda: _serves(session))
        assert it.pid != before


async def _serves(session: ClientSession) -> bool:
    with contextlib.suppress(OSError):
        return (await asked(session, "GET", "/"))[1].get("worker") == "w1"
    return False


async def test_a_door_that_closes_lets_callers_finish(roster: Roster) -> None:
    """The port is free at once, for the next door."""
    async with worker(roster, "w1"), opened(roster) as (it, session):
        async with session.ws_connect("/api/voice/conversation/new") as talk:
            await talk.receive_str()
            closing = asyncio.create_task(it.close(drain_s=WAIT_S), name="close")
            await until(lambda: _free(it._settings.port))
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
                await until(lambda: _serves(session))
        finally:
            process.kill()
            await process.wait()
        await until(lambda: _free(port))


async def _free(port: int) -> bool:
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # connections do not matter, only who listens
        try:
            bound.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


async def test_the_door_says_who_the_caller_is(roster: Roster) -> None:
    """What the caller writes itself does not count, unless it is a proxy that the operator trusts."""
    said = {"X-Forwarded-For": "198.51.100.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
    said |= {"Forwarded": "for=198.51.100.9", "X-Real-IP": "198.51.100.9"}
    said |= {"Antiphon-Passed-On": "w9 w1 0 198.51.100.9 https 00", "Antiphon-Tried-Again": "yes"}
    async with worker(roster, "w1"):
        async with opened(roster) as (_, session):
            assert await _headers(session, said) == {"x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http"}
        async with opened(roster, trusted_proxies=("127.0.0.0/8",)) as (_, session):
            kept = {"x-forwarded-for": "198.51.100.9, 127.0.0.1", "x-forwarded-proto": "https"}
            assert await _headers(session, said) == kept | {"x-forwarded-host": "evil.example"}


async def _headers(session: ClientSession, said: dict[str, str]) -> dict[str, str]:
    """What a worker hears of the caller; several lines are one list."""
    _, answer, _ = await asked(session, "GET", "/", headers=said)
    found: dict[str, str] = {}
    for name, value in answer["headers"]:
        if any(part in name.lower() for part in ("forwarded", "real-ip", "antiphon")):
            found[name.lower()] = f"{found[name.lower()]}, {value}" if name.lower() in found else value
    return found


async def test_an_operator_waits_for_a_phone_that_rings(roster: Roster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer than for anything else: an answer in place of the worker's would hide a call that begins."""
    monkeypatch.setattr(configuration, "ANSWER_S", 1)
    async with worker(roster, "w1"), opened(roster, operations_port=free_port()) as (it, _):
        async with ClientSession(f"http://127.0.0.1:{it._settings.operations_port}") as session:
            rung, other = await asyncio.gather(
                asked(session, "POST", "/api/calls?wait_s=1.5"), asked(session, "GET", "/api/calls?wait_s=1.5")
            )
    assert (rung[0], other[0], other[1]["error"]["code"]) == (200, 504, "gateway_timeout")


async def test_what_is_for_operators_has_an_address_of_its_own(roster: Roster) -> None:
    async with (
        worker(roster, "w1", state="draining") as one,
        worker(roster, "w2") as two,
        opened(roster, operations_port=(port := free_port())) as (it, session),
        ClientSession(f"http://127.0.0.1:{port}") as operator,
    ):
        await roster.announce(replace(one.announcement, operations_url=two.announcement.url))
        await until(lambda: _leads_to(operator, "/api/calls/w1-x", "w2"))
        hidden = ("/metrics", "/health/ready", "/api/calls", "/api/tokens", "/api/cluster/w1/drain", "/console")
        for path in (*hidden, "/api/conversations/w1-x", "/whep/w1-x", "/%6detrics", "/api/%63alls", "//metrics"):
            status, answer, _ = await asked(session, "GET", URL(it.url + path, encoded=True))
            assert (status, answer["error"]["code"]) == (404, "not_found"), path
        assert await whose(session, "GET", "/api/callsign") == "w2"
        for path in hidden:
            assert await whose(operator, "GET", path) in ("w1", "w2")
        assert (await asked(operator, "GET", "/door/health"))[:2] == (200, {"status": "ready"})
        async with operator.get("/door/metrics") as answer:
            assert "haproxy_server_status" in await answer.text()


def test_the_door_hides_what_the_other_proxies_hide() -> None:
    """deploy/Caddyfile says what is for operators."""
    line = re.search(r"@operators path (.*)", (ROOT / "deploy/Caddyfile").read_text(encoding="utf-8"))
    assert line is not None
    assert {path.removesuffix("/*").strip("/") for path in line[1].split()} <= {*configuration.OPERATORS}


async def _leads_to(session: ClientSession, path: str, name: str) -> bool:
    return await whose(session, "GET", path) == name


async def test_bad_requests_do_not_reach_a_worker(roster: Roster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuration, "PATIENCE_MS", 200)
    async with worker(roster, "w1") as one, opened(roster) as (it, session):
        assert (await asked(session, "POST", "/api/offer", data=b"x" * 200_000))[0] == 413
        assert (await asked(session, "GET", "/", headers={"X-Long": "x" * 20_000}))[0] == 431
        assert await _status(it, b"NONSENSE\r\n\r\n") == 400
        assert await _status(it, b"GET / HTTP/1.1\r\nHost: here\r\nX-Slow: ") == 408
        assert await _status(it, b"POST /api/offer HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\n{") == 408
        assert one.got == []


async def _status(it: Door, sent: bytes) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", it._settings.port)
    writer.write(sent)
    async with asyncio.timeout(WAIT_S):
        answer = await reader.read()
    writer.close()
    return int(answer.split()[1])


async def test_tls(roster: Roster, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    both = tmp_path / "both.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    trust = ssl.create_default_context(cafile=str(certificate))
    async with worker(roster, "w1"), opened(roster, certificate=str(both)) as (it, session):
        place = f"https://localhost:{it._settings.port}"
        _, answer, _ = await asked(session, "GET", f"{place}/", ssl=trust)
        assert ["X-Forwarded-Proto", "https"] in answer["headers"]
        assert await talks_to(session, f"{place.replace('https', 'wss')}/rtvi", ssl=trust) == "w1"


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
