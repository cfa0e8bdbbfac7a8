"""The events that the floor is told, and the commands that it gives."""

from dataclasses import dataclass

# Events


@dataclass(frozen=True, slots=True)
class VoiceStarted:
    """VAD: the caller began to speak; this is utterance number `utterance`."""

    utterance: int


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The judge: the caller is done with `utterance`."""

    utterance: int


@dataclass(frozen=True, slots=True)
class NoWords:
    """Speech-to-text: `utterance` has no words; it was a cough or a door."""

    utterance: int


@dataclass(frozen=True, slots=True)
class Interruption:
    """The judge: by `utterance` the caller wants the agent to stop."""

    utterance: int


@dataclass(frozen=True, slots=True)
class Backchannel:
    """The judge: `utterance` asks for nothing, and the agent goes on."""

    utterance: int


@dataclass(frozen=True, slots=True)
class Typed:
    """The caller typed `utterance`; it is complete."""

    utterance: int


@dataclass(frozen=True, slots=True)
class Prompted:
    """The agent has to say something unasked: a greeting, a question after a long silence, a goodbye."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The caller wants the agent to stop talking, and said so by other means than the voice."""


@dataclass(frozen=True, slots=True)
class SoundStarted:
    """The playout: the first packet of `reply` has left."""

    reply: int


@dataclass(frozen=True, slots=True)
class ReplyEnded:
    """The caller has heard `reply` to its end, or it has failed."""

    reply: int


@dataclass(frozen=True, slots=True)
class Closed:
    """The call is over."""


OfUtterance = VoiceStarted | Endpoint | NoWords | Interruption | Backchannel | Typed
OfReply = SoundStarted | ReplyEnded
Event = OfUtterance | OfReply | Prompted | Stopped | Closed


# Commands


@dataclass(frozen=True, slots=True)
class OpenUtterance:
    """Begin to transcribe `utterance`."""

    utterance: int


@dataclass(frozen=True, slots=True)
class DropUtterance:
    """Forget `utterance`; it gets no answer."""

    utterance: int


@dataclass(frozen=True, slots=True)
class BeginReply:
    """Begin `reply`. It answers `utterance`; None: the agent speaks unasked."""

    reply: int
    utterance: int | None


@dataclass(frozen=True, slots=True)
class Cancel:
    """End `reply` for good, and note how much of it the caller heard."""

    reply: int


@dataclass(frozen=True, slots=True)
class Duck:
    """Fade the agent's voice out, or hold it back if it has not begun."""


@dataclass(frozen=True, slots=True)
class Restore:
    """Bring the agent's voice back, from the place where it faded."""


Command = OpenUtterance | DropUtterance | BeginReply | Cancel | Duck | Restore
