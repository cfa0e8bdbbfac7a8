"""Calls of clients of the OpenAI Realtime API, from their events to the agent and back. On virtual time."""

import asyncio
import json
from typing import Any

from server.call import messages
from server.call.agent_messages import Commit
from server.call.options import CallOptions
from tests.fakes.guided_mind import GuidedMind
from tests.fakes.people import Caller
from tests.signaling.realtime.client import Client
from tests.virtual_time import run_virtual

USER = {"type": "message", "role": "user"}
LOOK_UP = {"type": "function", "name": "look_up", "parameters": {"type": "object", "properties": {}}}


class Line(Caller):
    """A caller whose client speaks the Realtime API. Its sound comes by WebRTC."""

    def __init__(self, mind: GuidedMind, greeting: str = "") -> None:
        self.client = Client(on_webrtc=True)
        super().__init__(mind, greeting=greeting)

    def send(self, message: messages.ServerMessage) -> None:
        super().send(message)
        self.client.now_ms = self.now_ms
        self.client.hear(message)

    def event(self, type: str, **fields: Any) -> None:
        """The client says this."""
        self.client.now_ms = self.now_ms
        self.client.say(type, **fields)
        told, self.client.told = self.client.told, []
        for each in told:
            self.session.receive_text(json.dumps(each))

    def choose(self, **session: Any) -> None:
        self.event("session.update", session={"type": "realtime", **session})

    def write(self, text: str) -> None:
        self.event("conversation.item.create", item={**USER, "content": [{"type": "input_text", "text": text}]})

    def types(self) -> list[str]:
        return [event["type"] for event in self.client.events]

    def responses(self) -> list[Any]:
        """The status of each response that is over, and what its items say or call."""
        done = [event["response"] for event in self.client.events if event["type"] == "response.done"]
        return [
            (each["status"], [item.get("name") or item["content"][0]["transcript"] for item in each["output"]])
            for each in done
            if each["conversation_id"] is not None
        ]


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
