"""Transcripts: what the caller and the agent say, as fragments with times, for a client of OpenAI Live. Pure.

Fragments can only add. So the caller's words are told when they are settled, an utterance at a time; the agent's are
told as they are heard. Times are whole ms since the session began.
"""

from collections.abc import Callable

from server.call.messages import Response
from signaling.openai.outgoing import Outgoing

MAX_REPLIES = 8
"""Of how many replies it is known what was told. One is spoken at a time."""
MAX_TYPED = 10


class Transcripts:
    """The transcripts of one session."""

    def __init__(self, out: Outgoing, now_ms: Callable[[], float]) -> None:
        """`now_ms` is how long the session has lasted."""
        self._out = out
        self._now_ms = now_ms
        self._begun_ms: float | None = None
        """When the caller began what is not settled yet."""
        self._told: dict[int, str] = {}
        """What was told of the newest replies."""
        self._since_ms = 0.0
        """Until when the agent's words were told, or when the agent began to speak."""
        self._reply = -1
        self._typed: list[str] = []

    # The caller

    def begin(self, at_ms: float) -> None:
        """The caller speaks."""
        if self._begun_ms is None:
            self._begun_ms = at_ms

    def end(self) -> None:
        """Nobody speaks: what was not settled was no speech."""
        self._begun_ms = None

    def type(self, text: str) -> None:
        """The client has sent words as text. They come back as an utterance, of which it is told nothing."""
        self._typed = [*self._typed[1 - MAX_TYPED :], text]

    def settle(self, text: str, pause_ms: int | None) -> None:
        """The words of an utterance; the voice has been silent for `pause_ms` by now. "" withdraws it."""
        typed = next((each for each in self._typed if text and text.endswith(each)), None)
        if typed is not None:
            self._typed.remove(typed)
            return
        ended_ms = max(0.0, self._now_ms() - (pause_ms or 0))
        begun_ms = ended_ms if self._begun_ms is None else min(self._begun_ms, ended_ms)
        self._begun_ms = None
        if text:
            self._fragment("session.input_transcript.delta", text, begun_ms, ended_ms)

    # The agent

    def sound(self, reply: int) -> None:
        """The agent begins to say this reply."""
        if reply != self._reply:
            self._reply, self._since_ms = reply, self._now_ms()

    def speak(self) -> None:
        """The agent has the floor, and its words are heard from now on."""
        self._since_ms = self._now_ms()

    def hear(self, message: Response) -> None:
        """What the caller has heard of a reply."""
        told = self._told.get(message.reply, "")
        if message.text.startswith(told) and (delta := message.text[len(told) :]):
            self._fragment("session.output_transcript.delta", delta, self._since_ms, self._now_ms())
            self._since_ms = self._now_ms()
            self._told[message.reply] = message.text
        if message.final:
            self._told.pop(message.reply, None)
        while len(self._told) > MAX_REPLIES:
            del self._told[next(iter(self._told))]

    def _fragment(self, type: str, delta: str, start_ms: float, end_ms: float) -> None:
        start = round(start_ms)
        self._out.event(type, delta=delta, start_ms=start, end_ms=max(start, round(end_ms)))
