import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest

from server.errors import StoreError
from server.record.conversation import Conversation
from server.record.journal import MAX_WAITING, Journal
from server.record.outbox import Posting
from tests.conversations import conversation, said_more
from tests.virtual_time import run_virtual


class Shelf:
    """A store that keeps records in a dict. It is down between the times in `away_s`, and each save takes `save_s`."""

    def __init__(self, away_s: tuple[float, float] = (0, 0), save_s: float = 0.01) -> None:
        self.records: dict[str, Conversation] = {}
        self.order: list[tuple[str, int]] = []
        self.posted: list[str] = []
        self.tries = 0
        self.taken_over: set[str] = set()
        self.broken: set[str] = set()
        self._away_s = away_s
        self._save_s = save_s

    async def save(self, conversation: Conversation, postings: Sequence[Posting] = ()) -> bool:
        self.tries += 1
        await asyncio.sleep(self._save_s)
        if self._away_s[0] <= asyncio.get_running_loop().time() < self._away_s[1]:
            raise StoreError("The store of conversations is not available.")
        if conversation.id in self.broken:
            raise TypeError("a bug")
        if conversation.id in self.taken_over:
            return False
        self.records[conversation.id] = conversation
        self.order.append((conversation.id, conversation.revision))
        self.posted += [posting.id for posting in postings]
        return True


@asynccontextmanager
async def journal(shelf: Shelf, on_lost: Callable[[str], None] = print, close_s: float = 100) -> AsyncIterator[Journal]:
    writing = Journal(shelf, on_lost)
    try:
        yield writing
    finally:
        await writing.close(close_s)
        await writing.close(close_s)


def test_noted_records_are_written() -> None:
    """When the journal is closed, the store has the latest record of every conversation."""

    async def scenario() -> None:
        shelf = Shelf()
        async with journal(shelf) as writing:
            for name in ("one", "two", "three"):
                writing.note(conversation(name, exchanges=2))
            assert len(writing) == 3
        assert shelf.records == {name: conversation(name, exchanges=2) for name in ("one", "two", "three")}
        assert (len(writing), writing.written, writing.failures, writing.lost) == (0, 3, 0, 0)

    run_virtual(scenario())


def test_a_record_that_is_noted_during_a_write_is_written_too() -> None:
    """A record that is noted while an earlier one is written is written after it."""

    async def scenario() -> None:
        shelf = Shelf(save_s=1)
        async with journal(shelf) as writing:
            writing.note(conversation(exchanges=1))
            await asyncio.sleep(0.5)
            writing.note(conversation(exchanges=2))
        assert shelf.order == [("one", 1), ("one", 2)]

    run_virtual(scenario())


def test_a_slow_store_gets_the_latest_record_only() -> None:
    """Of the records that are noted during a slow write only the last one is written, because it has all the others."""

    async def scenario() -> None:
        shelf, kept = Shelf(save_s=10), conversation()
        async with journal(shelf) as writing:
            for _ in range(100):
                writing.note(kept)
                assert len(writing) <= 1
                await asyncio.sleep(0.5)
                kept = said_more(kept)
            writing.note(kept)
        assert shelf.records["one"] == kept
        assert shelf.tries <= 7

    run_virtual(scenario())


def test_a_talkative_call_does_not_keep_others_waiting() -> None:
    """A conversation that always has a new record does not keep the other conversations from being written."""

    async def scenario() -> None:
        shelf, kept = Shelf(save_s=10), conversation("talkative")
        async with journal(shelf) as writing:
            for second in range(100):
                kept = said_more(kept)
                writing.note(kept)
                if second == 5:
                    writing.note(conversation("quiet"))
                await asyncio.sleep(1)
            assert [name for name, _ in shelf.order[:3]] == ["talkative", "quiet", "talkative"]

    run_virtual(scenario())


