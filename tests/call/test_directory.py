"""Sessions are admitted, found and ended; on virtual time, with real sessions."""

import asyncio
from collections.abc import Callable

import pytest

from server.call.admission import Refusal
from server.call.conversation import Standing
from server.call.directory import Directory
from server.call.engines import Engines
from server.call.messages import Error, Hello, Reconnect, Response, ServerMessage, Text, Transcription
from server.call.minutes import Minutes
from server.call.options import CallOptions
from server.call.session import Session
from server.call.settings import CallSettings
from server.errors import AtCapacity, NotFound
from server.media.frame import Frame
from tests.fakes.engines import EnergyVad, LetterSpeechToText, SteadyTextToSpeech, sound
from tests.fakes.mind import Mind
from tests.fakes.notebook import Notebook
from tests.virtual_time import run_virtual

STORY = "Once upon a time there was a shop. It sold books of every kind, and people came from far. So it goes on."


class Line:
    """A connection that keeps what it is told."""

    audio = None
    unheard_ms = 0.0

    def __init__(self) -> None:
        self.told: list[ServerMessage] = []
        self.closed = False

    def send(self, message: ServerMessage) -> None:
        self.told.append(message)

    def hurry(self) -> None:
        pass

    def close(self) -> None:
        self.closed = True

    @property
    def token(self) -> str:
        return next(message.resume for message in self.told if isinstance(message, Hello))


def directory(
    limit: int = 2,
    resume_s: float = 60,
    notebook: Notebook | None = None,
    overload: Callable[[], Refusal | None] = lambda: None,
    mind: Mind | None = None,
) -> Directory:
    book = notebook or Notebook()

    def start(minutes: Minutes, options: CallOptions) -> Session:
        engines = Engines(LetterSpeechToText(), SteadyTextToSpeech(), EnergyVad())
        return Session(minutes, (mind or Mind()).agent(), engines, CallSettings(resume_s=resume_s), options)

    return Directory(
        lambda session_id, options: start(book.minutes(session_id), options),
        limit,
        lambda record, options: start(book.minutes(record=record), options),
        book,
        overload,
    )


async def connected(calls: Directory) -> tuple[Session, Line]:
    """A session that runs."""
    session, line = calls.open(CallOptions()), Line()
    calls.attach(session, line, "")
    await asyncio.sleep(0.1)
    return session, line


def test_places_are_limited() -> None:
    """The first call over the limit is refused, and told when to come again; an end makes a place."""

    async def scenario() -> None:
        calls = directory(limit=2)
        first, _ = await connected(calls)
        await connected(calls)
        with pytest.raises(AtCapacity) as refusal:
            calls.open(CallOptions())
        assert refusal.value.retry_after_s > 0
        assert (calls.opened, calls.refused) == (2, {Refusal.FULL: 1})
        first.end()
        await first.over.wait()
        await connected(calls)
        assert len(calls) == 2
        await calls.close()

    run_virtual(scenario())


def test_an_overload_keeps_new_callers_out_and_nobody_else() -> None:
    """Whatever the number of calls; who has lost the connection may still come back."""

    async def scenario() -> None:
        overload: list[Refusal | None] = [None]
        calls = directory(limit=9, overload=lambda: overload[0])
        session, line = await connected(calls)
        overload[0] = Refusal.LOOP_LATE
        with pytest.raises(AtCapacity, match="too busy"):
            calls.open(CallOptions())
        assert (calls.opened, calls.refused) == (1, {Refusal.LOOP_LATE: 1})
        session.detach(line)
        assert calls.detached == 1
        calls.attach(await calls.find(session.id, line.token, CallOptions()), Line(), line.token)
        assert calls.detached == 0
        overload[0] = None
        await connected(calls)
        await calls.close()

    run_virtual(scenario())


def test_a_call_that_never_connects_gives_its_place_back() -> None:
    """A place that was taken for an offer is free again when nothing comes of it, once."""

    async def scenario() -> None:
        calls = directory(limit=1)
        session = calls.open(CallOptions())
        calls.abandon(session)
        assert session.over.is_set()
        session, _ = await connected(calls)
        calls.abandon(session)
        assert len(calls) == 1, "a session that had its connection is not abandoned"
        await calls.close()

    run_virtual(scenario())


