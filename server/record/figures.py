"""Figures: how one exchange went, in numbers and names. No word of the caller or the agent is in them.

Times are in ms. What was not measured, or has not happened, keeps its default, and the store leaves it out.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import SerializerFunctionWrapHandler, WrapSerializer

STAGES = ("endpoint", "transcript", "first_token", "first_clause", "first_packet")
"""The stages of an exchange, as `server.call.messages.Metrics` counts them. Each has a field `…_ms`."""


@dataclass(frozen=True, slots=True)
class ToolRun:
    """A tool that was called: for how long it ran, and what became of it."""

    name: str
    ms: float | None = None
    """None: it has not returned."""
    outcome: Literal["returned", "refused", "failed", "timed_out", "stopped", "unknown"] = "returned"
    """refused: the tool asked the model to try again. stopped: the caller went on, and it may be stopped then. unknown:
    it has not returned."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A failure that the caller noticed, or that cost an answer."""

    stage: str
    """As in the metric `antiphon.call.failures`: "model", "speech-to-text", "tool" and so on."""
    sentence: str
    """What the client was told."""


@dataclass(frozen=True, slots=True)
class LineFigures:
    """How the connection carried the sound since the exchange before. "in" is from the caller, "out" to the caller."""

    codec: str = ""
    """The codec in which we speak."""
    lost_in_percent: float | None = None
    """The share of the caller's packets that did not come in time."""
    lost_out_percent: float | None = None
    """The share of our packets that the client has lost lately, as its last report tells it."""
    jitter_out_ms: float | None = None
    """How unevenly our packets come to the client, as its last report tells it."""
    round_trip_ms: float | None = None
    concealed_ms: int = 0
    """Of the caller's sound, how much the decoder made up for lost packets."""
    recovered: int = 0
    """How many of the caller's lost packets were taken from the copy in the next one (in-band FEC)."""
    r_in: float | None = None
    """The rating R of the E-model (ITU-T G.107) for the sound that we hear; 93.2 is the best one. See
    server/media/e_model.py."""
    r_out: float | None = None
    """The same for the sound that the caller hears."""


@dataclass(frozen=True, slots=True)
class Figures:
    """How one exchange went."""

    reply: int = 0
    """The number of the reply in its call."""
    agent: str = ""
    transport: str = ""
    """What carried the call (`server.agent.call_info.Transport`)."""
    language: str = ""
    speech_to_text: str = ""
    """The engine that gave the words. Where several are configured, the one that served."""
    model: str = ""
    """The model that gave the answer, as "provider:name". Where the first one failed, the one that answered."""
    text_to_speech: str = ""
    attempts: int = 0
    """How many replies were begun for the utterance."""
    endpoint_ms: float | None = None
    transcript_ms: float | None = None
    first_token_ms: float | None = None
    first_clause_ms: float | None = None
    first_packet_ms: float | None = None
    """The stages, each from the caller's last sound. Only of replies that answer the caller."""
    gap_ms: float | None = None
    """The gap as the caller heard it: from the caller's last sound to the first sound of the answer, as the client
    measured it. None where the client tells nothing of it."""
    interrupted: bool = False
    resumed: int = 0
    """How often the agent fell silent because of a sound of the caller, and then went on with the same reply: a
    backchannel, a cough, an echo."""
    resumed_ms: tuple[int, ...] = ()
    """When it went on, in ms from the beginning of the conversation: the first times."""
    false_starts: int = 0
    """Sounds since the exchange before that were taken for a voice and had no words."""
    tools: tuple[ToolRun, ...] = ()
    input_tokens: int = 0
    output_tokens: int = 0
    failures: tuple[Failure, ...] = ()
    line: LineFigures | None = None
    """None where the way in does not measure it, such as a WebSocket."""

    @property
    def waited_ms(self) -> float | None:
        """How long the caller waited for the answer: as the client measured it, or else as the server did."""
        return self.first_packet_ms if self.gap_ms is None else self.gap_ms


def _told(value: Any, handler: SerializerFunctionWrapHandler) -> Any:
    """Without what was not measured or has not happened, because there is one of these for each exchange."""
    return _without_nothing(handler(value))


def _without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nothing(each) for key, each in value.items() if not _is_nothing(each)}
    if isinstance(value, (list, tuple)):
        return [_without_nothing(each) for each in value]
    return value


def _is_nothing(value: Any) -> bool:
    """Whether it is a default. 0.0 is none: it was measured."""
    return not value and not isinstance(value, float)


KeptFigures = Annotated[Figures | None, WrapSerializer(_told)]
"""Figures as a field of something that is kept as JSON."""
