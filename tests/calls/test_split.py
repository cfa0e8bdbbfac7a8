"""Two servers share a Redis, and one of them is cut off from it for a while. Real sessions in real time."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from server.call.caller import Caller
from server.call.messages import Error, Text
from server.call.options import CallOptions
from server.call.session import Session
from server.errors import StoreError
from server.record.conversation import Conversation
from server.record.journal import Journal
from server.record.stores.redis import RedisStore
from tests.call.directories import Line, answers, connected, directory, listen
from tests.fakes.frail_proxy import FrailProxy, frail_proxy
from tests.fakes.mind import Mind
from tests.fakes.notebook import Notebook
from tests.redis_groups import RedisNode, running

LIMIT_S = 10
"""How long an operation may take here."""
SCENARIO_S = 60


class Server(Notebook):
    """One server: its sessions, its journal, and its connection to the store at `url`."""

    def __init__(self, url: str) -> None:
        super().__init__()
        self.store = RedisStore(url, limit_s=LIMIT_S)
        self.mind = Mind()
        self.calls = directory(notebook=self, mind=self.mind)
        self.journal = Journal(self.store, self.calls.lose)

    def note(self, record: Conversation) -> None:
        self.journal.note(record)

    async def holds(self, conversation_id: str, token_hash: str) -> bool:
        return await self.store.holds(conversation_id, token_hash)

    async def claim(self, conversation_id: str, token_hash: str, new_token_hash: str) -> Conversation | None:
        return await self.store.claim(conversation_id, token_hash, new_token_hash)

    async def flush(self) -> None:
        while len(self.journal):  # noqa: ASYNC110
            await asyncio.sleep(0.02)

    async def close(self) -> None:
        await self.calls.close()
        await self.journal.close(SCENARIO_S)
        await self.store.close()


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[RedisNode]:
    node = RedisNode(tmp_path / "redis")
    with running(node):
        yield node


@contextlib.asynccontextmanager
async def server(url: str) -> AsyncIterator[Server]:
    each = Server(url)
    try:
        yield each
    finally:
        await each.close()


async def ask(session: Session, line: Line, text: str) -> None:
    """Type a text, and listen to the answer."""
    known = len(answers(line))
    session.receive_text(Text(text=text).to_json())
    while len(answers(line)) == known:
        await listen(session, 5)


async def resume(at: Server, session_id: str, token: str) -> tuple[Session, Line]:
    session, line = await at.calls.find(Caller(), session_id, token, CallOptions()), Line()
    at.calls.attach(session, line, token)
    await asyncio.sleep(0.1)
    return session, line


def cut(proxy: FrailProxy) -> None:
    """The network says that there is no way."""
    proxy.lead_to(0)
    proxy.cut()


async def test_one_half_of_a_split_gives_its_call_up(redis: RedisNode) -> None:
    """The caller goes on at the other server. When the first one is back, nothing that it did since is written, its
    session ends as superseded, and no tool has run twice."""
    url = f"redis://127.0.0.1:{redis.port}/0"
    async with asyncio.timeout(SCENARIO_S), frail_proxy(url) as proxy, server(proxy.url) as first, server(url) as other:
        session, line = await connected(first.calls)
        await ask(session, line, "book seven")
        await first.flush()
        cut(proxy)
        await ask(session, line, "is it late")
        again, there = await resume(other, session.id, line.token)
        await ask(again, there, "book nine")
        await other.flush()
        assert len(first.journal) == 1
        assert not session.ended, "it cannot know yet"
        proxy.lead_to(redis.port)
        await asyncio.wait_for(session.over.wait(), SCENARIO_S)
        await first.flush()
        assert [message.code for message in line.told if isinstance(message, Error)] == ["superseded"]
        assert (first.journal.refused, other.journal.refused) == (1, 0)
        assert (first.mind.booked, other.mind.booked) == (["seven"], ["nine"])
        record = await other.store.load(session.id)
        assert record is not None
        assert [said.text for said in record.said if said.who == "caller"] == ["book seven", "book nine"]


async def test_a_server_that_is_cut_off_claims_nothing(redis: RedisNode) -> None:
    """A caller who comes there hears that the store is not available, and the call goes on where it is."""
    url = f"redis://127.0.0.1:{redis.port}/0"
    async with asyncio.timeout(SCENARIO_S), frail_proxy(url) as proxy, server(url) as first, server(proxy.url) as other:
        session, line = await connected(first.calls)
        await first.flush()
        cut(proxy)
        with pytest.raises(StoreError):
            await resume(other, session.id, line.token)
        await ask(session, line, "book seven")
        assert first.mind.booked == ["seven"]
        proxy.lead_to(redis.port)
        await first.flush()
        again, there = await resume(other, session.id, line.token)
        await ask(again, there, "book nine")
        session.receive_text(Text(text="is it late").to_json())
        while not session.ended:
            await listen(session, 5)
        assert (first.mind.booked, other.mind.booked) == (["seven"], ["nine"])