def test_a_session_is_found_by_its_token_alone() -> None:
    """A stranger learns nothing: a wrong token and a wrong name get the same answer."""

    async def scenario() -> None:
        calls = directory()
        session, line = await connected(calls)
        assert await calls.find(session.id, line.token, CallOptions()) is session
        refusals = []
        for name, token in ((session.id, "guess"), ("nobody", line.token), (session.id, "")):
            with pytest.raises(NotFound) as refusal:
                await calls.find(name, token, CallOptions())
            refusals.append(refusal.value.sentence)
        assert len(set(refusals)) == 1
        await calls.close()

    run_virtual(scenario())


def test_the_newer_connection_wins() -> None:
    """The older one is told and released; its token, used, opens nothing any more."""

    async def scenario() -> None:
        calls = directory()
        session, old = await connected(calls)
        new = Line()
        calls.attach(session, new, old.token)
        assert old.closed
        assert [m.code for m in old.told if isinstance(m, Error)] == ["superseded"]
        assert isinstance(new.told[0], Hello)
        assert new.told[0].resumed
        session.token.confirm()
        with pytest.raises(NotFound):
            calls.attach(session, Line(), old.token)
        assert not new.closed
        await calls.close()

    run_virtual(scenario())


def test_a_detached_call_waits_and_then_ends() -> None:
    """Within its time it can be resumed; after it, it is gone."""

    async def scenario() -> None:
        calls = directory(resume_s=60)
        session, line = await connected(calls)
        session.detach(line)
        await asyncio.sleep(59)
        again = Line()
        calls.attach(session, again, line.token)
        await asyncio.sleep(120)
        assert not session.over.is_set(), "who is back is not waited for any longer"
        session.detach(again)
        await asyncio.sleep(61)
        assert session.over.is_set()
        with pytest.raises(NotFound):
            await calls.find(session.id, again.token, CallOptions())

    run_virtual(scenario())


def test_who_waits_longest_gives_way() -> None:
    """With all places taken, a new caller takes that of the call that lost its connection first, never a live one's."""

    async def scenario() -> None:
        calls = directory(limit=2)
        (first, line), (second, _) = await connected(calls), await connected(calls)
        first.detach(line)
        assert calls.refusal() is None
        await connected(calls)
        await first.over.wait()
        assert not second.over.is_set()
        with pytest.raises(AtCapacity):
            calls.open(CallOptions())
        await calls.close()

    run_virtual(scenario())


class Stubborn(Mind):
    """Its tool does not let go at once."""

    async def book(self, what: str) -> str:
        """Book something."""
        try:
            return await super().book(what)
        finally:
            await asyncio.sleep(5)


def test_who_gave_way_and_is_back_while_a_tool_still_lets_go_is_answered() -> None:
    """The end of the session that was does nothing to the one that goes on."""

    async def scenario() -> None:
        book = Notebook()
        calls = directory(limit=1, notebook=book, mind=Stubborn(tool_s=100))
        before, line = await connected(calls)
        before.receive(Text(text="book seven"))
        await asyncio.sleep(0.5)
        before.detach(line)
        newcomer, _ = await connected(calls)
        newcomer.end()
        await newcomer.over.wait()
        assert not before.over.is_set()
        session, again = await calls.find(before.id, line.token, CallOptions()), Line()
        calls.attach(session, again, line.token)
        await asyncio.sleep(0.1)
        session.receive(Text(text="hello"))
        await listen(session, 300)
        assert before.over.is_set()
        assert answers(again)[-1] == "You said hello."
        assert await calls.find(session.id, again.token, CallOptions()) is session
        assert book.records[session.id].said[-1].text == "You said hello."
        await calls.close()
        assert session.over.is_set()

    run_virtual(scenario())


