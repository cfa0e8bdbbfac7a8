"""Long utterances are recognised piece by piece: what was said before a clear pause is settled, and not sent again.

Speech-to-text goes over all sound of an utterance each time that the caller pauses and goes on. Without pieces, a story
of half a minute with ten pauses would be recognised ten times. Short utterances stay whole, because engines understand
whole sentences better.
"""

from dataclasses import dataclass

from server.media.frame import HEARD_RATE

_SECOND = 2 * HEARD_RATE
PIECE_BYTES = 8 * _SECOND
"""The shortest piece. Whisper hears up to this much in its shortest window, so a shorter piece would save nothing."""
PAUSE_BYTES = _SECOND // 5
"""A piece ends only at a longer pause than this: at a shorter one a word may go on."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The words of the pieces of one utterance that are over."""

    text: str = ""

    def and_then(self, text: str) -> str:
        """The words of the whole utterance, when `text` is what was said since the last piece."""
        return " ".join(filter(None, (self.text, text)))


def may_end(piece_bytes: int, pause_bytes: int) -> bool:
    """Whether a piece may end at a pause of `pause_bytes`, after which the caller goes on. Both are 16 kHz PCM."""
    return piece_bytes >= PIECE_BYTES and pause_bytes >= PAUSE_BYTES
