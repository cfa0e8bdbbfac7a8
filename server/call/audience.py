"""Audience: those who follow a live call from outside, by the messages that its client is told."""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from server.call import messages
from server.errors import NotFound, TooMany

MAX_READERS = 8
"""How many may follow one call. Each gets every message, and one call tells some ten in a second."""
MAX_WAITING = 256
"""How many messages may wait for a reader. One that is slower loses the call."""
RETRY_AFTER_S = 10
"""When somebody who found no room should try again."""

SHOWN = (
    messages.State,
    messages.Transcription,
    messages.Response,
    messages.Interrupted,
    messages.Reconnect,
    messages.Error,
)
"""What a reader is shown. The others are between the server and the client, and one has the secret of the call."""


class Reader:
    """One who follows a call."""

    def __init__(self) -> None:
        self._waiting: deque[messages.ServerMessage] = deque()
        self._news = asyncio.Event()
        self._closed = False
        self.too_slow = False
        """The reader was cut off, because too many messages waited."""

    @property
    def over(self) -> bool:
        """Nothing more will come."""
        return self._closed and not self._waiting

    def tell(self, message: messages.ServerMessage) -> None:
        """Never waits. A reader for whom too many messages wait gets none any more."""
        if len(self._waiting) >= MAX_WAITING:
            self.too_slow = True
            self._waiting.clear()
            self.close()
        if not self._closed:
            self._waiting.append(message)
            self._news.set()

    def close(self) -> None:
        """The call is over; what waits can still be read."""
        self._closed = True
        self._news.set()

    async def next(self, most_s: float) -> messages.ServerMessage | None:
        """The next message; None if none comes within `most_s` seconds, or at the end."""
        try:
            async with asyncio.timeout(most_s):
                while not self._waiting and not self._closed:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            return None
        return self._waiting.popleft() if self._waiting else None


class Audience:
    """The readers of one call."""

    def __init__(self) -> None:
        self._readers: list[Reader] = []
        self._closed = False

    @contextmanager
    def join(self, state: messages.State) -> Iterator[Reader]:
        """Follow the call while the block runs, from its present `state` on.

        Raises TooMany if there are too many readers, and NotFound if the call is over.
        """
        if self._closed:
            raise NotFound("There is no such call.")
        if len(self._readers) >= MAX_READERS:
            raise TooMany(f"{MAX_READERS} follow this call already.", RETRY_AFTER_S)
        reader = Reader()
        reader.tell(state)
        self._readers.append(reader)
        try:
            yield reader
        finally:
            self._readers.remove(reader)

    def tell(self, message: messages.ServerMessage) -> None:
        """Show the readers a message to the client."""
        if isinstance(message, SHOWN):
            for reader in self._readers:
                reader.tell(message)

    def close(self) -> None:
        """The call is over."""
        self._closed = True
        for reader in self._readers:
            reader.close()
