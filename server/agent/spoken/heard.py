"""Heard: the sound of one utterance, on its way to a speech-to-speech model."""

from collections.abc import Callable

MAX_BYTES = 24_000 * 2 * 60
"""One minute of sound is kept, for a connection to the provider that is new or takes the place of another one. Of a
longer utterance the model is given the words."""


class Heard:
    """What the caller says in one utterance, as sound."""

    def __init__(
        self,
        words: Callable[[], str],
        convert: Callable[[bytes], bytes],
        on_sound: Callable[["Heard", bytes], None],
    ) -> None:
        """`words` gives the words that are known. `convert` makes the call's sound into what the model takes, and
        `on_sound` is told of each piece of that."""
        self.words = words
        self.where: object | None = None
        """The connection that has all of this sound."""
        self.committed = False
        """It is a part of the conversation there."""
        self._convert = convert
        self._chunks: list[bytes] = []
        self._bytes = 0
        self._on_sound = on_sound

    @property
    def whole(self) -> bool:
        """All of the sound is here."""
        return 0 < self._bytes <= MAX_BYTES

    @property
    def begins(self) -> bool:
        """Only its first piece is here."""
        return len(self._chunks) == 1

    @property
    def sound(self) -> bytes:
        """All of it."""
        return b"".join(self._chunks)

    def forget(self) -> None:
        """The provider has refused the sound: from now on the model is given the words."""
        self._chunks.clear()
        self._bytes = 0

    def feed(self, pcm: bytes) -> None:
        """The caller has said more: 16 kHz PCM."""
        converted = self._convert(pcm)
        self._bytes += len(converted)
        if not self.whole:
            self._chunks.clear()
            return
        self._chunks.append(converted)
        self._on_sound(self, converted)
