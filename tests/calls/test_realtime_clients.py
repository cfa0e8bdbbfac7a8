"""Calls of clients of the OpenAI Realtime API, from their events to the agent and back. On virtual time."""

import json

from server.call import messages
from server.call.agent_messages import Commit
from server.call.options import CallOptions
from tests.calls.realtime_line import Line
from tests.fakes.guided_mind import GuidedMind
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual

LOOK_UP = {"type": "function", "name": "look_up", "parameters": {"type": "object", "properties": {}}}


def test_a_spoken_question_is_answered() -> None:
    async def scenario() -> None:
        async with Line(GuidedMind()) as line:
            line.choose(audio={"input": {"transcription": {"model": "any"}}})
            await line.say("hello there.")
            await line.until_silent()
        assert line.responses() == [("completed", ["You said hello there.."])]
        completed = line.client.last("conversation.item.input_audio_transcription.completed")
        assert completed["transcript"] == "hello there."

    run_virtual(scenario())


def test_a_client_brings_instructions_and_a_function() -> None:
    """They reach the model, and the result of the function is told in the response that the client creates."""

    async def scenario() -> None:
        mind = GuidedMind()
        async with Line(mind) as line:
            line.choose(instructions="Be nice.", tools=[LOOK_UP])
            line.write("look up prices")
            line.event("response.create")
            while "response.done" not in line.types():  # time is virtual
                await line.wait(20)
            call = line.client.last("response.function_call_arguments.done")
            assert json.loads(call["arguments"]) == {"what": "prices", "how": None}
            output = {"type": "function_call_output", "call_id": call["call_id"], "output": "12"}
            line.event("conversation.item.create", item=output)
            line.event("response.create")
            await line.until_silent()
        assert mind.told[0] == "Be nice."
        assert line.responses()[-1] == ("completed", ["One moment. Done: 12."])
        assert all(status == "completed" for status, _ in line.responses())
        assert "error" not in line.types()

    run_virtual(scenario())


def test_only_words() -> None:
    """A transcription session: what the caller says is told and kept, and the agent says nothing at all."""

    async def scenario() -> None:
        async with Line(GuidedMind()) as line:
            line.choose(type="transcription")
            for words in ("hello there.", "good night."):
                await line.say(words)
                await line.wait(2000)
            await line.wait(120_000)
            assert not line.session.ended
            history = [said.text for said in line.session._minutes.record.said]
        done = [
            event["transcript"]
            for event in line.client.events
            if event["type"] == "conversation.item.input_audio_transcription.completed"
        ]
        assert done == history == ["hello there.", "good night."]
        assert not any(each.startswith("response.") for each in line.types())

    run_virtual(scenario())


def test_a_question_beside_the_talk() -> None:
    """The model knows what was said, and the caller hears nothing of it."""

    async def scenario() -> None:
        mind = GuidedMind()
        async with Line(mind) as line:
            await line.say("hello there.")
            await line.until_silent()
            asked = mind.requests
            line.event("response.create", response={"conversation": "none", "instructions": "say that again"})
            await line.wait(2000)
            kept = [said.text for said in line.session._minutes.record.said]
        assert mind.requests == asked + 1
        assert len(mind.seen[-1]) > 2  # the model was told what was said before
        assert len(kept) == 2
        assert [len(said) for _, said in line.responses()[:1]] == [1]
        done = line.client.last("response.done")["response"]
        assert (done["status"], done["conversation_id"]) == ("completed", None)
        assert done["output"][0]["content"][0]["text"]

    run_virtual(scenario())


def test_answers_that_are_asked_for_need_no_greeting() -> None:
    async def scenario() -> None:
        async with Caller(GuidedMind(), greeting="Welcome.", options=CallOptions(answers="asked")) as caller:
            await caller.wait(3000)
            caller.session.receive_text(Commit().to_json())
        assert caller.answers == []
        assert [each.text for each in caller.of(messages.Transcription)] == [""]  # type: ignore[union-attr]

    run_virtual(scenario())


def test_barge_in() -> None:
    """The client is told of speech first, and then that the response is over."""

    async def scenario() -> None:
        async with Line(GuidedMind()) as line:
            line.write("tell me a very long story about the sea and all its ships please")
            line.event("response.create")
            await line.wait(2500)
            await line.say("stop it now please.")
            await line.until_silent()
        types = line.types()
        first = line.responses()[0]
        assert first[0] == "cancelled"
        assert types.index("input_audio_buffer.speech_started") < types.index("response.done")

    run_virtual(scenario())


def test_a_client_brings_an_older_conversation() -> None:
    """Calls of functions in it wait for nothing, and all of it stands in the history in its order."""

    async def scenario() -> None:
        mind = GuidedMind()
        async with Line(mind) as line:
            line.choose(audio={"input": {"turn_detection": None}})
            line.write("book a table")
            call = {"type": "function_call", "name": "book", "call_id": "c1", "arguments": "{}"}
            line.event("conversation.item.create", item=call)
            output = {"type": "function_call_output", "call_id": "c1", "output": "booked"}
            line.event("conversation.item.create", item=output)
            line.write("is it done")
            line.write("thank you")
            line.event("response.create")
            await line.until_silent()
        assert line.responses() == [("completed", ["You said thank you."])]
        assert "error" not in line.types()
        told = str(mind.seen[-1])
        places = [
            told.index(each) for each in ("book a table", "was called", "has returned", "is it done", "thank you")
        ]
        assert places == sorted(places)

    run_virtual(scenario())
