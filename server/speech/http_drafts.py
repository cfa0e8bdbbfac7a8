"""Asks a server over HTTP for the words so far while an utterance goes on.

Each draft needs a request with all of the sound, so only a server that takes drafts for less urgent than final words is
asked. The newest words of a draft often change in the next one, so only those on which two drafts agree are told.
"""

import asyncio
from collections.abc import Awaitable, Callable
from itertools import takewhile

from server.errors import EngineError
from server.media.frame import HEARD_RATE

_NEW_BYTES = 2 * HEARD_RATE // 2
"""How much new sound a draft needs, in a short utterance: half a second. In a longer one it is a sixth of the sound
before, as Whisper goes over all of it again."""


class Drafts:
    """The drafts of one utterance. There is at most one request at a time."""

    def __init__(self, ask: Callable[[], Awaitable[str]], on_words: Callable[[str], None]) -> None:
        """`ask` gives the words of all sound so far, or raises EngineError. `on_words` gets them when they change."""
        self._ask, self._on_words = ask, on_words
        self._request: asyncio.Task[None] | None = None
        self._drafted = 0
        self._newest: list[str] = []
        self._told = ""

    def heard(self, size: int) -> None:
        """There are `size` bytes of sound now. Asks for a draft if it is time for one; never waits."""
        if size < self._drafted:  # the utterance has begun anew
            self._drafted, self._newest, self._told = 0, [], ""
        if self._request is None and size - self._drafted >= max(_NEW_BYTES, self._drafted // 6):
            self._drafted = size
            self._request = asyncio.create_task(self._draft(), name="speech draft")
            self._request.add_done_callback(self._end)

    def stop(self) -> None:
        """Nobody wants the present draft any more, because the final words are asked for; idempotent."""
        if self._request is not None:
            self._request.cancel()

    async def close(self) -> None:
        """As `stop`, and wait for the end of the request."""
        self.stop()
        if self._request is not None:
            await asyncio.wait({self._request})

    def _end(self, _request: asyncio.Task[None]) -> None:
        self._request = None

    async def _draft(self) -> None:
        try:
            words = (await self._ask()).split()
        except EngineError:  # the server has too much to do: there will be final words all the same
            return
        agreed = " ".join(_agreement(words, self._newest))
        self._newest = words
        if agreed != self._told:
            self._told = agreed
            self._on_words(agreed)


def _agreement(one: list[str], other: list[str]) -> list[str]:
    """The words at the beginning of `one` that `other` has, too. Case and punctuation do not matter: they change as a
    sentence goes on."""
    pairs = takewhile(lambda pair: _plain(pair[0]) == _plain(pair[1]), zip(one, other, strict=False))
    return [word for word, _ in pairs]


def _plain(word: str) -> str:
    return word.strip(".,;:!?…-").casefold()
