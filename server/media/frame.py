"""The two units of sound that cross a stage: what the caller says, and what the agent says.

Both are 20 ms of mono signed 16-bit little-endian PCM. Time is counted in samples, so nothing here knows a clock.
"""

from dataclasses import dataclass

FRAME_MS = 20

HEARD_RATE = 16_000
"""Sample rate of everything heard: what VAD and speech-to-text want."""
HEARD_SAMPLES = HEARD_RATE * FRAME_MS // 1000
HEARD_BYTES = 2 * HEARD_SAMPLES

SPOKEN_RATE = 24_000
"""Sample rate of everything spoken: above every engine's own, and one that Opus encodes directly."""
SPOKEN_SAMPLES = SPOKEN_RATE * FRAME_MS // 1000
SPOKEN_BYTES = 2 * SPOKEN_SAMPLES

SILENCE = bytes(HEARD_BYTES)


@dataclass(frozen=True, slots=True)
class Frame:
    """20 ms that a connection heard. `start_samples` counts 16 kHz samples since the first, by the sender's clock."""

    pcm: bytes
    start_samples: int
    voice: bool | None = None
    """Whether the sender takes it for a voice (RFC 6464), if it says so: a hint, never more."""

    def __post_init__(self) -> None:
        if len(self.pcm) != HEARD_BYTES:
            raise ValueError(f"a frame is {HEARD_BYTES} bytes, not {len(self.pcm)}")
