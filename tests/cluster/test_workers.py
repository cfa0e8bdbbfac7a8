"""Three workers of one cluster, as real processes with a real Redis: whoever is asked, the right one answers.

The tests stop one worker after the other, so they run in this order. Each of them begins without calls.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager
from functools import wraps
from typing import Any

import pytest
from aiohttp import ClientSession

from signaling.sip.message import Request
from tests.offers import HOST, audio, offer
from tests.redis_server import RedisServer, redis_server
from tests.sip_phone import ALICE, SipPhone
from tests.socket_phone import SocketPhone
from tests.started import Started

TOKEN = "operator-of-the-cluster"
ADMIN = {"Authorization": f"Bearer {TOKEN}"}
TEST_S = 40
DRAIN_S = 100
NAMES = ("w1", "w2", "w3")
OFFER = {"sdp": offer(audio("0", HOST)), "type": "offer"}


class Cluster:
    """The workers by their names."""

    def __init__(self, redis: RedisServer) -> None:
        self.redis = redis
        self.workers = {
            name: Started(
                "--store", redis.url, "--worker", name, "--drain-s", str(DRAIN_S), ANTIPHON_ADMIN_TOKEN=TOKEN
            )
            for name in NAMES
        }  # fmt: skip

    def url(self, name: str) -> str:
        return self.workers[name].url

    async def has_logged(self, name: str, text: str) -> bool:
        return any(text in line for line in self.workers[name].lines)

    async def has_ended(self, name: str) -> bool:
        return self.workers[name].process.poll() is not None


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until it holds. The time of the test is the limit."""
    while not await holds():  # noqa: ASYNC110
        await asyncio.sleep(0.05)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with ExitStack() as stack:
        running = Cluster(stack.enter_context(redis_server(tmp_path_factory.mktemp("redis"))))
        for worker in running.workers.values():
            stack.callback(worker.stop)
        for worker in running.workers.values():
            worker.wait()
        yield running
        for name, worker in running.workers.items():
            print(name, *worker.lines, sep="\n")  # pytest shows it when a test has failed


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession(headers=ADMIN) as session:
        yield session


