"""Pieces: collects frames of 20 ms for telephone systems that take sound in larger pieces only. Pure."""


class Pieces:
    """The sound that waits until there is enough for a piece."""

    def __init__(self, size: int, quiet: bytes) -> None:
        """`size` is how many bytes a piece has, `quiet` 20 ms of silence."""
        self._size = size
        self._quiet = quiet
        self._sound = b""

    def add(self, sound: bytes) -> list[bytes]:
        """The pieces that are complete now."""
        self._sound += sound
        whole = len(self._sound) - len(self._sound) % self._size
        pieces = [self._sound[at : at + self._size] for at in range(0, whole, self._size)]
        self._sound = self._sound[whole:]
        return pieces

    def fill(self) -> list[bytes]:
        """What is left, as a piece that ends with silence."""
        missing = -len(self._sound) % self._size
        return self.add((self._quiet * (1 + missing // len(self._quiet)))[:missing])

    def clear(self) -> None:
        """What waits is not said any more."""
        self._sound = b""
