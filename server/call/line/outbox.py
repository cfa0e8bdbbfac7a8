"""Outbox: what waits to be sent to a client that reads as fast as it likes."""

import asyncio
from collections import deque

MAX_SOUND = 50
"""Frames: a second. Who does not read loses sound, the oldest first: what is late is not wanted."""
MAX_TEXTS = 256
"""Some tens of seconds of messages."""


class Outbox:
    """Texts and sound in order. Bounded: sound is dropped, too many texts are told by `overflowing`."""

    def __init__(self) -> None:
        self._items: deque[str | bytes] = deque()
        self._sounds = 0
        self._news = asyncio.Event()
        self.dropped = 0
        """Frames of sound that were not sent."""

    def put(self, item: str | bytes) -> None:
        if isinstance(item, bytes):
            if self._sounds >= MAX_SOUND:
                self._drop_oldest_sound()
            self._sounds += 1
        self._items.append(item)
        self._news.set()

    @property
    def overflowing(self) -> bool:
        return len(self._items) - self._sounds > MAX_TEXTS

    @property
    def empty(self) -> bool:
        return not self._items

    def drop_sound(self) -> None:
        """The answer is over: nobody is to hear the rest."""
        self._items = deque(item for item in self._items if isinstance(item, str))
        self._sounds = 0

    async def take(self) -> str | bytes:
        """The next one; waits for it."""
        while not self._items:
            self._news.clear()
            await self._news.wait()
        item = self._items.popleft()
        self._sounds -= isinstance(item, bytes)
        return item

    def _drop_oldest_sound(self) -> None:
        oldest = next(i for i, item in enumerate(self._items) if isinstance(item, bytes))
        del self._items[oldest]
        self._sounds -= 1
        self.dropped += 1
