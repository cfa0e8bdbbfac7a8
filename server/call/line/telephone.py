"""The words between a telephone line and its call: what a telephone system tells us, and what it is told.

Each telephone system has a dialect of its own for them. A dialect is pure: it knows no socket and no call. What it
reads comes from outside, so it raises PeerError for what it does not understand, and nothing else. NotAcceptable, which
is one, says that no call can begin with such sound.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from server.call.caller import Caller
from server.call.messages import AudioFormat
from server.media.frame import FRAME_MS

# What the telephone system tells


@dataclass(frozen=True, slots=True)
class Begun:
    """The call is there. It comes once, before all sound."""

    call_id: str
    """What the telephone system calls the call. The same id on another connection goes on with the call. "" is none."""
    audio: AudioFormat
    """The sound of both directions."""
    number: str = ""
    """The caller's number; "" if it is not told."""
    dialled: str = ""
    """The number that the caller has dialled; "" if it is not told."""
    about: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What else is told of the call: choices for it, and fields for the agent, as in the message `start`."""


@dataclass(frozen=True, slots=True)
class Sound:
    """The caller's sound, encoded as `Begun.audio` says."""

    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Key:
    """The caller has pressed a key of the telephone."""

    digit: str


@dataclass(frozen=True, slots=True)
class Marked:
    """Everything that was sent before the order `Mark` of this name has been played."""

    name: str


@dataclass(frozen=True, slots=True)
class Late:
    """The telephone system still has much more sound to play than it should have."""


@dataclass(frozen=True, slots=True)
class HungUp:
    """The caller has hung up."""


Event = Begun | Sound | Key | Marked | Late | HungUp

# What the telephone system is told


@dataclass(frozen=True, slots=True)
class Say:
    """Play these 20 ms, encoded as `Begun.audio` says."""

    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing follows for now on what was said. A dialect with large pieces fills the last one with silence."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Tell when everything so far has been played."""

    name: str


@dataclass(frozen=True, slots=True)
class Flush:
    """Play nothing more of what has been sent."""


@dataclass(frozen=True, slots=True)
class KeepAlive:
    """Nothing was said to the telephone system, and nothing came from it, for a second."""


@dataclass(frozen=True, slots=True)
class HangUp:
    """The call is over."""


Order = Say | Rest | Mark | Flush | KeepAlive | HangUp


class Dialect(Protocol):
    """How one kind of telephone system says these things. One for each connection."""

    def read(self, item: str | bytes) -> Sequence[Event]:
        """What a message tells, or a piece of a byte stream. Raises PeerError, and then goes on with the next one."""

    def write(self, order: Order) -> Sequence[str | bytes]:
        """What is sent to carry out an order; nothing where the telephone system knows no such thing."""


def silence(audio: AudioFormat) -> bytes:
    """20 ms of silence in this format. Raises ValueError for Opus, which no telephone line has here."""
    samples = audio.sample_rate * FRAME_MS // 1000
    match audio.encoding:
        case "pcm16":
            return bytes(2 * samples)
        case "pcmu":
            return b"\xff" * samples
        case "pcma":
            return b"\xd5" * samples
    raise ValueError(f"no silence for {audio.encoding}")


@dataclass(frozen=True, slots=True)
class Arrival:
    """A connection of a telephone system, before the call on it has begun."""

    kind: str
    """The name of the dialect."""
    caller: Caller
    dialect: Dialect
    given: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The parameters of the address that the telephone system has connected to. What its messages tell wins."""
    trusted: bool = False
    """The telephone system has proved who it is."""
    vet: Callable[[Begun], Begun] = lambda begun: begun
    """Returns the call without what only proves it. Raises Unauthorized if the proof is not good."""
    transfer: Callable[[str, str], Awaitable[str]] | None = field(default=None, repr=False)
    """Transfers the call of this id to a telephone number. Returns why not; "" if it is done. None: it cannot be
    done."""
