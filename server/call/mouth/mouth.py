"""Mouth: the reply that is being heard, frame by frame, and what of it has been heard."""

from collections.abc import Callable

from server.call.mouth.playout import Playout
from server.call.mouth.reply import Reply
from server.call.mouth.stopwatch import Stopwatch
from server.media.frame import FRAME_MS

CAPTION_FRAMES = 100 // FRAME_MS
"""How often the caption of an answer is brought up to what is heard."""


class Spoken:
    """A reply that the floor has committed to."""

    def __init__(self, number: int, reply: Reply, prompt: str, stopwatch: Stopwatch, asked_s: float) -> None:
        self.number = number
        self.reply = reply
        self.prompt = prompt
        """What the person said; "" when the agent speaks unasked."""
        self.stopwatch = stopwatch
        self.asked_s = asked_s
        """When the person began to speak."""
        self.begun_s: float | None = None
        """When the reply was first heard."""


class Mouth:
    """The speaking of one call. The callbacks are told of the reply that has begun, has said more, or has ended."""

    def __init__(
        self,
        on_started: Callable[[Spoken], None],
        on_caption: Callable[[Spoken, str], None],
        on_ended: Callable[[Spoken], None],
        now: Callable[[], float],
    ) -> None:
        self.playout = Playout()
        self.spoken: Spoken | None = None
        self._on_started = on_started
        self._on_caption = on_caption
        self._on_ended = on_ended
        self._now = now
        self._played: tuple[float, float] | None = None
        """How many ms of this reply the client has played, and when it said so."""
        self._caption = ""
        self._frames = 0
        self._given = 0
        """Frames of this reply that left by the present connection."""
        self._last: Spoken | None = None
        """The reply that has ended last."""
        self._silent_frames = 0
        """Since then."""

    def speak(self, spoken: Spoken) -> None:
        """From now on `spoken` is heard."""
        self.spoken, self._caption, self._frames = spoken, "", 0
        self._given, self._played = 0, None
        self.playout.play(spoken.reply.speech)

    def stop(self) -> None:
        """Nothing more is heard."""
        self._last, self._silent_frames = self.spoken, 0
        self.spoken = None
        self.playout.stop()

    def note_played(self, reply: int, ms: float) -> None:
        """The client says how far it has played `reply`."""
        if self.spoken is not None and self.spoken.number == reply:
            self._played = (ms, self._now())

    def unheard_ms(self, at_least: float) -> float:
        """How much of what has left has not been heard: `at_least` so much, or more by the client's own account.

        Its account goes on by itself after the last report, and so cannot tell that the line is dead.
        """
        if self._played is None:
            return at_least
        ms, at_s = self._played
        return max(at_least, self._given * FRAME_MS - ms - (self._now() - at_s) * 1000)

    def take_back(self, unheard_ms: float) -> Spoken | None:
        """What left in the last `unheard_ms` was not heard.

        A reply that is still being said will say it again; one that had ended is returned, its speech put back to what
        was heard.
        """
        frames = round(unheard_ms / FRAME_MS)
        if self.spoken is not None:
            self.spoken.reply.speech.take_back(min(frames, self._frames))
            self._given, self._played = 0, None
            return None
        ended, self._last = self._last, None
        if ended is None or frames <= self._silent_frames:
            return None
        ended.reply.speech.take_back(frames - self._silent_frames)
        return ended

    def next_frame(self) -> bytes | None:
        """The next 20 ms to be heard, or None in silence."""
        frame = self.playout.next()
        if (spoken := self.spoken) is None:
            self._silent_frames += 1
            return frame
        if frame is not None:
            if self._frames == 0:
                spoken.begun_s = self._now()
                self._on_started(spoken)
            if self._frames % CAPTION_FRAMES == 0:
                self._show(spoken)
            self._frames += 1
            self._given += 1
        elif spoken.reply.speech.over:
            self._on_ended(spoken)
        return frame

    def _show(self, spoken: Spoken) -> None:
        heard = spoken.reply.speech.heard
        if heard != self._caption:
            self._caption = heard
            self._on_caption(spoken, heard)
