"""Antiphon calls Antiphon: the speech-to-speech model of one call is another server, over its OpenAI Realtime API."""

import pytest
from pydantic_ai import Agent
from pydantic_ai.models.function import FunctionModel

from server.agent.limits import RunLimits
from server.agent.notices import TAKES_NOTICES
from server.agent.spoken import keeper, model
from server.agent.voice_agent import VoiceAgent
from tests.exchange import OneSentence, exchange
from tests.fakes.frail_proxy import frail_proxy
from tests.fakes.mind import Mind
from tests.natural_voice import say
from tests.spoken_call import spoken_call

FRAME_BYTES = 640
HEARD = "good morning from afar"
"""What the far server hears, whatever is said."""
STORY = "Once upon a time there was a shop. It sold books of every kind. " * 6
OTHER = "Far away there was a garden. Birds of every kind sang in it. " * 6


def voice(text: str) -> list[bytes]:
    """A person who says this, in frames of 20 ms."""
    pcm = say(text)
    return [pcm[at : at + FRAME_BYTES].ljust(FRAME_BYTES, b"\0") for at in range(0, len(pcm), FRAME_BYTES)]


def client_agent(mind: Mind) -> VoiceAgent:
    """An agent that is what its client brings."""
    thinks = FunctionModel(stream_function=mind._think, profile=TAKES_NOTICES)
    return VoiceAgent(Agent(thinks), name="Far", greeting="Welcome to the far server.", by_client=True)


async def test_one_server_is_the_model_of_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """The far server hears the caller, calls the near server's tools, and stops when it is interrupted. When it ends
    its session, breaks off or hangs, the call goes on, and each new session begins with what was said."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    monkeypatch.setattr(keeper, "AGAIN_S", (0.0,))
    far = Mind(
        answers={"good morning from afar": "Good morning to you.", "tell me a story": STORY, "tell me another": OTHER}
    )
    near, ears = Mind(answers={model.GO_ON: "And so they lived."}), OneSentence()
    async with exchange(client_agent(far), chars_per_s=60) as server, frail_proxy(f"{server.home}/v1") as proxy:
        server.stt.sentence = HEARD
        async with spoken_call(proxy, near.agent("Hello."), RunLimits(first_token_s=5.0), ears=ears) as caller:
            assert await caller.speak(voice("What time is it?")) == "Good morning to you."
            assert "You have said to the caller: Hello." in str(far.seen[-1])
            assert HEARD in str(far.seen[-1])
            assert await caller.type("book a table") == "One moment. Done: booked a table."
            assert near.booked == ["a table"]

            caller.call.type("tell me a story")
            await caller.hear("a shop")
            ears.sentence = "stop please"
            assert await caller.speak(voice("Stop it, please.")) == "Good morning to you."
            assert caller.answers[-2].interrupted
            assert " —" in str(far.seen[-1])
            assert HEARD in str(far.seen[-1][-1])
            assert proxy.connections == 1

            [live] = server.directory.live
            server.directory.control(live.id).hang_up(at_once=True)
            await caller.until(lambda: proxy.connections == 2)
            caller.call.type("tell me another")
            await caller.hear("a garden")
            assert "booked a table" in str(far.seen[-1])
            assert near.requests == 0

            proxy.cut()
            await caller.call.settle()
            assert caller.answers[-1].text.startswith("Far away there was a garden")
            assert caller.answers[-1].text.endswith("And so they lived.")
            await caller.until(lambda: proxy.connections == 3)
            proxy.go_silent()
            assert await caller.type("are you there") == "One moment, please. You said are you there."
            assert near.requests == 2
            assert await caller.type("and now") == "You said and now."
            assert "And so they lived" in str(far.seen[-1])
            assert near.requests == 2
            assert proxy.connections == 4
            assert not caller.failures
