"""Two workers in one process, with a real Redis and real connections: how requests come through, and who gets them."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field

import pytest
from aiohttp import ClientSession, WSMsgType, web

from server.cluster import relay as relay_module
from server.cluster.announcement import Announcement, State
from server.cluster.fellows import Fellows
from server.cluster.member import Member
from server.cluster.passing import Passing
from server.cluster.relay import Relay
from server.cluster.roster import Roster
from server.record.stores.redis import RedisStore
from signaling.addresses import Proxies
from signaling.errors import errors_as_json
from tests.redis_server import redis_server

RESUMED = "/rtvi?token=w1-abc.secret"


@dataclass
class Worker:
    """One worker. Its site answers everything with what it has got."""

    name: str
    state: State = "ready"
    url: str = ""
    calls: set[str] = field(default_factory=set)
    sockets: list[web.WebSocketResponse] = field(default_factory=list)
    member: Member | None = None

    def about(self) -> Announcement:
        return Announcement(self.name, self.url, "here", 1, "1.0", 0, self.state, "", 0, 0, 10)

    def has(self, session_id: str) -> bool:
        return session_id in self.calls

    def refuses(self) -> bool:
        return self.state != "ready"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if self.state == "starting":
            raise web.HTTPServiceUnavailable
        if request.headers.get("Upgrade") == "websocket":
            socket = web.WebSocketResponse()
            await socket.prepare(request)
            self.sockets.append(socket)
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await socket.send_str(f"{self.name} heard {message.data}")
            return socket
        headers = {name.lower(): value for name, value in request.headers.items()}
        return web.json_response(
            {"worker": self.name, "body": await request.text(), "headers": headers, "remote": request.remote}
        )

    @asynccontextmanager
    async def running(self, redis_url: str) -> AsyncIterator[None]:
        """Serve and be announced, until the block ends."""
        async with AsyncExitStack() as stack:
            store = RedisStore(redis_url, holder=self.name)
            stack.push_async_callback(store.close)
            self.member = member = Member(self.name, Roster(store.redis, store.prefix), self.about)
            stack.push_async_callback(member.close)
            fellows = Fellows(member, Proxies())
            stack.push_async_callback(fellows.close)
            app = web.Application(middlewares=[errors_as_json])
            app.router.add_route("*", "/{path:.*}", self.handle)
            if self.state != "starting":
                Passing(fellows, Relay(fellows), store, self, self.refuses).guard(app, for_operators=True)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
            await runner.setup()
            stack.push_async_callback(runner.cleanup)
            await web.TCPSite(runner, "127.0.0.1", 0).start()
            self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            await member.announce()
            yield


@asynccontextmanager
async def silenced(worker: Worker) -> AsyncIterator[asyncio.Event]:
    """Reach the worker through a wire that carries nothing more back once the event is set."""
    silence, port = asyncio.Event(), int(worker.url.rpartition(":")[2])
    tasks: set[asyncio.Task[None]] = set()

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, back: bool) -> None:
        while piece := await reader.read(4096):
            if not (back and silence.is_set()):
                writer.write(piece)

    async def connect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(carry(reader, far_writer, back=False))
                group.create_task(carry(far_reader, writer, back=True))
        finally:
            for each in (writer, far_writer):
                each.close()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.get_running_loop().create_task(connect(reader, writer)))

    async with await asyncio.start_server(begin, "127.0.0.1", 0) as server:
        worker.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        assert worker.member is not None
        await worker.member.announce()
        yield silence
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server.url


@pytest.fixture
async def workers(redis_url: str) -> AsyncIterator[tuple[Worker, Worker]]:
    """The worker w1, whose name is in the ids, and the worker w2, which is asked."""
    owner, asked = Worker("w1"), Worker("w2")
    async with owner.running(redis_url), asked.running(redis_url):
        yield owner, asked


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession() as session:
        yield session


async def who(http: ClientSession, url: str) -> str:
    async with http.get(url) as response:
        return str((await response.json())["worker"])


async def test_a_request_comes_through_as_it_was(workers: tuple[Worker, Worker], http: ClientSession) -> None:
    """With a body that was compressed on the way, and with no headers but the client's own."""
    _, asked = workers
    body = json.dumps({"pc_id": "w1-abc"}).encode()
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json", "X-Own": "a, b"}
    async with http.post(
        f"{asked.url}/api/offer", data=gzip.compress(body), headers=headers,
        skip_auto_headers=("Accept", "Accept-Encoding", "User-Agent"),
    ) as response:  # fmt: skip
        told = await response.json()
    assert (told["worker"], told["body"], told["remote"]) == ("w1", body.decode(), "127.0.0.1")
    assert told["headers"].keys() == {"host", "content-type", "content-length", "x-own", "antiphon-passed-on"}


