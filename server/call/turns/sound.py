"""Sound: does the caller's voice sound as if the caller were done?

An endpoint model tells, where there is one. Until it has answered, and when it does not answer, only the words count.
"""

from collections import deque
from collections.abc import Callable
from functools import partial

from server.media.frame import FRAME_MS
from server.speech.protocols import EndpointModel

KEPT_FRAMES = 8_000 // FRAME_MS
"""An endpoint model is given the last eight seconds of an utterance."""
BEFORE_FRAMES = 500 // FRAME_MS
"""How much sound from before the voice it is given. VAD is late, and words begin softly."""


class Sound:
    """The voice of one call."""

    def __init__(self, endpoint_model: EndpointModel | None = None) -> None:
        self._model = endpoint_model
        self._frames: deque[bytes] = deque(maxlen=KEPT_FRAMES)
        self._pause = 0
        """The number of the present pause. An answer of the endpoint model about another pause comes too late."""
        self._asked = False
        self._forget: Callable[[], None] | None = None
        """Tells the endpoint model that nobody wants its answer any more. None: it owes no answer."""
        self._told: float | None = None
        """What the endpoint model has answered about the present pause."""

    def hear(self, pcm: bytes, voiced: bool, active: bool) -> None:
        """The next 20 ms. `voiced`: there is a voice in them. `active`: a voice has begun, and may be in a pause."""
        if self._model is not None:
            self._frames.append(pcm)
        if voiced:
            self._end_pause()
        elif not active:
            self.rest()

    def ask(self) -> None:
        """The voice pauses. The endpoint model is asked once for each pause."""
        if self._model is not None and not self._asked:
            self._asked = True
            self._forget = self._model.judge(b"".join(self._frames), partial(self._on_answer, self._pause))

    @property
    def judging(self) -> bool:
        """The endpoint model has been asked about the present pause, and has not answered yet."""
        return self._forget is not None

    @property
    def over(self) -> float | None:
        """The probability that the caller is done, if the voice ends here; None when nothing tells."""
        return self._told

    def rest(self) -> None:
        """The utterance is over. The next voice begins another one."""
        self._end_pause()
        while len(self._frames) > BEFORE_FRAMES:
            self._frames.popleft()

    def _end_pause(self) -> None:
        if self._asked:
            self._pause += 1
            self._asked, self._told = False, None
        if self._forget is not None:
            self._forget()
            self._forget = None

    def _on_answer(self, pause: int, probability: float | None) -> None:
        if pause == self._pause:
            self._told, self._forget = probability, None
