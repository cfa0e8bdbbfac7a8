"""One suite for the outbox of every store. A new store joins in stores.py."""

import asyncio

from server.record.conversation import hash_token
from server.record.outbox import Posting, Taken
from server.record.store import Store
from tests.contract.stores import Open
from tests.conversations import START_MS, conversation, said_more

A, B = "0123456789abcdef", "fedcba9876543210"
LONG_MS = 60_000


def posting(number: int, address: str = A, name: str = "one", body: str = '{"a": "Ça va?  "}') -> Posting:
    return Posting(address, f"msg_{name}_{number}", START_MS + number, body)


async def save(store: Store, *postings: Posting, name: str = "one", revision: int = 1) -> None:
    assert await store.save(conversation(name, exchanges=revision), postings)


async def take(store: Store, now_ms: int, address: str = A, limit: int = 8) -> list[Taken]:
    return list(await store.outbox.take(address, now_ms, now_ms + LONG_MS, limit))


async def test_a_line_is_taken_in_order(store: Store) -> None:
    """Each posting of a conversation comes when the one before it was removed, and is as it was written."""
    wanted = [posting(number) for number in range(12)]
    await save(store, *wanted[:3])
    await save(store, *wanted[3:], revision=2)
    for each in wanted:
        (taken,) = await take(store, START_MS + 99)
        assert (taken.posting, taken.line, taken.tries, taken.conversation_id) == (each, "one", 0, "one")
        assert await take(store, START_MS + 99) == []
        await store.outbox.remove(taken, START_MS + 99)
    assert (await take(store, START_MS + 99), await store.outbox.waiting(A)) == ([], 0)


async def test_half_a_surrogate_pair_is_kept_as_a_question_mark(store: Store) -> None:
    """Text that no JSON can have does not keep the record from being written."""
    await save(store, posting(1, body='{"a": "half \ud83d"}'))
    (taken,) = await take(store, START_MS + 9)
    assert taken.posting.body == '{"a": "half ?"}'


async def test_conversations_and_addresses_have_lines_of_their_own(store: Store) -> None:
    """What is not removed holds up only its own line."""
    await save(store, posting(1), posting(1, B), posting(2))
    await save(store, posting(1, name="two"), name="two")
    taken = await take(store, START_MS + 9)
    assert sorted(each.posting.id for each in taken) == ["msg_one_1", "msg_two_1"]
    assert [each.posting for each in await take(store, START_MS + 9, B)] == [posting(1, B)]
    assert (await store.outbox.waiting(A), await store.outbox.waiting(B)) == (2, 1)


async def test_no_more_are_taken_than_wanted(store: Store) -> None:
    """The rest stays for the next one who takes."""
    for name in ("one", "two", "three"):
        await save(store, posting(1, name=name), name=name)
    assert (len(await take(store, START_MS + 9, limit=2)), len(await take(store, START_MS + 9, limit=2))) == (2, 1)


async def test_what_is_taken_comes_back_when_its_time_is_over(store: Store) -> None:
    """A server that died does not keep what it had taken."""
    await save(store, posting(1))
    assert len(await take(store, START_MS + 9)) == 1
    assert await take(store, START_MS + 8 + LONG_MS) == []
    assert [each.posting for each in await take(store, START_MS + 9 + LONG_MS)] == [posting(1)]


async def test_of_many_servers_one_takes_a_line(open_store: Open) -> None:
    """Servers that take at the same time share the lines; none is taken twice."""
    stores = [await open_store() for _ in range(4)]
    for number in range(20):
        await save(stores[0], posting(1, name=f"c{number}"), name=f"c{number}")
    taken = await asyncio.gather(*(take(each, START_MS + 9) for each in stores))
    assert sorted(each.line for some in taken for each in some) == sorted(f"c{number}" for number in range(20))


async def test_a_posting_may_be_postponed(store: Store) -> None:
    """It keeps its place in the line, and how often it was tried is counted until it is removed."""
    await save(store, posting(1), posting(2))
    (taken,) = await take(store, START_MS + 9)
    await store.outbox.postpone(taken, 3, START_MS + 50)
    assert await take(store, START_MS + 49) == []
    (again,) = await take(store, START_MS + 50)
    assert (again.posting, again.tries) == (posting(1), 3)
    await store.outbox.remove(again, START_MS + 50)
    (following,) = await take(store, START_MS + 50)
    assert (following.posting, following.tries) == (posting(2), 0)


