"""How the keys of callers' tokens are read, and read again, from a file and by HTTP."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from server.errors import AtCapacity
from signaling import key_set as module
from signaling.key_set import ASK_AGAIN_S, FILE_IS_OLD_S, MAX_BYTES, URL_IS_OLD_S, KeySet, from_file, from_url
from signaling.keys import secret_key
from signaling.tokens import Header
from tests.tokens import SECRET, jwk, key_set

A, B, UNKNOWN = Header("ES256", "a"), Header("ES256", "b"), Header("ES256", "nobody")
SET_A, SET_AB, SET_B = (
    key_set(*(jwk("p-256", kid=kid) for kid in kids)) for kids in ("a", "ab", "b")
)  # fmt: skip


class Clock:
    """A steady clock that the test sets."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Publisher:
    """A web server that publishes keys, until it is down."""

    def __init__(self) -> None:
        self.text = SET_A
        self.status = 200
        self.asked = 0
        self.gate = asyncio.Event()
        self.gate.set()
        app = web.Application()
        app.router.add_get("/keys", self._get)
        self.server = TestServer(app, host="127.0.0.1")

    @property
    def url(self) -> str:
        return str(self.server.make_url("/keys"))

    async def _get(self, request: web.Request) -> web.Response:
        self.asked += 1
        await self.gate.wait()
        return web.Response(body=self.text, status=self.status, headers={"Location": "/keys"})


@pytest.fixture
async def publisher() -> AsyncIterator[Publisher]:
    publisher = Publisher()
    async with publisher.server:
        yield publisher


@pytest.fixture
async def http() -> AsyncIterator[ClientSession]:
    async with ClientSession(auto_decompress=False) as session:
        yield session


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as thread:
        yield thread


async def kids(keys: KeySet, header: Header) -> list[str]:
    return [key.kid for key in await keys.find(header)]


async def test_an_unknown_key_makes_the_server_ask_again(publisher: Publisher, http: ClientSession) -> None:
    """A new key works at once. However many tokens name keys that do not exist, they cost a request every 30 s."""
    clock = Clock()
    keys = KeySet((), from_url(publisher.url, http), URL_IS_OLD_S, clock)
    assert await kids(keys, A) == ["a"]
    publisher.text = SET_AB
    assert await kids(keys, B) == ["b"]
    assert publisher.asked == 2
    for _ in range(50):
        assert await kids(keys, UNKNOWN) == []
    assert publisher.asked == 2
    clock.now_s += ASK_AGAIN_S
    assert await kids(keys, UNKNOWN) == []
    assert publisher.asked == 3


async def test_callers_with_a_new_key_wait_for_the_same_answer(publisher: Publisher, http: ClientSession) -> None:
    """Callers who come while the keys are being read wait for them, and none of them is refused."""
    keys = KeySet((), from_url(publisher.url, http), URL_IS_OLD_S, Clock())
    assert await kids(keys, A) == ["a"]
    publisher.text = SET_AB
    publisher.gate.clear()
    waiting = [asyncio.create_task(kids(keys, B)) for _ in range(5)]
    async with asyncio.timeout(5):
        while publisher.asked < 2:  # noqa: ASYNC110  # the other end of a socket sets no event
            await asyncio.sleep(0.001)
    known = await kids(keys, A)
    publisher.gate.set()
    assert await asyncio.gather(*waiting) == [["b"]] * 5
    assert (known, publisher.asked) == (["a"], 2)


async def test_a_key_that_is_withdrawn_is_refused_soon(publisher: Publisher, http: ClientSession) -> None:
    """Keys are read again when they are old, although every token names a key that is known."""
    clock = Clock()
    keys = KeySet((), from_url(publisher.url, http), URL_IS_OLD_S, clock)
    assert await kids(keys, A) == ["a"]
    publisher.text = SET_B
    clock.now_s += URL_IS_OLD_S
    assert await kids(keys, A) == []


@pytest.mark.parametrize(
    ("status", "text"), [(500, SET_B), (404, b""), (200, b"<html>"), (302, b""), (200, SET_B + b" " * MAX_BYTES)]
)
async def test_the_last_good_keys_go_on(
    publisher: Publisher, http: ClientSession, status: int, text: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """While the address is down or answers something else, the keys from before go on, and the log says why."""
    clock = Clock()
    keys = KeySet((), from_url(publisher.url, http), URL_IS_OLD_S, clock)
    assert await kids(keys, A) == ["a"]
    assert keys.trouble == ""
    publisher.status, publisher.text = status, text
    clock.now_s += URL_IS_OLD_S
    assert await kids(keys, A) == ["a"]
    assert keys.trouble.startswith("The keys of callers' tokens cannot be read: ")
    assert keys.trouble in caplog.text
    publisher.status, publisher.text = 200, SET_A
    clock.now_s += URL_IS_OLD_S
    await keys.find(A)
    assert keys.trouble == ""


async def test_an_address_that_hangs_is_given_up(
    publisher: Publisher, http: ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reading has a time limit. Callers with a known key do not wait for it."""
    monkeypatch.setattr(module, "READ_S", 0.05)
    keys = KeySet((), from_url(publisher.url, http), URL_IS_OLD_S, Clock())
    assert await kids(keys, A) == ["a"]
    publisher.gate.clear()
    assert await kids(keys, B) == []
    assert "TimeoutError" in keys.trouble
    publisher.gate.set()


async def test_without_any_keys_nobody_is_called_a_stranger(http: ClientSession) -> None:
    """A server that has never read its keys says that it cannot check tokens now. Its own secret works all the same."""
    unused = TestServer(web.Application(), host="127.0.0.1")
    await unused.start_server()
    url = str(unused.make_url("/keys"))
    await unused.close()
    keys = KeySet((secret_key(SECRET),), from_url(url, http), URL_IS_OLD_S, Clock())
    with pytest.raises(AtCapacity, match="cannot check tokens") as refusal:
        await keys.find(A)
    assert refusal.value.retry_after_s == ASK_AGAIN_S
    assert len(await keys.find(Header("HS256", ""))) == 1
    assert await keys.find(Header("none", "")) == ()


async def test_a_file_is_read_again_when_it_changes(tmp_path: Path, thread: ThreadPoolExecutor) -> None:
    """Soon a new key in the file works, and one that was taken out does not. A broken file changes nothing."""
    clock, file = Clock(), tmp_path / "keys.json"
    file.write_bytes(SET_A)
    keys = KeySet((), from_file(file, thread), FILE_IS_OLD_S, clock)
    assert await kids(keys, A) == ["a"]
    file.write_bytes(SET_B)
    clock.now_s += FILE_IS_OLD_S
    assert (await kids(keys, A), await kids(keys, B)) == ([], ["b"])
    for broken in (b"{", SET_A + b" " * MAX_BYTES):
        file.write_bytes(broken)
        clock.now_s += FILE_IS_OLD_S
        assert await kids(keys, B) == ["b"]
        assert keys.trouble
    file.unlink()
    clock.now_s += FILE_IS_OLD_S
    assert await kids(keys, B) == ["b"]
    assert "no such file" in keys.trouble


async def test_algorithms_that_no_key_has_cost_nothing(publisher: Publisher, http: ClientSession) -> None:
    """A token that names an algorithm of no public key makes the server read nothing."""
    keys = KeySet((), from_url(publisher.url, http), URL_IS_OLD_S, Clock())
    for algorithm in ("none", "HS256", "HS512", "RSA-OAEP", ""):
        assert await keys.find(Header(algorithm, "a")) == ()
    assert publisher.asked == 0
