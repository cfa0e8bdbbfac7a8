"""Sound: what a speech-to-speech model says in one item of its answer, as sound and as words, while both come."""

import asyncio
from collections.abc import AsyncIterator, Callable


class Sound:
    """The sound and the words of one item. Providers send the words without times, mostly ahead of their sound."""

    def __init__(self, rate: int, item: str, on_cut: Callable[["Sound", int], None]) -> None:
        """Mono 16-bit PCM with `rate` samples a second. `item` is the provider's name for it. `on_cut` is told when the
        caller has heard only so many ms of it."""
        self.rate = rate
        self.item = item
        self.samples = 0
        """How many have come."""
        self.lost = False
        """The provider was lost before all of it had come. There may be words whose sound is missing."""
        self._on_cut = on_cut
        self._cut = self._ended = False
        self._pieces: asyncio.Queue[bytes | str | None] = (
            asyncio.Queue()
        )  # the model's answer has a limit, and so has this

    def add(self, pcm: bytes) -> None:
        """More sound has come."""
        self.samples += len(pcm) // 2
        self._pieces.put_nowait(pcm)

    def add_words(self, text: str) -> None:
        """More words have come."""
        self._pieces.put_nowait(text)

    def end(self, lost: bool = False) -> None:
        """No more will come. The first time counts."""
        self.lost = lost if not self._ended else self.lost
        self._ended = True
        self._pieces.put_nowait(None)

    async def pieces(self) -> AsyncIterator[bytes | str]:
        """PCM and words, as they come, until the end."""
        while (piece := await self._pieces.get()) is not None:
            yield piece

    def cut(self, heard_ms: int) -> None:
        """The caller has heard no more than `heard_ms`, and will not hear the rest. The first time counts."""
        if not self._cut:
            self._cut = True
            self._on_cut(self, heard_ms)