def test_drain_lets_calls_go_on_until_the_deadline() -> None:
    """Nobody new is admitted; who is still there at the deadline is told to reconnect; then all has ended."""

    async def scenario() -> None:
        calls = directory()
        (first, _), (second, line) = await connected(calls), await connected(calls)
        loop = asyncio.get_running_loop()
        start_s, drain = loop.time(), loop.create_task(calls.drain(10), name="drain")
        await asyncio.sleep(1)
        with pytest.raises(AtCapacity, match="shutting down"):
            calls.open(CallOptions())
        first.end()
        await first.over.wait()
        assert not drain.done()
        await drain
        assert 9.99 < loop.time() - start_s < 13
        assert second.over.is_set()
        assert any(isinstance(message, Reconnect) for message in line.told)
        assert line.closed

    run_virtual(scenario())


def test_drain_does_not_wait_for_who_has_no_connection() -> None:
    """A call that waits for its caller is put away at once, to be resumed from the store; also one that drops now."""

    async def scenario() -> None:
        book, loop = Notebook(), asyncio.get_running_loop()
        calls = directory(limit=9, notebook=book)
        (away, line), (later, other) = await connected(calls), await connected(calls)
        away.detach(line)
        start_s, drain = loop.time(), loop.create_task(calls.drain(10), name="drain")
        await away.over.wait()
        assert loop.time() - start_s < 0.5
        assert not later.over.is_set()
        later.detach(other)
        await drain
        assert loop.time() - start_s < 1
        for session, connection in ((away, line), (later, other)):
            assert book.records[session.id].ended_ms is None
            await directory(notebook=book).find(session.id, connection.token, CallOptions())

    run_virtual(scenario())


def test_drain_lets_an_answer_be_made_for_who_has_no_connection() -> None:
    """Its tool runs to the end, once; then it is put away, with what the tool did written down."""

    async def scenario() -> None:
        book, loop, mind = Notebook(), asyncio.get_running_loop(), Mind(tool_s=4)
        calls = directory(notebook=book, mind=mind)
        session, line = await connected(calls)
        session.receive(Text(text="book seven"))
        await asyncio.sleep(0.5)
        session.detach(line)
        start_s = loop.time()
        await calls.drain(10)
        assert 3 < loop.time() - start_s < 5
        assert mind.booked == ["seven"]
        (exchange,) = book.records[session.id].exchanges
        assert [tool.result for said in exchange.said for tool in said.tools] == ["booked seven"]

    run_virtual(scenario())


def test_drain_keeps_calls_where_the_store_does_not() -> None:
    """What would be lost with the process waits for its caller to the deadline."""

    async def scenario() -> None:
        calls, loop = directory(), asyncio.get_running_loop()
        session, line = await connected(calls)
        session.detach(line)
        start_s, drain = loop.time(), loop.create_task(calls.drain(10, put_away=False), name="drain")
        await asyncio.sleep(5)
        again = Line()
        calls.attach(await calls.find(session.id, line.token, CallOptions()), again, line.token)
        await drain
        assert loop.time() - start_s > 9.99
        assert any(isinstance(message, Reconnect) for message in again.told)

    run_virtual(scenario())


def test_drain_of_an_empty_server_takes_no_time() -> None:
    """Where nobody calls, nothing is waited for."""

    async def scenario() -> None:
        await directory().drain(10)
        assert asyncio.get_running_loop().time() < 1

    run_virtual(scenario())


def test_a_conversation_outlives_its_process() -> None:
    """Another process finds the record by the token, and knows what was said."""

    async def scenario() -> None:
        book = Notebook()
        calls = directory(notebook=book)
        session, line = await connected(calls)
        session.receive(Text(text="my name is Anna"))
        for _ in range(250):
            await asyncio.sleep(0.02)
            session.next_frame()
        said = session.history.messages
        assert said
        await calls.close()
        other = directory(notebook=book)
        restored = await other.find(session.id, line.token, CallOptions())
        assert restored.dialogue.standing == session.dialogue.standing == Standing(utterance=1, reply=1)
        again = Line()
        other.attach(restored, again, line.token)
        await asyncio.sleep(0.1)
        assert restored.history.messages == said
        assert isinstance(again.told[0], Hello)
        assert again.told[0].resumed
        assert again.token != line.token
        restored.receive(Text(text="what is my name"))
        for _ in range(250):
            await asyncio.sleep(0.02)
            restored.next_frame()
        assert {message.utterance for message in again.told if isinstance(message, Transcription)} == {2}
        assert {message.reply for message in again.told if isinstance(message, Response)} == {2}
        with pytest.raises(NotFound):
            await other.find(session.id, "guess", CallOptions())
        await other.close()

    run_virtual(scenario())


