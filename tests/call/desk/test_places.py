"""Who gets a place, who gives way, and what a refusal costs: with real sessions, on a virtual clock."""

import asyncio

import pytest

from server.call.caller import Caller
from server.call.desk.admission import Refusal
from server.call.desk.directory import Directory
from server.call.desk.limits import HALF_OPEN_S, CallerLimits, Stage
from server.call.messages import Reconnect, Text
from server.call.options import CallOptions
from server.call.session import Session
from server.errors import AtCapacity, NotFound, PeerError, TooMany
from tests.call.directories import Line, connected, directory, listen
from tests.fakes.notebook import Notebook
from tests.virtual_time import run_virtual

OPTIONS = CallOptions()
SILENT_S = CallerLimits().silent_s


def at(number: int) -> Caller:
    return Caller(f"203.0.113.{number}")


async def noticed(calls: Directory, caller: Caller | None = None) -> tuple[Session, Line]:
    """A call whose caller has said something."""
    session, line = await connected(calls, caller)
    session.receive_text(Text(text="hello").to_json())
    await listen(session, 100)
    assert not session.silent
    return session, line


async def left_behind(book: Notebook, calls: Directory) -> tuple[str, str]:
    """A conversation that no process has any more: its id and its token."""
    session, line = await noticed(calls)
    session.move()
    await session.over.wait()
    return session.id, line.token


def test_the_limits_of_a_caller_are_told_apart_from_a_full_server() -> None:
    """A caller with too many calls is told so (429). Others still get a place, and nothing happens to the calls."""

    async def scenario() -> None:
        calls = directory(limit=4)
        one, _ = await noticed(calls, at(1))
        await noticed(calls, at(1))
        with pytest.raises(TooMany, match="your network") as refusal:
            await calls.open(at(1), OPTIONS)
        assert refusal.value.retry_after_s > 0
        await noticed(calls, at(2))
        assert not one.over.is_set()
        with pytest.raises(TooMany):
            await calls.open(Caller("203.0.113.3", name="anna", max_calls=0), OPTIONS)
        assert calls.refused == {Refusal.ADDRESS_LIMIT: 1, Refusal.NAME_LIMIT: 1}
        assert calls.refusal() is None
        await calls.close()

    run_virtual(scenario())


def test_requests_that_come_too_fast_are_refused() -> None:
    """A caller who sends too many requests has to wait."""

    async def scenario() -> None:
        calls = directory(callers=CallerLimits(per_s=1, burst=3))
        for _ in range(3):
            calls.pace(at(1))
        with pytest.raises(TooMany, match="too often"):
            calls.pace(at(1))
        calls.pace(at(2))
        await asyncio.sleep(1)
        calls.pace(at(1))
        assert calls.refused == {Refusal.TOO_FAST: 1}

    run_virtual(scenario())


def test_half_open_calls_do_not_fill_a_server() -> None:
    """The oldest call that never connects gives way. It is `over` at once, and its late connection finds nothing."""

    async def scenario() -> None:
        calls = directory(limit=2)
        blind = [await calls.open(at(number), OPTIONS) for number in (1, 2)]
        assert calls.refusal() is None, "nobody uses these places"
        with pytest.raises(AtCapacity):
            await calls.open(at(3), OPTIONS)
        await asyncio.sleep(HALF_OPEN_S)
        session, _ = await noticed(calls, at(3))
        assert [other.over.is_set() for other in blind] == [True, False]
        assert calls.gave_way == {Stage.HALF_OPEN: 1}
        with pytest.raises(NotFound):
            calls.attach(blind[0], Line(), "")
        calls.abandon(blind[0])
        assert len(calls) == 2
        assert not session.over.is_set()
        await calls.close()

    run_virtual(scenario())


def test_silent_calls_do_not_fill_a_server() -> None:
    """A caller who was not noticed for a while gives way, and can go on later. Callers who talk never give way."""

    async def scenario() -> None:
        book = Notebook()
        calls = directory(limit=2, notebook=book)
        (silent, line), (talking, _) = await connected(calls, at(1)), await noticed(calls, at(2))
        with pytest.raises(AtCapacity):
            await calls.open(at(3), OPTIONS)
        assert calls.refusal() is None
        await asyncio.sleep(SILENT_S)
        await noticed(calls, at(3))
        await silent.over.wait()
        assert Reconnect() in line.told
        assert calls.gave_way == {Stage.SILENT: 1}
        assert calls.refusal() is Refusal.FULL, "now both places are used"
        with pytest.raises(AtCapacity):
            await calls.find(at(1), silent.id, line.token, OPTIONS)
        talking.end()
        await talking.over.wait()
        assert (await calls.find(at(1), silent.id, line.token, OPTIONS)).id == silent.id
        await calls.close()

    run_virtual(scenario())


