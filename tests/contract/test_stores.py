"""One suite for every store of conversations. A new store joins in stores.py."""

import asyncio
import contextlib
from dataclasses import replace

import pytest
from pydantic_ai.messages import ModelMessage, ModelRequest, ToolReturnPart

from server.errors import StoreError
from server.record.conversation import Exchange, Said, hash_token
from server.record.query import Wanted
from server.record.rows import call_row
from server.record.store import Store
from server.record.stores import redis as redis_store
from server.record.stores import sqlite
from server.record.stores.codec import encode_header
from tests.contract.stores import Open, pages
from tests.conversations import START_MS, conversation, exchange, said_more

OLD, NEW, OTHER = (hash_token(name) for name in ("token", "new", "other"))
FAR_MS = 4_000_000_000_000
"""In the year 2096."""


async def test_a_saved_record_is_loaded(store: Store, open_store: Open) -> None:
    """A record is loaded with every field equal, also by another server."""
    for kept in (conversation(), conversation(exchanges=3), conversation("ended", exchanges=1).ended(START_MS + 9)):
        assert await store.save(kept)
        assert await store.load(kept.id) == kept
        assert await (await open_store()).load(kept.id) == kept


async def test_a_conversation_grows(store: Store) -> None:
    """Each record replaces the one before it and has all exchanges in their order."""
    kept = conversation()
    for _ in range(12):
        kept = said_more(kept)
        assert await store.save(kept)
    assert await store.load("one") == kept
    assert [said.start_ms for said in kept.said] == sorted(said.start_ms for said in kept.said)


async def test_the_last_exchange_may_be_amended(store: Store) -> None:
    """An amended exchange replaces the stored one, also when records were left out or more exchanges followed."""
    for written, since in ((1, 0), (3, 0), (3, 2), (0, 2)):
        kept = conversation(f"amended-{written}-{since}", exchanges=written)
        assert await store.save(kept)
        kept = kept if written else said_more(kept)
        amended = replace(exchange(7), said=(Said("agent", "It", 1, 2),))
        kept = kept.with_amended(amended, kept.updated_ms + 1, kept.agent_state)
        for _ in range(since):
            kept = said_more(kept)
        assert await store.save(kept)
        assert await store.load(kept.id) == kept
        assert amended in kept.exchanges


async def test_values_that_json_does_not_have_are_stored_as_text(store: Store) -> None:
    """Half a surrogate pair, or an object that a tool returned, is stored as text, and the conversation is not lost."""

    class Thing:
        def __str__(self) -> str:
            return "a thing"

    odd = Exchange((Said("agent", "half \ud83d", 0, 1),), (ModelRequest(parts=[ToolReturnPart("look", Thing(), "a")]),))
    kept = (
        conversation().with_exchange(odd, START_MS + 1, agent_state="\udc00").with_exchange(exchange(1), START_MS, "")
    )
    assert await store.save(kept)
    loaded = await store.load("one")
    assert loaded is not None
    assert (loaded.said[0].text, loaded.exchanges[1]) == ("half ?", exchange(1))
    assert tool_return(loaded.messages[0]) == "a thing"


def tool_return(message: ModelMessage) -> object:
    (part,) = message.parts
    assert isinstance(part, ToolReturnPart)
    return part.content


async def test_records_may_be_left_out(store: Store) -> None:
    """Records may be skipped, because the latest record contains all earlier ones."""
    assert await store.save(conversation(exchanges=1))
    assert await store.save(conversation(exchanges=5))
    assert await store.load("one") == conversation(exchanges=5)


async def test_a_late_record_changes_nothing(store: Store) -> None:
    """A write that arrives late does not bring back an older record or an old token."""
    newer = conversation(exchanges=2).with_token(NEW, START_MS + 10_000)
    assert await store.save(newer)
    assert await store.save(newer)
    for late in (conversation(exchanges=2), conversation(exchanges=1)):
        assert await store.save(late)
        assert await store.load("one") == newer


