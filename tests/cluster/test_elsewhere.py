"""How many calls may move to the other workers, with a real Redis."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace

import pytest
from redis.asyncio import Redis

from server.cluster import elsewhere as elsewhere_module
from server.cluster.announcement import Announcement
from server.cluster.elsewhere import Elsewhere
from server.cluster.member import Member
from server.cluster.roster import Roster
from tests.redis_server import redis_server

ONE = Announcement("w1", "http://127.0.0.1:1", "here", 1, "1.0", 0, "draining", "", 10, 0, 10)


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with redis_server(tmp_path_factory.mktemp("redis")) as server:
        yield server.url


@pytest.fixture
async def member(redis_url: str) -> AsyncIterator[Member]:
    redis = Redis.from_url(redis_url, decode_responses=True)
    it = Member("w1", Roster(redis), lambda: ONE)
    yield it
    await it.close()
    await redis.aclose()


async def test_no_more_calls_move_than_find_room(member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that have moved are in the next count. A worker that comes later takes calls, too."""
    roster = member.roster
    elsewhere = Elsewhere(member, lambda conversation_id: conversation_id != "unsaved")
    await elsewhere.look()
    assert not elsewhere.takes("a")  # nobody is there
    monkeypatch.setattr(elsewhere_module, "COUNT_S", 0.0)
    await roster.announce(replace(ONE, name="w2", state="ready", calls=8))
    await roster.announce(replace(ONE, name="w3", state="full", calls=0))
    await elsewhere.look()
    assert [elsewhere.takes(each) for each in ("unsaved", "a", "b", "c")] == [False, True, True, False]
    await roster.announce(replace(ONE, name="w2", state="ready", calls=10))
    await elsewhere.look()
    assert not elsewhere.takes("c")
    await roster.announce(replace(ONE, name="w4", state="ready", calls=9))
    await elsewhere.look()
    assert [elsewhere.takes(each) for each in ("c", "d")] == [True, False]