def test_who_was_silent_once_is_not_safe_again() -> None:
    """A caller who connects again and again and says nothing keeps nobody out."""

    async def scenario() -> None:
        calls = directory(limit=1)
        first, _ = await connected(calls, at(1))
        first.end()
        await first.over.wait()
        again, _ = await connected(calls, at(1))
        newcomer, _ = await connected(calls, at(2))
        await again.over.wait()
        assert not newcomer.over.is_set()
        await calls.close()

    run_virtual(scenario())


def test_options_that_are_refused_cost_nobody_a_place() -> None:
    """A call that may not have its options lets no other call give way."""

    async def scenario() -> None:
        calls = directory(limit=1, options=_refuse)
        blind = await calls.open(at(1), OPTIONS)
        await asyncio.sleep(HALF_OPEN_S)
        with pytest.raises(PeerError):
            await calls.open(at(2), CallOptions(voice="none"))
        assert not blind.over.is_set()
        calls.abandon(blind)

    run_virtual(scenario())


# Conversations of another process


@pytest.mark.parametrize("reason", ["full", "overload", "caller", "options"])
def test_a_resume_that_is_refused_claims_nothing(reason: str) -> None:
    """A claim ends the call that another server has. So a server that refuses the caller does not claim."""

    async def scenario() -> None:
        book = Notebook()
        session_id, token = await left_behind(book, directory(notebook=book))
        overload = (lambda: Refusal.SPEECH_LATE) if reason == "overload" else (lambda: None)
        calls = directory(limit=1, notebook=book, overload=overload, options=_refuse)
        if reason == "full":
            await noticed(calls)
        caller = Caller(name="anna", max_calls=0) if reason == "caller" else Caller()
        with pytest.raises((AtCapacity, TooMany, PeerError)):
            await calls.find(caller, session_id, token, CallOptions(voice="none" if reason == "options" else ""))
        assert (book.reads, book.claims) == (1, 0)
        await calls.close()

    run_virtual(scenario())


def test_a_guess_costs_one_read() -> None:
    """A wrong token changes nothing in the store, and lets no call give way, not even on a full server."""

    async def scenario() -> None:
        book = Notebook()
        session_id, _ = await left_behind(book, directory(notebook=book))
        calls = directory(limit=1, notebook=book)
        waiting, line = await connected(calls)
        waiting.detach(line)
        for name in (session_id, "nobody"):
            with pytest.raises(NotFound):
                await calls.find(Caller(), name, "guess", OPTIONS)
        assert (book.reads, book.claims) == (2, 0)
        assert not waiting.ended
        assert calls.detached == 1
        await calls.close()

    run_virtual(scenario())


def test_after_the_claim_nothing_refuses() -> None:
    """The place of a conversation that is being claimed is kept. A newcomer does not take it."""

    async def scenario() -> None:
        book = Notebook()
        session_id, token = await left_behind(book, directory(notebook=book))
        book.delay_s = 1.0
        calls = directory(limit=1, notebook=book)
        finding = asyncio.create_task(calls.find(Caller(), session_id, token, OPTIONS), name="finding")
        await asyncio.sleep(1.5)
        assert book.claims == 1
        with pytest.raises(AtCapacity):
            await calls.open(at(1), OPTIONS)
        session = await finding
        calls.attach(session, Line(), token)
        assert len(calls) == 1
        await calls.close()

    run_virtual(scenario())


def test_a_place_that_was_kept_in_vain_is_free_again() -> None:
    """When another server is faster, or the store fails, the place goes to the next caller."""

    async def scenario() -> None:
        book = Notebook(delay_s=1.0)
        session_id, token = await left_behind(book, directory(notebook=book))
        calls = directory(limit=1, notebook=book)
        finding = asyncio.create_task(calls.find(Caller(), session_id, token, OPTIONS), name="finding")
        await asyncio.sleep(1.5)
        del book.records[session_id]
        with pytest.raises(NotFound):
            await finding
        assert calls.refusal() is None
        await noticed(calls)
        await calls.close()

    run_virtual(scenario())


def test_two_resumes_at_once_find_one_session() -> None:
    """A client that tries two ways at once gets one session. A second claim would end the first one's call."""

    async def scenario() -> None:
        book = Notebook()
        session_id, token = await left_behind(book, directory(notebook=book))
        book.delay_s = 1.0
        calls = directory(limit=1, notebook=book)
        finding = [
            asyncio.create_task(calls.find(Caller(), session_id, token, OPTIONS), name=f"finding-{way}") for way in "ab"
        ]
        first, second = await asyncio.gather(*finding)
        assert first is second
        assert (book.claims, len(calls)) == (1, 1)
        calls.abandon(first)

    run_virtual(scenario())


def _refuse(options: CallOptions) -> None:
    if options.voice == "none":
        raise PeerError("There is no such voice here.")
