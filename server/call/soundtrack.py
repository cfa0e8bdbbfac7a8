"""Soundtrack: what the caller says and hears in a call, frame by frame. A recorder may keep it, and others may listen.

A client with a buffer is given the first frames of a reply before their time. So each frame of that reply leaves some
time before the caller hears it. The soundtrack holds these frames until then, and so knows what the caller hears now.
"""

from collections import deque
from typing import Protocol

from server.media.frame import Frame


class Recorder(Protocol):
    """Keeps the sound of a call. No method waits or raises."""

    def heard(self, frame: Frame) -> None:
        """The caller's next 20 ms."""

    def spoken(self, pcm: bytes | None) -> None:
        """The next 20 ms that the caller hears: 24 kHz PCM, or None in silence."""

    def skip(self, ms: int) -> None:
        """For `ms` there was no connection, and so no sound."""

    def close(self) -> None:
        """The call is over."""


class Listeners(Protocol):
    """Those who listen to a call. No method waits or raises."""

    def hear(self, frame: Frame) -> None:
        """The caller's next 20 ms."""

    def pass_frame(self, audible: bytes | None) -> None:
        """The next 20 ms that the caller hears: 24 kHz PCM, or None in silence."""


class Soundtrack:
    """The sound of one call, in both directions. Without a recorder nothing is kept."""

    def __init__(self, recorder: Recorder | None, listeners: Listeners) -> None:
        self._listeners = listeners
        self._recorder = recorder
        self._ahead: deque[bytes] = deque()
        """Frames of the agent that have left, and that the caller does not hear yet."""

    @property
    def kept(self) -> bool:
        """Whether the sound is recorded."""
        return self._recorder is not None

    def hear(self, frame: Frame) -> None:
        """The caller's next 20 ms."""
        self._listeners.hear(frame)
        if self._recorder is not None:
            self._recorder.heard(frame)

    def leave_ahead(self, frame: bytes) -> None:
        """A frame of the agent leaves before its time."""
        self._ahead.append(frame)

    def pass_frame(self, frame: bytes | None) -> bytes | None:
        """20 ms pass, and `frame` leaves in its turn (None: nothing does). Returns what the caller hears in them."""
        if frame is not None:
            self._ahead.append(frame)
        audible = self._ahead.popleft() if self._ahead else None
        self._listeners.pass_frame(audible)
        if self._recorder is not None:
            self._recorder.spoken(audible)
        return audible

    def drop_ahead(self) -> None:
        """The client throws its buffer away, or is gone."""
        self._ahead.clear()

    def skip(self, ms: int) -> None:
        """For `ms` there was no connection."""
        if self._recorder is not None:
            self._recorder.skip(ms)

    def close(self) -> None:
        """The call is over."""
        if self._recorder is not None:
            self._recorder.close()
