"""Clients of the OpenAI Realtime API that say when the caller is done, or when to answer. On virtual time."""

import asyncio

import pytest

from tests.calls.realtime_line import Line
from tests.fakes.engines import LetterSpeechToText
from tests.fakes.guided_mind import GuidedMind
from tests.virtual_time import run_virtual


def test_push_to_talk() -> None:
    """The pauses of the caller end nothing. The client commits, and gets an answer when it asks for one."""

    async def scenario() -> None:
        async with Line(GuidedMind()) as line:
            line.choose(audio={"input": {"turn_detection": None, "transcription": {"model": "any"}}})
            await line.say("hello.")
            await line.wait(3000)
            await line.say("there.")
            await line.wait(100)
            line.event("input_audio_buffer.commit")
            assert line.responses() == []
            await line.wait(1000)
            line.event("response.create")
            await line.until_silent()
        types = line.types()
        assert "input_audio_buffer.speech_started" not in types
        assert types.count("input_audio_buffer.committed") == 1
        assert types.index("input_audio_buffer.committed") < types.index("response.created")
        completed = line.client.last("conversation.item.input_audio_transcription.completed")
        assert completed["transcript"] == "hello. there."
        [(status, [words])] = line.responses()
        assert status == "completed"
        assert words

    run_virtual(scenario())


def test_a_response_that_is_wanted_while_the_words_are_settled() -> None:
    """Clients commit and create a response at once."""

    async def scenario() -> None:
        async with Line(GuidedMind()) as line:
            line.choose(audio={"input": {"turn_detection": None}})
            await line.say("hello there.")
            line.event("input_audio_buffer.commit")
            line.event("response.create")
            await line.until_silent()
        assert line.responses() == [("completed", ["You said hello there.."])]

    run_virtual(scenario())


def test_a_response_that_is_wanted_while_the_caller_speaks() -> None:
    """It answers what is being said, as it does where nobody has to ask for it. The next utterance waits again."""

    async def scenario() -> None:
        async with Line(GuidedMind()) as line:
            line.choose(audio={"input": {"turn_detection": {"type": "server_vad", "create_response": False}}})
            speaking = asyncio.ensure_future(line.say("hello there."))
            await line.wait(400)
            line.event("response.create")
            await speaking
            await line.until_silent()
            await line.say("good night.")
            await line.wait(3_000)
        assert line.responses() == [("completed", ["You said hello there.."])]

    run_virtual(scenario())


@pytest.mark.parametrize("partial_ms", [None, 0])
@pytest.mark.parametrize("gap_ms", [0, 200, 600])
def test_commits_whose_words_come_late(gap_ms: int, partial_ms: int | None) -> None:
    """The caller goes on before the words are known. Each commit is one item, and nobody answers it unasked."""

    async def scenario() -> None:
        stt, said = LetterSpeechToText(final_ms=800, partial_ms=partial_ms), ["hello there.", "good night.", "see you."]
        async with Line(GuidedMind(), stt=stt) as line:
            line.choose(audio={"input": {"turn_detection": None, "transcription": {"model": "any"}}})
            for words in said:
                await line.say(words)
                line.event("input_audio_buffer.commit")
                await line.wait(gap_ms)
            await line.wait(9_000)
            history = [each.text for each in line.session._minutes.record.said]
        events = line.client.events
        committed = [each["item_id"] for each in events if each["type"] == "input_audio_buffer.committed"]
        completed = [
            (each["item_id"], each["transcript"]) for each in events if each["type"].endswith("transcription.completed")
        ]
        assert completed == list(zip(committed, said, strict=True))
        assert (line.responses(), history) == ([], said)

    run_virtual(scenario())


def test_a_commit_of_silence_is_an_item_without_words() -> None:
    async def scenario() -> None:
        async with Line(GuidedMind()) as line:
            line.choose(audio={"input": {"turn_detection": None}})
            await line.wait(500)
            line.event("input_audio_buffer.commit")
            await line.wait(500)
        assert line.types().count("input_audio_buffer.committed") == 1
        assert line.responses() == []

    run_virtual(scenario())


def test_what_is_cleared_is_no_item() -> None:
    async def scenario() -> None:
        async with Line(GuidedMind()) as line:
            line.choose(audio={"input": {"turn_detection": None}})
            await line.say("never mind")
            line.event("input_audio_buffer.clear")
            await line.wait(2000)
            assert "input_audio_buffer.committed" not in line.types()
            await line.say("hello.")
            line.event("input_audio_buffer.commit")
            line.event("response.create")
            await line.until_silent()
        assert line.responses() == [("completed", ["You said hello.."])]

    run_virtual(scenario())


def test_push_to_talk_over_the_agent() -> None:
    """The caller's voice does not stop the agent. The client does, and what was said by then is not lost."""

    async def scenario() -> None:
        async with Line(GuidedMind()) as line:
            line.choose(audio={"input": {"turn_detection": None}})
            line.write("tell me a very long story about the sea and all its ships please")
            line.event("response.create")
            await line.wait(2500)
            await line.say("stop it now please.")
            assert line.responses() == []
            line.event("response.cancel")
            await line.wait(100)
            line.event("input_audio_buffer.commit")
            line.event("response.create")
            await line.until_silent()
        first, second = line.responses()
        assert first[0] == "cancelled"
        assert second == ("completed", ["You said stop it now please.."])

    run_virtual(scenario())