async def test_records_that_come_together_are_not_mixed(open_store: Open) -> None:
    """When writes overtake each other, the store has the latest record in the end, with each exchange once."""
    stores = [await open_store() for _ in range(4)]
    records = [conversation(exchanges=i) for i in range(12)]
    saves = (stores[i % 4].save(record) for i, record in enumerate(records))
    assert await asyncio.gather(*saves) == [True] * 12
    assert await stores[0].load("one") == records[-1]


async def test_a_token_can_be_used_once(store: Store) -> None:
    """A claim returns the whole record with the new token and a new epoch. The old token no longer works."""
    kept = conversation(exchanges=2)
    await store.save(kept)
    claimed = await store.claim("one", OLD, NEW)
    assert claimed is not None
    assert (claimed.token_hash, claimed.exchanges) == (NEW, kept.exchanges)
    assert claimed.epoch > kept.epoch
    assert await store.load("one") == claimed
    assert await store.claim("one", OLD, OTHER) is None
    assert await store.load("one") == claimed


async def test_a_token_can_be_tried_without_a_claim(store: Store) -> None:
    """A store tells whether a token is the present one, and nothing changes by the question."""
    kept = conversation(exchanges=2)
    await store.save(kept)
    assert await store.holds("one", OLD)
    assert not await store.holds("one", OTHER)
    assert not await store.holds("nobody", OLD)
    assert await store.load("one") == kept
    await store.claim("one", OLD, NEW)
    assert (await store.holds("one", OLD), await store.holds("one", NEW)) == (False, True)
    await store.delete("one")
    assert not await store.holds("one", NEW)


async def test_a_claim_may_be_repeated(store: Store) -> None:
    """A server that lost the answer to its claim may repeat it with the same two hashes and gets the same record."""
    await store.save(conversation())
    first = await store.claim("one", OLD, NEW)
    assert first is not None
    assert await store.claim("one", OLD, NEW) == first


async def test_of_many_claims_at_once_one_succeeds(open_store: Open) -> None:
    """Of many claims at the same time with one token, exactly one succeeds."""
    stores = [await open_store() for _ in range(8)]
    await stores[0].save(conversation())
    claims = await asyncio.gather(*(s.claim("one", OLD, hash_token(f"new-{i}")) for i, s in enumerate(stores)))
    (winner,) = [claimed for claimed in claims if claimed is not None]
    assert await stores[0].load("one") == winner


@pytest.mark.parametrize("name", ["one", "nobody"])
async def test_a_wrong_token_claims_nothing(store: Store, name: str) -> None:
    """A claim with a wrong token returns None, whether or not there is such a conversation, and changes nothing."""
    await store.save(conversation())
    assert await store.claim(name, OTHER, NEW) is None
    assert await store.load("one") == conversation()
    assert await store.load("nobody") is None


async def test_an_ended_conversation_cannot_be_claimed(store: Store) -> None:
    """A conversation that has ended has no token, so no claim succeeds."""
    await store.save(conversation().ended(START_MS + 5))
    for token in (OLD, "", "None"):
        assert await store.claim("one", token, NEW) is None


async def test_a_server_that_lost_its_conversation_writes_no_more(store: Store, open_store: Open) -> None:
    """After a claim, the records of the former server are refused and those of the new server are stored."""
    kept = conversation(exchanges=1)
    await store.save(kept)
    other = await open_store()
    claimed = await other.claim("one", OLD, NEW)
    assert claimed is not None
    assert not await store.save(said_more(said_more(kept)))
    assert await other.save(said_more(claimed))
    assert await store.load("one") == said_more(claimed)


