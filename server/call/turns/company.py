"""Company: other voices beside the caller, such as people next to the telephone, cut off one answer after the other.

A caller who interrupts has listened first, or goes on after a pause, for which the agent soon waits longer (habit.py).
When answer after answer is cut off in its first second nevertheless, voices are there that do not listen. In company
the agent speaks on to its end, and only a command such as "stop" interrupts it. No words are lost: what was said over
the agent is answered afterwards.
"""

from server.call.floor import State
from server.media.frame import FRAME_MS

HEARD_MS = 1_000
"""An answer that was cut off after less than this counts as not heard."""
CUTS = 3
"""So many answers in a row must be cut off unheard. Two are often a caller who goes on after a pause, or who corrects
what the agent has understood."""
OVER_SHARE = 0.5
"""The voices are still there when they speak during this share of an answer, or more. Who listens is silent for most of
it."""


class Company:
    """The voices over the agent in one call."""

    def __init__(self) -> None:
        self.here = False
        """Voices are there that do not let the agent speak."""
        self._cuts = 0
        self._frames = self._voiced_frames = self._heard_frames = 0

    def begin(self) -> None:
        """A reply begins."""
        self._frames = self._voiced_frames = self._heard_frames = 0

    def pass_frame(self, state: State, voiced: bool) -> None:
        """20 ms have passed, in which the floor was in `state`. `voiced`: somebody but the agent spoke in them."""
        if state in (State.SPEAKING, State.OVERLAP):
            self._frames += 1
            self._voiced_frames += voiced
            self._heard_frames += state is State.SPEAKING

    def cut_off(self) -> None:
        """A voice has stopped an answer."""
        listened = self.here or self._heard_frames * FRAME_MS >= HEARD_MS  # in company only a command stops the agent
        self._cuts = 0 if listened else self._cuts + 1
        self.here = self._cuts >= CUTS

    def heard_out(self) -> bool:
        """The agent has said a reply to its end. Returns whether this shows that the voices listen after all."""
        was_here = self.here
        short = self._frames * FRAME_MS < HEARD_MS  # a voice may just have paused
        self.here = self.here and (short or self._voiced_frames >= OVER_SHARE * self._frames)
        if not self.here:
            self._cuts = 0
        return was_here and not self.here
