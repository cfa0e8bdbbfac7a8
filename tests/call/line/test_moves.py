"""A conversation with which another server goes on."""

import asyncio
from dataclasses import replace

import pytest

from server.call.caller import Caller
from server.call.messages import Error, Hello, Response, Text, Transcription
from server.call.options import CallOptions
from server.errors import NotFound
from server.record.conversation import Standing
from server.record.used import Used
from tests.call.directories import STORY, Line, answers, connected, directory, listen, speak
from tests.fakes.engines import COUGH
from tests.fakes.mind import Mind
from tests.fakes.notebook import Notebook
from tests.virtual_time import run_virtual


def test_a_conversation_outlives_its_process() -> None:
    """Another process finds the record by its token, and knows what was said."""

    async def scenario() -> None:
        book = Notebook()
        calls = directory(notebook=book)
        session, line = await connected(calls)
        session.receive_text(Text(text="my name is Anna").to_json())
        for _ in range(250):
            await asyncio.sleep(0.02)
            session.next_frame()
        said = session.dialogue.history.messages
        assert said
        await calls.close()
        other = directory(notebook=book)
        restored = await other.find(Caller(), session.id, line.token, CallOptions())
        kept, reached = restored.dialogue.standing, session.dialogue.standing
        assert replace(kept, used=Used()) == replace(reached, used=Used()) == Standing(utterance=1, reply=1)
        assert replace(kept.used, time_ms=0) == replace(reached.used, time_ms=0) != Used()
        again = Line()
        other.attach(restored, again, line.token)
        await asyncio.sleep(0.1)
        assert restored.dialogue.history.messages == said
        assert isinstance(again.told[0], Hello)
        assert again.told[0].resumed
        assert again.token != line.token
        restored.receive_text(Text(text="what is my name").to_json())
        for _ in range(250):
            await asyncio.sleep(0.02)
            restored.next_frame()
        assert {message.utterance for message in again.told if isinstance(message, Transcription)} == {2}
        assert {message.reply for message in again.told if isinstance(message, Response)} == {2}
        with pytest.raises(NotFound):
            await other.find(Caller(), session.id, "guess", CallOptions())
        await other.close()

    run_virtual(scenario())


async def moved(frames: int, first_sound_ms: float = 30) -> tuple[list[str], list[str], list[str]]:
    """A server stops after so many `frames` of a story, and another one goes on.

    Returns what the caller heard of each server, and what the record says.
    """
    book, mind = Notebook(), Mind(answers={"story": STORY})
    calls = directory(notebook=book, mind=mind, first_sound_ms=first_sound_ms)
    session, line = await connected(calls)
    session.receive_text(Text(text="story").to_json())
    await listen(session, frames)
    await calls.drain(0)
    other, again = directory(notebook=book, mind=mind), Line()
    restored = await other.find(Caller(), session.id, line.token, CallOptions())
    other.attach(restored, again, line.token)
    await asyncio.sleep(0.1)
    await listen(restored, 600)
    assert restored.dialogue.standing.unsaid == restored.dialogue.standing.unanswered == ""
    await other.close()
    return answers(line), answers(again), [said.text for said in book.records[session.id].said]


@pytest.mark.parametrize("first_sound_ms", [30, 1_500])
def test_another_server_says_the_rest(first_sound_ms: float) -> None:
    """The next server says what the caller has not heard yet, and no word is missing.

    With a slow text-to-speech engine, some of it has no sound yet when the first server stops.
    """

    async def scenario() -> None:
        (before,), (after,), kept = await moved(150, first_sound_ms)
        assert before
        assert STORY.startswith(before)
        assert STORY.removeprefix(before).strip() in after
        assert kept == ["story", before, after]

    run_virtual(scenario())


def test_another_server_says_what_a_noise_has_stopped() -> None:
    """When a server stops while a noise may still be an interruption, the next one says the rest of the reply."""

    async def scenario() -> None:
        book, mind = Notebook(), Mind(answers={"story": STORY})
        calls = directory(notebook=book, mind=mind)
        session, line = await connected(calls)
        session.receive_text(Text(text="story").to_json())
        await listen(session, 150)
        await speak(session, " ".join([COUGH] * 3))
        assert len(answers(line)) == 1, "the reply has stopped"
        await calls.drain(0)
        other, again = directory(notebook=book, mind=mind), Line()
        restored = await other.find(Caller(), session.id, line.token, CallOptions())
        other.attach(restored, again, line.token)
        await listen(restored, 600)
        assert STORY.removeprefix(answers(line)[0]).strip() in answers(again)[0]
        await other.close()

    run_virtual(scenario())


def test_another_server_answers_what_was_asked() -> None:
    """A caller who has heard nothing of the reply need not ask again."""

    async def scenario() -> None:
        _, after, kept = await moved(0)
        assert after == [STORY]
        assert kept == ["story", STORY]

    run_virtual(scenario())


def test_another_server_knows_the_half_of_a_sentence() -> None:
    """A caller who is speaking when the server stops need not begin again."""

    async def scenario() -> None:
        book, mind = Notebook(), Mind()
        calls = directory(notebook=book, mind=mind)
        session, line = await connected(calls)
        await speak(session, "where is")
        await calls.drain(0)
        other, again = directory(notebook=book, mind=mind), Line()
        restored = await other.find(Caller(), session.id, line.token, CallOptions())
        other.attach(restored, again, line.token)
        await speak(restored, "my order")
        await listen(restored, 300)
        assert answers(again)[-1] == "You said where is my order."
        await other.close()

    run_virtual(scenario())


def test_a_conversation_that_is_over_is_not_resumed() -> None:
    """The token of a conversation that has ended resumes nothing."""

    async def scenario() -> None:
        book = Notebook()
        calls = directory(notebook=book)
        session, line = await connected(calls)
        session.end()
        await session.over.wait()
        assert book.records[session.id].ended_ms is not None
        with pytest.raises(NotFound):
            await calls.find(Caller(), session.id, line.token, CallOptions())

    run_virtual(scenario())


def test_what_was_taken_over_elsewhere_ends_here() -> None:
    """When another server takes a conversation over, the client is told, and nothing more is written here."""

    async def scenario() -> None:
        book = Notebook()
        calls = directory(notebook=book)
        session, line = await connected(calls)
        calls.lose(session.id)
        await session.over.wait()
        assert [m.code for m in line.told if isinstance(m, Error)] == ["superseded"]
        assert book.records[session.id].ended_ms is None

    run_virtual(scenario())
