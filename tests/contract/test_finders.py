"""One suite for the finders of all stores: listing, searching and counting conversations."""

import random
from dataclasses import asdict, replace
from statistics import median
from typing import Any

import pytest

from server.record.conversation import Conversation, Exchange, Said
from server.record.figures import Failure, Figures, ToolRun
from server.record.query import CallRow, Counted, Period, Wanted
from server.record.store import Store
from server.record.tally import BIN_MS
from tests.contract.stores import Open, pages
from tests.conversations import START_MS, conversation, said_more

HOUR_MS = 3_600_000


def call(name: str, at_ms: int, *kept: Figures, words: str = "Hello there", **more: Any) -> Conversation:
    """A conversation that began at `at_ms` and has an exchange with each of these figures, a minute apart."""
    record = Conversation(name, more.pop("agent", "Ann"), START_MS + at_ms, START_MS + at_ms, **more)
    for number, each in enumerate(kept):
        said = Said("agent", words, 60_000 * number, 60_000 * number + 900, interrupted=each.interrupted)
        record = record.with_exchange(Exchange((said,), (), each), record.created_ms + 60_000 * (number + 1), "")
    return record


async def ids(store: Store, **wanted: Any) -> list[str]:
    return [row.id for page in await pages(store, 2, Wanted(**wanted)) for row in page]


async def test_a_row_tells_how_a_conversation_went(store: Store) -> None:
    """The row of a conversation has its times, names and counts, and how long the caller waited for answers."""
    slow = Figures(agent="Ben", gap_ms=1_900.4, first_packet_ms=300, false_starts=2, tools=(ToolRun("book", 40.0),))
    kept = call(
        "one", 0, Figures(first_packet_ms=400), slow, Figures(gap_ms=600, interrupted=True),
        Figures(failures=(Failure("model", "It failed."), Failure("model", "Again."))), transport="sip", caller="eva",
    )  # fmt: skip
    await store.save(kept.ended(START_MS + 300_000))
    (row,) = (await store.finder.find(Wanted(), 10)).rows
    assert row == CallRow(
        "one", "Ann", START_MS, START_MS + 300_000, START_MS + 300_000, 4, "eva", "sip", "", 600, 1_900, 1, 2,
        ("Ann", "Ben"), ("book",), ("model", "model"),
    )  # fmt: skip


async def test_conversations_are_found_by_what_their_rows_tell(store: Store) -> None:
    """A search takes the time, the agent, the caller, the way in, a tool and a failure, and all of them together."""
    failed = Figures(agent="Ben", tools=(ToolRun("book"),), failures=(Failure("tool", "It failed."),))
    for kept in (
        call("a", 0, Figures(), caller="eva", transport="sip"),
        call("b", 1_000, failed, caller="eva", transport="webrtc"),
        call("c", 2_000, failed, Figures(agent="Ann"), caller="joe", transport="webrtc"),
        call("d", 3_000, agent="Ben"),
    ):
        await store.save(kept)
    assert await ids(store) == ["d", "c", "b", "a"]
    assert await ids(store, since_ms=START_MS + 1_000, until_ms=START_MS + 3_000) == ["c", "b"]
    assert await ids(store, agent="Ben") == ["d", "c", "b"]
    assert await ids(store, caller="eva") == ["b", "a"]
    assert await ids(store, transport="webrtc") == ["c", "b"]
    assert await ids(store, tool="book") == ["c", "b"]
    assert await ids(store, failure="tool", caller="joe") == ["c"]
    assert await ids(store, failure="model") == []
    assert await ids(store, failure="any") == ["c", "b"]
    assert await ids(store, failure="any", caller="eva") == ["b"]
    odd = 'the "big"\n\\ \x1f <é\x7f>'
    await store.save(call("e", 4_000, Figures(agent=odd)))
    assert await ids(store, agent=odd) == ["e"]
    assert await ids(store, caller="Ann") == []  # it is the name of an agent


@pytest.mark.parametrize("word", ["pizzería", "PIZZERIA", "zzer", "la pizz", "ピザ", "50%"])
async def test_conversations_are_found_by_what_was_said(store: Store, word: str) -> None:
    """Words are found whatever their case and accents, in scripts without spaces, and as parts of other words."""
    words = "En la Pizzería hay 50% menos. ピザを食べる"
    await store.save(call("said", 0, Figures(), Figures(), words=words))
    await store.save(call("other", 1, Figures(), words="Nothing of that. 50 percent"))
    await store.save(call("empty", 2))
    assert await ids(store, word=word) == ["said"]
    assert await ids(store, word=word, agent="Ben") == []


