"""What happens while the agent speaks: interruptions, and sounds that must not stop the agent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import cycle, product

from bench.caller.microphone import trimmed
from bench.overlap import noises
from server.media.frame import HEARD_RATE
from tests.voices import speak

AGENT_SAYS = (
    "We are open from nine in the morning until six in the evening, from Monday to Friday. On Saturday we open at ten "
    "and close at four, and on Sunday the shop is closed. You can also order by telephone, and we send most books "
    "within two days. If a book is not in stock, we call you back as soon as it arrives."
)
INTERRUPTIONS = (
    "stop",
    "wait a moment",
    "no that's wrong",
    "sorry can I ask something",
    "hold on",
    "excuse me",
    "I have another question",
    "please stop",
    "where is my order",
    "can you call me back tomorrow",
    "that's not what I asked",
    "thank you that's all",
    "can you repeat that please",
    "my order number is four two seven one",
    "what about next thursday",
    "I don't need the opening hours",
)
BACKCHANNELS = (
    "[[m'mh'@m]]",
    "[[h@m]]",
    "uh-huh",
    "right",
    "okay",
    "yeah",
    "yes",
    "I see",
    "all right",
    "got it",
    "sure",
    "oh okay",
    "great",
)
VOICES = ("en-us+f2", "en-gb+m2", "en-us+m7", "en-gb-scotland+f4", "en-029+m1", "en-gb+f1")
"""None of these voices was used while the settings were chosen."""
SPEEDS = (150, 175)
"""Words a minute, in turn."""
ONSETS_MS = (2_500, 3_140, 4_060, 5_500, 6_820)
"""When in the agent's answer a sound begins, in turn."""
NOISES = {"hum": noises.hum, "cough": noises.cough, "door": noises.door, "keys": noises.keys}
TAKES = 8
"""How many different sounds there are of each noise."""
ECHO_DB = (-14.0, -20.0, -25.0, -30.0)
"""How loud the echo is, compared with the agent's voice."""
ECHO_DELAYS_MS = (40, 110, 230, 400)
"""How late the echo is."""
ECHO_FROM_MS = (0, 3_000)
"""When the echo begins."""
TALK_OVER_ECHO_EVERY = 5
"""Every fifth interruption and backchannel is played once more, with echo."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A sound at `onset_ms`, or the agent's own voice in the caller's microphone, or both."""

    kind: str
    name: str
    onset_ms: int
    pcm: bytes = b""
    """The sound, at 16 kHz."""
    echo_db: float | None = None
    """How loud the echo is; None when there is none."""
    echo_delay_ms: int = 110
    echo_from_ms: int = 0
    """When the echo begins. Later than 0 means that the caller turns the loudspeaker on in the middle of the answer."""

    @property
    def interrupts(self) -> bool:
        """Whether the scene shall stop the agent."""
        return self.kind.startswith(("interruption", "command"))

    @property
    def judged(self) -> bool:
        """Whether it is known what the agent shall do."""
        return self.kind != "word"

    @property
    def end_ms(self) -> int:
        return self.onset_ms + len(self.pcm) * 1000 // (2 * HEARD_RATE)


def scenes(voices: Sequence[str] = VOICES) -> list[Scene]:
    """All scenes without people, one kind after the other. They are the same every time."""
    onsets, speeds = cycle(ONSETS_MS), cycle(SPEEDS)
    interruptions = list(_said("interruption", INTERRUPTIONS, voices, onsets, speeds))
    backchannels = list(_said("backchannel", BACKCHANNELS, voices, onsets, speeds))
    return [
        *interruptions,
        *backchannels,
        *noises_of_all_kinds(onsets),
        *echoes(),
        *over_echo([*interruptions, *backchannels]),
    ]


def _said(
    kind: str, texts: tuple[str, ...], voices: Sequence[str], onsets: Iterator[int], speeds: Iterator[int]
) -> Iterator[Scene]:
    for voice in voices:
        for text in texts:
            yield Scene(kind, text, next(onsets), trimmed(speak(text, voice, HEARD_RATE, next(speeds))))


def backchannels_of_espeak() -> Iterator[Scene]:
    """The backchannels in eSpeak NG's voices."""
    yield from _said("backchannel, eSpeak", BACKCHANNELS, VOICES, cycle(ONSETS_MS), cycle(SPEEDS))


def noises_of_all_kinds(onsets: Iterator[int] | None = None) -> Iterator[Scene]:
    """TAKES of each of the NOISES."""
    onsets = onsets or cycle(ONSETS_MS)
    for name, noise in NOISES.items():
        for take in range(TAKES):
            yield Scene(name, f"{name} {take}", next(onsets), noise(take))


def echoes() -> Iterator[Scene]:
    """The agent's own voice at every level and delay, from the beginning of the answer and from the middle."""
    for from_ms, echo_db, delay_ms in product(ECHO_FROM_MS, ECHO_DB, ECHO_DELAYS_MS):
        kind = "echo, all at once" if from_ms else "echo"
        name = f"{echo_db:g} dB, {delay_ms} ms"
        yield Scene(kind, name, from_ms, echo_db=echo_db, echo_delay_ms=delay_ms, echo_from_ms=from_ms)


def over_echo(scenes: Sequence[Scene]) -> Iterator[Scene]:
    """Every fifth of the scenes with echo added, at every level and delay in turn."""
    echo = cycle(product(ECHO_DB, ECHO_DELAYS_MS))
    for scene, (echo_db, delay_ms) in zip(scenes[::TALK_OVER_ECHO_EVERY], echo, strict=False):
        yield replace(scene, kind=f"{scene.kind} in echo", echo_db=echo_db, echo_delay_ms=delay_ms)
