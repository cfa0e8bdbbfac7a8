"""Answers: how this call's agent comes to a reply, with the call's model, language, voice and history."""

from collections.abc import Callable, Sequence
from typing import Any

from pydantic_ai.settings import ModelSettings

from server.agent.memory import Memory
from server.agent.run import AgentRun, RunSetup
from server.agent.voice_agent import VoiceAgent
from server.call.mind.history import History
from server.call.mind.language import Tongue
from server.call.mouth.replies import Replies, Start
from server.call.mouth.reply import Line, Reply
from server.call.mouth.stopwatch import Stopwatch
from server.call.options import CallOptions
from server.call.settings import CallSettings
from server.call.setup import Engines
from server.call.turns.completeness import asks_for_number


class Answers:
    """Of one call."""

    def __init__(
        self,
        agent: VoiceAgent,
        deps: Any,
        history: History,
        engines: Engines,
        settings: CallSettings,
        options: CallOptions,
        start: Start,
        on_sound: Callable[[Reply], None],
    ) -> None:
        """`deps` are the agent's, of this call; `on_sound` is told when a reply that was silent has sound."""
        self._agent = agent
        self._history = history
        self._memory = Memory(settings.run.history_chars)
        self._tongue = Tongue(agent, options)
        self._setup = RunSetup(
            agent, engines.model, deps, settings.run, _model_settings(options), self._tongue.language
        )
        self._replies = Replies(start, engines.text_to_speech, on_sound)

    @property
    def language(self) -> str:
        """Its tag (BCP 47); empty when the call has chosen none."""
        return self._tongue.language

    @property
    def expected(self) -> Sequence[str]:
        """Sentences that the person may say now."""
        agent = self._agent
        asked = asks_for_number(self._history.last_said)
        return self._tongue.expected(agent.number_phrases if asked and agent.number_phrases else agent.phrases)

    def begin(self, prompt: str, stopwatch: Stopwatch) -> Reply:
        """Let the agent answer; nothing of it is heard, and no tool has an effect, before it is committed."""
        source = AgentRun(self._setup, prompt, self._memory.recall(self._history.messages))
        return self._replies.make(source, self._tongue.answers, stopwatch)

    def line(self, line: Line, stopwatch: Stopwatch, interruptible: bool) -> Reply:
        """What the agent says unasked."""
        return self._replies.make(line, self._tongue.of_line(line.text), stopwatch, interruptible)

    def stop(self, reply: Reply) -> None:
        """Make no more of it; idempotent."""
        self._replies.stop(reply)

    def stop_all(self) -> None:
        self._replies.stop_all()


def _model_settings(options: CallOptions) -> ModelSettings:
    chosen = ModelSettings()
    if options.temperature is not None:
        chosen["temperature"] = options.temperature
    if options.max_tokens is not None:
        chosen["max_tokens"] = options.max_tokens
    return chosen
