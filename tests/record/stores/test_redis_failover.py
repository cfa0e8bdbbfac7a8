"""Redis that fails over: behind sentinels, and as a cluster. Real servers are killed."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from redis.asyncio.connection import SSLConnection

from server.errors import ConfigError, StoreError
from server.record.conversation import hash_token
from server.record.query import Wanted
from server.record.stores.redis_client import OPERATION_S, is_redis, key_prefix, redis_client
from tests.conversations import conversation, said_more
from tests.fakes.frail_proxy import frail_proxy
from tests.record.stores.test_redis import CALLS, Calls, journal_of, store_at
from tests.redis_groups import Group, RedisNode, cluster, running, watched
from tests.redis_server import redis_server

OLD, NEW = hash_token("token"), hash_token("new")


@pytest.fixture(params=[watched, cluster], ids=["sentinels", "cluster"])
def group(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Group]:
    make: Callable[[Path], AbstractContextManager[Group]] = request.param
    with make(tmp_path) as servers:
        yield servers


async def test_the_primary_is_killed(group: Group) -> None:
    """What was written is in the new primary, and so is what waited. A server that had lost its conversation before
    writes nothing there either."""
    ended = {f"ended-{i}": conversation(f"ended-{i}", exchanges=3) for i in range(20)}
    lost = conversation("lost", exchanges=1)
    async with store_at(group.url, OPERATION_S) as store:
        for each in (*ended.values(), lost):
            assert await store.save(each)
        claimed = await store.claim("lost", OLD, NEW)
        assert claimed is not None
        async with journal_of(store) as journal:
            calls = Calls(journal)
            await calls.until(lambda: journal.written >= CALLS)
            group.in_step()
            group.kill()
            await calls.until(lambda: journal.down)
            await calls.until(lambda: not journal.down)
        assert journal.lost == journal.refused == 0
        assert not await store.save(said_more(said_more(lost)))
        assert await store.save(said_more(claimed))
        expected = ended | calls.records | {"lost": said_more(claimed)}
        assert {name: await store.load(name) for name in expected} == expected


async def test_a_primary_that_hangs_is_left(group: Group) -> None:
    """A primary that accepts connections but does not answer delays an operation no longer than its limit. Without any
    server, operations raise StoreError, so that the journal keeps what it cannot write."""
    async with store_at(group.url, OPERATION_S) as store:
        await store.save(conversation(exchanges=1))
        group.in_step()
        group.primary.hang()
        async with journal_of(store) as journal:
            journal.note(conversation(exchanges=2))
        assert await store.load("one") == conversation(exchanges=2)
        for node in group.nodes:
            node.kill()
        for _ in range(3):
            with pytest.raises(StoreError):
                await store.save(conversation(exchanges=3))


async def test_a_name_leads_to_another_server(tmp_path: Path) -> None:
    """Where one address stands for the present primary, a connection to a server that became a replica is left."""
    nodes = [RedisNode(tmp_path / name) for name in ("old", "new")]
    with running(*nodes):
        async with frail_proxy(f"redis://127.0.0.1:{nodes[0].port}/0") as name, store_at(name.url) as store:
            await store.save(conversation("before"))
            nodes[0].ask("REPLICAOF", "127.0.0.1", nodes[1].port)
            name.lead_to(nodes[1].port)
            assert await store.save(conversation("after"))
            assert [row.id for row in (await store.finder.find(Wanted(), 9)).rows] == ["after"]


async def test_a_claim_that_a_failover_has_lost_gives_no_two_owners(tmp_path: Path) -> None:
    """Two servers got an answer to their claims with one token, because the new primary did not know of the first
    claim. One of them may write."""
    (tmp_path / "redis").mkdir()
    with redis_server(tmp_path / "redis") as redis:
        async with store_at(redis.url) as store, store_at(redis.url) as other:
            await store.save(conversation(exchanges=1))
            redis.kill()
            shutil.copytree(tmp_path / "redis", tmp_path / "replica")
            redis.start()
            first = await store.claim("one", OLD, OLD)
            redis.kill()
            shutil.rmtree(tmp_path / "redis")
            shutil.copytree(tmp_path / "replica", tmp_path / "redis")
            redis.start()
            second = await other.claim("one", OLD, OLD)
            assert first is not None
            assert second is not None
            assert await other.save(said_more(second))
            assert not await store.save(said_more(said_more(first)))
            assert await store.load("one") == said_more(second)


SAID_BY_REDIS = [
    ("redis+sentinel://a", "names the service"),
    ("redis+sentinel://a,b:1/", "names the service"),
    ("redis+sentinel://a/service/x", "the number of a database"),
    ("redis+sentinel://a,/service", "has no host"),
    ("redis+sentinel://a:port/service", "Port could not be cast"),
    ("redis+cluster://", "has no host"),
    ("redis+cluster://a:port", "Port could not be cast"),
    ("redis+cluster://a?db=3", "'db' must be 0"),
]


@pytest.mark.parametrize(("url", "reason"), SAID_BY_REDIS)
def test_an_invalid_url_says_why(url: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=f"ANTIPHON_STORE: .*{reason}"):
        redis_client(url)


async def test_what_a_url_says() -> None:
    """Each sentinel, the service and its database, the names and passwords of both, and TLS for all."""
    url = "rediss+sentinel://me:p%40ss@a,[::1]:7/calls/2?sentinel_password=other&ssl_ca_certs=ca.pem"
    async with redis_client(url) as client:
        pool = client.connection_pool
        ours = pool.connection_kwargs
        assert (pool.service_name, ours["db"], ours["username"], ours["password"]) == ("calls", 2, "me", "p@ss")
        theirs = [sentinel.connection_pool.connection_kwargs for sentinel in pool.sentinel_manager.sentinels]
        assert [(each["host"], each["port"]) for each in theirs] == [("a", 26379), ("::1", 7)]
        assert {each["password"] for each in theirs} == {"other"}
        assert {each["ssl_ca_certs"] for each in (ours, *theirs)} == {"ca.pem"}
        assert issubclass(pool.connection_class, SSLConnection)


def test_what_is_a_redis() -> None:
    """Everything else is the path of a file. In a cluster all keys have the same text in braces."""
    urls = ["redis://a", "rediss://a", "unix:///a", "redis+sentinel://a/b", "rediss+cluster://a"]
    assert all(map(is_redis, urls))
    assert not any(map(is_redis, ["redis", "conversations.db", ":memory:", "http://a", ""]))
    assert [key_prefix(url, "x") for url in urls] == ["x", "x", "x", "x", "{x}"]
