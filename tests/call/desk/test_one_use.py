"""Tokens that begin one call only, and tokens that have expired: with real sessions, on a virtual clock."""

import asyncio

import pytest

from server.call.caller import Caller
from server.call.desk.one_use import MOST_UNPROVEN, OneUse
from server.call.line.leg import Leg
from server.call.messages import Error, Hello
from server.call.options import CallOptions
from server.errors import AtCapacity, InvalidToken, NotFound, StoreError
from server.record.conversation import hash_token
from tests.call.directories import Line, connected, directory
from tests.fakes.notebook import Notebook
from tests.virtual_time import run_virtual

ONCE = Caller(name="ann", once="j1", good_until_ms=1)
ANN, BOB, LATE = Caller(name="ann"), Caller(name="bob"), Caller(name="ann", expired=True)


def test_a_token_of_one_use_begins_one_call() -> None:
    """When the call stands, its token begins no other one, at no server; another token does."""

    async def scenario() -> None:
        book = Notebook()
        here, there = directory(notebook=book), directory(notebook=book)
        session, _ = await connected(here, ONCE)
        for calls in (here, there):
            with pytest.raises(InvalidToken, match="only one"):
                await calls.open(ONCE, CallOptions())
        await connected(there, Caller(name="ann", once="j2"))
        await connected(here, Caller(name="bob", once="j1"))
        session.end()
        await session.over.wait()
        with pytest.raises(InvalidToken):
            await here.open(ONCE, CallOptions())
        await here.close()
        await there.close()

    run_virtual(scenario())


def test_a_set_up_that_fails_may_be_tried_again() -> None:
    """A token is used up by the call that stands first. Two set-ups at once make one call, not two."""

    async def scenario() -> None:
        calls = directory(limit=3)
        failed = await calls.open(ONCE, CallOptions())
        calls.abandon(failed)
        first, second = await calls.open(ONCE, CallOptions()), await calls.open(ONCE, CallOptions())
        calls.attach(second, Line(), "")
        with pytest.raises(InvalidToken):
            calls.attach(first, Line(), "")
        calls.abandon(first)
        assert len(calls) == 1
        await calls.close()

    run_virtual(scenario())


def test_a_used_token_goes_on_with_its_call() -> None:
    """The caller whose token is used up may still move and resume the call."""

    async def scenario() -> None:
        book = Notebook()
        calls = directory(notebook=book)
        session, _ = await connected(calls, ONCE)
        moved = Line()
        calls.attach(session, moved, "")
        session.detach(moved)
        again = Line()
        calls.attach(await calls.find(ONCE, session.id, moved.token, CallOptions()), again, moved.token)
        assert isinstance(again.told[0], Hello)
        session.move()
        await session.over.wait()
        restored = await directory(notebook=book).find(ONCE, session.id, again.token, CallOptions())
        assert restored.id == session.id
        await calls.close()

    run_virtual(scenario())


def test_a_full_server_uses_no_token_up() -> None:
    """A caller who is refused for lack of room may call again with the same token."""

    async def scenario() -> None:
        book = Notebook()
        calls = directory(limit=1, notebook=book)
        session, _ = await connected(calls)
        with pytest.raises(AtCapacity):
            await calls.open(ONCE, CallOptions())
        assert book.spent == set()
        session.end()
        await session.over.wait()
        await connected(calls, ONCE)
        await calls.close()

    run_virtual(scenario())


def test_without_the_store_no_token_of_one_use_is_good() -> None:
    """While nobody can tell whether a token was used, it begins no call."""

    class Down(Notebook):
        async def spend(self, token_id: str, until_ms: int) -> bool:
            raise StoreError("The store of conversations is not available.")

    async def scenario() -> None:
        calls = directory(notebook=Down())
        with pytest.raises(StoreError):
            await calls.open(ONCE, CallOptions())
        assert len(calls) == 0
        await connected(calls, ANN)
        await calls.close()

    run_virtual(scenario())


def test_an_expired_token_begins_no_call_and_goes_on_with_one() -> None:
    """After it has expired a token still moves and resumes the call, here and at another server, and begins none."""

    async def scenario() -> None:
        book = Notebook()
        calls, other = directory(notebook=book), directory(notebook=book)
        session, line = await connected(calls, ANN)
        with pytest.raises(InvalidToken, match="expired"):
            await calls.open(LATE, CallOptions())
        assert calls.holds(LATE)
        assert not calls.holds(BOB)
        assert await calls.find(LATE, session.id, line.token, CallOptions()) is session
        session.move()
        await session.over.wait()
        assert (await other.find(LATE, session.id, line.token, CallOptions())).id == session.id
        await calls.close()
        await other.close()

    run_virtual(scenario())


def test_another_callers_conversation_is_not_there() -> None:
    """With another name even the right secret gets the answer of a call that does not exist, after the same look-up.

    That holds for a live session and for one at rest, which is not taken over by the attempt.
    """

    async def scenario() -> None:
        book = Notebook()
        calls = directory(notebook=book)
        session, line = await connected(calls, ANN)
        refusals = []
        for caller, name in ((BOB, session.id), (Caller(), session.id), (BOB, "nobody"), (ANN, "nobody")):
            before = book.reads
            with pytest.raises(NotFound) as refusal:
                await calls.find(caller, name, line.token, CallOptions())
            refusals.append((refusal.value.sentence, book.reads - before))
        assert set(refusals) == {("There is no such conversation.", 1)}
        session.move()
        await session.over.wait()
        rest = book.records[session.id]
        assert (rest.caller, rest.token_hash) == ("ann", hash_token(line.token, "ann"))
        for caller in (BOB, Caller()):
            with pytest.raises(NotFound):
                await directory(notebook=book).find(caller, session.id, line.token, CallOptions())
        assert book.records[session.id] == rest
        assert (await directory(notebook=book).find(ANN, session.id, line.token, CallOptions())).id == session.id
        await calls.close()

    run_virtual(scenario())


def test_the_late_connection_of_a_used_token_is_told_why() -> None:
    """A second set-up that stands after the first one is refused with a sentence, and its place is free."""

    async def scenario() -> None:
        calls = directory(limit=3)
        first, second = await calls.open(ONCE, CallOptions()), await calls.open(ONCE, CallOptions())
        calls.attach(first, Line(), "")

        class Wire:
            unheard_ms = 0.0
            line = None
            sent: list[str] = []  # noqa: RUF012

            def send_text(self, text: str) -> None:
                self.sent.append(text)

            def hush(self) -> None: ...

            def hurry(self) -> None: ...

        leg = Leg(second, lambda leg: calls.attach(second, leg, ""))
        leg.wire = Wire()
        leg.ready()
        assert leg.over.is_set()
        told = Error.model_validate_json(Wire.sent[0])
        assert (told.code, told.final) == ("invalid_token", True)
        await asyncio.sleep(0)
        await calls.close()

    run_virtual(scenario())


async def test_few_tokens_without_a_call_are_remembered() -> None:
    """Of tokens whose calls never stand only the newest are remembered; the oldest begin none any more."""
    used = OneUse(Notebook())
    callers = [Caller(name="ann", once=f"j{number}") for number in range(MOST_UNPROVEN + 1)]
    for caller in callers:
        await used.begin(caller)
    await used.begin(callers[-1])
    with pytest.raises(InvalidToken):
        await used.begin(callers[0])
    assert not used.stands(callers[0])
