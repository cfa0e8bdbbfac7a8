"""Cuts the phonemes of a sentence that is too long for a voice."""

from collections.abc import Iterator
from typing import TypeVar

Phonemes = TypeVar("Phonemes", str, list[str])


def parts(phonemes: Phonemes, most: int) -> Iterator[Phonemes]:
    """A sentence in parts of at most `most` phonemes, cut after a space if there is one; nothing when it is empty."""
    while phonemes:
        end = len(phonemes)
        if end > most:
            end = max((at + 1 for at in range(most) if phonemes[at] == " "), default=most)
        yield phonemes[:end]
        phonemes = phonemes[end:]
