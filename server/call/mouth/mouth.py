"""Mouth: gives the current reply to the caller, frame by frame, and knows how much of it the caller has heard."""

from collections.abc import Callable
from dataclasses import dataclass

from server.call.mouth.playout import Playout
from server.call.mouth.reply import Reply
from server.call.mouth.stopwatch import Stopwatch
from server.media.frame import FRAME_MS

CAPTION_FRAMES = 100 // FRAME_MS
"""How often the caption of a reply is brought up to date."""
LONG_CHARS = 1_000
"""Each caption has all the text from the beginning. So that a long reply does not send more and more, its caption is
brought up to date less often: half as often from this length on, a third as often from twice this length on, and so
on."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reply answers."""

    utterance: int
    """The number of the utterance; of the last one, if the reply answers several."""
    prompt: str
    """All words that the reply answers."""
    began_s: float
    """When the caller began to speak."""


class SpokenReply:
    """A reply that the floor has committed to."""

    def __init__(self, number: int, reply: Reply, stopwatch: Stopwatch, asked: Asked | None = None) -> None:
        """`asked` is None when the agent speaks unasked."""
        self.number = number
        self.reply = reply
        self.stopwatch = stopwatch
        self.asked = asked
        self.begun_s: float | None = None
        """When the caller first heard it."""
        self.resumed_s: list[float] = []
        """When it went on after a sound of the caller."""


class Mouth:
    """The speaking of one call.

    The callbacks are told that the current reply has begun, that its answer itself has begun, that the caller has heard
    more of it, or that it has ended.
    """

    def __init__(
        self,
        on_started: Callable[[SpokenReply], None],
        on_answering: Callable[[SpokenReply], None],
        on_caption: Callable[[SpokenReply, str], None],
        on_ended: Callable[[SpokenReply], None],
        now: Callable[[], float],
    ) -> None:
        self.playout = Playout()
        self.current: SpokenReply | None = None
        self._on_started = on_started
        self._on_answering = on_answering
        self._on_caption = on_caption
        self._on_ended = on_ended
        self._now = now
        self._played: tuple[float, float] | None = None
        """How many ms of this reply the client has played, and when it said so."""
        self._caption = ""
        self._answering = False
        self._frames = 0
        self._given = 0
        """How many frames of this reply the present connection has taken."""
        self._last: SpokenReply | None = None
        """The reply that ended last."""
        self._silent_frames = 0
        """How many frames have passed since then."""

    def speak(self, spoken: SpokenReply) -> None:
        """From now on the caller hears `spoken`."""
        self.current, self._caption, self._answering, self._frames = spoken, "", False, 0
        self._given, self._played = 0, None
        self.playout.play(spoken.reply.speech)

    def stop(self) -> None:
        """The caller hears nothing more."""
        self._last, self._silent_frames = self.current, 0
        self.current = None
        self.playout.stop()

    def restore(self) -> None:
        """Go on with the current reply from where it fell silent."""
        if self.current is not None and self.playout.ducked:
            self.current.resumed_s.append(self._now())
        self.playout.restore()

    def note_played(self, reply: int, ms: float) -> None:
        """The client says how far it has played reply number `reply`."""
        if self.current is not None and self.current.number == reply:
            self._played = (ms, self._now())

    def unheard_ms(self, at_least: float) -> float:
        """How much of the sound that has left was not heard: `at_least`, or more if the client's reports say so.

        After the last report the client is assumed to go on playing, so a dead line is not noticed by this.
        """
        if self._played is None:
            return at_least
        ms, at_s = self._played
        return max(at_least, self._given * FRAME_MS - ms - (self._now() - at_s) * 1000)

    def take_back(self, unheard_ms: float) -> SpokenReply | None:
        """The caller did not hear what left in the last `unheard_ms`.

        The current reply will say it again. A reply that had ended already is returned, and its speech is put back to
        what the caller heard.
        """
        frames = round(unheard_ms / FRAME_MS)
        if self.current is not None:
            self.current.reply.speech.take_back(min(frames, self._frames))
            self._given, self._played = 0, None
            return None
        ended, self._last = self._last, None
        if ended is None or frames <= self._silent_frames:
            return None
        ended.reply.speech.take_back(frames - self._silent_frames)
        return ended

    def next_frame(self) -> bytes | None:
        """The next 20 ms for the caller, or None in silence."""
        frame = self.playout.next()
        if (spoken := self.current) is None:
            self._silent_frames += 1
            return frame
        if frame is not None:
            if self._frames == 0:
                spoken.begun_s = self._now()
                self._on_started(spoken)
            if not self._answering and spoken.reply.speech.answering:
                self._answering = True
                self._on_answering(spoken)
            if self._frames % (CAPTION_FRAMES * (1 + len(self._caption) // LONG_CHARS)) == 0:
                self._show(spoken)
            self._frames += 1
            self._given += 1
        elif spoken.reply.speech.over:
            self._on_ended(spoken)
        return frame

    def _show(self, spoken: SpokenReply) -> None:
        heard = spoken.reply.speech.heard
        if heard != self._caption:
            self._caption = heard
            self._on_caption(spoken, heard)