@pytest.mark.parametrize(("state", "taker"), [("starting", "w2"), ("full", "w2"), ("draining", "w2"), ("ready", "w1")])
async def test_a_call_goes_on_where_there_is_room(
    redis_url: str, http: ClientSession, state: State, taker: str
) -> None:
    """The worker that its id names was started again, so it does not have the call: it may still start, or be full."""
    owner, asked = Worker("w1", state), Worker("w2")
    async with owner.running(redis_url), asked.running(redis_url):
        assert await who(http, asked.url + RESUMED) == taker
        if state != "starting":
            assert await who(http, owner.url + RESUMED) == taker
            owner.calls.add("w1-abc")
            assert await who(http, asked.url + RESUMED) == "w1"


async def test_the_door_finds_another_worker_itself(redis_url: str, http: ClientSession) -> None:
    """A WebSocket through a worker that drains would be cut again when that one ends."""
    owner, asked = Worker("w1", "draining"), Worker("w2")
    headers = {"Antiphon-Tried-Again": "yes"}
    async with owner.running(redis_url), asked.running(redis_url):
        async with http.get(owner.url + RESUMED, headers=headers) as response:
            assert (response.status, response.headers["Retry-After"]) == (503, "1")
        owner.calls.add("w1-abc")
        async with http.get(owner.url + RESUMED, headers=headers) as response:
            assert (await response.json())["worker"] == "w1"


async def test_close_codes_come_through(workers: tuple[Worker, Worker], http: ClientSession) -> None:
    owner, asked = workers
    async with http.ws_connect(f"{asked.url}/v1/realtime?call_id=rtc_w1-abc") as socket:
        await socket.send_str("hello")
        assert await socket.receive_str() == "w1 heard hello"
        await owner.sockets[0].close(code=4002, message=b"lost")
        message = await socket.receive()
        assert (message.type, message.data, message.extra) == (WSMsgType.CLOSE, 4002, "lost")
    async with http.ws_connect(f"{asked.url}/v1/realtime?call_id=rtc_w1-abc") as socket:
        await socket.close(code=4001)
    while not owner.sockets[1].closed:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert owner.sockets[1].close_code == 4001


async def test_a_worker_whose_machine_is_gone_leaves_nobody_waiting(
    redis_url: str, http: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes bytes, and never says anything again. Its clients learn that, though nobody has closed anything."""
    monkeypatch.setattr(relay_module, "HEARTBEAT_S", 0.2)
    owner, asked = Worker("w1"), Worker("w2")
    async with owner.running(redis_url), silenced(owner) as silence, asked.running(redis_url):
        async with http.ws_connect(f"{asked.url}/v1/realtime?call_id=rtc_w1-abc") as socket:
            await socket.send_str("hello")
            assert await socket.receive_str() == "w1 heard hello"
            await asyncio.sleep(0.5)  # it is quiet, and alive
            await socket.send_str("hello")
            while (await socket.receive()).data != "w1 heard hello":
                pass
            silence.set()
            async with asyncio.timeout(5):
                while (await socket.receive()).type not in (WSMsgType.CLOSED, WSMsgType.ERROR):
                    pass