async def moved(frames: int) -> tuple[list[str], list[str], list[str]]:
    """A server goes after so many frames of a story, another goes on: what each said, and what is kept."""
    book, mind = Notebook(), Mind(answers={"story": STORY})
    calls = directory(notebook=book, mind=mind)
    session, line = await connected(calls)
    session.receive(Text(text="story"))
    await listen(session, frames)
    await calls.drain(0)
    other, again = directory(notebook=book, mind=mind), Line()
    restored = await other.find(session.id, line.token, CallOptions())
    other.attach(restored, again, line.token)
    await asyncio.sleep(0.1)
    await listen(restored, 600)
    assert restored.dialogue.standing.unsaid == restored.dialogue.standing.unanswered == ""
    await other.close()
    return answers(line), answers(again), [said.text for said in book.records[session.id].said]


async def listen(session: Session, frames: int) -> None:
    for _ in range(frames):
        await asyncio.sleep(0.02)
        session.next_frame()


def answers(line: Line) -> list[str]:
    return [message.text for message in line.told if isinstance(message, Response) and message.final]


def test_another_server_says_the_rest() -> None:
    """What the caller had not heard when their server went is said by the one that goes on, and no word is missing."""

    async def scenario() -> None:
        (before,), (after,), kept = await moved(150)
        assert before
        assert STORY.startswith(before)
        assert STORY.removeprefix(before).strip() in after
        assert kept == ["story", before, after]

    run_virtual(scenario())


def test_another_server_answers_what_was_asked() -> None:
    """A caller who had heard nothing of the answer need not ask again."""

    async def scenario() -> None:
        _, after, kept = await moved(0)
        assert after == [STORY]
        assert kept == ["story", STORY]

    run_virtual(scenario())


def test_another_server_knows_the_half_of_a_sentence() -> None:
    """Who is speaking when their server goes need not begin again."""

    async def scenario() -> None:
        book, mind = Notebook(), Mind()
        calls = directory(notebook=book, mind=mind)
        session, line = await connected(calls)
        await speak(session, "where is")
        await calls.drain(0)
        other, again = directory(notebook=book, mind=mind), Line()
        restored = await other.find(session.id, line.token, CallOptions())
        other.attach(restored, again, line.token)
        await speak(restored, "my order")
        await listen(restored, 300)
        assert answers(again)[-1] == "You said where is my order."
        await other.close()

    run_virtual(scenario())


async def speak(session: Session, text: str) -> None:
    for word in text.split():
        for number in range(15):
            session.hear(Frame(sound(word, number, 15), 0))
            await listen(session, 1)


def test_a_conversation_that_is_over_is_not_resumed() -> None:
    """Who has hung up begins anew."""

    async def scenario() -> None:
        book = Notebook()
        calls = directory(notebook=book)
        session, line = await connected(calls)
        session.end()
        await session.over.wait()
        assert book.records[session.id].ended_ms is not None
        with pytest.raises(NotFound):
            await calls.find(session.id, line.token, CallOptions())

    run_virtual(scenario())


def test_what_was_taken_over_elsewhere_ends_here() -> None:
    """The client is told, and nothing more is written."""

    async def scenario() -> None:
        book = Notebook()
        calls = directory(notebook=book)
        session, line = await connected(calls)
        calls.lose(session.id)
        await session.over.wait()
        assert [m.code for m in line.told if isinstance(m, Error)] == ["superseded"]
        assert book.records[session.id].ended_ms is None

    run_virtual(scenario())