async def test_the_list_has_the_newest_first(store: Store) -> None:
    """The pages of the list follow each other without gaps or repetitions, also when times are equal."""
    kept = [conversation(f"c{i}", exchanges=i % 3, created_ms=START_MS + i // 2) for i in range(7)]
    for each in kept:
        await store.save(each)
    await store.save(said_more(kept[0]))  # a conversation keeps its place when it goes on
    rows = [call_row(said_more(kept[0])), *map(call_row, kept[1:])]
    expected = sorted(rows, key=lambda row: (row.created_ms, row.id), reverse=True)
    assert await pages(store, 100) == [expected]
    assert await pages(store, 3) == [expected[:3], expected[3:6], expected[6:]]


async def listed(store: Store) -> list[str]:
    """The ids of all conversations in the store, the newest first."""
    return [row.id for page in await pages(store, 100) for row in page]


@pytest.mark.parametrize("before", ["", "0", "zzz", "\xff", "%", "9" * 500])
async def test_any_cursor_is_a_place_in_the_list(store: Store, before: str) -> None:
    """A cursor that the store never gave is accepted."""
    await store.save(conversation())
    for wanted in (Wanted(), Wanted(slowest=True), Wanted(word="order")):
        assert len((await store.finder.find(wanted, 10, before)).rows) in (0, 1)


async def test_a_deleted_conversation_stays_deleted(store: Store) -> None:
    """A deleted conversation cannot be loaded, claimed or listed, and a call that still runs cannot bring it back."""
    await store.save(conversation("two", exchanges=1))
    kept = conversation(exchanges=2)
    await store.save(kept)
    assert await store.delete("one")
    assert not await store.delete("one")
    assert not await store.save(said_more(kept))
    assert await store.load("one") is None
    assert await store.claim("one", OLD, NEW) is None
    assert await listed(store) == ["two"]


async def test_old_conversations_are_swept(store: Store) -> None:
    """A sweep deletes conversations that were last updated before the given time, and no others."""
    old, present = conversation("old", exchanges=2), conversation("present", exchanges=3)
    await store.save(old)
    await store.save(present)
    assert await store.sweep(old.updated_ms) == 0
    assert await store.sweep(present.updated_ms) == 1
    assert await store.load("old") is None
    assert await store.load("present") == present
    assert await listed(store) == ["present"]
    assert await store.save(conversation("old"))
    assert await store.load("old") == conversation("old")


async def test_many_are_swept(store: Store) -> None:
    """One sweep deletes any number of old conversations."""
    for i in range(250):
        await store.save(conversation(f"c{i}"))
    assert await store.sweep(START_MS + 1) == 250
    assert await listed(store) == []


async def test_a_store_may_be_closed_twice(store: Store) -> None:
    """Close is idempotent. An operation after it raises StoreError or opens the store again."""
    await store.save(conversation())
    await store.close()  # type: ignore[attr-defined]
    await store.close()  # type: ignore[attr-defined]
    with contextlib.suppress(StoreError):
        assert await store.load("one") == conversation()


async def test_a_token_of_one_use_is_spent_once(open_store: Open) -> None:
    """Of many servers that use a token up at the same time, one succeeds. Another token is another matter."""
    stores = [await open_store() for _ in range(8)]
    spent = await asyncio.gather(*(store.spend("a", FAR_MS) for store in stores))
    assert sorted(spent) == [False] * 7 + [True]
    assert await stores[0].spend("b", FAR_MS)
    assert not await stores[1].spend("b", FAR_MS)


async def test_a_spent_token_is_remembered_until_it_expires(store: Store) -> None:
    """A sweep forgets tokens whose time is over, and no others."""
    assert await store.spend("old", START_MS)
    assert await store.spend("new", FAR_MS)
    await store.sweep(START_MS + 1)
    assert await store.spend("old", START_MS)
    assert not await store.spend("new", FAR_MS)


async def test_records_without_a_caller_are_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that a server before callers had names wrote is read, and has no caller."""
    kept = replace(conversation(exchanges=1), caller="")
    for module in (sqlite, redis_store):
        monkeypatch.setattr(module, "encode_header", lambda record: encode_header(record).replace('"caller":"",', ""))
    assert await store.save(kept)
    assert await store.load("one") == kept