def test_an_outage_loses_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """What was noted while the store was down is written when it is up again. The log has one line for each change."""

    async def scenario() -> None:
        shelf, calls = Shelf(away_s=(1, 60)), {name: conversation(name) for name in ("one", "two", "three")}
        async with journal(shelf) as writing:
            for _ in range(20):
                calls = {name: said_more(kept) for name, kept in calls.items()}
                for kept in calls.values():
                    writing.note(kept)
                await asyncio.sleep(2)
            assert writing.down
            assert len(writing) == 3
        assert shelf.records == calls
        assert not writing.down
        assert 20 < writing.failures == shelf.tries - writing.written < 60

    with caplog.at_level(logging.INFO):
        run_virtual(scenario())
    assert [record.message.split(",")[0] for record in caplog.records] == [
        "x the store is down",
        "= the store is up again",
    ]


def test_a_store_that_is_back_is_noticed_soon() -> None:
    """After an outage of any length, what waits is written within three seconds."""

    async def scenario() -> None:
        shelf = Shelf(away_s=(0, 500))
        async with journal(shelf) as writing:
            writing.note(conversation())
            await asyncio.sleep(503)
            assert len(writing) == 0

    run_virtual(scenario())


def test_a_record_that_cannot_be_written_delays_no_other(caplog: pytest.LogCaptureFixture) -> None:
    """When a bug keeps a record from being written, this is logged and only that record is lost."""

    async def scenario() -> None:
        shelf = Shelf()
        shelf.broken = {"bad"}
        async with journal(shelf) as writing:
            writing.note(conversation("bad"))
            writing.note(conversation("good"))
        assert list(shelf.records) == ["good"]
        assert (len(writing), writing.lost) == (0, 1)

    run_virtual(scenario())
    assert [record.levelname for record in caplog.records] == ["ERROR"]


def test_a_conversation_that_was_taken_over_is_reported() -> None:
    """`on_lost` gets the id of a conversation that another server took over. An exception there does not end the
    journal."""

    async def scenario() -> None:
        shelf, lost = Shelf(), list[str]()
        faults: list[object] = []
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: faults.append(context["exception"]))

        def on_lost(conversation_id: str) -> None:
            lost.append(conversation_id)
            raise KeyError(conversation_id)

        shelf.taken_over = {"one"}
        async with journal(shelf, on_lost) as writing:
            writing.note(conversation("one"))
            writing.note(conversation("two"))
        assert (lost, list(shelf.records), writing.refused) == (["one"], ["two"], 1)
        assert len(faults) == 1

    run_virtual(scenario())


def test_a_limited_number_of_conversations_waits(caplog: pytest.LogCaptureFixture) -> None:
    """In a very long outage some conversations are lost. They are counted, logged once, and the newest is not lost."""

    async def scenario() -> None:
        shelf = Shelf(away_s=(0, 30))
        async with journal(shelf) as writing:
            for i in range(MAX_WAITING + 3):
                writing.note(conversation(f"c{i}"))
                if i % 500 == 0:
                    await asyncio.sleep(0.015)
            assert (len(writing), writing.lost) == (MAX_WAITING, 3)
        assert len(shelf.records) == MAX_WAITING
        assert f"c{MAX_WAITING + 2}" in shelf.records

    run_virtual(scenario())
    assert caplog.text.count("some are lost") == 1


def test_closing_has_a_deadline(caplog: pytest.LogCaptureFixture) -> None:
    """A store that stays down does not keep the server from stopping. The log says how many conversations are lost."""

    async def scenario() -> None:
        async with journal(Shelf(away_s=(0, 1e9)), close_s=5) as writing:
            writing.note(conversation("one"))
            writing.note(conversation("two"))
        assert asyncio.get_running_loop().time() == pytest.approx(5)
        assert len(writing) == 2

    run_virtual(scenario())
    assert "and 2 conversations are not written" in caplog.text


def test_postings_are_written_once_with_their_record() -> None:
    """Also those of records that were left out while the store was down, in their order."""

    async def scenario() -> None:
        shelf = Shelf(away_s=(0, 5), save_s=1)
        async with journal(shelf) as writing:
            for number in (1, 2, 3):
                writing.note(conversation(exchanges=number), [Posting("a", f"p{number}", number, "{}")])
            await asyncio.sleep(6.5)
            writing.note(conversation(exchanges=4), [Posting("a", "p4", 4, "{}")])
        assert shelf.posted == ["p1", "p2", "p3", "p4"]
        assert shelf.records["one"] == conversation(exchanges=4)

    run_virtual(scenario())
