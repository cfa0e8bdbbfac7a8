"""Outbox: what waits to be sent to a client, which may read more slowly than the server sends."""

import asyncio
from collections import deque

MAX_SOUND = 50
"""How many frames of sound may wait: one second. When the client does not read, the oldest frames are dropped, because
late sound is of no use."""
MAX_TEXTS = 256
"""How many texts may wait, which is some tens of seconds of messages."""
MAX_TEXT_CHARS = 256 * 1024
"""How many characters these texts may have together. The captions of a long answer are long, too."""


class Outbox:
    """Texts and sound, in the order in which they were put.

    When too much sound waits, the oldest is dropped. When too many texts wait, the outbox is `overflowing`.
    """

    def __init__(self) -> None:
        self._items: deque[str | bytes] = deque()
        self._sounds = 0
        self._chars = 0
        """How many characters of text wait."""
        self._filled = asyncio.Event()

    def put(self, item: str | bytes) -> None:
        """Append a text, or one frame of sound."""
        if isinstance(item, bytes):
            if self._sounds >= MAX_SOUND:
                self._drop_oldest_sound()
            self._sounds += 1
        else:
            self._chars += len(item)
        self._items.append(item)
        self._filled.set()

    @property
    def overflowing(self) -> bool:
        """Too many texts wait. They are never dropped, so the connection has to end."""
        return len(self._items) - self._sounds > MAX_TEXTS or self._chars > MAX_TEXT_CHARS

    @property
    def empty(self) -> bool:
        return not self._items

    def drop_sound(self) -> None:
        """The reply was cut off: the caller must not hear what waits of it."""
        self._items = deque(item for item in self._items if isinstance(item, str))
        self._sounds = 0

    async def take(self) -> str | bytes:
        """Take the next item. Waits until there is one."""
        while not self._items:
            self._filled.clear()
            await self._filled.wait()
        item = self._items.popleft()
        if isinstance(item, bytes):
            self._sounds -= 1
        else:
            self._chars -= len(item)
        return item

    def _drop_oldest_sound(self) -> None:
        oldest = next(i for i, item in enumerate(self._items) if isinstance(item, bytes))
        del self._items[oldest]
        self._sounds -= 1
