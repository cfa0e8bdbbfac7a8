"""What happens while the agent speaks: interruptions, and sounds that must not stop it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle

from bench import noises
from bench.microphone import trimmed
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
)
BACKCHANNELS = (
    "mhm",
    "hmm",
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
VOICES = ("en-us", "en-gb+f3", "en-us+m3")
SPEED = 160
ONSETS_MS = (2_500, 3_140, 4_060, 5_500, 6_820)
"""Where in the agent's answer; in turn."""
NOISES = {"cough": noises.cough, "door": noises.door, "keys": noises.keys}
TAKES = 4
"""Of each noise and of the echo."""
ECHO_DB = (-20.0, -20.0, -14.0, -26.0)


@dataclass(frozen=True, slots=True)
class Scene:
    """A sound at `onset_ms`, or the agent's own voice back in the caller's microphone."""

    kind: str
    name: str
    onset_ms: int
    pcm: bytes = b""
    """16 kHz."""
    echo_db: float | None = None

    @property
    def interrupts(self) -> bool:
        return self.kind == "interruption"

    @property
    def end_ms(self) -> int:
        return self.onset_ms + len(self.pcm) * 1000 // (2 * HEARD_RATE)


def scenes() -> list[Scene]:
    """Always the same; one kind after the other."""
    onsets = cycle(ONSETS_MS)
    return [
        *_voices("interruption", INTERRUPTIONS, onsets),
        *_voices("backchannel", BACKCHANNELS, onsets),
        *_others(onsets),
    ]


def _voices(kind: str, texts: tuple[str, ...], onsets: Iterator[int]) -> Iterator[Scene]:
    for voice in VOICES:
        for text in texts:
            yield Scene(kind, text, next(onsets), trimmed(speak(text, voice, HEARD_RATE, SPEED)))


def _others(onsets: Iterator[int]) -> Iterator[Scene]:
    for name, noise in NOISES.items():
        for take in range(TAKES):
            yield Scene(name, f"{name} {take}", next(onsets), noise(take))
    for echo_db in ECHO_DB:
        yield Scene("echo", f"echo {echo_db:g} dB", 0, echo_db=echo_db)
