"""Replies in the making: begins them one after the other, and ends those that are not wanted any more."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from server.call.mouth.reply import Manner, Reply, Source
from server.call.mouth.stopwatch import Stopwatch
from server.speech.protocols import TextToSpeech

Start = Callable[[Callable[[], Coroutine[Any, Any, None]], str], asyncio.Task[None]]
"""Runs a function in a named task of the call's group."""
ENDING_S = 2.0
"""A cancelled reply whose tool does not let go is not waited for any longer: the caller waits, too."""


class Replies:
    """All replies of one call that are being made."""

    def __init__(self, start: Start, text_to_speech: TextToSpeech, on_sound: Callable[[Reply], None]) -> None:
        """`on_sound` is told when a reply that had nothing to be heard has."""
        self._start = start
        self._tts = text_to_speech
        self._on_sound = on_sound
        self._tasks: dict[Reply, asyncio.Task[None]] = {}

    def make(self, source: Source, manner: Manner, stopwatch: Stopwatch, interruptible: bool = True) -> Reply:
        """Begin a reply as soon as those that were stopped have ended: their tools and history come first."""
        reply = Reply(source, self._tts, manner, stopwatch.mark, self._on_sound, interruptible)
        ending = [task for task in self._tasks.values() if task.cancelling()]
        task = self._tasks[reply] = self._start(partial(_run, reply, ending), "reply")
        task.add_done_callback(lambda _: self._tasks.pop(reply, None))
        return reply

    def stop(self, reply: Reply) -> None:
        """Make no more of it; idempotent."""
        if (task := self._tasks.get(reply)) is not None:
            task.cancel()

    def stop_all(self) -> None:
        for task in self._tasks.values():
            task.cancel()


async def _run(reply: Reply, ending: list[asyncio.Task[None]]) -> None:
    if ending:
        await asyncio.wait(ending, timeout=ENDING_S)
    await reply.run()
