"""What the floor is told, and what it orders."""

from dataclasses import dataclass

# Events


@dataclass(frozen=True, slots=True)
class VoiceStarted:
    """VAD: the person began utterance `utterance`."""

    utterance: int


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The endpoint: the person is done with `utterance`."""

    utterance: int


@dataclass(frozen=True, slots=True)
class NoWords:
    """Speech-to-text: there were no words in `utterance`; it was a cough or a door."""

    utterance: int


@dataclass(frozen=True, slots=True)
class Interruption:
    """The overlap judge: `utterance` means that the agent shall stop."""

    utterance: int


@dataclass(frozen=True, slots=True)
class Backchannel:
    """The overlap judge: `utterance` asks for nothing; the agent goes on."""

    utterance: int


@dataclass(frozen=True, slots=True)
class Typed:
    """The person typed `utterance`, whole."""

    utterance: int


@dataclass(frozen=True, slots=True)
class Prompted:
    """The agent shall speak unasked: a greeting, a question into a long silence, a goodbye."""


@dataclass(frozen=True, slots=True)
class Stopped:
    """The person asked, by other means than the voice, that the agent stop talking."""


@dataclass(frozen=True, slots=True)
class SoundStarted:
    """Playout: the first packet of `reply` has left."""

    reply: int


@dataclass(frozen=True, slots=True)
class ReplyEnded:
    """`reply` has been heard to its end, or has failed."""

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
    """Forget `utterance`; nothing of it is answered."""

    utterance: int


@dataclass(frozen=True, slots=True)
class Answer:
    """Let `reply` answer `utterance`, or speak unasked when it is None."""

    reply: int
    utterance: int | None


@dataclass(frozen=True, slots=True)
class Cancel:
    """End `reply` for good and note how much of it was heard."""

    reply: int


@dataclass(frozen=True, slots=True)
class Duck:
    """Lower the agent's voice, or hold it back when it is not heard yet."""


@dataclass(frozen=True, slots=True)
class Restore:
    """Bring the agent's voice back, from where it is."""


Command = OpenUtterance | DropUtterance | Answer | Cancel | Duck | Restore
