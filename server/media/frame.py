"""The two units of sound that pass between the parts of the server: a frame of the caller, and a frame of the agent.

Both are 20 ms of mono signed 16-bit little-endian PCM. "Heard" is what the caller says, "spoken" is what the agent
says. Time is counted in samples, so nothing here needs a clock.
"""

from dataclasses import dataclass

FRAME_MS = 20
"""How long one frame is."""

HEARD_RATE = 16_000
"""The sample rate of the caller's sound. Voice activity detection and speech-to-text want this rate."""
HEARD_SAMPLES = HEARD_RATE * FRAME_MS // 1000
HEARD_BYTES = 2 * HEARD_SAMPLES

SPOKEN_RATE = 24_000
"""The sample rate of the agent's sound. Opus encodes it directly, and no embedded text-to-speech engine has a higher
rate."""
SPOKEN_SAMPLES = SPOKEN_RATE * FRAME_MS // 1000
SPOKEN_BYTES = 2 * SPOKEN_SAMPLES

SILENCE = bytes(HEARD_BYTES)
"""The PCM of a silent frame of the caller."""


@dataclass(frozen=True, slots=True)
class Frame:
    """20 ms of the caller's sound, as 16 kHz PCM."""

    pcm: bytes
    start_samples: int
    """Where the frame starts: how many 16 kHz samples after the first one of the connection, by the sender's clock."""
    voice: bool | None = None
    """Whether the sender says that this is a voice (RFC 6464). None if it says nothing. Use it only as a hint."""

    def __post_init__(self) -> None:
        if len(self.pcm) != HEARD_BYTES:
            raise ValueError(f"a frame is {HEARD_BYTES} bytes, not {len(self.pcm)}")