def limited(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """Fail a test that takes too long."""

    @wraps(test)
    async def run(*given: Any, **named: Any) -> None:
        async with asyncio.timeout(TEST_S):
            await test(*given, **named)

    return run


@pytest.fixture(autouse=True)
async def nobody_calls(cluster: Cluster, http: ClientSession) -> AsyncIterator[None]:
    """A call takes a while to end after its caller has hung up, and the next test counts the calls."""
    yield
    running = [name for name, worker in cluster.workers.items() if worker.process.poll() is None]

    async def all_have_ended() -> bool:
        return not await listed(cluster, running[-1], http)

    async with asyncio.timeout(TEST_S):
        await until(all_have_ended)


@asynccontextmanager
async def calling(
    cluster: Cluster, name: str, http: ClientSession, known: dict[str, Any] | None = None
) -> AsyncIterator[SocketPhone]:
    """A call at the worker `name`: a new one, or the one that a `session` message has told of."""
    phone = SocketPhone(cluster.url(name), http)
    known = known or {"session_id": "new", "resume": ""}
    await phone.dial(known["session_id"], resume=known["resume"])
    try:
        await phone.until(type="session")
        yield phone
    finally:
        await phone.hang_up()


async def ask(phone: SocketPhone, text: str) -> str:
    """Type a text; returns the answer that was heard to its end."""
    known = {message["reply"] for message in phone.told if message["type"] == "response"}
    phone.send(type="text", text=text)
    while True:
        for message in phone.told:
            new = message["type"] == "response" and message["reply"] not in known
            if new and message["final"] and not message["interrupted"]:
                return str(message["text"])
        await asyncio.sleep(0.05)


async def listed(cluster: Cluster, name: str, http: ClientSession) -> dict[str, str]:
    """Which calls there are, and at which workers, as the worker `name` tells it."""
    async with http.get(f"{cluster.url(name)}/api/calls") as response:
        return {call["id"]: call["worker"] for call in (await response.json())["calls"]}


async def workers(cluster: Cluster, name: str, http: ClientSession) -> dict[str, Any]:
    async with http.get(f"{cluster.url(name)}/api/cluster") as response:
        assert response.status == 200, await response.text()
        answer: dict[str, Any] = await response.json()
        return answer


@limited
async def test_every_worker_knows_the_others(cluster: Cluster, http: ClientSession) -> None:
    """They are announced, with what they have; Prometheus is told where they are; and values carry the name."""
    told: dict[str, Any] = {}

    async def all_are_ready() -> bool:
        told.update(await workers(cluster, "w2", http))
        return {worker["state"] for worker in told["workers"]} == {"ready"}

    await until(all_are_ready)
    assert [(worker["name"], worker["url"]) for worker in told["workers"]] == [
        (name, cluster.url(name)) for name in NAMES
    ]
    assert (told["worker"], told["calls"], told["places"], told["missing"]) == ("w2", 0, 24, [])
    async with http.get(f"{cluster.url('w1')}/api/cluster/targets") as response:
        targets = await response.json()
    assert [target["targets"] for target in targets] == [[cluster.url(name).partition("//")[2]] for name in NAMES]
    async with http.get(f"{cluster.url('w1')}/metrics") as response:
        lines = [line for line in (await response.text()).splitlines() if not line.startswith("#")]
    assert lines
    assert all('worker="w1"' in line for line in lines)
    async with ClientSession() as stranger, stranger.get(f"{cluster.url('w1')}/api/cluster") as response:
        assert response.status == 401


@limited
async def test_a_call_by_webrtc_is_hung_up_through_another_worker(cluster: Cluster, http: ClientSession) -> None:
    """Candidates and the end reach the worker that has the call, with and without the way of an agent."""
    async with http.post(f"{cluster.url('w1')}/api/offer", json=OFFER) as response:
        pc_id = (await response.json())["pc_id"]
    assert pc_id.startswith("w1-")
    url = f"{cluster.url('w2')}/api/offer"
    async with http.patch(url, json={"pc_id": pc_id, "candidates": []}) as response:
        assert response.status == 200
    async with http.patch(url, json={"pc_id": pc_id}) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (400, "bad_request")
    for status in (200, 404):
        async with http.delete(url, params={"pc_id": pc_id}) as response:
            assert response.status == status


@limited
async def test_who_is_alive_is_asked_for_the_call(cluster: Cluster, http: ClientSession) -> None:
    """A caller who comes back through another worker goes on at the first one. Operators reach the call from anywhere,
    also while it streams its events."""
    async with calling(cluster, "w1", http) as phone:
        hello = await phone.until(type="session")
        await ask(phone, "my name is Anna")
        await phone.drop()
    async with calling(cluster, "w2", http, phone.told[0]) as again:
        resumed = await again.until(type="session")
        assert resumed["session_id"] == hello["session_id"]
        assert await listed(cluster, "w3", http) == {hello["session_id"]: "w1"}
        call = f"{cluster.url('w3')}/api/calls/{hello['session_id']}"
        async with http.get(f"{call}/events") as events:
            assert events.content_type == "text/event-stream"
            async with http.post(f"{call}/say", json={"text": "The shop closes soon."}) as response:
                assert response.status == 200, await response.text()
            while b"closes soon" not in await events.content.readline():
                pass
        assert "Anna" in await ask(again, "what is my name")
        await again.ws.close()
        assert again.ws.close_code == 1000


@limited
async def test_a_phone_is_called_wherever_it_is_registered(cluster: Cluster, http: ClientSession) -> None:
    """The operator asks any worker. The answer is that of the worker where the phone is."""
    async with http.post(f"{cluster.url('w1')}/api/calls", json={"to": ALICE}) as response:
        assert (response.status, (await response.json())["error"]["code"]) == (404, "not_registered")
    phone = SipPhone(cluster.url("w1").replace("http", "ws"), http)
    await phone.connect()
    await phone.register()
    asked = asyncio.get_running_loop().create_task(
        http.post(f"{cluster.url('w3')}/api/calls", json={"to": ALICE, "timeout_s": 5}), name="the operator"
    )
    invite = await phone.gets("INVITE")
    assert isinstance(invite, Request)
    await phone.reply(invite, 603)
    async with await asked as response:
        assert (response.status, (await response.json())["error"]["code"]) == (409, "declined")
    await phone.drop()


@limited
async def test_a_false_seal_is_worth_nothing(cluster: Cluster, http: ClientSession) -> None:
    """A request that pretends to be passed on is not passed on either: it is answered where it came."""
    async with calling(cluster, "w1", http) as phone:
        session_id = (await phone.until(type="session"))["session_id"]
        call = f"{cluster.url('w2')}/api/calls/{session_id}/instruct"
        for headers, status in (({"Antiphon-Passed-On": f"w3 w2 {int(time.time())} 10.0.0.1 http 00"}, 404), ({}, 200)):
            async with http.post(call, json={"text": "Be brief."}, headers=headers) as response:
                assert response.status == status
    await until(lambda: cluster.has_logged("w2", "its seal is not true"))


@limited
async def test_no_call_hears_that_redis_hangs(cluster: Cluster, http: ClientSession) -> None:
    """While Redis hangs, calls go on, and those that are passed on, too. When it is back, the workers are."""
    async with calling(cluster, "w1", http) as phone:
        hello = await phone.until(type="session")
        await ask(phone, "my name is Anna")
        call = f"{cluster.url('w2')}/api/calls/{hello['session_id']}/mute"
        async with http.post(call, json={"muted": False}) as response:
            assert response.status == 200
        cluster.redis.hang()
        try:
            assert "Anna" in await ask(phone, "what is my name")
            await until(lambda: cluster.has_logged("w2", "Redis does not answer"))
            async with http.post(call, json={"muted": False}) as response:
                assert response.status == 200
        finally:
            cluster.redis.go_on()
        await until(lambda: cluster.has_logged("w2", "Redis answers again"))

        async def all_are_back() -> bool:
            return len((await workers(cluster, "w3", http))["workers"]) == len(NAMES)

        await until(all_are_back)


@limited
async def test_a_drain_moves_a_call_as_soon_as_it_is_quiet(cluster: Cluster, http: ClientSession) -> None:
    """An operator lets one worker stop, by asking another one. Its call goes on elsewhere long before the deadline,
    with all that was said and muted as before, and is found there by its old id. Another call, whose client is not
    there yet, stays."""
    async with http.post(f"{cluster.url('w2')}/api/offer", json=OFFER) as response:
        pc_id = (await response.json())["pc_id"]
    async with calling(cluster, "w2", http) as phone:
        hello = await phone.until(type="session")
        await ask(phone, "my name is Anna")
        mute = f"{cluster.url('w1')}/api/calls/{hello['session_id']}/mute"
        async with http.post(mute, json={"muted": True}) as response:
            assert response.status == 200
        async with http.post(f"{cluster.url('w3')}/api/cluster/w2/drain") as response:
            assert response.status == 202
        start_s = time.monotonic()
        await phone.until(type="reconnect")
        assert time.monotonic() - start_s < DRAIN_S / 4
        async with calling(cluster, "w1", http, phone.told[0]) as again:
            assert (await again.until(type="session"))["resumed"]
            assert "Anna" in await ask(again, "what is my name")
            assert await listed(cluster, "w3", http) == {hello["session_id"]: "w1"}
            async with http.get(f"{cluster.url('w3')}/api/calls") as response:
                assert [call["muted"] for call in (await response.json())["calls"]] == [True]
            call = f"{cluster.url('w3')}/api/calls/{hello['session_id']}/instruct"
            async with http.post(call, json={"text": "Be brief."}) as response:
                assert response.status == 200
            async with calling(cluster, "w2", http, again.told[0]) as third:
                assert "Anna" in await ask(third, "what is my name")
                assert await listed(cluster, "w3", http) == {hello["session_id"]: "w1"}
                async with http.delete(f"{cluster.url('w3')}/api/offer", params={"pc_id": pc_id}) as response:
                    assert response.status == 200
                await third.closed.wait()
                assert third.close_code in (None, 1006)
    async with calling(cluster, "w3", http, third.told[0]):
        pass  # its connection was cut with the worker that has ended, so the call has waited for its caller
    await until(lambda: cluster.has_ended("w2"))
    assert cluster.workers["w2"].process.returncode == 0
    assert [worker["name"] for worker in (await workers(cluster, "w3", http))["workers"]] == ["w1", "w3"]


@limited
async def test_the_calls_of_a_worker_that_was_killed_go_on(cluster: Cluster, http: ClientSession) -> None:
    """Whoever is asked takes the call over, with its history. The operator reads who is missing."""
    async with calling(cluster, "w1", http) as phone:
        hello = await phone.until(type="session")
        await ask(phone, "my name is Anna")

        async def is_saved() -> bool:
            async with http.get(f"{cluster.url('w3')}/api/conversations/{hello['session_id']}") as response:
                return "my name is Anna" in await response.text()

        await until(is_saved)
        cluster.workers["w1"].process.kill()
        await phone.closed.wait()
    async with calling(cluster, "w3", http, phone.told[0]) as again:
        assert (await again.until(type="session"))["session_id"] == hello["session_id"]
        assert "Anna" in await ask(again, "what is my name")
        async with http.delete(f"{cluster.url('w3')}/api/offer", params={"pc_id": "w1-gone"}) as response:
            assert (response.status, json.loads(await response.text())["error"]["code"]) == (404, "not_found")

        async def is_missed() -> bool:
            return bool((await workers(cluster, "w3", http))["missing"] == ["w1"])

        await until(is_missed)
