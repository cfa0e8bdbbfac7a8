"""No dead air: what the caller hears while a tool runs or the model thinks. On virtual time."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pydantic_ai.messages import ModelMessage, ModelResponse, TextPart, ToolCallPart

from server.agent.voice_agent import VoiceAgent
from server.call import messages
from server.call.mouth.waiting import WaitingSettings
from server.call.settings import CallSettings
from tests.fakes.mind import Mind
from tests.fakes.people import Caller
from tests.virtual_time import run_virtual

SETTINGS = CallSettings(waiting=WaitingSettings(first_s=1.0, again_s=4.0))


@dataclass
class Polite(Mind):
    while_running: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def agent(self, greeting: str = "") -> VoiceAgent:
        return replace(super().agent(greeting), while_running=self.while_running)


def texts(history: list[ModelMessage]) -> list[str]:
    return [part.content for message in history for part in message.parts if isinstance(part, TextPart)]


def test_the_agent_says_something_while_a_tool_runs() -> None:
    """The tool's own lines first, one after the other and each once; then the answer. All of it is in the history."""

    async def scenario() -> None:
        mind = Polite(tool_s=12, while_running={"book": ("I am asking the kitchen.", "They are looking.")})
        async with Caller(mind, settings=SETTINGS) as caller:
            caller.session.receive_text(messages.Text(text="book a table").to_json())
            await caller.until_silent(ms=5_000)
            assert caller.tts.said == [
                "One moment.", "I am asking the kitchen.", "They are looking.", "Done: booked a table."
            ]  # fmt: skip
            (answer,) = caller.answers
            assert answer.text == " ".join(caller.tts.said)
            history = caller.session.dialogue.history.messages
            assert texts(history)[:3] == caller.tts.said[:3]
            assert [len(message.parts) for message in history if isinstance(message, ModelResponse)] == [4, 1]
            assert any(isinstance(part, ToolCallPart) for part in history[1].parts)
        assert mind.booked == ["a table"]

    run_virtual(scenario())


def test_a_model_that_thinks_is_spoken_for() -> None:
    """The time to the answer counts until the answer itself, not until the line."""

    async def scenario() -> None:
        async with Caller(Mind(first_token_ms=4_000), settings=SETTINGS) as caller:
            caller.session.receive_text(messages.Text(text="hello").to_json())
            await caller.until_silent(ms=4_000)
            assert caller.tts.said == ["One moment, please.", "You said hello."]
            (metrics,) = caller.of(messages.Metrics)
            assert metrics.first_token_ms is not None
            assert 4_000 <= metrics.first_token_ms <= metrics.first_packet_ms < 5_000
            assert texts(caller.session.dialogue.history.messages) == ["One moment, please.", "You said hello. "]

    run_virtual(scenario())


def test_a_line_can_be_cut_off_and_the_question_is_not_lost() -> None:
    """The caller speaks over it. The model knows the question and how much of the line was heard."""

    async def scenario() -> None:
        mind = Mind(first_token_ms=3_000)
        async with Caller(mind, settings=SETTINGS) as caller:
            caller.session.receive_text(messages.Text(text="where is it").to_json())
            await caller.wait(1_700)
            caller.session.receive_text(messages.Text(text="and when").to_json())
            await caller.until_silent(ms=5_000)
            assert texts(mind.seen[-1]) == ["One —"]
            assert caller.answers[-1].text.endswith("You said and when.")

    run_virtual(scenario())


def test_a_quick_answer_has_no_line_before_it() -> None:
    """Nobody hears "one moment" for an answer that comes within the second."""

    async def scenario() -> None:
        async with Caller(Mind(first_token_ms=700), settings=SETTINGS) as caller:
            await caller.say("hello")
            await caller.until_silent()
            assert caller.tts.said == ["You said hello."]

    run_virtual(scenario())
