"""How much sound a replica of the API holds in memory."""

from collections.abc import Iterator
from contextlib import contextmanager

from server.errors import AtCapacity

MOST_SOUND = 256 * 1024 * 1024
"""How many bytes of decoded sound may be held: 13 recordings of ten minutes, or the utterances of a thousand calls. A
file of 100 KB may be ten minutes of silence, so the limit of the bodies does not limit this."""
RETRY_AFTER_S = 1
"""When a client may try again. The queue of a model is worked off in some seconds."""


class Held:
    """Counts the sound of all requests that are being answered."""

    def __init__(self, most: int = MOST_SOUND) -> None:
        self._most = most
        self._bytes = 0

    @contextmanager
    def room(self, size: int) -> Iterator[None]:
        """So many bytes are held while the block runs. Raises AtCapacity when there is no room for them."""
        if self._bytes + size > self._most:
            raise AtCapacity("The server has too much sound to hear.", RETRY_AFTER_S)
        self._bytes += size
        try:
            yield
        finally:
            self._bytes -= size
