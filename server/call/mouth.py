"""Mouth: the reply that is being heard, frame by frame, and what of it has been heard."""

from collections.abc import Callable

from server.call.reply import Reply
from server.call.stopwatch import Stopwatch
from server.media.frame import FRAME_MS
from server.media.playout import Playout

CAPTION_FRAMES = 100 // FRAME_MS
"""How often the caption of an answer is brought up to what is heard."""


class Spoken:
    """A reply that the floor has committed to."""

    def __init__(self, number: int, reply: Reply, prompt: str, stopwatch: Stopwatch) -> None:
        self.number = number
        self.reply = reply
        self.prompt = prompt
        """What the person said; "" when the agent speaks unasked."""
        self.stopwatch = stopwatch


class Mouth:
    """The speaking of one call. The callbacks are told of the reply that has begun, has said more, or has ended."""

    def __init__(
        self,
        on_started: Callable[[Spoken], None],
        on_caption: Callable[[Spoken, str], None],
        on_ended: Callable[[Spoken], None],
    ) -> None:
        self.playout = Playout()
        self.spoken: Spoken | None = None
        self._on_started = on_started
        self._on_caption = on_caption
        self._on_ended = on_ended
        self._caption = ""
        self._frames = 0

    def speak(self, spoken: Spoken) -> None:
        """From now on `spoken` is heard."""
        self.spoken, self._caption, self._frames = spoken, "", 0
        self.playout.play(spoken.reply.speech)

    def stop(self) -> None:
        """Nothing more is heard."""
        self.spoken = None
        self.playout.stop()

    def next_frame(self) -> bytes | None:
        """The next 20 ms to be heard, or None in silence."""
        frame = self.playout.next()
        if (spoken := self.spoken) is None:
            return frame
        if frame is not None:
            if self._frames == 0:
                self._on_started(spoken)
            if self._frames % CAPTION_FRAMES == 0:
                self._show(spoken)
            self._frames += 1
        elif spoken.reply.speech.over:
            self._on_ended(spoken)
        return frame

    def _show(self, spoken: Spoken) -> None:
        heard = spoken.reply.speech.heard
        if heard != self._caption:
            self._caption = heard
            self._on_caption(spoken, heard)