async def test_a_posting_that_steps_aside_holds_up_nobody(store: Store) -> None:
    """It has a line of its own then, in which it may be postponed again and removed."""
    await save(store, posting(1), posting(2))
    (taken,) = await take(store, START_MS + 9)
    await store.outbox.postpone(taken, 1, START_MS + 50, aside_ms=START_MS + 9)
    (following,) = await take(store, START_MS + 9)
    assert (following.posting, following.tries, following.aside) == (posting(2), 0, False)
    (aside,) = await take(store, START_MS + 50)
    assert (aside.posting, aside.tries, aside.aside, aside.conversation_id) == (posting(1), 1, True, "one")
    await store.outbox.postpone(aside, 2, START_MS + 70, aside_ms=START_MS + 50)
    (aside,) = await take(store, START_MS + 70)
    assert (aside.posting, aside.tries) == (posting(1), 2)
    await store.outbox.remove(aside, START_MS + 70)
    await store.outbox.remove(following, START_MS + 70)
    assert await store.outbox.waiting(A) == 0


async def test_who_comes_too_late_changes_nothing(store: Store) -> None:
    """A server that was so slow that another one has removed the posting does not touch the next one."""
    await save(store, posting(1), posting(2))
    (slow,) = await take(store, START_MS + 9)
    await store.outbox.remove(slow, START_MS + 9)
    await store.outbox.remove(slow, START_MS + 9)
    await store.outbox.postpone(slow, 5, START_MS + LONG_MS, aside_ms=START_MS)
    (following,) = await take(store, START_MS + 9)
    assert (following.posting, following.tries) == (posting(2), 0)


async def test_a_posting_is_written_once(store: Store) -> None:
    """A record that is saved again, or a later one with the same postings, brings no doubles."""
    await save(store, posting(1), posting(2))
    await save(store, posting(1), posting(2))
    await save(store, posting(1), posting(2), posting(3), revision=2)
    ids = []
    for _ in range(4):
        for taken in await take(store, START_MS + 9):
            ids.append(taken.posting.id)
            await store.outbox.remove(taken, START_MS + 9)
    assert ids == ["msg_one_1", "msg_one_2", "msg_one_3"]


async def test_nothing_is_told_by_a_server_that_lost_its_conversation(store: Store, open_store: Open) -> None:
    """Postings are written together with their record, or not at all."""
    kept = conversation(exchanges=1)
    await store.save(kept)
    assert await (await open_store()).claim("one", hash_token("token"), hash_token("new")) is not None
    assert not await store.save(said_more(kept), [posting(1)])
    assert (await take(store, START_MS + 9), await store.outbox.waiting(A)) == ([], 0)


async def test_a_deleted_conversation_is_told_no_more(store: Store) -> None:
    """Its postings are deleted with it, those that stepped aside, too, and those of other conversations stay."""
    await save(store, posting(1), posting(2), posting(1, B))
    await save(store, posting(1, name="two"), name="two")
    (taken,) = [each for each in await take(store, START_MS + 9) if each.line == "one"]
    await store.outbox.postpone(taken, 1, START_MS + 20, aside_ms=START_MS)
    assert await store.delete("one")
    assert [each.line for each in await take(store, START_MS + LONG_MS * 2)] == ["two"]
    assert (await store.outbox.waiting(A), await store.outbox.waiting(B)) == (1, 0)
    assert not await store.save(conversation(exchanges=5), [posting(3)])
    assert [each.line for each in await take(store, START_MS + LONG_MS * 4)] == ["two"]


async def test_a_swept_conversation_is_told_no_more(store: Store) -> None:
    """What is too old to be kept is too old to be told."""
    await save(store, posting(1), posting(2))
    (taken,) = await take(store, START_MS + 9)
    await store.outbox.postpone(taken, 1, START_MS + 20, aside_ms=START_MS)
    assert await store.sweep(START_MS + 10**9) == 1
    assert (await take(store, START_MS + LONG_MS * 2), await store.outbox.waiting(A)) == ([], 0)
