"""The language that a call is held in, and which of the agent's own texts fit it."""

from collections.abc import Sequence

from server.agent.voice_agent import VoiceAgent
from server.call.mouth.reply import Pronunciation
from server.call.options import CallOptions
from server.errors import PeerError
from server.speech.languages import lookup


class CallLanguage:
    """The language that the call has chosen, or else the agent's own."""

    def __init__(self, agent: VoiceAgent, options: CallOptions) -> None:
        self.tag = options.language
        """BCP 47; empty when the call has chosen none."""
        self._agent = agent
        own = not options.language or lookup(options.language, [agent.language]) is not None
        self._is_own = own
        self._chosen = Pronunciation(options.voice or (agent.voice if own else ""), options.language)
        self._fixed = self._chosen if own else Pronunciation(agent.voice)

    @property
    def of_answers(self) -> Pronunciation:
        """How answers are spoken."""
        return self._chosen

    def of_line(self, text: str) -> Pronunciation:
        """How `text`, which nobody asked for, is spoken. The agent's fixed lines are always in the agent's language."""
        return self._fixed if any(text in line for line in self._agent.lines) else self._chosen

    def expected(self, phrases: Sequence[str]) -> Sequence[str]:
        """The agent's phrases if the call is held in the agent's language, otherwise none."""
        return phrases if self._is_own else ()


def check_language(language: str, stages: dict[str, Sequence[str]]) -> None:
    """Raises PeerError when a stage does not know the language that a call has chosen.

    `stages` maps the name of each stage to the languages that it knows.
    """
    for stage, known in stages.items():
        if language and lookup(language, known) is None:
            raise PeerError(f"The language {language!r} cannot be chosen here: {stage} does not know it.")
