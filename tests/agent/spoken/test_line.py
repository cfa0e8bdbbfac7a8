"""Which answer of the provider is ours."""

import asyncio
from typing import Any

import pytest
from pydantic_ai.exceptions import ModelServerError
from pydantic_ai.realtime.codec import AudioDelta, OutputTranscript, RealtimeCodecEvent
from pydantic_ai.realtime.lifecycle import ResponseEnded, ResponseStarted

from server.agent.spoken.answer import MAX_CHARS, MAX_PIECES, MAX_SOUND_S, Answer
from server.agent.spoken.known import Known
from server.agent.spoken.line import Line


def asked(line: Line) -> Answer:
    answer = Answer("model", 24_000, lambda sound: None, lambda sound, ms: None)
    what: Any = "response.create"
    line.ask(what, answer)
    return answer


def make() -> Line:
    connection: Any = None
    return Line(connection, "model", {}, Known(), "")


@pytest.mark.parametrize("answers", [(), (0,)])
async def test_what_the_provider_begins_by_itself_and_gives_up_is_no_answer(answers: tuple[int, ...]) -> None:
    """pydantic-ai takes the greeting of a provider for the answer, before it knows better. The answer comes next."""
    line = make()
    answer = asked(line)
    line._take(ResponseStarted(response_id="greeting", answers=(0,), basis="inferred"))
    line._take(AudioDelta(data=bytes(480), item_id="greeting"))
    line._take(ResponseEnded(response_id="greeting", status="cancelled"))
    assert not answer.over
    line._take(ResponseStarted(response_id="ours", answers=answers))
    line._take(OutputTranscript(text="Good morning.", is_final=False, item_id="item"))
    line._take(ResponseEnded(response_id="ours", status="completed"))
    assert answer.over
    assert answer.words == "Good morning."
    async with asyncio.timeout(1):
        assert [piece async for piece in answer.pieces() if piece and isinstance(piece, str)] == ["Good morning."]
    assert line.idle


@pytest.mark.parametrize(
    ("event", "count"),
    [
        (AudioDelta(data=bytes(2 * 24_000 * 60), item_id="item"), MAX_SOUND_S // 60),
        (AudioDelta(data=b"", item_id="item"), MAX_PIECES),
        (OutputTranscript(text="word " * 200, is_final=False, item_id="item"), MAX_CHARS // 1000),
    ],
    ids=["sound", "pieces", "words"],
)
async def test_an_answer_without_an_end_costs_its_connection(event: RealtimeCodecEvent, count: int) -> None:
    """It would fill the memory, because what comes is kept until it is heard."""
    line = make()
    answer = asked(line)
    line._take(ResponseStarted(response_id="ours", answers=(0,)))
    for _ in range(count):
        line._take(event)
    assert not line.closed.is_set()
    line._take(event)
    assert line.closed.is_set()
    with pytest.raises(ModelServerError):
        async for _ in answer.pieces():
            pass


async def test_an_answer_that_was_given_up_in_its_middle_is_over() -> None:
    line = make()
    answer = asked(line)
    line._take(ResponseStarted(response_id="ours", answers=(0,)))
    line._take(OutputTranscript(text="Good", is_final=False, item_id="item"))
    line._take(ResponseEnded(response_id="ours", status="cancelled"))
    assert answer.over
    assert line.idle
