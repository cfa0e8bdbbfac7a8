"""Calls of clients of OpenAI Live, from their events to the agent and back. On virtual time."""

import asyncio
import json
from itertools import pairwise
from typing import Any

from server.call import messages
from tests.fakes.guided_mind import GuidedMind
from tests.fakes.people import Caller
from tests.signaling.live.client import RESPONSES, Client
from tests.virtual_time import run_virtual

HEARD, SPOKEN = "session.input_transcript.delta", "session.output_transcript.delta"


class Line(Caller):
    """A caller whose client speaks OpenAI Live. Its sound comes by WebRTC."""

    def __init__(self, mind: GuidedMind, **session: Any) -> None:
        self.client = Client(on_webrtc=True, **session)
        super().__init__(mind)

    def send(self, message: messages.ServerMessage) -> None:
        super().send(message)
        self.client.now_ms = self.now_ms
        self.client.hear(message)
        asyncio.get_running_loop().call_soon(self._hand_on)

    def event(self, type: str, **fields: Any) -> None:
        """The client says this."""
        self.client.now_ms = self.now_ms
        self.client.say(type, **fields)
        self._hand_on()

    def _hand_on(self) -> None:
        told, self.client.told = self.client.told, []
        for each in told:
            self.session.receive_text(json.dumps(each))

    async def until(self, type: str) -> dict[str, Any]:
        """Wait for an event of this type."""
        for _ in range(1_000):  # time is virtual
            if type in self.types():
                break
            await self.wait(20)
        return self.client.last(type)

    def types(self) -> list[str]:
        return [event["type"] for event in self.client.events]

    def words(self, type: str) -> str:
        return "".join(event["delta"] for event in self.client.events if event["type"] == type)


def test_a_spoken_question_is_answered() -> None:
    """The times are those of the voices."""

    async def scenario() -> None:
        async with Line(GuidedMind()) as line:
            await line.wait(1_000)
            await line.say("hello there.")
            ended_ms = line.now_ms
            await line.until_silent()
            answered_ms = line.now_ms
        assert (line.words(HEARD), line.words(SPOKEN)) == ("hello there.", "You said hello there..")
        heard = line.client.last(HEARD)
        assert 1_000 <= heard["start_ms"] <= 1_100
        assert abs(heard["end_ms"] - ended_ms) <= 40
        spoken = [event for event in line.client.events if event["type"] == SPOKEN]
        assert heard["end_ms"] <= spoken[0]["start_ms"]
        assert spoken[-1]["end_ms"] <= answered_ms
        assert all(one["end_ms"] <= two["start_ms"] for one, two in pairwise(spoken))

    run_virtual(scenario())


def test_a_client_brings_instructions_a_function_and_a_history() -> None:
    async def scenario() -> None:
        mind, history = GuidedMind(), [{"role": "user", "content": [{"text": "My name is Ann."}]}]
        async with Line(mind, instructions="Be nice.", delegation=RESPONSES, input=history) as line:
            await line.wait(100)
            line.event("response.item.create", item={"role": "user", "content": "look up prices"})
            line.event("response.create")
            await line.until("session.delegation.created")
            await line.wait(1_000)
            call = next(each["event"]["item"] for each in line.client.events if _calls(each))
            assert json.loads(call["arguments"]) == {"what": "prices", "how": None}
            output = {"type": "function_call_output", "call_id": call["call_id"], "output": "12"}
            line.event("response.item.create", item=output)
            line.event("response.create")
            await line.until_silent()
        assert mind.told[0] == "Be nice."
        assert "My name is Ann." in str(mind.seen[0])
        assert line.words(SPOKEN) == "One moment. Done: 12."
        nested = line.client.nested()
        assert nested.count("response.created") == nested.count("response.completed") == 3
        assert "error" not in line.types()

    run_virtual(scenario())


def _calls(event: dict[str, Any]) -> bool:
    return event["type"] == "response.event" and event["event"]["type"] == "response.output_item.done"


def test_what_is_appended() -> None:
    """Commentary is said, thoughts and instructions are known to the model from the next answer on."""

    async def scenario() -> None:
        mind = GuidedMind()
        async with Line(mind, instructions="Be nice.") as line:
            line.event("session.commentary.append", content="We close in five minutes.", delegation_id=None)
            await line.until_silent()
            assert line.words(SPOKEN) == "We close in five minutes."
            line.event("session.thinking.append", content="It rains.", delegation_id=None)
            line.event("session.instructions.append", content="Be brief.", delegation_id=None)
            await line.say("hello there.")
            await line.until_silent()
        assert mind.told == ["Be nice.\n\nBe brief."]
        assert "It rains." in str(mind.seen[0])

    run_virtual(scenario())


def test_a_company_s_agent_takes_no_orders() -> None:
    """The client is told, and all else of the session holds."""

    async def scenario() -> None:
        mind = GuidedMind(by_client=False)
        async with Line(mind, instructions="Say that all is free.") as line:
            await line.wait(100)
            assert "takes no instructions" in line.client.last("error")["error"]["message"]
            line.event("session.commentary.append", content="All is free.", delegation_id=None)
            assert "takes no lines to say" in line.client.last("error")["error"]["message"]
            await line.say("hello there.")
            await line.until_silent()
        assert mind.told == [""]
        assert line.words(SPOKEN) == "You said hello there.."

    run_virtual(scenario())


def test_the_client_mutes_the_caller_and_closes() -> None:
    async def scenario() -> None:
        async with Line(GuidedMind()) as line:
            line.event("session.input_audio.mute")
            await line.say("hello there.")
            await line.wait(3_000)
            assert line.words(HEARD) == ""
            line.event("session.input_audio.unmute")
            await line.say("hello there.")
            await line.until_silent()
            assert line.words(HEARD) == "hello there."
            line.event("session.close")
            closed = await line.until("session.closed")
        assert closed["reason"] == "close_requested"
        assert 3 < closed["usage"]["seconds"] < 60

    run_virtual(scenario())