async def test_words_that_were_taken_back_are_not_found(store: Store) -> None:
    """If the caller heard less of a reply than was written first, the rest of it is not found any more."""
    kept = call("one", 0, Figures(failures=(Failure("tool", "It failed."),)), words="All of this")
    await store.save(kept)
    less = Exchange((Said("agent", "All of", 0, 500),), (), Figures())
    await store.save(kept.with_amended(less, kept.updated_ms + 1, ""))
    assert await ids(store, word="this") == []
    assert await ids(store, word="all of") == ["one"]
    (row,) = (await store.finder.figures(Period(START_MS, START_MS + HOUR_MS))).rows
    assert (row.exchanges, row.failures) == (1, {})


async def test_the_slowest_come_first(store: Store) -> None:
    """By slowness, the conversation with the longest wait comes first, from page to page; unknown waits come last."""
    for number, waited in enumerate((300, None, 900, 900, 100)):
        await store.save(call(f"c{number}", number, Figures(gap_ms=waited)))
    assert await ids(store, slowest=True) == ["c3", "c2", "c0", "c4", "c1"]
    assert await ids(store, slowest=True, until_ms=START_MS + 3) == ["c2", "c0", "c1"]


async def test_a_search_that_has_looked_for_long_says_where_it_stands(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search for words looks at a limited number of conversations. Its page is short then, and has a next one."""
    for module in ("sqlite_finder", "redis_finder"):
        monkeypatch.setattr(f"server.record.stores.{module}.MOST_LOOKED_AT", 4)
    monkeypatch.setattr("server.record.stores.redis_finder.AT_ONCE", 2)
    for number in range(10):
        await store.save(call(f"c{number}", number, Figures(), words="found" if number in (0, 8) else "other"))
    wanted = Wanted(word="found")
    first = await store.finder.find(wanted, 5)
    assert [row.id for row in first.rows] == ["c8"]
    assert first.next is not None
    assert [row.id for page in await pages(store, 5, wanted) for row in page] == ["c8", "c0"]
    assert len(await pages(store, 5, wanted)) <= 4


async def test_deleted_and_swept_conversations_are_not_found(store: Store) -> None:
    """Nothing of a conversation is found or counted after it was deleted or swept."""
    for name in ("kept", "deleted", "swept"):
        await store.save(call(name, 10 if name == "kept" else 0, Figures(gap_ms=100), words=name))
    assert await store.delete("deleted")
    assert await store.sweep(START_MS + 60_005) == 1
    assert await ids(store) == ["kept"]
    assert await ids(store, word="deleted") == await ids(store, word="swept") == []
    (row,) = (await store.finder.figures(Period(0, START_MS + HOUR_MS))).rows
    assert (row.conversations, row.exchanges, row.measures["gap"].count) == (1, 1, 1)


async def test_exchanges_are_put_together_by_name_and_hour(store: Store) -> None:
    """The exchanges of a period are counted by agent, model or way in, in buckets of an hour or a day."""
    base = START_MS // 86_400_000 * 86_400_000
    at = base - START_MS
    quick = Figures(agent="Ann", model="a:1", transport="sip", gap_ms=200, first_token_ms=90, input_tokens=10)
    slow = Figures(
        agent="Ben", model="b:2", transport="sip", gap_ms=2_000, output_tokens=5, resumed=1, false_starts=3,
        interrupted=True, failures=(Failure("model", "No."), Failure("model", "No."), Failure("tool", "No.")),
    )  # fmt: skip
    await store.save(call("one", at + 50 * 60_000, *[quick] * 15, slow, agent="Ann"))
    await store.save(call("two", at + 70 * 60_000, slow, agent="Ben"))
    await store.save(call("before", at - HOUR_MS, quick))
    period = Period(base, base + 24 * HOUR_MS)
    (row,) = (await store.finder.figures(period)).rows
    assert (row.start_ms, row.name, row.conversations, row.exchanges) == (base, "", 2, 17)
    assert (row.interruptions, row.false_starts, row.resumed) == (2, 6, 2)
    assert (row.input_tokens, row.output_tokens, row.failures) == (150, 10, {"model": 4, "tool": 2})
    assert asdict(row.measures["gap"]) == {"count": 17, "p50_ms": 200, "p95_ms": 2_000, "p99_ms": 2_000}
    assert row.measures.keys() == {"gap", "first_token"}
    by_model = (await store.finder.figures(replace(period, by="model"))).rows
    assert [(row.name, row.exchanges, row.conversations) for row in by_model] == [("a:1", 15, 1), ("b:2", 2, 2)]
    by_hour = (await store.finder.figures(replace(period, by="agent", bucket="hour"))).rows
    assert [(row.start_ms - base, row.name, row.exchanges) for row in by_hour] == [
        (0, "Ann", 10), (HOUR_MS, "Ann", 5), (HOUR_MS, "Ben", 2),
    ]  # fmt: skip
    by_day = (await store.finder.figures(Period(base - 24 * HOUR_MS, base + HOUR_MS, "transport", "day"))).rows
    assert [(row.start_ms - base, row.name, row.exchanges) for row in by_day] == [
        (-24 * HOUR_MS, "sip", 1), (0, "sip", 10),
    ]  # fmt: skip
    assert await store.finder.figures(Period(0, 1)) == Counted(Period(0, 1), ())


async def test_a_period_with_too_many_exchanges_begins_later(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the latest exchanges of a long period are counted, and the answer says from when on."""
    monkeypatch.setattr("server.record.stores.sqlite_finder.MOST_COUNTED", 4)
    monkeypatch.setattr("server.record.stores.redis_finder.MOST_LOOKED_AT", 4)
    for number in range(10):
        await store.save(call(f"c{number}", 60_000 * number, Figures()))
    asked = Period(START_MS, START_MS + HOUR_MS)
    counted = await store.finder.figures(asked)
    assert START_MS + 300_000 < counted.period.since_ms <= START_MS + 360_001
    assert counted.rows[0].exchanges in (3, 4)
    monkeypatch.setattr("server.record.tally.MOST_ROWS", 2)
    counted = await store.finder.figures(replace(asked, by="agent", bucket="hour"))
    assert len(counted.rows) <= 2


async def test_percentiles_are_exact_to_the_bin(store: Store) -> None:
    """p50, p95 and p99 are those of the sorted waits (nearest rank), to 10 ms."""
    chance = random.Random(3)
    waits = [chance.lognormvariate(6.5, 0.5) for _ in range(200)]
    await store.save(call("one", 0, *(Figures(gap_ms=ms) for ms in waits)))
    (row,) = (await store.finder.figures(Period(START_MS, START_MS + 300 * 60_000))).rows
    found, ordered = row.measures["gap"], sorted(waits)
    for percentile, ms in ((50, found.p50_ms), (95, found.p95_ms), (99, found.p99_ms)):
        assert abs(ms - ordered[2 * percentile - 1]) <= BIN_MS / 2 + 0.5
    (listed,) = (await store.finder.find(Wanted(), 1)).rows
    assert abs((listed.gap_p50_ms or 0) - median(waits)) < 20


async def forget_rows(store: Store) -> None:
    """Make the store as an earlier server has left it: without what is searched."""
    if hasattr(store, "_redis"):
        for key in [key async for key in store._redis.scan_iter(f"{store._prefix}:conversation:*")]:
            if key.endswith((":rows", ":words")):
                await store._redis.delete(key)
            elif not key.endswith(":exchanges"):
                await store._redis.hdel(key, "row")
    else:
        await store._run(lambda: store._connected().execute("DELETE FROM call_rows"))  # type: ignore[attr-defined]


async def test_conversations_of_earlier_servers_are_found_after_a_while(store: Store, open_store: Open) -> None:
    """What an earlier server has written is prepared for searching, some at a time, and found as if it were new."""
    kept = [replace(conversation(f"c{i}", i % 3, START_MS + i), transport="") for i in range(25)]
    old = [replace(each, exchanges=tuple(replace(one, figures=None) for one in each.exchanges)) for each in kept]
    for each in old:
        await store.save(each)
    expected = [row for page in await pages(store, 100) for row in page]
    await forget_rows(store)
    other = await open_store()
    assert await ids(other) == []
    assert await other.save(said_more(old[23]))  # a call that goes on is found at once, with all that was said in it
    assert await ids(other, word="order") == ["c23"]
    (row,) = (await other.finder.figures(Period(START_MS, START_MS + HOUR_MS))).rows
    assert row.exchanges in (2, 3)
    caught_up = 0
    for _ in range(25):
        caught_up += (now := await other.finder.catch_up())
        if not now:
            break
    assert caught_up >= 24
    assert await other.finder.catch_up() == 0
    found = [row for page in await pages(other, 100) for row in page]
    assert [row for row in found if row.id != "c23"] == [row for row in expected if row.id != "c23"]
    (row,) = (await other.finder.figures(Period(START_MS, START_MS + HOUR_MS))).rows
    assert (row.exchanges, row.interruptions) == (25, 25)
