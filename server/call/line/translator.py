"""Translator: what lets a client of another protocol speak with a session of ours. One for each connection.

A translator is pure: it knows no socket, no task and no clock. What comes from the client becomes messages and sound of
our own protocol, and what our session says becomes messages of the client's. On a WebRTC connection the `Leg` has the
translator; the sound does not pass it. On a WebSocket it stands between the call and the socket (`TranslatedSocket`).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from server.call.messages import AudioFormat, ServerMessage, Start


class SoundItem(str):
    """A message that carries sound to the client. Who watches the call does not get it."""

    __slots__ = ()


class PrivateItem(str):
    """A message for whoever has caused it: others who are in the call have not asked for it."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Read:
    """What an item of the client becomes."""

    told: Sequence[str | bytes] = field(default=(), repr=False)
    """What our session is told: messages of our own protocol as JSON, and sound in the format of the call. Sound counts
    on a WebSocket only."""
    answers: Sequence[str | bytes] = field(default=(), repr=False)
    """What the client is answered at once, before the session is told anything."""


class Translator(Protocol):
    """How one other protocol says what ours says."""

    def read(self, item: str | bytes) -> Read:
        """Read what has come from the client. Never raises: the client is answered what is wrong with it."""

    def write(self, message: ServerMessage) -> Sequence[str | bytes]:
        """What the client is told of a message of our session."""

    def say(self, sound: bytes) -> Sequence[str | bytes]:
        """What carries the next sound, in the format of the call, to the client. Called on a WebSocket only.

        What of it is sound is a `SoundItem` or bytes; the rest is told to who watches, too."""


class Presenting(Translator, Protocol):
    """A translator that can tell somebody who comes later how things are."""

    @property
    def only_reads(self) -> bool:
        """The client wants what the agent says at present as text, and no sound of it."""

    def present(self) -> Sequence[str | bytes]:
        """What a watcher is told first."""

    def read_watcher(self, item: str | bytes) -> Read:
        """Read what has come from a watcher. Never raises."""


class Gate(Protocol):
    """What the client may say and be told. It does not hold for those who watch."""

    def refuse(self, item: str | bytes) -> Sequence[str | bytes] | None:
        """What the client is answered that may not say this. None: it may."""

    def pass_on(self, items: Sequence[str | bytes]) -> Sequence[str | bytes]:
        """Those of `items` that the client may be told."""


@dataclass(frozen=True, slots=True)
class Guest:
    """A client of another protocol on a WebSocket: who it is was told by the address, so it sends no `start`."""

    translator: Translator
    start: Start
    """What it has chosen, with the format of the caller's sound."""
    spoken: AudioFormat
    """The format of the agent's sound."""
    patient: bool = False
    """It may send files, faster than they can be heard."""


@dataclass(frozen=True, slots=True)
class Beginning:
    """How a client of another protocol begins a call, or goes on with one."""

    choices: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """What it chooses for the call, by the names of `CallRequest`."""
    session_id: str = ""
    resume: str = field(default="", repr=False)
    """The token with which it goes on with the conversation `session_id`. "" begins another one."""
    call_id: str = field(default="", repr=False)
    """The name of the call for those who watch it. Nobody but the client is told it."""


Recognize = Callable[[str | bytes], Translator | None]
"""Makes the translator for a client by the first message that has come from it. None: it speaks our own protocol."""
