"""Listeners: those who hear a live call from outside, caller and agent as one sound. The client is not told of them."""

import logging
from typing import Protocol

from server.errors import AtCapacity, NotFound
from server.media.frame import Frame
from server.media.mixer import Mixer

MAX_LISTENERS = 4
"""How many may listen to one call. The sound is encoded for each of them."""
RETRY_AFTER_S = 10
"""When somebody who found no room should try again."""

log = logging.getLogger(__name__)


class Listener(Protocol):
    """One who listens. No method waits or raises."""

    def play(self, pcm: bytes | None) -> None:
        """The next 20 ms of both sides: 24 kHz PCM, or None in silence."""

    def end(self) -> None:
        """Nothing more will come. May be called more than once."""


class Listeners:
    """The listeners of one call. Without any of them nothing is mixed."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []
        self._mixer = Mixer()
        self._closed = False

    def join(self, listener: Listener) -> None:
        """Let `listener` hear the call from now on.

        Raises AtCapacity if there are too many listeners, and NotFound if the call is over.
        """
        if self._closed:
            raise NotFound("There is no such call.")
        if len(self._listeners) >= MAX_LISTENERS:
            raise AtCapacity(f"{MAX_LISTENERS} listen to this call already.", RETRY_AFTER_S)
        if not self._listeners:
            self._mixer = Mixer()
        self._listeners.append(listener)

    def leave(self, listener: Listener) -> None:
        """`listener` hears no more. Idempotent."""
        if listener in self._listeners:
            self._listeners.remove(listener)

    def hear(self, frame: Frame) -> None:
        """The caller's next 20 ms."""
        if self._listeners:
            self._mixer.hear(frame)

    def pass_frame(self, audible: bytes | None) -> None:
        """20 ms pass, in which the caller hears `audible`: 24 kHz PCM, or None in silence."""
        if not self._listeners:
            return
        try:
            mixed = self._mixer.mix(audible)
        except Exception:
            log.exception("x fault while a call is listened to; the call goes on without its listeners")
            self._end()
            return
        for listener in self._listeners:
            listener.play(mixed)

    def close(self) -> None:
        """The call is over. Idempotent."""
        self._closed = True
        self._end()

    def _end(self) -> None:
        for listener in self._listeners:
            listener.end()
        self._listeners = []
