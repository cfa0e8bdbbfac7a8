"""What the replicas of the speech models are asked, and what they answer. These objects travel between processes."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Utterance:
    """Sound whose words are wanted."""

    pcm: bytes
    """16 kHz mono s16le, at most two minutes."""
    language: str = ""
    """One of the model's languages (BCP 47); "" if the model shall find it out."""
    others: tuple[str, ...] = ()
    """Further languages in which it may be. Then `language` is the one that was spoken last, or "" if none was yet."""
    phrases: tuple[str, ...] = ()
    """Sentences to expect."""
    draft: bool = False
    """The words are no more than a draft, because the speech goes on: all final words come first."""


@dataclass(frozen=True, slots=True)
class Words:
    """The words of an utterance, and the language (BCP 47) that was found or given; "" if it is not known."""

    text: str
    language: str = ""


class Failed(str):
    """Why there is no answer, in a sentence for the client."""


class Busy(str):
    """Why the replica does not take the request now, in a sentence for the client."""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a replica has done since it started."""

    finals: int = 0
    drafts: int = 0
    together: dict[int, int] = field(default_factory=dict)
    """How many of the finals were found in goes of each size."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What a replica that speaks has done since it started."""

    begun: int = 0
    spoken: int = 0
    """How many texts were spoken to their end."""
    dropped: int = 0
    """How many were not, because nobody listened any more, or the engine failed."""


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice of the text-to-speech model."""

    name: str
    rate: int
    """Sample rate in Hz of its sound."""
    languages: tuple[str, ...]
    speakers: tuple[str, ...] = ()
    """Who may speak with it, if there are several."""
