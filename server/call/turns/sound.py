"""Sound: how the person's voice sounds at its end. Cadence tells at once, a turn model, where there is one, better."""

from collections import deque
from functools import partial

from server.call.turns.cadence import Cadence
from server.media.frame import FRAME_MS
from server.speech.protocols import TurnModel

KEPT_FRAMES = 8_000 // FRAME_MS
"""A turn model listens to the last eight seconds of an utterance."""
BEFORE_FRAMES = 500 // FRAME_MS
"""And to so much of what was before the voice: VAD is late, and words begin softly."""


class Sound:
    """Follows the voice of one call. Without a turn model, or until it has answered, the cadence is what there is."""

    def __init__(self, turn_model: TurnModel | None = None) -> None:
        self.cadence = Cadence()
        self._model = turn_model
        self._frames: deque[bytes] = deque(maxlen=KEPT_FRAMES)
        self._pause = 0
        """The number of the present pause: what is told of another one comes too late."""
        self._asked = False
        self._told: float | None = None

    def hear(self, pcm: bytes, voiced: bool, active: bool) -> None:
        """The next 20 ms: whether there is a voice in them, and whether one has begun."""
        if self._model is not None:
            self._frames.append(pcm)
        if voiced:
            self.cadence.hear(pcm)
            self._go_on()
        elif not active:
            self.rest()

    def ask(self) -> None:
        """The voice pauses: let the turn model listen, once for each pause."""
        if self._model is not None and not self._asked:
            self._asked = True
            self._model.judge(b"".join(self._frames), partial(self._tell, self._pause))

    def over(self) -> float | None:
        """The probability that the person is done, if this was the last of the voice; None when nothing tells."""
        return self.cadence.over() if self._told is None else self._told

    @property
    def by_cadence(self) -> bool:
        """No turn model has judged this pause."""
        return self._told is None

    def rest(self) -> None:
        """The utterance is over; the next voice begins another."""
        self.cadence.rest()
        self._go_on()
        while len(self._frames) > BEFORE_FRAMES:
            self._frames.popleft()

    def _go_on(self) -> None:
        if self._asked:
            self._pause += 1
            self._asked, self._told = False, None

    def _tell(self, pause: int, probability: float) -> None:
        if pause == self._pause:
            self._told = probability
