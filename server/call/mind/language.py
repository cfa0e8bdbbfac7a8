"""Tongue: in which language a call is held, and what of the agent's own fits it."""

from collections.abc import Sequence

from server.agent.voice_agent import VoiceAgent
from server.call.mouth.reply import Manner
from server.call.options import CallOptions
from server.errors import PeerError
from server.speech.languages import lookup


class Tongue:
    """The language that a call has chosen, or else the agent's own."""

    def __init__(self, agent: VoiceAgent, options: CallOptions) -> None:
        self.language = options.language
        """Its tag (BCP 47); empty when the call has chosen none."""
        self._agent = agent
        own = not options.language or lookup(options.language, [agent.language]) is not None
        self._is_own = own
        self._chosen = Manner(options.voice or (agent.voice if own else ""), options.language)
        self._fixed = self._chosen if own else Manner(agent.voice)

    @property
    def answers(self) -> Manner:
        """How answers are said."""
        return self._chosen

    def of_line(self, text: str) -> Manner:
        """How the agent says `text` unasked: its fixed lines are in its own language, whatever the call's is."""
        return self._fixed if any(text in line for line in self._agent.lines) else self._chosen

    def expected(self, phrases: Sequence[str]) -> Sequence[str]:
        """Of the agent's phrases those that a caller may say in this language: all or none."""
        return phrases if self._is_own else ()


def check_language(language: str, stages: dict[str, Sequence[str]]) -> None:
    """Raises PeerError when a stage, by its name, does not know the language that a call has chosen."""
    for stage, known in stages.items():
        if language and lookup(language, known) is None:
            raise PeerError(f"The language {language!r} cannot be chosen here: {stage} does not know it.")
